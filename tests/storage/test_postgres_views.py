"""What was written for the original system reads here: the names, columns and types of its tables."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from config.loading import load
from config.model import Configuration, Node, Sensor
from protocol.readings import Reading
from storage import postgres_admin
from storage.postgres import Postgres
from storage.postgres_views import views
from storage.store import Batch
from tests.storage.conformance import MANY, NOON_MS
from tests.storage.postgres_server import PostgresServer

ROLLUP_COLUMNS = ["timestamp", "mean", "mode", "median", "max", "min", "stdev"]


def configuration(*codifiers: str) -> Configuration:
    nodes = {codifier: Node(sensor=Sensor(codifier=codifier), driver="simulated") for codifier in codifiers}
    return Configuration(nodes=nodes)


def original(tmp_path: Path, data_types: Mapping[str, str]) -> Configuration:
    """Load a configuration of the original system."""
    path = tmp_path / "config.json"
    channel = {"Address": "239.192.71.1", "Port": 7001}
    sensors = [
        {"Codifier": codifier, "ShortName": codifier, "DataType": data_type, "Type": "ControlProgram"}
        for codifier, data_type in data_types.items()
    ]
    document = {
        "Multicast": {"Control-Channel": channel, "Data-Channel": {**channel, "Port": 7002}},
        "Sensors": sensors,
    }
    path.write_text(json.dumps(document))
    return load(str(path), lambda _: None)


class Database:
    """A database as another program sees it."""

    def __init__(self, server: PostgresServer, name: str) -> None:
        self._server = server
        self._name = name
        self.options = server.options(name)

    def make_views(self, described: Configuration) -> postgres_admin.Prepared:
        return postgres_admin.init(self.options, described)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self._server.execute(statement, self._name)

    def columns(self, view: str) -> list[tuple[str, str]]:
        return self.rows(
            f"SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = '{view}'::regclass"  # noqa: S608 - the test's own names
        )


@pytest.fixture
def seen(postgres_server: PostgresServer, database: str) -> Database:
    return Database(postgres_server, database)


def write(store: Postgres, *readings: Reading) -> None:
    store.write(Batch(readings), NOON_MS)


def test_readings_are_seen_under_the_original_name(postgres: Postgres, seen: Database) -> None:
    seen.make_views(configuration("C1", "C2"))
    write(postgres, Reading("C1", NOON_MS, 1, 21.5), Reading("C1", NOON_MS + 1, 2, 22), Reading("C2", NOON_MS, 1, 9))
    assert seen.rows("SELECT * FROM sensor_c1 ORDER BY timestamp") == [(NOON_MS, 21.5), (NOON_MS + 1, 22.0)]
    assert seen.rows("SELECT value FROM sensor_c2") == [(9.0,)]


def test_roll_ups_are_seen_under_the_original_names(postgres: Postgres, seen: Database) -> None:
    seen.make_views(configuration("C1"))
    write(postgres, *(Reading("C1", NOON_MS + 1 + number, number, value) for number, value in enumerate([1, 1, 4])))
    postgres.refresh(MANY)
    for view, end_ms in (("sensor_c1_10min", NOON_MS + 600_000), ("sensor_c1_hour", NOON_MS + 3_600_000)):
        assert [name for name, _ in seen.columns(view)] == ROLLUP_COLUMNS
        assert seen.rows(f"SELECT * FROM {view}") == [(end_ms, 2.0, 1.0, 1.0, 4.0, 1.0, 2**0.5)]  # noqa: S608 - the test's own names


class Typed(NamedTuple):
    """A DataType of the original, its type in PostgreSQL, and values as they are written and read."""

    data_type: str
    seen_type: str
    written: list[float | str]
    read: list[object]


TYPES = [
    Typed("float", "double precision", [21.5, 7], [21.5, 7.0]),
    Typed("integer", "bigint", [7, 2**62 + 1, 7.6], [7, 2**62 + 1, 8]),
    Typed("bool", "boolean", [0, 1, 0.0], [False, True, False]),
    Typed("text", "text", ["on", 7], ["on", "7"]),
    Typed("something", "double precision", [21.5], [21.5]),
]


@pytest.mark.parametrize("typed", TYPES)
def test_a_value_has_the_data_type_of_the_original(
    postgres: Postgres, seen: Database, tmp_path: Path, typed: Typed
) -> None:
    seen.make_views(original(tmp_path, {"C1": typed.data_type}))
    write(postgres, *(Reading("C1", NOON_MS + number, number, value) for number, value in enumerate(typed.written)))
    assert seen.columns("sensor_c1") == [("timestamp", "bigint"), ("value", typed.seen_type)]
    assert seen.rows("SELECT value FROM sensor_c1 ORDER BY timestamp") == [(value,) for value in typed.read]


@pytest.mark.parametrize("data_type", ["float", "integer", "bool"])
def test_what_a_type_cannot_hold_is_left_out(
    postgres: Postgres, seen: Database, tmp_path: Path, data_type: str
) -> None:
    seen.make_views(original(tmp_path, {"C1": data_type}))
    write(postgres, Reading("C1", NOON_MS, 1, "off"), Reading("C1", NOON_MS, 2, 10**400))
    assert seen.rows("SELECT * FROM sensor_c1") == []


def test_every_configuration_of_the_original_has_its_views(seen: Database) -> None:
    path = Path(__file__).parents[1] / "config" / "original.json"
    described = load(str(path), lambda _: None)
    prepared = seen.make_views(described)
    assert len(prepared.made) == 3 * len(list(described.sensors()))
    assert prepared.skipped == {}


@pytest.mark.parametrize("codifier", ["';", '"x', "--", "%s", "{}", "\\'", "$1", "/*", "x "[0] + "!"])
def test_any_codifier_is_only_a_name(postgres: Postgres, seen: Database, codifier: str) -> None:
    (made, _, _) = seen.make_views(configuration(codifier)).made
    write(postgres, Reading(codifier, NOON_MS, 1, 21.5), Reading("C1", NOON_MS, 1, 9))
    assert made == f"sensor_{codifier}"
    quoted = made.replace('"', '""')
    assert seen.rows(f'SELECT value FROM "{quoted}"') == [(21.5,)]  # noqa: S608 - the test's own names


def test_codifiers_that_differ_only_in_their_letters_have_a_view_each(postgres: Postgres, seen: Database) -> None:
    seen.make_views(configuration("ab", "AB", "aB", "C1"))
    write(postgres, *(Reading(name, NOON_MS, 1, number) for number, name in enumerate(["ab", "AB", "aB"])))
    for number, name in enumerate(["sensor_ab", '"sensor_AB"', '"sensor_aB"']):
        assert seen.rows(f"SELECT value FROM {name}") == [(number,)]  # noqa: S608 - the test's own names
    assert seen.rows("SELECT * FROM sensor_c1") == []


def test_views_are_renewed_when_the_type_changes(seen: Database, tmp_path: Path) -> None:
    for data_type, seen_type in (("float", "double precision"), ("bool", "boolean"), ("bool", "boolean")):
        seen.make_views(original(tmp_path, {"C1": data_type}))
        assert seen.columns("sensor_c1")[1] == ("value", seen_type)


def test_a_view_that_another_one_needs_is_left_as_it_is(seen: Database, tmp_path: Path) -> None:
    seen.make_views(original(tmp_path, {"C1": "float"}))
    seen.rows("CREATE VIEW mine AS SELECT value FROM sensor_c1")
    prepared = seen.make_views(original(tmp_path, {"C1": "bool"}))
    assert prepared.skipped == {"sensor_c1": "its columns have changed, and another view needs it as it is"}
    assert prepared.made == ("sensor_c1_10min", "sensor_c1_hour")


@pytest.mark.parametrize("kind", ["TABLE sensor_c1 (timestamp bigint)", "VIEW sensor_c1 AS SELECT 1 AS timestamp"])
def test_what_is_not_ours_is_left_alone(seen: Database, kind: str) -> None:
    seen.rows(f"CREATE {kind}")
    prepared = seen.make_views(configuration("C1"))
    assert prepared.skipped == {"sensor_c1": "there is something else of this name"}
    assert len(seen.columns("sensor_c1")) == (1 if "VIEW" in kind else 7)


def test_a_sensor_that_is_no_longer_configured_keeps_its_view(postgres: Postgres, seen: Database) -> None:
    seen.make_views(configuration("C1"))
    write(postgres, Reading("C1", NOON_MS, 1, 21.5))
    seen.make_views(configuration("C2"))
    assert seen.rows("SELECT value FROM sensor_c1") == [(21.5,)]


def test_there_are_three_views_of_each_sensor() -> None:
    names = [view.name for view in views(configuration("C1", "X9"))]
    assert names == [f"sensor_{name}{end}" for name in ("c1", "x9") for end in ("", "_10min", "_hour")]
