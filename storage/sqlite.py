"""Readings in one SQLite file: the store that needs nothing else on the machine."""

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, ClassVar, Final

import msgspec

from config.durations import Seconds
from protocol.accounts import Account
from protocol.readings import Reading
from storage import sqlite_file, sqlite_rollups, sqlite_upkeep, sqlite_writing, walking
from storage.sqlite_file import explained
from storage.sqlite_rows import from_row, to_bound
from storage.sqlite_writing import Memory, StrangeWriterError
from storage.store import CONFLICT, Ability, Aside, Batch, Bucket, Description, Progress, Span, StoreError, Written

log: Final = logging.getLogger("jph.store")

_HISTORY: Final = """
SELECT codifier, timestamp_ms, sequence, value, attributes FROM readings
WHERE codifier = ? AND timestamp_ms BETWEEN ? AND ?
ORDER BY timestamp_ms DESC, sequence DESC LIMIT ?
"""
_PAGE: Final = """
SELECT codifier, timestamp_ms, sequence, value, attributes FROM readings
WHERE codifier = ? AND timestamp_ms <= ? AND (timestamp_ms, sequence) > (?, ?)
ORDER BY timestamp_ms, sequence LIMIT ?
"""
# Jumps from one codifier to the next along the key; SELECT DISTINCT would read every row.
_CODIFIERS: Final = """
WITH RECURSIVE known (codifier) AS (
    SELECT min(codifier) FROM readings
    UNION ALL
    SELECT (SELECT min(codifier) FROM readings WHERE codifier > known.codifier) FROM known WHERE codifier IS NOT NULL
)
SELECT codifier FROM known WHERE codifier IS NOT NULL
"""
_ACCOUNTS: Final = """
SELECT
    codifier, hour_ms, sent, heard, repaired, stored, duplicate, bad, rejected, conflict,
    not_kept, renumbered, too_many_holes, doubled, restarts
FROM accounts WHERE hour_ms BETWEEN ? AND ? ORDER BY hour_ms, codifier
"""
_ASIDE: Final = """
SELECT found_ms, ?, reading FROM conflicts UNION ALL SELECT found_ms, reason, reading FROM rejected
ORDER BY found_ms DESC LIMIT ?
"""
_DESCRIBE: Final = """
INSERT INTO sensors (codifier, name, unit) VALUES (?, ?, ?)
ON CONFLICT (codifier) DO UPDATE SET name = excluded.name, unit = excluded.unit
"""


class SqliteOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the file is, and how long what is in it is kept."""

    path: Annotated[
        str,
        msgspec.Meta(description="the database file; begins with `/` or `~/`, and missing directories are made"),
    ]
    retention_s: Annotated[
        Seconds | None,
        msgspec.Meta(description="drop readings that are older, by the clock of their sensor; without it all are kept"),
    ] = msgspec.field(default=None, name="retention")
    rollup_retention_s: Annotated[
        Seconds | None,
        msgspec.Meta(description="drop roll-ups and accounts that are older; without it all are kept"),
    ] = msgspec.field(default=None, name="rollup_retention")

    def __post_init__(self) -> None:
        if not self.path.startswith(("/", "~/")):
            raise ValueError(f"`path` is {self.path!r}: begin it with / or ~/, so that it is the same from everywhere")


class SqliteHistory:
    """Reads a history file; the contract is `storage.store.History`."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    def history(self, codifier: str, since_ms: int, until_ms: int, limit: int) -> list[Reading]:
        """Return the newest `limit` readings of one sensor, oldest first, within both bounds inclusive."""
        bounds = map(to_bound, (since_ms, until_ms, limit))
        with explained(self._path):
            newest_first = self._connection.execute(_HISTORY, (codifier, *bounds)).fetchall()
            return [from_row(row) for row in reversed(newest_first)]

    def walk(self, codifier: str, since_ms: int, until_ms: int) -> Iterator[Reading]:
        """Go through all readings of one sensor, oldest first, within both bounds inclusive."""
        return walking.walk(lambda *place: self._page(codifier, to_bound(until_ms), place), to_bound(since_ms))

    def rollups(self, codifier: str, span: Span, since_ms: int, until_ms: int) -> list[Bucket]:
        """Return one sensor's roll-ups whose end lies within both bounds inclusive, oldest first."""
        with explained(self._path):
            return sqlite_rollups.rollups(self._connection, codifier, span, since_ms, until_ms)

    def accounts(self, since_ms: int, until_ms: int) -> list[Account]:
        """Return the totals of every sensor and hour that begins within both bounds, sorted by hour and sensor."""
        with explained(self._path):
            return [
                Account(*row) for row in self._connection.execute(_ACCOUNTS, (to_bound(since_ms), to_bound(until_ms)))
            ]

    def aside(self, limit: int) -> list[Aside]:
        """Return the newest `limit` readings that were kept apart, the newest first."""
        with explained(self._path):
            return [Aside(*row) for row in self._connection.execute(_ASIDE, (CONFLICT, to_bound(limit)))]

    def codifiers(self) -> list[str]:
        """Return every sensor that has readings, sorted."""
        with explained(self._path):
            return [codifier for (codifier,) in self._connection.execute(_CODIFIERS)]

    def close(self) -> None:
        """Let go of the file; a second time does nothing."""
        self._connection.close()

    def _page(self, codifier: str, until_ms: int, place: tuple[int, int]) -> list[Reading]:
        with explained(self._path):
            rows = self._connection.execute(_PAGE, (codifier, until_ms, *place, walking.PAGE)).fetchall()
            return [from_row(row) for row in rows]


class Sqlite(SqliteHistory):
    """Writes and reads a history file; the contract is `storage.store.Store`."""

    Options: ClassVar[type[msgspec.Struct]] = SqliteOptions
    abilities: frozenset[Ability] = frozenset({Ability.HISTORY, Ability.ROLLUPS})

    def __init__(self, options: SqliteOptions) -> None:
        path = _expanded(options.path)
        super().__init__(path, sqlite_file.open_for_writing(path))
        self._options = options
        self._identity = sqlite_file.identity(path)
        self._memory: Memory | None = None
        self._data_version = 0

    def write(self, batch: Batch, now_ms: int) -> Written:
        """Keep a whole batch in one transaction, and book what became of its readings."""
        self._follow_the_path()
        try:
            return self._write(batch, now_ms, trusting=True)
        except StrangeWriterError:
            return self._write(batch, now_ms, trusting=False)

    def describe(self, sensors: Sequence[Description]) -> None:
        """Note what the configuration calls its sensors; one that was described before and is not now is unknown."""
        with self._transaction():
            self._connection.execute("UPDATE sensors SET name = NULL, unit = NULL")
            self._connection.executemany(_DESCRIBE, sensors)

    def progress(self) -> dict[str, Progress]:
        """Return how far each sensor had been followed at the last batch, by codifier."""
        with explained(self._path):
            return sqlite_writing.read_progress(self._connection)

    def refresh(self, limit: int, ended_by_ms: int = 2**63 - 1) -> int:
        """Compute again up to `limit` hours of roll-ups that readings touched; return how many."""
        with self._transaction():
            return sqlite_rollups.refresh(self._connection, limit, ended_by_ms)

    def maintain(self, now_ms: int) -> None:
        """Drop what is older than the options say, and give room back to the disk: a bounded piece of work."""
        retention_s, rollup_retention_s = self._options.retention_s, self._options.rollup_retention_s
        with self._transaction():
            sqlite_upkeep.trim_aside(self._connection)
            if retention_s is not None:
                sqlite_upkeep.drop_readings(self._connection, now_ms - int(retention_s * 1000))
            if rollup_retention_s is not None:
                sqlite_upkeep.drop_rollups(self._connection, now_ms - int(rollup_retention_s * 1000))
        with explained(self._path):
            sqlite_upkeep.give_back(self._connection)

    def _write(self, batch: Batch, now_ms: int, *, trusting: bool) -> Written:
        try:
            with self._transaction():
                return sqlite_writing.write(self._connection, self._remembered(), batch, now_ms, trusting=trusting)
        except BaseException:
            self._memory = None
            raise

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with explained(self._path), self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield

    def _remembered(self) -> Memory:
        """Return what the writer knows of the file; what another program may have written to is read anew."""
        ((data_version,),) = self._connection.execute("PRAGMA data_version")
        if self._memory is None or data_version != self._data_version:
            self._memory = Memory(self._connection)
            self._data_version = data_version
        return self._memory

    def _follow_the_path(self) -> None:
        """Begin anew when the file was moved or deleted: SQLite would go on writing to what nobody finds again."""
        if sqlite_file.identity(self._path) == self._identity:
            return
        log.warning("%s was moved or deleted while it was written to; a new file is begun", self._path)
        with explained(self._path):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log stays behind under the old name
        self.close()
        self._connection = sqlite_file.open_for_writing(self._path)
        self._identity = sqlite_file.identity(self._path)
        self._memory = None


def open_for_reading(path: str | Path) -> SqliteHistory:
    """Open a history file without changing it, also while a sink writes to it; raises StoreError."""
    path = _expanded(path).absolute()
    if not path.exists():
        raise StoreError(f"there is no history in {path}", "a sink makes it: run a node with `driver: sqlite`")
    return SqliteHistory(path, sqlite_file.open_for_reading(path))


def history_of(options: SqliteOptions) -> SqliteHistory:
    """Open the file of a sink without changing it; raises StoreError."""
    return open_for_reading(options.path)


def _expanded(path: str | Path) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise StoreError(f"{path}: {error}", "name the whole path") from error
