"""Readings in one SQLite file: the store that needs nothing else on the machine."""

import logging
import sqlite3
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import ClassVar, Final

import msgspec

from protocol.readings import Reading
from storage import sqlite_file
from storage.sqlite_file import explained
from storage.sqlite_rows import from_row, to_row, to_timestamp
from storage.store import StoreError

log: Final = logging.getLogger("jph.store")

# Not INSERT OR IGNORE, which would also swallow a value that breaks a constraint.
_INSERT: Final = """
INSERT INTO readings (codifier, timestamp_ms, sequence, value, attributes) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (codifier, timestamp_ms, sequence) DO NOTHING
"""
_HISTORY: Final = """
SELECT codifier, timestamp_ms, sequence, value, attributes FROM readings
WHERE codifier = ? AND timestamp_ms BETWEEN ? AND ?
ORDER BY timestamp_ms DESC, sequence DESC LIMIT ?
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
_LARGEST_LIMIT: Final = 2**63 - 1  # of SQLite's LIMIT


class SqliteOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`path` is the database file; `~` is the home directory, and missing directories are made."""

    path: str

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
        bounds = (to_timestamp(since_ms), to_timestamp(until_ms), max(0, min(limit, _LARGEST_LIMIT)))
        with explained(self._path):
            newest_first = self._connection.execute(_HISTORY, (codifier, *bounds)).fetchall()
            return [from_row(row) for row in reversed(newest_first)]

    def codifiers(self) -> list[str]:
        """Return every sensor that has readings, sorted."""
        with explained(self._path):
            return [codifier for (codifier,) in self._connection.execute(_CODIFIERS)]

    def close(self) -> None:
        """Let go of the file; a second time does nothing."""
        self._connection.close()


class Sqlite(SqliteHistory):
    """Writes and reads a history file; the contract is `storage.store.Store`."""

    Options: ClassVar[type[msgspec.Struct]] = SqliteOptions

    def __init__(self, options: SqliteOptions) -> None:
        path = _expanded(options.path)
        super().__init__(path, sqlite_file.open_for_writing(path))
        self._identity = sqlite_file.identity(path)

    def write(self, readings: Sequence[Reading]) -> int:
        """Keep all readings in one transaction and return how many of them were new."""
        if not readings:
            return 0
        rows = sorted(map(to_row, readings), key=itemgetter(0))  # a sensor's rows lie side by side
        self._follow_the_path()
        with explained(self._path), self._connection:
            return self._connection.executemany(_INSERT, rows).rowcount

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


def open_for_reading(path: str | Path) -> SqliteHistory:
    """Open a history file without changing it, also while a sink writes to it; raises StoreError."""
    path = _expanded(path).absolute()
    if not path.exists():
        raise StoreError(f"there is no history in {path}", "a sink makes it: run a node with `driver: sqlite`")
    return SqliteHistory(path, sqlite_file.open_for_reading(path))


def _expanded(path: str | Path) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise StoreError(f"{path}: {error}", "name the whole path") from error
