"""Odd readings from the bus, into sinks of all kinds: what is a reading is stored as it is, the rest is kept apart."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Final

import pytest
import redis

from protocol.frames import DataFrame, reading_frame
from protocol.readings import Reading, Value
from protocol.troubles import Said, Trouble
from tests.agent.devices import until
from tests.agent.hosts import Host, Lan, Operator
from tests.agent.hosts import lan as lan  # noqa: PLC0414 - a fixture
from tests.agent.peer import Peer
from tests.agent.peer import peer as peer  # noqa: PLC0414 - a fixture
from tests.agent.stores import Place, sqlite_place
from tests.agent.taking import pass_time, pass_time_until
from tests.storage.postgres_server import PostgresServer
from tests.support.driven_time import START_MS

NOW_MS: Final = int(START_MS)
HOUR_MS: Final = 3_600_000
YEAR_MS: Final = 31_556_952_000
KINDS: Final = ["sqlite", "postgres", "redis"]

pytestmark = pytest.mark.parametrize("place", KINDS, indirect=True)


@pytest.fixture
def place(request: pytest.FixtureRequest, lan: Lan) -> Place:
    """Give a store of each kind."""
    if request.param == "sqlite":
        return sqlite_place(lan.path / "history.db")
    found: Place = request.getfixturevalue(f"{request.param}_place")
    return found


def reading(sequence: int, value: Value = 21.5, timestamp_ms: int = NOW_MS, codifier: str = "C1") -> DataFrame:
    """Return the frame of a reading."""
    return reading_frame(Reading(codifier, timestamp_ms, sequence, value))


async def sink(lan: Lan, place: Place, *others: str) -> Host:
    """Start the sink alone of a configuration with other nodes, and wait until it stores."""
    host = lan.start("\n".join([place.node(), *others]))
    host.codifiers = ["Q1"]
    await host.begin()
    return host


async def stored(lan: Lan, place: Place, number: int, codifier: str = "C1") -> list[Reading]:
    """Let time pass until so many readings are stored, and return them."""
    while len(readings := place.readings(codifier)) < number:
        await pass_time(lan, 0.5)
    return readings


def troubles(operator: Operator) -> tuple[Said, ...]:
    """Return what an operator knows is wrong with the sink."""
    return operator.roster.nodes["Q1"].diagnosed.troubles() if "Q1" in operator.roster.nodes else ()


TIMES_MS: Final = {
    "an hour ahead": NOW_MS + HOUR_MS,
    "an hour behind": NOW_MS - HOUR_MS,
    "of a clock that was never set": 0,
    "in the year 2150": 180 * YEAR_MS,
    "in the last millisecond that travels": 253_402_300_799_999,
}


async def test_whatever_the_clock_of_a_sensor_says_its_readings_are_stored_with_it(
    lan: Lan, peer: Peer, place: Place
) -> None:
    operator = await lan.operator()
    await sink(lan, place)
    for sequence, timestamp_ms in enumerate(TIMES_MS.values()):
        peer.say(reading(sequence, timestamp_ms=timestamp_ms))
    readings = await stored(lan, place, len(TIMES_MS))
    assert [one.timestamp_ms for one in readings] == sorted(TIMES_MS.values())
    assert troubles(operator) == ()


async def test_a_sequence_that_comes_again_with_another_value_is_kept_apart_and_told(
    lan: Lan, peer: Peer, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    operator = await lan.operator()
    await sink(lan, place)
    peer.say(reading(1, 21.5))
    await stored(lan, place, 1)
    peer.say(reading(1, 99.0))
    peer.say(reading(2, 22.0))
    await pass_time_until(lan, lambda: troubles(operator) == (Said(Trouble.CONFLICTS, 1),))
    assert [one.value for one in place.readings()] == [21.5, 22.0]
    with closing(place.open()) as history:
        (aside,) = history.aside(10)
    assert json.loads(aside.reading)["value"] == 99.0
    said = "Q1: a reading was set aside: says other than the first reading with its sequence: "
    assert said in caplog.text


async def test_text_where_a_number_was_is_stored_as_text(lan: Lan, peer: Peer, place: Place) -> None:
    operator = await lan.operator()
    await sink(lan, place)
    values: list[Value] = [21.5, "no sensor\x00\x1b[2J", 22]
    for sequence, value in enumerate(values):
        peer.say(reading(sequence, value, NOW_MS + sequence))
    assert [one.value for one in await stored(lan, place, 3)] == values
    assert troubles(operator) == ()


@pytest.fixture
def named(request: pytest.FixtureRequest, place: Place) -> Callable[[], dict[str, str | None]]:
    """Give what tells the name that the store has for each sensor with readings, None for one that is unknown."""

    def of_sqlite() -> dict[str, str | None]:
        with closing(sqlite3.connect(str(place.options["path"]))) as file:
            return dict(file.execute("SELECT codifier, name FROM sensors").fetchall())

    def of_postgres() -> dict[str, str | None]:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        rows = server.execute("SELECT codifier, name FROM jph.sensors", str(place.options["database"]))
        return {str(codifier): name for codifier, name in rows}

    def of_redis() -> dict[str, str | None]:
        with redis.Redis.from_url(str(place.options["url"]), decode_responses=True) as client:
            names = client.hgetall("jph:sensors")
        with closing(place.open()) as history:
            unknown = dict.fromkeys(history.codifiers())
        return unknown | {codifier: json.loads(text)[0] for codifier, text in names.items()}

    return {"sqlite": of_sqlite, "postgres": of_postgres, "redis": of_redis}[place.driver]


async def test_a_sensor_that_is_not_in_the_configuration_is_stored_and_unknown(
    lan: Lan, peer: Peer, place: Place, named: Callable[[], dict[str, str | None]]
) -> None:
    host = await sink(lan, place, "C1: {driver: pipe, name: cellar, options: {path: /x}}")
    peer.say(reading(1))
    peer.say(reading(1, codifier="X9"))
    await stored(lan, place, 1, "X9")
    await pass_time_until(lan, lambda: named().get("C1") == "cellar")
    assert named()["X9"] is None
    host.configuration = lan.configured(f"{place.node()}\nX9: {{driver: pipe, name: attic, options: {{path: /x}}}}")
    host.agent.reload_soon()
    await until(lambda: bool(host.taken))
    await pass_time_until(lan, lambda: named().get("X9") == "attic")
    assert named().get("C1") is None
