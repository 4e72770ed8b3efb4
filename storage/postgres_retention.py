"""What PostgreSQL does not keep: what is beyond its time, and what the world could let grow for ever."""

from typing import Final, LiteralString

from storage.postgres_link import Connection
from storage.postgres_partitions import Month, drop_before
from storage.postgres_rollups import refresh
from storage.store import MAX_ASIDE

WRITERS_KEPT_MS: Final = 7 * 86_400_000  # a batch whose answer was lost comes again within minutes
STEP_ROWS: Final = 20_000  # deleted at a time, so that no statement lasts long
MAX_REFRESHED: Final = 1_000  # hours of a sensor at a time, some seconds: what is dropped must be rolled up before

_IS_HYPERTABLE: Final = "SELECT relkind = 'r' FROM pg_class WHERE oid = 'jph.readings'::regclass"
_SEARCH_EXTENSION: Final = """
SELECT set_config('search_path', quote_ident(nspname), true)
FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
WHERE extname = 'timescaledb'
"""
_DROP_CHUNKS: Final = "SELECT count(*) FROM drop_chunks('jph.readings', older_than => %s::bigint)"
_NOTE_DROPPED: Final = "UPDATE jph.dropped SET until_ms = %s WHERE until_ms < %s"
_FORGET_DEFAULT: Final = """
DELETE FROM jph.readings_default WHERE ctid IN (
    SELECT ctid FROM jph.readings_default WHERE timestamp_ms < %s LIMIT %s
)
"""
_TRIMS: Final[tuple[LiteralString, ...]] = (
    """
    DELETE FROM jph.conflicts WHERE ctid IN (
        SELECT ctid FROM jph.conflicts ORDER BY found_ms DESC, id DESC OFFSET %s LIMIT %s
    )
    """,
    """
    DELETE FROM jph.rejected WHERE ctid IN (
        SELECT ctid FROM jph.rejected ORDER BY found_ms DESC, id DESC OFFSET %s LIMIT %s
    )
    """,
)
_DROP_ROLLUPS: Final[tuple[LiteralString, ...]] = (
    "DELETE FROM jph.buckets WHERE ctid IN (SELECT ctid FROM jph.buckets WHERE end_ms <= %s LIMIT %s)",
    "DELETE FROM jph.accounts WHERE ctid IN (SELECT ctid FROM jph.accounts WHERE hour_ms + 3600000 <= %s LIMIT %s)",
)
_FORGET_WRITERS: Final = "DELETE FROM jph.writers WHERE wrote_ms < %s"


def drop_readings(connection: Connection, before_ms: int) -> None:
    """Drop the readings of whole months before a moment; their roll-ups stay, and from now on as they are."""
    month = Month.of(max(0, before_ms))
    if refresh(connection, MAX_REFRESHED, month.begin_ms) == MAX_REFRESHED:
        return  # the rest first
    with connection.transaction():
        connection.execute(_NOTE_DROPPED, (month.begin_ms, month.begin_ms))
        _drop(connection, month)


def drop_rollups(connection: Connection, before_ms: int) -> None:
    """Drop roll-ups and accounts of hours before a moment, in steps."""
    for delete in _DROP_ROLLUPS:
        connection.execute(delete, (before_ms, STEP_ROWS))


def tidy_up(connection: Connection, now_ms: int) -> None:
    """Delete the oldest of what the world could let grow for ever, in steps."""
    for trim in _TRIMS:
        connection.execute(trim, (MAX_ASIDE, STEP_ROWS))
    connection.execute(_FORGET_WRITERS, (now_ms - WRITERS_KEPT_MS,))


def _drop(connection: Connection, month: Month) -> None:
    ((is_hypertable,),) = connection.execute(_IS_HYPERTABLE)
    if is_hypertable:
        connection.execute(_SEARCH_EXTENSION)
        connection.execute(_DROP_CHUNKS, (month.begin_ms,))
    else:
        drop_before(connection, month)
        connection.execute(_FORGET_DEFAULT, (month.begin_ms, STEP_ROWS))
