import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from storage.sqlite import Sqlite, SqliteOptions


def sqlite(path: Path) -> Sqlite:
    return Sqlite(SqliteOptions(path=str(path)))


class SqliteStores:
    """Stores in files of one directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._made = 0

    def fresh(self) -> Sqlite:
        self._made += 1
        return self.again()

    def again(self) -> Sqlite:
        return sqlite(self._path)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Lock the file."""
        with closing(sqlite3.connect(self._path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    @property
    def _path(self) -> Path:
        return self._directory / f"{self._made}.db"
