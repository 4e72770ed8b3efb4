"""Sinks of all kinds in agents, and what can go wrong with their stores: told to everybody, and nothing is lost."""

import re

import pytest

from tests.agent.devices import Devices, until
from tests.agent.devices import devices as devices  # noqa: PLC0414 - a fixture
from tests.agent.hosts import Host, Lan, Operator
from tests.agent.hosts import lan as lan  # noqa: PLC0414 - a fixture
from tests.agent.stores import Case, Place
from tests.agent.taking import SENSOR, pass_time, pass_time_until, sent, take_readings

pytestmark = pytest.mark.usefixtures("devices")

BEGINS_WHILE_IT_RUNS = ["sqlite_full", "postgres_away", "postgres_full", "redis_away", "redis_memory"]
IS_THERE_BEFORE = ["sqlite_newer", "sqlite_read_only", "postgres_login", "postgres_newer", "postgres_read_only"]
IS_THERE_BEFORE += ["redis_login", "redis_newer"]


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Place:
    """Give the place that is named."""
    found: Place = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Case:
    """Give the case that is named."""
    found: Case = request.getfixturevalue(request.param)
    return found


def codes(operator: Operator) -> list[int]:
    """Return what an operator knows is wrong with the sink."""
    node = operator.roster.nodes.get("Q1")
    return [] if node is None else [said.code for said in node.diagnosed.troubles(operator.clock.now().monotonic_s)]


async def until_stored(lan: Lan, place: Place, sensor: Host) -> None:
    """Let time pass until everything is stored that the sensor had sent by now."""
    expected = {codifier: set(sent(sensor, codifier)) for codifier in ("C1", "C2")}
    while any(numbers - set(place.numbers(codifier)) for codifier, numbers in expected.items()):
        await pass_time(lan, 0.5)


async def measuring(lan: Lan, devices: Devices) -> Host:
    """Start an agent with a sensor."""
    host = await lan.host(SENSOR)
    await until(lambda: len(devices) == 1)
    return host


@pytest.mark.parametrize("place", ["postgres_place", "redis_place"], indirect=True)
async def test_every_reading_ends_in_the_store_exactly_once(lan: Lan, devices: Devices, place: Place) -> None:
    sensor = await measuring(lan, devices)
    await take_readings(sensor, devices, 20)
    for _ in range(2):  # the second time it was down for a while
        storing = await lan.host(place.node())
        await take_readings(sensor, devices, 5)
        await storing.stop()
        await take_readings(sensor, devices, 20)
    storing = await lan.host(place.node())
    await take_readings(sensor, devices, 1)
    await until_stored(lan, place, sensor)
    await sensor.stop()
    await storing.stop()
    assert place.numbers("C1") == sorted(sent(sensor, "C1"))
    assert place.numbers("C2") == sorted(sent(sensor, "C2"))


@pytest.mark.parametrize("case", IS_THERE_BEFORE + BEGINS_WHILE_IT_RUNS, indirect=True)
async def test_what_a_sink_could_not_store_it_stores_when_it_is_started_again(
    lan: Lan, devices: Devices, case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    operator = await lan.operator()
    sensor = await measuring(lan, devices)
    with case.wrong():
        storing = await lan.host(case.place.node())
        await take_readings(sensor, devices, 5)
        await pass_time_until(lan, lambda: codes(operator) == [case.trouble])
        await storing.stop()
    assert re.search(case.words, caplog.text)
    assert "will be asked for again" in caplog.text
    storing = await lan.host(case.place.node())
    await take_readings(sensor, devices, 1)
    await until_stored(lan, case.place, sensor)
    await pass_time_until(lan, lambda: codes(operator) == [])
    await sensor.stop()
    await storing.stop()
    assert case.place.numbers("C1") == sorted(sent(sensor, "C1"))


@pytest.mark.parametrize("case", BEGINS_WHILE_IT_RUNS, indirect=True)
async def test_a_sink_waits_for_its_store_tells_that_it_does_and_goes_on(
    lan: Lan, devices: Devices, case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    operator = await lan.operator()
    sensor, storing = await measuring(lan, devices), await lan.host(case.place.node())
    await take_readings(sensor, devices, 5)
    with case.wrong():
        await take_readings(sensor, devices, 5)
        await pass_time_until(lan, lambda: codes(operator) == [case.trouble])
    await pass_time_until(lan, lambda: codes(operator) == [])
    await sensor.stop()
    await storing.stop()
    assert case.place.numbers("C1") == sorted(sent(sensor, "C1"))
    assert re.search(case.words, caplog.text)
    assert "Q1: stores again" in caplog.text
