"""config/demo.yaml: it loads, it runs, and what it promises happens."""

import asyncio
import inspect
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final, cast

import pytest

from agent.configuration import kinds
from config.loading import load
from config.model import Configuration, Node
from drivers.driver import OWN_CHANNEL, Actuator, Driver, OutOfRangeError, Place
from drivers.registry import DRIVERS, driver_class
from protocol.alarms import AlarmState, Level
from protocol.frames import Flag, reading_frame
from protocol.readings import Reading, Value
from tests.support.driven_time import ManualClock

SOURCE: Final = Path(__file__).parents[2] / "config" / "demo.yaml"

# The codifiers of the original system's plant, its fan and its settings.
CODIFIERS: Final = (
    *("X1", "X2", "X3", "X4", "Y1", "Y2", "Y3", "A1", "A2", "A3", "A4", "A5", "F1", "F2", "N1", "N2", "N3"),
    *("W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8", "W9", "FK", "FG", "FH", "FI", "FJ", "CC", "CK", "Q1"),
)


class DemoNetwork:
    """The drivers of the demo, read once a second of a clock that the test drives."""

    def __init__(self, configuration: Configuration, state_directory: Path, stack: ExitStack) -> None:
        self._nodes = [node for node in configuration.nodes.values() if node.driver in DRIVERS]
        self._clock = ManualClock()
        self._drivers = {node.codifier: self._start(node, state_directory, stack) for node in self._nodes}
        alarmed = [sensor for _, sensor in configuration.sensors() if sensor.alarms is not None]
        self._alarms = {sensor.codifier: AlarmState(sensor.alarms) for sensor in alarmed if sensor.alarms}
        self.values: dict[str, Value] = {}
        self.levels: dict[str, list[Level]] = {codifier: [] for codifier in self._alarms}
        self.silences: dict[str, int] = {}

    def _start(self, node: Node, state_directory: Path, stack: ExitStack) -> Driver:
        place = Place(node.codifier, state_directory, self._clock.monotonic)
        return stack.enter_context(closing(driver_class(node.driver)(node.options, place)))

    def actuator(self, codifier: str) -> Actuator:
        driver = self._drivers[codifier]
        assert isinstance(driver, Actuator)
        return driver

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self._clock.pass_time(1)
            asyncio.run(self._read())

    async def _read(self) -> None:
        for node in self._nodes:
            found = self._drivers[node.codifier].read()
            measured = await found if inspect.isawaitable(found) else found
            for sensor in node.sensors:
                self._note(sensor.codifier, cast(Any, measured).get(sensor.channel or OWN_CHANNEL))

    def _note(self, codifier: str, value: Value | None) -> None:
        if value is None:
            self.silences[codifier] = self.silences.get(codifier, 0) + 1
            return
        self.values[codifier] = value
        if codifier in self._alarms:
            self.levels[codifier].append(self._alarms[codifier].update(value))

    def number(self, codifier: str) -> float:
        return cast(float, self.values[codifier])


@pytest.fixture(scope="module")
def configuration() -> Configuration:
    return load(str(SOURCE), kinds)


@pytest.fixture
def demo(configuration: Configuration, tmp_path: Path) -> Iterator[DemoNetwork]:
    with ExitStack() as stack:
        yield DemoNetwork(configuration, tmp_path, stack)


def test_it_loads_without_a_warning(configuration: Configuration) -> None:
    assert configuration.warnings == ()


def test_nothing_of_it_leaves_this_computer(configuration: Configuration) -> None:
    assert (configuration.network.interface, configuration.network.ttl) == ("lo", 0)


def test_it_has_the_original_systems_codifiers(configuration: Configuration) -> None:
    assert {sensor.codifier for _, sensor in configuration.sensors()} >= set(CODIFIERS)


def test_every_sensor_has_a_name(configuration: Configuration) -> None:
    assert [sensor.codifier for _, sensor in configuration.sensors() if not sensor.name] == []


def test_what_can_be_set_takes_commands_and_nothing_else(configuration: Configuration) -> None:
    commanded = {node.codifier for node in configuration.nodes.values() if node.control}
    assert commanded == {"FG", "FH", "FI", "FJ", "FK"}


def test_every_sensor_has_a_value_within_a_second(demo: DemoNetwork) -> None:
    demo.run(1)
    assert demo.values.keys() >= {*CODIFIERS} - {"CC", "CK", "Q1"}


def test_all_is_well_at_first(demo: DemoNetwork) -> None:
    demo.run(30)
    assert {level for levels in demo.levels.values() for level in levels} == {Level.OK}
    assert demo.silences.keys() == {"CC", "CK"}


def test_within_three_minutes_everything_that_is_promised_happened_and_is_over(demo: DemoNetwork) -> None:
    demo.run(180)
    assert {codifier for codifier, levels in demo.levels.items() if max(map(severity, levels))} == {"Y1", "A5", "N3"}
    assert [levels[-1] for levels in demo.levels.values()] == [Level.OK] * len(demo.levels)
    assert 25 <= demo.silences["F1"] <= 35


def test_a_pump_that_stalls_is_critical(demo: DemoNetwork) -> None:
    demo.run(120)
    assert Level.CRITICAL in demo.levels["Y1"]
    assert Level.WARNING in demo.levels["A5"]


def test_setting_the_fan_cools_the_water_within_a_minute(demo: DemoNetwork) -> None:
    demo.run(200)
    before_c = demo.number("A3")
    demo.actuator("FK").set(80)
    demo.run(60)
    assert demo.number("A3") <= before_c - 2
    assert demo.number("FK") == 80


def test_settings_refuse_what_is_out_of_their_range(demo: DemoNetwork) -> None:
    for codifier, value in {"FG": 101, "FH": -1, "FI": 2, "FJ": 61, "FK": 101}.items():
        with pytest.raises(OutOfRangeError):
            demo.actuator(codifier).set(value)


def test_every_value_travels_in_the_short_frames_of_the_original(demo: DemoNetwork) -> None:
    demo.run(5)
    for codifier, value in demo.values.items():
        assert reading_frame(Reading(codifier, 0, 0, value)).flag in {Flag.INTEGER, Flag.FLOAT}, codifier


def severity(level: Level) -> int:
    return [Level.OK, Level.WARNING, Level.CRITICAL].index(level)
