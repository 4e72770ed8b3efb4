"""Readings in a PostgreSQL database (docs/drivers.md, "postgres")."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec

from protocol.accounts import Account
from protocol.readings import Reading
from protocol.repair import Missing
from storage import postgres_retention, postgres_rollups, walking
from storage.postgres_link import Link
from storage.postgres_options import PostgresOptions
from storage.postgres_rows import from_row
from storage.postgres_writing import Writer
from storage.store import (
    CONFLICT,
    Ability,
    Aside,
    Batch,
    Bucket,
    Description,
    Progress,
    Span,
    Written,
)

_HISTORY: Final = """
SELECT timestamp_ms, sequence, number, integer, codifier, text, exact, attributes FROM jph.readings
WHERE codifier = %s AND timestamp_ms BETWEEN %s AND %s
ORDER BY timestamp_ms DESC, sequence DESC LIMIT %s
"""
# The first moment is said twice: partitions are chosen by it alone, and the row's place is found by both together.
_PAGE: Final = """
SELECT timestamp_ms, sequence, number, integer, codifier, text, exact, attributes FROM jph.readings
WHERE codifier = %(codifier)s AND timestamp_ms BETWEEN %(since_ms)s AND %(until_ms)s
    AND (timestamp_ms, sequence) > (%(since_ms)s, %(after)s)
ORDER BY timestamp_ms, sequence LIMIT %(limit)s
"""
# Jumps from one codifier to the next along the key; SELECT DISTINCT would read every row.
_CODIFIERS: Final = """
WITH RECURSIVE known (codifier) AS (
    SELECT min(codifier) FROM jph.readings
    UNION ALL
    SELECT (SELECT min(codifier) FROM jph.readings WHERE codifier > known.codifier)
    FROM known WHERE codifier IS NOT NULL
)
SELECT codifier FROM known WHERE codifier IS NOT NULL
"""
_ACCOUNTS: Final = """
SELECT codifier, hour_ms, sent, heard, repaired, stored, duplicate, bad, rejected, conflict,
    not_kept, renumbered, too_many_holes, doubled, restarts
FROM jph.accounts WHERE hour_ms BETWEEN %s AND %s ORDER BY hour_ms, codifier
"""
_ASIDE: Final = """
(
    SELECT found_ms, %(conflict)s::text AS reason, reading, id FROM jph.conflicts
    ORDER BY found_ms DESC, id DESC LIMIT %(limit)s
)
UNION ALL
(SELECT found_ms, reason, reading, id FROM jph.rejected ORDER BY found_ms DESC, id DESC LIMIT %(limit)s)
ORDER BY found_ms DESC, id DESC LIMIT %(limit)s
"""
_SENSORS: Final = """
INSERT INTO jph.sensors (codifier, name, unit, is_configured)
SELECT codifier, name, unit, true
FROM json_to_recordset(%s::json) AS described (codifier text, name text, unit text)
ORDER BY codifier COLLATE "C"
ON CONFLICT (codifier) DO UPDATE SET name = excluded.name, unit = excluded.unit, is_configured = true
WHERE (sensors.name, sensors.unit, sensors.is_configured) IS DISTINCT FROM (excluded.name, excluded.unit, true)
"""
_UNKNOWN: Final = """
UPDATE jph.sensors SET name = NULL, unit = NULL, is_configured = false
WHERE is_configured AND codifier NOT IN (SELECT json_array_elements_text(%s::json))
"""
_PROGRESS: Final = "SELECT codifier, last, holes FROM jph.progress"

_EARLIEST_MS: Final = -(2**63)
_LATEST_MS: Final = 2**63 - 1  # of bigint
_LARGEST_LIMIT: Final = 2**31  # more rows than fit into memory


class PostgresHistory:
    """Reads a database; the contract is `storage.store.History`."""

    def __init__(self, options: PostgresOptions) -> None:
        self._link = Link(options)

    def history(self, codifier: str, since_ms: int, until_ms: int, limit: int) -> list[Reading]:
        """Return the newest `limit` readings of one sensor, oldest first, within both bounds inclusive."""
        parameters = (codifier, _moment(since_ms), _moment(until_ms), _limit(limit))
        with self._link.use() as connection:
            newest_first = connection.execute(_HISTORY, parameters, binary=True).fetchall()
        return [from_row(row) for row in reversed(newest_first)]

    def walk(self, codifier: str, since_ms: int, until_ms: int) -> Iterator[Reading]:
        """Go through all readings of one sensor, oldest first, within both bounds inclusive."""
        return walking.walk(lambda *place: self._page(codifier, _moment(until_ms), place), _moment(since_ms))

    def rollups(self, codifier: str, span: Span, since_ms: int, until_ms: int) -> list[Bucket]:
        """Return one sensor's roll-ups whose end lies within both bounds inclusive, oldest first."""
        with self._link.use() as connection:
            return postgres_rollups.rollups(connection, codifier, span, _moment(since_ms), _moment(until_ms))

    def accounts(self, since_ms: int, until_ms: int) -> list[Account]:
        """Return the totals of every sensor and hour that begins within both bounds, sorted by hour and sensor."""
        with self._link.use() as connection:
            rows = connection.execute(_ACCOUNTS, (_moment(since_ms), _moment(until_ms)), binary=True)
            return [Account(*row) for row in rows]

    def aside(self, limit: int) -> list[Aside]:
        """Return the newest `limit` readings that were kept apart, the newest first."""
        parameters = {"conflict": CONFLICT, "limit": _limit(limit)}
        with self._link.use() as connection:
            return [Aside(*row[:3]) for row in connection.execute(_ASIDE, parameters)]

    def codifiers(self) -> list[str]:
        """Return every sensor that has readings, sorted."""
        with self._link.use() as connection:
            return [str(codifier) for (codifier,) in connection.execute(_CODIFIERS)]

    def close(self) -> None:
        """Let go of the connection; a second time does nothing."""
        self._link.close()

    def _page(self, codifier: str, until_ms: int, place: tuple[int, int]) -> list[Reading]:
        since_ms, after = place
        bounds = {"since_ms": since_ms, "until_ms": until_ms, "after": after}
        with self._link.use() as connection:
            rows = connection.execute(_PAGE, {"codifier": codifier, "limit": walking.PAGE, **bounds}, binary=True)
            return [from_row(row) for row in rows]


class Postgres(PostgresHistory):
    """Writes and reads a database; the contract is `storage.store.Store`."""

    Options: ClassVar[type[msgspec.Struct]] = PostgresOptions
    abilities: frozenset[Ability] = frozenset({Ability.HISTORY, Ability.ROLLUPS})

    def __init__(self, options: PostgresOptions) -> None:
        super().__init__(options)
        self._writer = Writer()
        self._options = options

    def write(self, batch: Batch, now_ms: int) -> Written:
        """Keep a whole batch in one transaction, and book what became of its readings."""
        with self._link.use() as connection:
            return self._writer.write(connection, batch, now_ms)

    def describe(self, sensors: Sequence[Description]) -> None:
        """Note what the configuration calls its sensors."""
        described = {sensor.codifier: _described(sensor) for sensor in sensors}
        with self._link.use() as connection, connection.transaction():
            connection.execute(_SENSORS, (json.dumps(list(described.values())),))
            connection.execute(_UNKNOWN, (json.dumps(list(described)),))

    def progress(self) -> Mapping[str, Progress]:
        """Return how far each sensor had been followed at the last batch, by codifier."""
        with self._link.use() as connection:
            return {
                codifier: _progress(codifier, last, holes) for codifier, last, holes in connection.execute(_PROGRESS)
            }

    def refresh(self, limit: int, ended_by_ms: int = _LATEST_MS) -> int:
        """Compute again the roll-ups that readings touched since they were computed; return of how many hours."""
        with self._link.use() as connection:
            return postgres_rollups.refresh(connection, _limit(limit), _moment(ended_by_ms))

    def maintain(self, now_ms: int) -> None:
        """Make the partitions of the next months, drop what is older than the options say, and tidy up."""
        retention_s, rollup_retention_s = self._options.retention_s, self._options.rollup_retention_s
        with self._link.use() as connection:
            self._writer.make_ahead(connection, now_ms)
            if retention_s is not None:
                postgres_retention.drop_readings(connection, now_ms - int(retention_s * 1000))
            if rollup_retention_s is not None:
                postgres_retention.drop_rollups(connection, now_ms - int(rollup_retention_s * 1000))
            postgres_retention.tidy_up(connection, now_ms)


def _described(sensor: Description) -> dict[str, str]:
    """Return the columns of a sensor; what PostgreSQL's text cannot hold stands as a question mark."""
    columns = {name: text.encode(errors="replace").decode() for name, text in sensor._asdict().items()}
    return {name: text.replace("\0", "?") for name, text in columns.items()}


def _moment(moment_ms: int) -> int:
    return max(_EARLIEST_MS, min(moment_ms, _LATEST_MS))


def _limit(limit: int) -> int:
    return max(0, min(limit, _LARGEST_LIMIT))


def _progress(codifier: Any, last: Any, holes: Any) -> Progress:
    return Progress(codifier, last, tuple(Missing(*hole) for hole in holes))
