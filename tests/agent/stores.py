"""Real stores for sinks in agents, with what can go wrong with them: each trouble begins and ends as a context."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from protocol.readings import Reading
from protocol.troubles import Trouble
from storage import registry
from storage.store import History
from tests.storage.postgres_server import PostgresServer
from tests.storage.redis_server import RedisServer

EVER: Final = (0, 2**62)
SECRET: Final = "open sesame"  # noqa: S105 - of servers that live as long as their tests


class Place:
    """A store that a sink can be given: `options` as the configuration has them."""

    def __init__(self, driver: str, **options: object) -> None:
        self.driver = driver
        self.options = options

    def node(self, codifier: str = "Q1") -> str:
        """Return the configuration of a sink."""
        options = ", ".join(f"{name}: {value}" for name, value in self.options.items())
        return f"{codifier}: {{driver: {self.driver}, options: {{{options}}}, interval: 1h}}"

    def open(self, **others: object) -> History:
        """Open what is stored, to look at it; other options hold instead of the sink's."""
        kind = registry.options_of(self.driver)
        assert kind is not None
        return registry.open_history(self.driver, kind(**{**self.options, **others}))

    def readings(self, codifier: str = "C1") -> list[Reading]:
        """Return all readings of a sensor."""
        with closing(self.open(**self.to_look)) as history:
            return history.history(codifier, *EVER, 100_000)

    def numbers(self, codifier: str = "C1") -> list[int]:
        """Return the sequences of all readings of a sensor, also of one that is stored twice."""
        return sorted(reading.sequence for reading in self.readings(codifier))

    to_look: dict[str, object] = {}  # noqa: RUF012 - replaced as a whole


@dataclass(frozen=True)
class Case:
    """A store, what is wrong with it while `wrong` lasts, what everybody is told, and, as a pattern, the log."""

    place: Place
    wrong: Callable[[], AbstractContextManager[object]]
    trouble: Trouble
    words: str


def sqlite_place(path: Path) -> Place:
    """Return a file with the schema in it."""
    place = Place("sqlite", path=str(path))
    store = registry.store_class("sqlite")(registry.options_of("sqlite")(path=str(path)))  # type: ignore[misc]
    store.close()
    return place


@contextmanager
def newer_file(path: Path) -> Iterator[None]:
    """Let a newer jph have written the file."""
    with closing(sqlite3.connect(path)) as file:
        ((version,),) = file.execute("PRAGMA user_version")
        file.execute("PRAGMA user_version = 99")
    try:
        yield
    finally:
        with closing(sqlite3.connect(path)) as file:
            file.execute(f"PRAGMA user_version = {int(version)}")


@contextmanager
def stopped(server: PostgresServer) -> Iterator[None]:
    """Stop a server for a while."""
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def read_only_database(server: PostgresServer, name: str) -> Iterator[None]:
    """Let a database take no changes in sessions that begin now."""
    server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    try:
        yield
    finally:
        server.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")


@contextmanager
def newer_schema(server: PostgresServer, name: str) -> Iterator[None]:
    """Let a newer jph have made the schema."""
    server.execute("INSERT INTO jph.schema_version (version) VALUES (99)", name)
    try:
        yield
    finally:
        server.execute("DELETE FROM jph.schema_version WHERE version = 99", name)


@contextmanager
def wrong_password(file: Path) -> Iterator[None]:
    """Let another password stand in the file than the server knows."""
    file.touch(0o600)
    file.write_text("guessed")
    try:
        yield
    finally:
        file.write_text(SECRET)


@contextmanager
def newer_database(server: RedisServer) -> Iterator[None]:
    """Let a newer jph have written the database."""
    with server.client() as client:
        client.set("jph:schema", 99)
        try:
            yield
        finally:
            client.set("jph:schema", 1)


@contextmanager
def locked_server(server: RedisServer, file: Path) -> Iterator[None]:
    """Let the server want another password than the one in the file."""
    with server.client() as client:
        client.config_set("requirepass", SECRET)
        with wrong_password(file):
            yield


@contextmanager
def killed(server: RedisServer, *settings: str) -> Iterator[None]:
    """Kill a server for a while."""
    server.stop()
    try:
        yield
    finally:
        server.start(*settings)
