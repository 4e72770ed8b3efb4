"""What there is in a PostgreSQL database: for `jph db status`."""

from typing import Final, NamedTuple

from storage import postgres_schema
from storage.postgres_link import Connection, connected
from storage.postgres_options import PostgresOptions

_SERVER: Final = """
SELECT current_database(), current_setting('server_version'), pg_database_size(current_database()),
    (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb')
"""
# The server's own counts, exact enough and there at once; counting a year of readings takes minutes.
_PARTITIONS: Final = """
SELECT relname, greatest(pg_stat_get_live_tuples(pg_class.oid), 0), pg_total_relation_size(pg_class.oid)
FROM pg_partition_tree('jph.readings') JOIN pg_class ON pg_class.oid = relid
WHERE isleaf ORDER BY relname
"""
_HYPERTABLE: Final = """
SELECT 'readings', sum(greatest(pg_stat_get_live_tuples(pg_class.oid), 0))::bigint,
    sum(pg_total_relation_size(pg_class.oid))::bigint
FROM pg_class
WHERE oid = 'jph.readings'::regclass
    OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'jph.readings'::regclass)
"""
_COUNTS: Final = """
SELECT
    (SELECT count(*) FROM jph.sensors),
    (SELECT count(*) FROM jph.dirty),
    (SELECT min(end_ms) FROM jph.dirty),
    (SELECT count(*) FROM jph.conflicts),
    (SELECT count(*) FROM jph.rejected),
    (SELECT count(*) FROM jph.users),
    (SELECT CASE WHEN until_ms > 0 THEN until_ms END FROM jph.dropped)
"""


class Partition(NamedTuple):
    """A part of the readings; `readings` is the server's estimate."""

    name: str
    readings: int
    size_bytes: int


class Contents(NamedTuple):
    """How much there is. `oldest_dirty_ms` is the end of the oldest roll-up to be computed again, None when none is.

    Readings before `dropped_until_ms` were dropped, their roll-ups stay; None when none ever were.
    """

    sensors: int
    dirty: int
    oldest_dirty_ms: int | None
    conflicts: int
    rejected: int
    users: int
    dropped_until_ms: int | None


class Status(NamedTuple):
    """A database. `schema` is the version of its schema, 0 when there is none; then there are no contents.

    `timescaledb` is the version of the extension, None when the database does not have it.
    """

    database: str
    server: str
    size_bytes: int
    timescaledb: str | None
    schema: int
    newest_schema: int
    partitions: tuple[Partition, ...] = ()
    contents: Contents | None = None

    @property
    def readings(self) -> int:
        """How many readings there are, as the server estimates."""
        return sum(partition.readings for partition in self.partitions)


def status(options: PostgresOptions) -> Status:
    """Look at a database, whatever schema it has; raises StoreError when it cannot be reached."""
    with connected(options) as connection:
        schema, newest = postgres_schema.version(connection), postgres_schema.newest()
        ((database, server, size_bytes, timescaledb),) = connection.execute(_SERVER)
        found = Status(database, server, size_bytes, timescaledb, schema, newest)
        if schema != newest:
            return found
        ((*counts,),) = connection.execute(_COUNTS)
        return found._replace(partitions=_partitions(connection), contents=Contents(*counts))


def _partitions(connection: Connection) -> tuple[Partition, ...]:
    found = tuple(Partition(*row) for row in connection.execute(_PARTITIONS))
    return found or tuple(Partition(*row) for row in connection.execute(_HYPERTABLE))
