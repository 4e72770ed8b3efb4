"""What PostgreSQL does not keep: months of readings beyond their time, and what the world could let grow for ever."""

from typing import Final, LiteralString

from storage.postgres_link import Connection
from storage.postgres_partitions import Month, drop_before
from storage.store import MAX_ASIDE

ACCOUNTS_KEPT_MS: Final = 400 * 86_400_000  # 9.6 million rows of 1,000 sensors: this year and the same days of the last
WRITERS_KEPT_MS: Final = 7 * 86_400_000  # a batch whose answer was lost comes again within minutes
STEP_ROWS: Final = 20_000  # deleted at a time, so that no statement lasts long

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
_FORGET_DIRTY: Final = """
DELETE FROM jph.dirty WHERE ctid IN (
    SELECT ctid FROM jph.dirty WHERE end_ms <= %s AND end_ms - span_ms < %s LIMIT %s
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
_OUTDATED: Final[tuple[tuple[LiteralString, int], ...]] = (
    (
        "DELETE FROM jph.accounts WHERE ctid IN (SELECT ctid FROM jph.accounts WHERE hour_ms < %s LIMIT %s)",
        ACCOUNTS_KEPT_MS,
    ),
    (
        "DELETE FROM jph.writers WHERE ctid IN (SELECT ctid FROM jph.writers WHERE wrote_ms < %s LIMIT %s)",
        WRITERS_KEPT_MS,
    ),
)


def drop_outdated(connection: Connection, keep_ms: int, now_ms: int) -> None:
    """Drop the readings of whole months that ended more than `keep_ms` ago; their roll-ups stay as they are."""
    month = Month.of(max(0, now_ms - keep_ms))
    with connection.transaction():
        connection.execute(_NOTE_DROPPED, (month.begin_ms, month.begin_ms))
        _drop(connection, month)
        connection.execute(_FORGET_DIRTY, (month.begin_ms + 3_600_000, month.begin_ms, STEP_ROWS))


def tidy_up(connection: Connection, now_ms: int) -> None:
    """Delete the oldest of what would grow for ever otherwise, in steps."""
    for trim in _TRIMS:
        connection.execute(trim, (MAX_ASIDE, STEP_ROWS))
    for delete, kept_ms in _OUTDATED:
        connection.execute(delete, (now_ms - kept_ms, STEP_ROWS))


def _drop(connection: Connection, month: Month) -> None:
    ((is_hypertable,),) = connection.execute(_IS_HYPERTABLE)
    if is_hypertable:
        connection.execute(_SEARCH_EXTENSION)
        connection.execute(_DROP_CHUNKS, (month.begin_ms,))
    else:
        drop_before(connection, month)
        connection.execute(_FORGET_DEFAULT, (month.begin_ms, STEP_ROWS))
