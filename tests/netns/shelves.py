"""The stores of the scenarios: the node that writes to each of them, and looking into it from outside."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from protocol.accounts import Account
from protocol.readings import Value
from storage.registry import open_history, options_of
from storage.store import History, StoreError
from tests.storage.postgres_server import OWNER, PostgresServer
from tests.storage.redis_server import RedisServer

STREAM: Final = 1_000_000  # readings: more than any scenario takes
FOR_EVER_MS: Final = 2**62
ALL: Final = 1_000_000


class Shelf(NamedTuple):
    """A store: the codifier of the node that writes to it, its driver, and its options as a configuration has them."""

    codifier: str
    driver: str
    options: Mapping[str, Any]

    def values(self, codifier: str) -> list[Value]:
        """Return the values of all readings that are stored of a sensor; none before the store was made."""
        with contextlib.suppress(StoreError), self._opened() as history:
            return [reading.value for reading in history.history(codifier, 0, FOR_EVER_MS, ALL)]
        return []

    def account(self, codifier: str) -> Account:
        """Return what became of all readings of a sensor."""
        total = Account(codifier, 0)
        with contextlib.suppress(StoreError), self._opened() as history:
            for account in history.accounts(0, FOR_EVER_MS):
                total = total.plus(account) if account.codifier == codifier else total
        return total

    @contextlib.contextmanager
    def _opened(self) -> Iterator[History]:
        with contextlib.closing(open_history(self.driver, self._checked_options())) as history:
            yield history

    def _checked_options(self) -> Any:
        kind = options_of(self.driver)
        assert kind is not None
        return msgspec.convert(self.options, kind)


def sqlite_shelf(path: object) -> Shelf:
    """Return a store in a file."""
    return Shelf("Q1", "sqlite", {"path": str(path)})


def postgres_shelf(server: PostgresServer) -> Shelf:
    """Return a store in a new database, reached by the server's socket from every namespace."""
    reach = {"host": str(server.socket_directory), "database": server.new_database(), "user": OWNER}
    return Shelf("P1", "postgres", reach)


def redis_shelf(server: RedisServer) -> Shelf:
    """Return a store that keeps a stream."""
    return Shelf("R1", "redis", {"url": f"unix://{server.socket}", "stream": STREAM})
