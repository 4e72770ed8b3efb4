"""The newest readings of all sensors in Redis: a stream to follow, and beside it each sensor's history.

    jph:readings     stream in order of arrival: codifier, timestamp, sequence, value (JSON), attributes (JSON)
    jph:history:C1   hash: sequence -> JSON of [[timestamp, value, attributes], ...], what the stream holds of C1

A stream only grows at its end and cannot be searched, and what is repaired comes late. So whoever follows the stream
gets every reading once, and whoever asks for the past is answered from the history.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from redis import Redis
from redis.client import Pipeline

from protocol.readings import Reading, Value
from storage.judging import Known

STREAM: Final = "jph:readings"
_HISTORY: Final = "jph:history:"
_SCANNED: Final = 1_000  # keys that the server looks at for one answer

_Key: TypeAlias = tuple[str, int]
"""A codifier and a sequence."""


class Entry(NamedTuple):
    """A reading of the stream, without what it said."""

    codifier: str
    sequence: int
    timestamp_ms: int


class Window(NamedTuple):
    """What a batch may touch: how long the stream is, its oldest entries, and the histories of all these sequences."""

    length: int
    oldest: Sequence[Entry]
    known: Known


def look(client: Redis, readings: Sequence[Reading], capacity: int) -> Window:
    """Read what the server has under the sequences of readings, and of those that they may push out."""
    length = client.xlen(STREAM)
    excess = length + len(readings) - capacity
    oldest = _oldest(client, excess) if excess > 0 else []
    return Window(length, oldest, _load(client, {*map(_key, readings), *map(_key_of_entry, oldest)}))


def keep(transaction: Pipeline, window: Window, stored: Sequence[Reading], capacity: int) -> None:
    """Add readings, which are in `window.known` already, and drop the oldest ones that there is no room for."""
    excess = max(0, window.length + len(stored) - capacity)
    skipped = max(0, excess - window.length)
    dropped = [*window.oldest[:excess], *map(_entry_of, stored[:skipped])]
    for reading in stored[skipped:]:
        transaction.xadd(STREAM, _fields(reading))
    transaction.xtrim(STREAM, maxlen=capacity, approximate=False)
    for entry in dropped:
        others = window.known[_key_of_entry(entry)]
        others[:] = [other for other in others if other.timestamp_ms != entry.timestamp_ms]
    _rewrite(transaction, window.known, {*map(_key, stored), *map(_key_of_entry, dropped)})


def history(client: Redis, codifier: str) -> list[Reading]:
    """Return all that there is of a sensor, oldest first."""
    pipeline = client.pipeline(transaction=False)
    pipeline.hgetall(_HISTORY + codifier)
    (found,) = pipeline.execute()
    readings = [reading for sequence, text in found.items() for reading in _from_json(codifier, int(sequence), text)]
    return sorted(readings, key=lambda reading: reading[:3])


def codifiers(client: Redis) -> list[str]:
    """Return the sensors that have a history, sorted."""
    return sorted({key.removeprefix(_HISTORY) for key in client.scan_iter(f"{_HISTORY}*", count=_SCANNED)})


def _oldest(client: Redis, count: int) -> list[Entry]:
    pipeline = client.pipeline(transaction=False)
    pipeline.xrange(STREAM, count=count)
    (found,) = pipeline.execute()
    return [Entry(entry["codifier"], int(entry["sequence"]), int(entry["timestamp"])) for _, entry in found]


def _load(client: Redis, keys: Iterable[_Key]) -> Known:
    sequences: dict[str, list[int]] = {}
    for codifier, sequence in keys:
        sequences.setdefault(codifier, []).append(sequence)
    pipeline = client.pipeline(transaction=False)
    for codifier, wanted in sequences.items():
        pipeline.hmget(_HISTORY + codifier, list(map(str, wanted)))
    known: Known = {}
    for (codifier, wanted), texts in zip(sequences.items(), pipeline.execute(), strict=True):
        for sequence, text in zip(wanted, texts, strict=True):
            if text is not None:
                known[codifier, sequence] = _from_json(codifier, sequence, text)
    return known


def _rewrite(transaction: Pipeline, known: Known, keys: Iterable[_Key]) -> None:
    kept: dict[str, dict[str, str]] = {}
    gone: dict[str, list[str]] = {}
    for codifier, sequence in keys:
        if readings := known[codifier, sequence]:
            kept.setdefault(codifier, {})[str(sequence)] = _to_json(readings)
        else:
            gone.setdefault(codifier, []).append(str(sequence))
    for codifier, texts in kept.items():
        transaction.hset(_HISTORY + codifier, mapping=texts)  # type: ignore[arg-type] # str is one of its types
    for codifier, sequences in gone.items():
        transaction.hdel(_HISTORY + codifier, *sequences)


def _key(reading: Reading) -> _Key:
    return reading.codifier, reading.sequence


def _key_of_entry(entry: Entry) -> _Key:
    return entry.codifier, entry.sequence


def _entry_of(reading: Reading) -> Entry:
    return Entry(reading.codifier, reading.sequence, reading.timestamp_ms)


def _fields(reading: Reading) -> dict[Any, Any]:
    """Return what stands in the stream, in the types of redis-py."""
    codifier, timestamp_ms, sequence, value, attributes = reading
    fields = {"codifier": codifier, "timestamp": timestamp_ms, "sequence": sequence, "value": json.dumps(_plain(value))}
    return fields if attributes is None else {**fields, "attributes": json.dumps(dict(attributes))}


def _to_json(readings: Iterable[Reading]) -> str:
    return json.dumps(
        [
            (timestamp_ms, _plain(value)) if attributes is None else (timestamp_ms, _plain(value), dict(attributes))
            for _, timestamp_ms, _, value, attributes in readings
        ]
    )


def _from_json(codifier: str, sequence: int, text: str) -> list[Reading]:
    return [Reading(codifier, timestamp_ms, sequence, *said) for timestamp_ms, *said in json.loads(text)]


def _plain(value: Value) -> Value:
    """Turn True and False into what they travel as."""
    return int(value) if isinstance(value, bool) else value
