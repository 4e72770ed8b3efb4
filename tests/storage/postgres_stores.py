from collections.abc import Iterator
from contextlib import contextmanager

from storage.postgres import Postgres
from tests.storage.postgres_server import PostgresServer

# TRUNCATE makes each file anew, which takes longer than these few rows are worth.
_EMPTY = """
DELETE FROM jph.readings; DELETE FROM jph.sensors; DELETE FROM jph.progress; DELETE FROM jph.accounts;
DELETE FROM jph.conflicts; DELETE FROM jph.rejected; DELETE FROM jph.buckets; DELETE FROM jph.dirty;
DELETE FROM jph.writers
"""


class PostgresStores:
    """Stores in one database, one after the other: to make a database for each would take as long as all else."""

    def __init__(self, server: PostgresServer, database: str) -> None:
        self._server = server
        self._database = database
        self._opened: list[Postgres] = []

    def fresh(self) -> Postgres:
        self.close()
        self._server.execute(_EMPTY, self._database)
        return self.again()

    def again(self) -> Postgres:
        store = Postgres(self._server.options(self._database))
        self._opened.append(store)
        return store

    def close(self) -> None:
        """Close what examples left open that were given up halfway."""
        while self._opened:
            self._opened.pop().close()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Lock a table."""
        with self._server.connect(self._database) as other, other.transaction():
            other.execute("LOCK TABLE jph.progress, jph.accounts IN EXCLUSIVE MODE")
            yield
