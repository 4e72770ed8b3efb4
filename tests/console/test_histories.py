"""Which of a configuration's sinks tells of the past: the nearest and fullest that answers."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from config.model import Configuration, Node, Sensor
from console.histories import NoHistoryError, Place, Wanted, named_file, open_first, places
from protocol.accounts import Account
from protocol.readings import Reading
from storage.postgres_options import PostgresOptions
from storage.redis_options import RedisOptions
from storage.registry import store_class
from storage.sqlite import SqliteOptions
from storage.store import Batch
from tests.storage.postgres_server import PostgresServer
from tests.storage.redis_server import RedisServer

READING = Reading("C1", 1_785_240_000_000, 1, 21.5)
ACCOUNT = Account("C1", 1_785_240_000_000, sent=1, heard=1)


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> Iterator[PostgresOptions]:
    """Give an empty database with the schema in it."""
    name = postgres_server.new_database()
    yield postgres_server.options(name)
    postgres_server.drop_database(name)


@pytest.fixture
def redis(redis_server: RedisServer) -> Iterator[RedisOptions]:
    """Give an empty database that keeps readings."""
    yield redis_server.options(stream=1_000)
    with redis_server.client() as client:
        client.flushall()


def network(**sinks: tuple[str, Any]) -> Configuration:
    """Return a configuration with these sinks: a codifier and its store with options."""
    nodes = [
        Node(sensor=Sensor(codifier=codifier), driver=store, options=options)
        for codifier, (store, options) in sinks.items()
    ]
    return Configuration(source="jph.yaml", nodes={node.codifier: node for node in nodes})


def sqlite(path: Path) -> tuple[str, SqliteOptions]:
    return "sqlite", SqliteOptions(path=str(path))


def kept(store: str, options: Any) -> None:
    """Let a sink store a reading."""
    with closing(store_class(store)(options)) as sink:
        sink.write(Batch([READING], accounts=[ACCOUNT]), READING.timestamp_ms)


def unreachable(tmp_path: Path) -> tuple[str, PostgresOptions]:
    return "postgres", PostgresOptions(host=str(tmp_path), database="none", user="nobody")


def read(configuration: Configuration, node: str | None = None) -> tuple[str, list[Reading]]:
    """Return where the first place that answers is, and what it has of C1."""
    place, history = open_first(places(configuration, node))
    with closing(history):
        return place.name, history.history("C1", 0, 2**62, 10)


def names(found: list[Place]) -> list[str]:
    return [place.name for place in found]


def test_a_file_on_this_computer_comes_before_databases(
    tmp_path: Path, postgres: PostgresOptions, redis: RedisOptions
) -> None:
    kept(*sqlite(tmp_path / "here.db"))
    sinks = {"Q3": ("redis", redis), "Q2": ("postgres", postgres), "Q1": sqlite(tmp_path / "here.db")}
    assert names(places(network(**sinks))) == ["Q1 (sqlite)", "Q2 (postgres)", "Q3 (redis)"]
    assert read(network(**sinks)) == ("Q1 (sqlite)", [READING])


def test_a_file_that_is_elsewhere_is_asked_for_last(tmp_path: Path, redis: RedisOptions) -> None:
    sinks = network(Q1=sqlite(tmp_path / "elsewhere.db"), Q3=("redis", redis))
    assert names(places(sinks)) == ["Q3 (redis)", "Q1 (sqlite)"]


def test_postgres_tells_of_the_past(tmp_path: Path, postgres: PostgresOptions) -> None:
    kept("postgres", postgres)
    configuration = network(Q1=sqlite(tmp_path / "elsewhere.db"), Q2=("postgres", postgres))
    assert read(configuration) == ("Q2 (postgres)", [READING])


def test_redis_with_a_stream_tells_of_the_past_when_postgres_does_not_answer(
    tmp_path: Path, redis: RedisOptions
) -> None:
    kept("redis", redis)
    assert read(network(Q2=unreachable(tmp_path), Q3=("redis", redis))) == ("Q3 (redis)", [READING])


def test_a_node_that_is_named_is_the_only_one(tmp_path: Path, redis: RedisOptions) -> None:
    kept("redis", redis)
    kept(*sqlite(tmp_path / "here.db"))
    assert read(network(Q1=sqlite(tmp_path / "here.db"), Q3=("redis", redis)), "Q3") == ("Q3 (redis)", [READING])


def test_a_file_that_is_named_is_read_without_a_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(*sqlite(tmp_path / "named.db"))
    monkeypatch.chdir(tmp_path)
    _, history = open_first([named_file("named.db")])
    with closing(history):
        assert history.codifiers() == ["C1"]


def test_redis_without_a_stream_keeps_accounts_but_no_readings(redis_server: RedisServer, redis: RedisOptions) -> None:
    last_values_only = redis_server.options()
    kept("redis", last_values_only)
    configuration = network(Q3=("redis", last_values_only))
    with pytest.raises(NoHistoryError, match="keep last values only") as caught:
        places(configuration)
    assert "stream" in caught.value.hint
    _, history = open_first(places(configuration, wanted=Wanted.ACCOUNTS))
    with closing(history):
        assert [account.sent for account in history.accounts(0, 2**62)] == [1]


def test_a_named_node_without_readings_says_how_it_keeps_some() -> None:
    with pytest.raises(NoHistoryError, match="Q3 keeps last values only"):
        places(network(Q3=("redis", RedisOptions())), "Q3")


def test_a_named_node_that_is_no_sink_is_answered_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(NoHistoryError) as caught:
        places(network(Q1=sqlite(tmp_path / "here.db")), "C1")
    assert "Q1 (sqlite)" in caught.value.hint


def test_when_none_answers_each_says_why(tmp_path: Path) -> None:
    configuration = network(Q1=sqlite(tmp_path / "elsewhere.db"), Q2=unreachable(tmp_path))
    with pytest.raises(NoHistoryError) as caught:
        open_first(places(configuration))
    assert "Q1 (sqlite): there is no history in" in caught.value.message
    assert "Q2 (postgres): PostgreSQL none" in caught.value.message


def test_without_sinks_it_is_said_which_to_add() -> None:
    with pytest.raises(NoHistoryError, match=r"jph\.yaml has no node that stores readings") as caught:
        places(network())
    assert "driver: sqlite" in caught.value.hint
