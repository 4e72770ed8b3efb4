"""The months in which readings lie: one partition each, made ahead or when a reading needs it, dropped as a whole.

What no clock that is right could have said goes to the default partition, and moves when its month comes.
"""

import logging
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Final, LiteralString, NamedTuple, Self

import psycopg
from psycopg import sql

from storage.postgres_errors import reason
from storage.postgres_link import Connection

log: Final = logging.getLogger("jph.postgres")

DAY_MS: Final = 86_400_000
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()

# Clocks that are mad could ask for a partition of every month there is, and each costs every query: these bounds
# allow 12 for each year that the original system can have filled.
FIRST_YEAR: Final = 2010
AHEAD: Final = 2  # months beyond the present one: an agent that cannot make any for weeks still finds its place

RETRY_MS: Final = 60_000  # between attempts to make a partition, when the database refuses
_LOCK_TIMEOUT: Final = "2s"  # whoever waits for this lock stops all that comes after
_MOVE_TIMEOUT: Final = "10min"  # rows of a month that wait in the default partition are moved

_EXISTING: Final = """
SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
WHERE inhparent = 'jph.readings'::regclass
"""
_IS_PARTITIONED: Final = "SELECT relkind = 'p' FROM pg_class WHERE oid = 'jph.readings'::regclass"
_LIMITS: Final = "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)"
# Only one at a time makes or drops partitions; readings may be written meanwhile.
_LOCK: Final = "LOCK TABLE jph.readings IN SHARE UPDATE EXCLUSIVE MODE"
_MAKE: Final[tuple[LiteralString, ...]] = (
    "CREATE TABLE {partition} (LIKE jph.readings INCLUDING ALL)",
    """
    WITH moved AS (DELETE FROM jph.readings_default WHERE timestamp_ms >= {begin} AND timestamp_ms < {end} RETURNING *)
    INSERT INTO {partition} SELECT * FROM moved
    """,
    "ALTER TABLE jph.readings ATTACH PARTITION {partition} FOR VALUES FROM ({begin}) TO ({end})",
)
_DROP: Final = "DROP TABLE {partition}"


class Month(NamedTuple):
    """A month of UTC."""

    year: int
    number: int

    @classmethod
    def of(cls, timestamp_ms: int) -> Self:
        """Return the month of a moment between 1970 and 9999."""
        day = date.fromordinal(_EPOCH_DAY + timestamp_ms // DAY_MS)
        return cls(day.year, day.month)

    @classmethod
    def of_partition(cls, name: str) -> Self | None:
        """Return the month of a partition, None for the default one and for those that somebody else made."""
        prefix, _, rest = name.partition("_")
        year, _, number = rest.partition("_")
        return cls(int(year), int(number)) if prefix == "readings" and year.isdecimal() and number.isdecimal() else None

    def after(self, months: int = 1) -> Self:
        """Return the month so many months later."""
        years, zero_based = divmod(self.number - 1 + months, 12)
        return self._replace(year=self.year + years, number=zero_based + 1)

    @property
    def begin_ms(self) -> int:
        """The first millisecond."""
        return round(datetime(self.year, self.number, 1, tzinfo=UTC).timestamp()) * 1000

    @property
    def partition(self) -> str:
        """The name of its partition in the schema jph."""
        return f"readings_{self.year:04}_{self.number:02}"


class Partitions:
    """Makes partitions for one writer, and remembers for as long as a connection lasts which there are."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._known: set[Month] = set()
        self._is_partitioned = False
        self._not_before_ms = 0

    def make_ready(self, connection: Connection, timestamps_ms: Iterable[int], now_ms: int) -> None:
        """Make the partitions for some moments, where a clock that is right can have said them."""
        days = {timestamp_ms // DAY_MS for timestamp_ms in timestamps_ms}
        self._make_missing(connection, {Month.of(day * DAY_MS) for day in days}, now_ms)

    def make_ahead(self, connection: Connection, now_ms: int) -> None:
        """Make the partitions of this month and the next ones."""
        self._make_missing(connection, {Month.of(now_ms).after(months) for months in range(AHEAD + 1)}, now_ms)

    def _make_missing(self, connection: Connection, wanted: set[Month], now_ms: int) -> None:
        self._know(connection)
        latest = Month.of(now_ms).after(AHEAD)
        missing = sorted(month for month in wanted - self._known if month.year >= FIRST_YEAR and month <= latest)
        if missing and self._is_partitioned and now_ms >= self._not_before_ms:
            self._make(connection, missing, now_ms)

    def _know(self, connection: Connection) -> None:
        if connection is self._connection:
            return
        ((self._is_partitioned,),) = connection.execute(_IS_PARTITIONED)
        self._known = set(existing(connection))
        self._connection = connection

    def _make(self, connection: Connection, months: Iterable[Month], now_ms: int) -> None:
        """Make what is missing; where that is refused the default partition takes the readings meanwhile."""
        try:
            for month in months:
                _make(connection, month)
                self._known.add(month)
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.LockNotAvailable) as error:
            log.warning("no partition is made for the readings of %04d-%02d: %s", *month, reason(error))
            self._not_before_ms = now_ms + RETRY_MS


def existing(connection: Connection) -> list[Month]:
    """Return the months that have a partition, sorted."""
    names = (str(name) for (name,) in connection.execute(_EXISTING))
    return sorted(month for month in map(Month.of_partition, names) if month is not None)


def drop_before(connection: Connection, month: Month) -> list[Month]:
    """Drop the partitions before a month, in the transaction that the caller began; return which there were."""
    connection.execute(_LOCK)
    dropped = [found for found in existing(connection) if found < month]
    for found in dropped:
        connection.execute(sql.SQL(_DROP).format(partition=_identifier(found)))
    return dropped


def _make(connection: Connection, month: Month) -> None:
    names = {
        "partition": _identifier(month),
        "begin": sql.Literal(month.begin_ms),
        "end": sql.Literal(month.after().begin_ms),
    }
    with connection.transaction():
        connection.execute(_LIMITS, (_LOCK_TIMEOUT, _MOVE_TIMEOUT))
        connection.execute(_LOCK)
        if month not in existing(connection):
            for statement in _MAKE:
                connection.execute(sql.SQL(statement).format(**names))


def _identifier(month: Month) -> sql.Identifier:
    return sql.Identifier("jph", month.partition)
