"""In which hour the outcomes of a batch are booked, so that every account adds up (docs/protocol.md, "Accounts")."""

from collections import Counter
from collections.abc import Iterable, Sequence

from protocol.accounts import Account, hour_of
from protocol.readings import Reading
from storage.judging import Outcome
from storage.store import Batch, Written


def booked(batch: Batch, outcomes: Sequence[Outcome], now_ms: int) -> list[Account]:
    """Return what is to be added to the accounts: those of the batch, and the outcomes of its readings in their order.

    Readings carry no hour. But the accounts of the batch tell how many of a sensor's readings belong to each hour
    (arrived - bad), and what must hold is the sum. So each hour takes as many outcomes as it has readings, the
    oldest first; what is left over goes to the newest, or to the hour of `now_ms` when the batch has no account of the
    sensor.
    """
    accounts = _summed(batch.accounts)
    for codifier, waiting in _counted(batch.readings, outcomes).items():
        hours = accounts.get(codifier) or [Account(codifier, hour_of(now_ms))]
        accounts[codifier] = _spread(waiting, hours)
    return [account for hours in accounts.values() for account in hours]


def written(outcomes: Iterable[Outcome]) -> Written:
    """Count the outcomes of a batch."""
    counts = Counter(outcomes)
    return Written(*(counts[outcome] for outcome in Outcome))


def _summed(accounts: Iterable[Account]) -> dict[str, list[Account]]:
    """Return the accounts of each sensor, one of each hour, the oldest first."""
    sums: dict[tuple[str, int], Account] = {}
    for account in accounts:
        known = sums.get(account[:2])
        sums[account[:2]] = account if known is None else known.plus(account)
    hours: dict[str, list[Account]] = {}
    for account in sorted(sums.values()):
        hours.setdefault(account.codifier, []).append(account)
    return hours


def _counted(readings: Sequence[Reading], outcomes: Sequence[Outcome]) -> dict[str, Counter[Outcome]]:
    counts: dict[str, Counter[Outcome]] = {}
    codifiers = (reading.codifier for reading in readings)
    for (codifier, outcome), count in Counter(zip(codifiers, outcomes, strict=True)).items():
        counts.setdefault(codifier, Counter())[outcome] = count
    return counts


def _spread(waiting: Counter[Outcome], hours: Sequence[Account]) -> list[Account]:
    *older, newest = hours
    spread = [_take(waiting, account, account.arrived - account.bad) for account in older]
    return [*spread, _take(waiting, newest, waiting.total())]


def _take(waiting: Counter[Outcome], account: Account, room: int) -> Account:
    """Book up to `room` of the waiting outcomes in an account, and take them out of what waits."""
    counts = account._asdict()
    for outcome in Outcome:
        taken = max(0, min(room, waiting[outcome]))
        counts[outcome] += taken
        waiting[outcome] -= taken
        room -= taken
    return Account(**counts)
