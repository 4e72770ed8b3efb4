"""The drivers `simulated` and `simulated-fan`."""

import asyncio
import gc
import math
import threading
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from drivers.driver import Actuator, DriverError, Measurements, OutOfRangeError, Place
from drivers.plant import shared_plant
from drivers.plant.incidents import SILENCE
from drivers.plant.plant import PARTS
from drivers.plant.shared_plant import join_plant
from drivers.simulated import Simulated, SimulatedOptions
from drivers.simulated_fan import SimulatedFan, SimulatedFanOptions
from tests.support.driven_time import ManualClock

Start = Callable[..., Simulated]


@pytest.fixture
def start(place: Place) -> Start:
    """Start a signal with options as a configuration has them."""
    return lambda **options: Simulated(msgspec.convert(options, SimulatedOptions), place)


def read(driver: Simulated) -> Measurements:
    return asyncio.run(driver.read())


def own_values(driver: Simulated, count: int) -> list[float]:
    async def values() -> list[float]:
        return [float((await driver.read())["value"]) for _ in range(count)]  # type: ignore[arg-type] # a number

    return asyncio.run(values())


@pytest.mark.parametrize("value", [21.5, 7, "running"])
def test_a_constant_is_always_the_same(start: Start, value: float | str) -> None:
    driver = start(signal="constant", value=value)
    assert [read(driver), read(driver)] == [{"value": value}] * 2


def test_a_sine_goes_up_and_down_with_time(start: Start, clock: ManualClock) -> None:
    driver = start(signal="sine", mean=20, amplitude=5, period=60)
    values = []
    for _ in range(5):
        values += own_values(driver, 1)
        clock.pass_time(15)
    assert values == [20, 25, 20, 15, 20]


def test_a_sine_has_as_many_decimals_as_are_asked_for(start: Start, clock: ManualClock) -> None:
    driver = start(signal="sine", mean=20, amplitude=5, period=60, decimals=4)
    clock.pass_time(1)
    assert own_values(driver, 1) == [round(20 + 5 * math.sin(2 * math.pi / 60), 4)]


def test_a_walk_begins_at_its_start_and_stays_within_its_bounds(start: Start) -> None:
    values = own_values(start(signal="walk", start=50, step=30, min=40, max=60), 500)
    assert values[0] == 50
    assert 40 <= min(values) < 42
    assert 58 < max(values) <= 60


def test_a_walk_goes_no_further_than_its_step(start: Start) -> None:
    values = own_values(start(signal="walk", start=50, step=0.5, min=0, max=100), 200)
    assert all(abs(later - earlier) <= 0.51 for earlier, later in pairwise(values))


def test_a_walk_with_a_seed_can_be_walked_again(start: Start) -> None:
    walk = {"signal": "walk", "start": 50, "step": 1, "min": 0, "max": 100, "seed": 4}
    assert own_values(start(**walk), 50) == own_values(start(**walk), 50)
    assert own_values(start(**walk), 50) != own_values(start(**{**walk, "seed": 5}), 50)


def test_without_a_seed_every_sensor_walks_its_own_way(tmp_path: Path, clock: ManualClock) -> None:
    options = SimulatedOptions(signal="walk", start=50, step=1, min=0, max=100)
    ways = [own_values(Simulated(options, Place(name, tmp_path, clock.monotonic)), 10) for name in ("AA", "AB", "AA")]
    assert ways[0] != ways[1]
    assert ways[0] == ways[2]


def test_a_part_of_the_plant_gives_all_its_channels(start: Start) -> None:
    driver = start(signal="plant", part="manifold", plant="channels")
    measured = read(driver)
    assert measured.keys() == {"value", "mad", "aqua"}
    assert all(20 < float(value) < 50 for value in measured.values())  # type: ignore[arg-type] # numbers


def test_a_silent_sensor_of_the_plant_gives_nothing(start: Start, clock: ManualClock) -> None:
    driver = start(signal="plant", part="air", plant="silence")
    assert read(driver).keys() == {"value", "humidity"}
    clock.pass_time(SILENCE.first_s + 1)
    assert read(driver) == {}


def test_the_plants_time_is_the_clocks(start: Start, clock: ManualClock) -> None:
    driver = start(signal="plant", part="power", plant="time")
    clock.pass_time(3600)
    energy_kwh = read(driver)["total_energy"]
    assert isinstance(energy_kwh, float)
    assert 1.2 < energy_kwh < 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "`signal`"),
        ({"signal": "square"}, r"`\$.signal`"),
        ({"signal": "constant"}, "`signal: constant` needs `value`"),
        ({"signal": "constant", "value": 1, "mean": 2}, "`signal: constant` does not take `mean`"),
        ({"signal": "constant", "value": math.nan}, "`value`: nan is not a finite number"),
        ({"signal": "sine", "mean": 1, "amplitude": 2}, "`signal: sine` needs `period`"),
        ({"signal": "sine", "mean": 1, "amplitude": math.inf, "period": 2}, "`amplitude`: inf is not a finite"),
        ({"signal": "walk", "start": 1, "step": 1, "min": 2, "max": 3}, "`start` 1 is not between `min` 2 and `max` 3"),
        ({"signal": "walk", "start": 2, "step": 0, "min": 2, "max": 3}, "`step` is 0"),
        ({"signal": "walk", "start": 2, "step": 1, "min": 2, "max": 3, "decimals": 99}, r"`\$.decimals`"),
        ({"signal": "plant"}, "`signal: plant` needs `part`"),
        ({"signal": "plant", "part": "reactor"}, r"`\$.part`"),
        ({"signal": "plant", "part": "mad", "seed": 4}, "`signal: plant` does not take `seed`"),
        ({"signal": "constant", "value": 1, "colour": "red"}, "`colour`"),
    ],
)
def test_wrong_options_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=message):
        msgspec.convert(options, SimulatedOptions)


@pytest.mark.parametrize("part", [part for part in PARTS if part != "fan"])
def test_the_channels_of_a_part_are_known_before_it_runs(part: str) -> None:
    options = msgspec.convert({"signal": "plant", "part": part}, SimulatedOptions)
    assert options.channels() == PARTS[part].keys()


def test_a_signal_that_was_closed_gives_nothing_any_more(start: Start) -> None:
    driver = start(signal="constant", value=1)
    driver.close()
    with pytest.raises(DriverError, match="has ended"):
        read(driver)


def test_the_fan_of_one_node_cools_the_water_of_another(start: Start, place: Place, clock: ManualClock) -> None:
    water = start(signal="plant", part="manifold", plant="shared")
    with closing(SimulatedFan(SimulatedFanOptions(plant="shared"), place)) as fan:
        clock.pass_time(200)
        (before_c,) = own_values(water, 1)
        fan.set(80)
        clock.pass_time(60)
        (after_c,) = own_values(water, 1)
    assert after_c <= before_c - 2


def test_plants_of_other_names_are_other_plants(start: Start, place: Place, clock: ManualClock) -> None:
    here, there = (start(signal="plant", part="manifold", plant=name) for name in ("here", "there"))
    with closing(SimulatedFan(SimulatedFanOptions(plant="here"), place)) as fan:
        fan.set(100)
        clock.pass_time(200)
        assert own_values(here, 1)[0] < own_values(there, 1)[0] - 5


def test_a_plant_ends_with_its_last_driver(start: Start) -> None:
    driver = start(signal="plant", part="mad", plant="mortal")
    assert "mortal" in shared_plant._plants
    driver.close()
    del driver
    gc.collect()
    assert "mortal" not in shared_plant._plants


def test_a_clock_that_goes_back_does_not_turn_the_plant_back(start: Start, clock: ManualClock) -> None:
    driver = start(signal="plant", part="power", plant="backwards")
    clock.pass_time(100)
    before = read(driver)
    clock.pass_time(-50)
    assert read(driver) == before


def test_many_threads_may_ask_one_plant(clock: ManualClock) -> None:
    plant = join_plant("threads", clock.monotonic)
    seen: list[Measurements] = []
    clock.pass_time(500)
    threads = [threading.Thread(target=lambda: seen.append(plant.read("manifold"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [seen[0]] * 8


def test_the_fan_reads_its_speed_and_its_rotations(place: Place, clock: ManualClock) -> None:
    with closing(SimulatedFan(SimulatedFanOptions(plant="speed"), place)) as fan:
        fan.set(80)
        clock.pass_time(30)
        assert fan.read() == {"value": 80, "rotations": 1160}
        fan.step(-5)
        assert fan.read()["value"] == 75


def test_the_fan_is_an_actuator_and_signals_are_not(place: Place, start: Start) -> None:
    with closing(SimulatedFan(SimulatedFanOptions(plant="kinds"), place)) as fan:
        assert isinstance(fan, Actuator)
    assert not isinstance(start(signal="constant", value=1), Actuator)


@pytest.mark.parametrize("percent", [-1, 101])
def test_the_fan_refuses_what_is_no_percentage(place: Place, percent: float) -> None:
    with (
        closing(SimulatedFan(SimulatedFanOptions(plant="refusal"), place)) as fan,
        pytest.raises(OutOfRangeError, match=r"out of range 0\.\.100"),
    ):
        fan.set(percent)


def test_the_fan_goes_to_its_safe_speed_when_its_lease_ends(place: Place, clock: ManualClock) -> None:
    with closing(SimulatedFan(SimulatedFanOptions(plant="lease", lease=60.0, safe=90), place)) as fan:
        fan.set(30)
        clock.pass_time(60)
        assert fan.read()["value"] == 90
        clock.pass_time(30)
        assert fan.read()["rotations"] == round(0.9 * 1450)


def test_the_fan_is_left_at_full_speed(place: Place, clock: ManualClock) -> None:
    plant = join_plant("left", clock.monotonic)
    fan = SimulatedFan(SimulatedFanOptions(plant="left"), place)
    fan.set(30)
    fan.close()
    clock.pass_time(60)
    assert plant.read("fan")["value"] == 100
    with pytest.raises(DriverError, match="closed"):
        fan.read()


def test_the_fans_speed_survives_a_restart(place: Place) -> None:
    for expected in (25, 60):
        with closing(SimulatedFan(SimulatedFanOptions(plant="restart"), place)) as fan:
            assert fan.read()["value"] == expected
            fan.set(60)


@pytest.mark.parametrize("options", [{"min": -5}, {"max": 120}, {"default": 120}, {"safe": -1}])
def test_a_fan_beyond_percent_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"percent|out of range"):
        msgspec.convert(options, SimulatedFanOptions)
