"""Stores for sinks in agents, and with each what can go wrong with it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.troubles import Trouble
from tests.agent.stores import (
    Case,
    Place,
    killed,
    locked_server,
    newer_database,
    newer_file,
    newer_schema,
    read_only_database,
    sqlite_place,
    stopped,
    wrong_password,
)
from tests.storage.postgres_server import NOBODY, PostgresServer
from tests.storage.redis_server import RedisServer, running
from tests.support.disks import filled, only_root, read_only, small_disk


@pytest.fixture
def sqlite_newer(tmp_path: Path) -> Case:
    """Give a file of a newer jph."""
    path = tmp_path / "history.db"
    return Case(sqlite_place(path), lambda: newer_file(path), Trouble.STORE_NEWER, "written by a newer jph")


@pytest.fixture
def sqlite_full(tmp_path: Path) -> Iterator[Case]:
    """Give a file on a disk that gets full."""
    only_root()
    with small_disk(tmp_path / "disk", "2m") as disk:
        place = sqlite_place(disk / "history.db")
        yield Case(place, lambda: filled(disk), Trouble.STORE_FULL, "make room on the disk")


@pytest.fixture
def sqlite_read_only(tmp_path: Path) -> Iterator[Case]:
    """Give a file on a disk that takes no changes."""
    only_root()
    with small_disk(tmp_path / "disk", "2m") as disk:
        place = sqlite_place(disk / "history.db")
        yield Case(place, lambda: read_only(disk), Trouble.STORE_READ_ONLY, "to write its directory")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Run one server for all tests."""
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture
def postgres_place(postgres_server: PostgresServer) -> Iterator[Place]:
    """Give a database with the schema in it."""
    name = postgres_server.new_database()
    yield Place("postgres", host=postgres_server.socket_directory, database=name, user="postgres")
    postgres_server.drop_database(name)


@pytest.fixture
def postgres_away(postgres_server: PostgresServer, postgres_place: Place) -> Case:
    """Give a database whose server is stopped."""
    words = "see that the server runs|the server is stopping"  # whichever it is asked for first
    return Case(postgres_place, lambda: stopped(postgres_server), Trouble.STORE_AWAY, words)


@pytest.fixture
def postgres_read_only(postgres_server: PostgresServer, postgres_place: Place) -> Case:
    """Give a database that takes no changes."""
    name = str(postgres_place.options["database"])
    wrong = lambda: read_only_database(postgres_server, name)  # noqa: E731 - as for the others
    return Case(postgres_place, wrong, Trouble.STORE_READ_ONLY, "the server takes no changes")


@pytest.fixture
def postgres_newer(postgres_server: PostgresServer, postgres_place: Place) -> Case:
    """Give a database of a newer jph."""
    name = str(postgres_place.options["database"])
    return Case(postgres_place, lambda: newer_schema(postgres_server, name), Trouble.STORE_NEWER, "by a newer jph")


@pytest.fixture
def postgres_login(postgres_server: PostgresServer, postgres_place: Place, tmp_path: Path) -> Iterator[Case]:
    """Give a database with a user whose password is another one."""
    file = tmp_path / "password"
    postgres_server.execute("ALTER ROLE app SUPERUSER")
    postgres_place.to_look = {"user": "postgres", "password_file": None}
    postgres_place.options |= {"user": "app", "password_file": file}
    yield Case(postgres_place, lambda: wrong_password(file), Trouble.STORE_LOGIN, "password authentication failed")
    postgres_server.execute("ALTER ROLE app NOSUPERUSER")


@pytest.fixture
def postgres_full(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Case]:
    """Give a database on a disk that gets full."""
    only_root()
    with small_disk(postgres_server.socket_directory / "disk", "64m") as disk:
        space = disk / "space"
        space.mkdir()
        os.chown(space, NOBODY, NOBODY)
        postgres_server.execute(f"CREATE TABLESPACE small LOCATION '{space}'")
        name = postgres_server.new_database(more="TABLESPACE small")
        place = Place("postgres", host=postgres_server.socket_directory, database=name, user="postgres")
        yield Case(place, lambda: filled(disk), Trouble.STORE_FULL, "make room on the server's disk")
        postgres_server.drop_database(name)
        postgres_server.execute("DROP TABLESPACE small")


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """Run a server for one test."""
    with running() as server:
        yield server


@pytest.fixture
def redis_place(redis_server: RedisServer) -> Place:
    """Give an empty database, with a stream so that it has a history."""
    return Place("redis", url=f"unix://{redis_server.socket}", stream=100_000)


@pytest.fixture
def redis_memory(redis_server: RedisServer, redis_place: Place) -> Case:
    """Give a server that has no memory left."""
    wrong = lambda: redis_server.configured("maxmemory", 1)  # noqa: E731 - as for the others
    return Case(redis_place, wrong, Trouble.STORE_MEMORY, "raise maxmemory of the server")


@pytest.fixture
def redis_newer(redis_server: RedisServer, redis_place: Place) -> Case:
    """Give a database of a newer jph."""
    return Case(redis_place, lambda: newer_database(redis_server), Trouble.STORE_NEWER, "written by a newer jph")


@pytest.fixture
def redis_login(redis_server: RedisServer, redis_place: Place, tmp_path: Path) -> Case:
    """Give a server whose password is another one."""
    file = tmp_path / "password"
    redis_place.options["password_file"] = file
    return Case(redis_place, lambda: locked_server(redis_server, file), Trouble.STORE_LOGIN, "see `password_file`")


@pytest.fixture
def redis_away() -> Iterator[Case]:
    """Give a server that is killed, and keeps what it said that it has."""
    kept = ("--appendonly", "yes")
    with running(*kept) as server:
        place = Place("redis", url=f"unix://{server.socket}", stream=100_000)
        yield Case(place, lambda: killed(server, *kept), Trouble.STORE_AWAY, "see that the server runs")
