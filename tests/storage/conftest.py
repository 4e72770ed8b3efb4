"""What the tests of stores share: one server of each kind for all of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import postgres_link, sqlite_file
from storage.postgres import Postgres
from tests.storage.postgres_server import PostgresServer
from tests.storage.postgres_stores import PostgresStores
from tests.storage.redis_server import RedisServer, running
from tests.storage.redis_stores import RedisStores
from tests.storage.sqlite_stores import SqliteStores


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Run one server for all tests."""
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def shared_database(postgres_server: PostgresServer) -> str:
    """Make a database for all tests that empty it themselves."""
    return postgres_server.new_database()


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[str]:
    """Make a database with the schema in it, and drop it afterwards."""
    name = postgres_server.new_database()
    yield name
    postgres_server.drop_database(name)


@pytest.fixture
def postgres(postgres_server: PostgresServer, database: str) -> Iterator[Postgres]:
    """Open a store in a fresh database."""
    store = Postgres(postgres_server.options(database))
    yield store
    store.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for a locked file or table."""
    monkeypatch.setattr(sqlite_file, "_BUSY_TIMEOUT_S", 0.0)
    monkeypatch.setattr(postgres_link, "LOCK_TIMEOUT_MS", 20)


@pytest.fixture
def sqlite_stores(tmp_path: Path, impatient: None) -> SqliteStores:
    """Give a place for SQLite files."""
    return SqliteStores(tmp_path)


@pytest.fixture
def postgres_stores(postgres_server: PostgresServer, shared_database: str, impatient: None) -> Iterator[PostgresStores]:
    """Give a database."""
    stores = PostgresStores(postgres_server, shared_database)
    yield stores
    stores.close()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """Run one server for all tests."""
    with running() as server:
        yield server


@pytest.fixture
def redis_stores(redis_server: RedisServer) -> Iterator[RedisStores]:
    """Give a database."""
    stores = RedisStores(redis_server)
    yield stores
    stores.close()
