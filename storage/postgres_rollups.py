"""Roll-ups in PostgreSQL: computed there, again for every bucket that a reading touched, in steps of bounded size."""

from typing import Final

from storage.postgres_link import Connection
from storage.store import Bucket, Span

# Taken first and computed by a second statement, which sees every reading whose mark it took: whoever marks a bucket
# that is taken now waits until it was computed, and marks it again.
_TAKE: Final = """
WITH free AS MATERIALIZED (
    SELECT codifier, span_ms, end_ms, hour_ms FROM jph.dirty
    WHERE end_ms <= %(ended_by_ms)s
    ORDER BY hour_ms, codifier
    LIMIT %(limit)s * 7 -- six times ten minutes and the hour
    FOR UPDATE SKIP LOCKED
),
due AS (
    SELECT free.*, dense_rank() OVER (ORDER BY hour_ms, codifier) AS place FROM free
)
DELETE FROM jph.dirty USING due
WHERE due.place <= %(limit)s
    AND (dirty.codifier, dirty.span_ms, dirty.end_ms) = (due.codifier, due.span_ms, due.end_ms)
RETURNING dirty.codifier, dirty.span_ms, dirty.end_ms
"""
_COMPUTE: Final = """
INSERT INTO jph.buckets (codifier, span_ms, end_ms, mean, mode, median, max, min, stdev, count)
SELECT codifier, span_ms, end_ms, mean, mode, median, max, min, stdev, count
FROM jph.summarised(%s::text[], %s::bigint[], %s::bigint[])
WHERE end_ms - span_ms >= (SELECT until_ms FROM jph.dropped)
ON CONFLICT (codifier, span_ms, end_ms) DO UPDATE SET
    mean = excluded.mean, mode = excluded.mode, median = excluded.median, max = excluded.max, min = excluded.min,
    stdev = excluded.stdev, count = excluded.count
"""
# What is dirty is computed on the spot, so that a roll-up is never older than the readings beside it.
_ROLLUPS: Final = """
WITH due AS (
    SELECT array_agg(codifier) AS codifiers, array_agg(span_ms) AS spans_ms, array_agg(end_ms) AS ends_ms
    FROM jph.dirty
    WHERE codifier = %(codifier)s AND span_ms = %(span_ms)s AND end_ms BETWEEN %(since_ms)s AND %(until_ms)s
        AND end_ms - span_ms >= (SELECT until_ms FROM jph.dropped)
)
SELECT codifier, end_ms, mean, mode, median, max, min, stdev, count
FROM jph.buckets, due
WHERE codifier = %(codifier)s AND span_ms = %(span_ms)s AND end_ms BETWEEN %(since_ms)s AND %(until_ms)s
    AND end_ms != ALL (coalesce(due.ends_ms, '{}'))
UNION ALL
SELECT codifier, end_ms, mean, mode, median, max, min, stdev, count
FROM due, jph.summarised(due.codifiers, due.spans_ms, due.ends_ms)
ORDER BY end_ms
"""


def refresh(connection: Connection, limit: int, ended_by_ms: int) -> int:
    """Compute the roll-ups of up to `limit` hours again; return of how many. See `storage.store.Store`."""
    with connection.transaction():
        due = connection.execute(_TAKE, {"ended_by_ms": ended_by_ms, "limit": limit}).fetchall()
        if due:
            connection.execute(_COMPUTE, [list(column) for column in zip(*due, strict=True)], binary=True)
    return len({(codifier, Span.HOUR.end_ms(end_ms)) for codifier, _, end_ms in due})


def rollups(connection: Connection, codifier: str, span: Span, since_ms: int, until_ms: int) -> list[Bucket]:
    """Return one sensor's roll-ups. See `storage.store.History`."""
    parameters = {"codifier": codifier, "span_ms": span.length_ms, "since_ms": since_ms, "until_ms": until_ms}
    return [Bucket._make(row) for row in connection.execute(_ROLLUPS, parameters, binary=True)]
