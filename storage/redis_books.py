"""Cursors, accounts and what was set aside, in Redis.

jph:sensors            hash: codifier -> JSON of [name, unit], what the configuration calls them
jph:progress           hash: codifier -> JSON of [newest sequence, [[first, count, hour], ...] missing before it]
jph:hours              sorted set: the hours that have accounts, by themselves
jph:accounts:HOUR      hash: "C1 stored" -> count
jph:conflicts          sorted set: JSON of readings that contradict an earlier one, by when they were found
jph:rejected           sorted set: JSON of [reason, JSON of a reading], by when they were found
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from redis import Redis
from redis.client import Pipeline

from protocol.accounts import HOUR_MS, Account
from protocol.readings import Reading
from storage.judging import Outcome, refusal, to_json
from storage.store import CONFLICT, MAX_ASIDE, Aside, Description, Missing, Progress

ACCOUNTS_KEPT_MS: Final = 400 * 86_400_000  # about 10 KiB an hour for 100 sensors: 100 MiB

_SENSORS: Final = "jph:sensors"
_PROGRESS: Final = "jph:progress"
_HOURS: Final = "jph:hours"
_ACCOUNTS: Final = "jph:accounts:"
_CONFLICTS: Final = "jph:conflicts"
_REJECTED: Final = "jph:rejected"

_LARGEST_SCORE: Final = 2**53  # sorted sets sort by floats


def read_progress(client: Redis, codifiers: Sequence[str] | None = None) -> dict[str, Progress]:
    """Read how far all sensors were followed; or some, at least one, and of these those that were followed at all."""
    pipeline = client.pipeline(transaction=False)
    if codifiers is None:
        pipeline.hgetall(_PROGRESS)
        (texts,) = pipeline.execute()
    else:
        pipeline.hmget(_PROGRESS, codifiers)
        texts = dict(zip(codifiers, *pipeline.execute(), strict=True))
    return {codifier: _progress(codifier, text) for codifier, text in texts.items() if text is not None}


def read_accounts(client: Redis, since_ms: int, until_ms: int) -> list[Account]:
    """Read the totals of every sensor and hour that begins within both bounds, sorted by hour and sensor."""
    pipeline = client.pipeline(transaction=False)
    pipeline.zrangebyscore(_HOURS, _score(since_ms), _score(until_ms))
    (hours,) = pipeline.execute()
    for hour in hours:
        pipeline.hgetall(_ACCOUNTS + hour)
    return [
        account
        for hour, counts in zip(hours, pipeline.execute(), strict=True)
        for account in _accounts(int(hour), counts)
    ]


def read_aside(client: Redis, limit: int) -> list[Aside]:
    """Read the newest readings that were kept apart, the newest first."""
    if limit <= 0:
        return []
    pipeline = client.pipeline(transaction=False)
    for key in (_CONFLICTS, _REJECTED):
        pipeline.zrevrange(key, 0, min(limit, MAX_ASIDE) - 1, withscores=True)
    conflicts, rejected = pipeline.execute()
    found = [Aside(int(score), CONFLICT, reading) for reading, score in conflicts]
    found += [Aside(int(score), *json.loads(text)) for text, score in rejected]
    return sorted(found, reverse=True)[:limit]


def book(transaction: Pipeline, accounts: Iterable[Account]) -> None:
    """Add to accounts."""
    hours: dict[str, float] = {}
    for account in accounts:
        hour = str(account.hour_ms)
        hours[hour] = account.hour_ms
        for name, count in zip(Account._fields[2:], account[2:], strict=True):
            if count:
                transaction.hincrby(_ACCOUNTS + hour, f"{account.codifier} {name}", count)
    if hours:
        transaction.zadd(_HOURS, hours)


def advance(transaction: Pipeline, progress: Iterable[Progress]) -> None:
    """Replace how far sensors were followed."""
    texts = {one.codifier: json.dumps((one.last, one.holes)) for one in progress}
    if texts:
        transaction.hset(_PROGRESS, mapping=texts)  # type: ignore[arg-type] # str is one of its types


def set_aside(transaction: Pipeline, sorted_out: Mapping[Outcome, Iterable[Reading]], now_ms: int) -> None:
    """Keep apart what is in conflict or was refused, the first time that it comes."""
    conflicts = {to_json(reading): now_ms for reading in sorted_out[Outcome.CONFLICT]}
    rejected = {json.dumps((refusal(reading), to_json(reading))): now_ms for reading in sorted_out[Outcome.REJECTED]}
    for key, found in ((_CONFLICTS, conflicts), (_REJECTED, rejected)):
        if found:
            transaction.zadd(key, found, nx=True)


def describe(transaction: Pipeline, sensors: Iterable[Description]) -> None:
    """Replace what the configuration calls its sensors."""
    transaction.delete(_SENSORS)
    texts = {sensor.codifier: json.dumps((sensor.name, sensor.unit)) for sensor in sensors}
    if texts:
        transaction.hset(_SENSORS, mapping=texts)  # type: ignore[arg-type] # str is one of its types


def maintain(transaction: Pipeline, hours: Iterable[str]) -> None:
    """Drop the accounts of some hours, and all but the newest of what was set aside."""
    for hour in hours:
        transaction.delete(_ACCOUNTS + hour)
        transaction.zrem(_HOURS, hour)
    for key in (_CONFLICTS, _REJECTED):
        transaction.zremrangebyrank(key, 0, -MAX_ASIDE - 1)


def old_hours(client: Redis, now_ms: int) -> list[str]:
    """Read which hours are too old."""
    pipeline = client.pipeline(transaction=False)
    pipeline.zrangebyscore(_HOURS, 0, _score(now_ms - ACCOUNTS_KEPT_MS - HOUR_MS))
    (hours,) = pipeline.execute()
    return list(hours)


def _progress(codifier: str, text: str) -> Progress:
    last, holes = json.loads(text)
    return Progress(codifier, last, tuple(Missing(*hole) for hole in holes))


def _accounts(hour_ms: int, counts: Mapping[str, str]) -> list[Account]:
    fields: dict[str, dict[str, int]] = {}
    for field, count in counts.items():
        codifier, _, name = field.partition(" ")
        fields.setdefault(codifier, {})[name] = int(count)
    return [Account(codifier, hour_ms, **fields[codifier]) for codifier in sorted(fields)]


def _score(moment_ms: int) -> int:
    return max(0, min(moment_ms, _LARGEST_SCORE))
