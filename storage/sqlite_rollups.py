"""The roll-ups of a SQLite file: computed from the readings of an hour at a time, in Python.

SQLite has neither median nor mode nor deviation, and its window functions are slower than Python's sort.
"""

import json
import sqlite3
from collections.abc import Collection, Iterator
from typing import Final

from storage.rollups import numbers, summarise
from storage.sqlite_rows import from_column, to_bound
from storage.store import Bucket, Span

_DUE: Final = """
SELECT codifier, (end_ms + 3599999) / 3600000 * 3600000 AS hour_ms, json_group_array(end_ms)
FROM dirty WHERE end_ms <= ?
GROUP BY hour_ms, codifier ORDER BY hour_ms, codifier LIMIT ?
"""
_CLEAN: Final = "DELETE FROM dirty WHERE end_ms = ? AND codifier = ?"
_VALUES: Final = "SELECT value FROM readings WHERE codifier = ? AND timestamp_ms > ? AND timestamp_ms <= ?"
_KEEP: Final = """
INSERT INTO buckets (span_ms, codifier, end_ms, mean, mode, median, max, min, stdev, count)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (codifier, span_ms, end_ms) DO UPDATE SET
    mean = excluded.mean,
    mode = excluded.mode,
    median = excluded.median,
    max = excluded.max,
    min = excluded.min,
    stdev = excluded.stdev,
    count = excluded.count
"""
_BUCKETS: Final = """
SELECT codifier, end_ms, mean, mode, median, max, min, stdev, count FROM buckets
WHERE codifier = ? AND span_ms = ? AND end_ms BETWEEN ? AND ?
"""
_DIRTY: Final = """
SELECT DISTINCT (end_ms + :span_ms - 1) / :span_ms * :span_ms AS bucket_ms FROM dirty
WHERE codifier = :codifier AND bucket_ms BETWEEN :since_ms AND :until_ms
    AND bucket_ms > (SELECT until_ms FROM dropped)
"""


def refresh(connection: sqlite3.Connection, limit: int, ended_by_ms: int) -> int:
    """Compute up to `limit` hours of a sensor again, inside the transaction that the caller began; return how many."""
    due = connection.execute(_DUE, (to_bound(ended_by_ms), to_bound(limit))).fetchall()
    ((dropped_ms,),) = connection.execute("SELECT until_ms FROM dropped")
    for codifier, hour_ms, text in due:
        ends_ms = json.loads(text)
        if hour_ms > dropped_ms:
            connection.executemany(_KEEP, list(_compute(connection, codifier, hour_ms, ends_ms)))
        connection.executemany(_CLEAN, [(end_ms, codifier) for end_ms in ends_ms])
    return len(due)


def rollups(connection: sqlite3.Connection, codifier: str, span: Span, since_ms: int, until_ms: int) -> list[Bucket]:
    """Read what was computed, and compute what `refresh` has not come to yet.

    In this order: what is computed in between by a writer is found the second time.
    """
    since_ms, until_ms, span_ms = to_bound(since_ms), to_bound(until_ms), span.length_ms
    wanted = {"codifier": codifier, "span_ms": span_ms, "since_ms": since_ms, "until_ms": until_ms}
    fresh = [
        summarise(codifier, end_ms, _values(connection, codifier, end_ms - span_ms, end_ms))
        for (end_ms,) in connection.execute(_DIRTY, wanted).fetchall()
    ]
    rows = connection.execute(_BUCKETS, (codifier, span_ms, since_ms, until_ms))
    buckets = {bucket.end_ms: bucket for bucket in map(Bucket._make, rows)}
    buckets.update((bucket.end_ms, bucket) for bucket in fresh if bucket is not None)
    return [buckets[end_ms] for end_ms in sorted(buckets)]


def _compute(
    connection: sqlite3.Connection, codifier: str, hour_ms: int, ends_ms: Collection[int]
) -> Iterator[tuple[object, ...]]:
    """Go through the rows of the buckets of an hour: those of the ten minutes that are named, and its own."""
    of_hour: list[float] = []
    step_ms, span_ms = Span.TEN_MINUTES.length_ms, Span.HOUR.length_ms
    for end_ms in range(hour_ms - span_ms + step_ms, hour_ms + 1, step_ms):
        values = sorted(_values(connection, codifier, end_ms - step_ms, end_ms))
        of_hour += values
        if end_ms in ends_ms and (bucket := summarise(codifier, end_ms, values)):
            yield step_ms, *bucket
    if bucket := summarise(codifier, hour_ms, of_hour):
        yield span_ms, *bucket


def _values(connection: sqlite3.Connection, codifier: str, after_ms: int, until_ms: int) -> list[float]:
    values = [value for (value,) in connection.execute(_VALUES, (codifier, after_ms, until_ms)).fetchall()]
    if bytes in set(map(type, values)):
        values = [from_column(value) for value in values]
    return numbers(values)
