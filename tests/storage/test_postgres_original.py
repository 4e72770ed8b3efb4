"""Readings from tables as the original system filled them."""

import logging
from contextlib import closing
from typing import Any

import pytest

from protocol.readings import Reading
from storage import postgres_original
from storage.postgres import Postgres
from storage.postgres_options import PostgresOptions
from storage.postgres_original import import_original
from storage.store import Batch, StoreError, Written
from tests.storage.conformance import EVER, MANY, NOON_MS
from tests.storage.postgres_server import PostgresServer


class Original:
    """A database that the original system filled."""

    def __init__(self, server: PostgresServer, name: str) -> None:
        self._server = server
        self._name = name
        self.options = server.options(name)

    def table(self, name: str, data_type: str, rows: list[tuple[int, Any]]) -> None:
        with self._server.connect(self._name) as connection:
            connection.execute(f"CREATE TABLE {name} (timestamp bigint PRIMARY KEY, value {data_type})".encode())
            with connection.cursor().copy(f"COPY {name} FROM STDIN".encode()) as copy:
                for row in rows:
                    copy.write_row(row)

    def read(self, *codifiers: str) -> list[Reading]:
        return list(import_original(self.options, codifiers))


@pytest.fixture
def original(postgres_server: PostgresServer, database: str) -> Original:
    return Original(postgres_server, database)


@pytest.mark.parametrize(
    ("data_type", "stored", "values"),
    [
        ("double precision", [21.5, -0.1], [21.5, -0.1]),
        ("real", [21.5], [21.5]),
        ("integer", [7, -7], [7, -7]),
        ("bigint", [2**62], [2**62]),
        ("numeric", ["21.5", "7"], [21.5, 7.0]),
        ("boolean", [True, False], [1, 0]),
        ("text", ["on", "°C"], ["on", "°C"]),
    ],
)
def test_values_keep_their_types(original: Original, data_type: str, stored: list[Any], values: list[object]) -> None:
    original.table("sensor_c1", data_type, [(NOON_MS + number, value) for number, value in enumerate(stored)])
    assert [repr(reading.value) for reading in original.read("C1")] == [repr(value) for value in values]


def test_sensors_come_one_after_the_other_each_in_the_order_of_time(original: Original) -> None:
    original.table("sensor_c1", "float", [(NOON_MS + 5, 1.0), (NOON_MS, 2.0)])
    original.table("sensor_a1", "float", [(NOON_MS + 9, 3.0)])
    found = [(reading.codifier, reading.timestamp_ms) for reading in original.read("C1", "A1")]
    assert found == [("C1", NOON_MS), ("C1", NOON_MS + 5), ("A1", NOON_MS + 9)]


def test_a_second_import_stores_nothing_new(original: Original, postgres: Postgres) -> None:
    original.table("sensor_c1", "float", [(NOON_MS + 1000 * number, number / 8) for number in range(2000)])
    assert postgres.write(Batch(original.read("C1")), NOON_MS) == Written(stored=2000)
    assert postgres.write(Batch(original.read("C1")), NOON_MS) == Written(duplicates=2000)
    assert len(postgres.history("C1", *EVER, MANY)) == 2000


def test_years_of_readings_have_sequences_that_do_not_clash(original: Original, postgres: Postgres) -> None:
    rows = [(NOON_MS - number * 2**31, float(number)) for number in range(50)]
    original.table("sensor_c1", "float", rows)
    assert postgres.write(Batch(original.read("C1")), NOON_MS) == Written(stored=50)


def test_a_table_that_is_larger_than_one_fetch_comes_wholly(
    original: Original, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_original, "ROWS_AT_ONCE", 7)
    original.table("sensor_c1", "float", [(NOON_MS + number, 1.0) for number in range(100)])
    assert len(original.read("C1")) == 100


def test_a_table_whose_name_was_quoted_is_found_too(original: Original) -> None:
    original.table('"sensor_C1"', "float", [(NOON_MS, 1.0)])
    original.table('"sensor_\';"', "float", [(NOON_MS, 2.0)])
    assert [reading.value for reading in original.read("C1", "';")] == [1.0, 2.0]


def test_what_is_no_reading_is_left_out_and_counted(original: Original, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    rows = [(-1, 1.0), (NOON_MS, float("nan")), (NOON_MS + 1, float("inf")), (NOON_MS + 2, None), (NOON_MS + 3, 4.0)]
    original.table("sensor_c1", "float", rows)
    assert [reading.value for reading in original.read("C1")] == [4.0]
    assert caplog.messages == ["C1: 3 rows of the original are no readings and were left out"]


def test_a_sensor_without_a_table_is_said_and_the_others_come(
    original: Original, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    original.table("sensor_c1", "float", [(NOON_MS, 1.0)])
    assert len(original.read("X9", "C1")) == 1
    assert caplog.messages == ["X9: there is no table sensor_x9 of the original"]


def test_our_own_views_are_not_taken_for_the_original(original: Original, postgres_server: PostgresServer) -> None:
    postgres_server.execute("CREATE VIEW sensor_c1 AS SELECT 1::bigint AS timestamp, 2 AS value", original._name)
    assert original.read("C1") == []


def test_an_import_that_is_given_up_leaves_no_connection(original: Original) -> None:
    original.table("sensor_c1", "float", [(NOON_MS + number, 1.0) for number in range(100)])
    with closing(import_original(original.options, ["C1"])) as readings:
        next(readings)


def test_a_table_of_another_shape_is_said(original: Original, postgres_server: PostgresServer) -> None:
    postgres_server.execute("CREATE TABLE sensor_c1 (at date)", original._name)
    with pytest.raises(StoreError, match='column "timestamp" does not exist'):
        original.read("C1")


def test_a_server_that_cannot_be_reached_is_said() -> None:
    with pytest.raises(StoreError, match="see that the server runs"):
        list(import_original(PostgresOptions(host="/nonexistent"), ["C1"]))
