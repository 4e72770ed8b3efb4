"""The driver `gpio`, on gpiozero's own code and its mock of the header."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config.options import takes_commands
from drivers.ages import OLDEST_S
from drivers.driver import DriverError, Place
from drivers.gpio import DEBOUNCE_S, SHORTEST_DEBOUNCE_S, Gpio, GpioOptions
from drivers.libraries import how_to_install
from tests.drivers.devices.gpio import Header, TroubleError, plugged_in
from tests.support.driven_time import ManualClock

Make = Callable[..., Gpio]


@pytest.fixture
def header() -> Iterator[Header]:
    with plugged_in() as header:
        yield header


@pytest.fixture
def wakes() -> list[int]:
    """Return what grows by one each time that the driver wakes its node."""
    return []


@pytest.fixture
def make(place: Place, wakes: list[int], header: Header) -> Iterator[Make]:
    """Build drivers on GPIO 17 that are closed at the end of the test."""
    made = []

    def build(**options: Any) -> Gpio:
        checked = msgspec.convert({"pin": 17, **options}, GpioOptions)
        made.append(Gpio(checked, replace(place, wake=lambda: wakes.append(1))))
        return made[-1]

    yield build
    header.fails = lambda: False
    for driver in made:
        driver.close()


@pytest.mark.parametrize(
    ("options", "low", "high"),
    [
        ({}, 0, 1),
        ({"pull": "down"}, 0, 1),
        ({"pull": "up"}, 1, 0),
        ({"active_low": True}, 1, 0),
        ({"pull": "up", "active_low": False}, 0, 1),
        ({"pull": "down", "active_low": True}, 1, 0),
    ],
)
def test_an_input_is_1_at_its_active_level(
    make: Make, header: Header, options: dict[str, object], low: int, high: int
) -> None:
    driver = make(**options)
    driver.read()
    header.pin(17).drive_low()
    assert driver.read() == {"value": low}
    header.pin(17).drive_high()
    assert driver.read() == {"value": high}


@pytest.mark.parametrize(("pull", "set_to"), [("up", "up"), ("down", "down"), ("none", "floating"), (None, "floating")])
def test_the_resistor_is_the_one_that_is_asked_for(make: Make, header: Header, pull: str | None, set_to: str) -> None:
    make(pull=pull).read()
    assert header.pin(17).pull == set_to


@pytest.mark.parametrize("mode", ["counter", "button"])
def test_what_closes_a_contact_to_ground_has_a_resistor_to_the_supply(make: Make, header: Header, mode: str) -> None:
    make(mode=mode).read()
    assert header.pin(17).pull == "up"


def test_a_change_of_an_input_is_read_at_once(make: Make, header: Header, wakes: list[int]) -> None:
    make().read()
    header.pin(17).drive_high()
    header.pin(17).drive_low()
    assert len(wakes) == 2


@pytest.mark.parametrize(("mode", "bounce"), [("input", 0.05), ("button", 0.05), ("counter", None)])
def test_contacts_bounce_for_50_ms_unless_pulses_are_counted(
    make: Make, header: Header, mode: str, bounce: float | None
) -> None:
    make(mode=mode).read()
    assert header.pin(17).bounce == bounce


def test_a_counter_can_be_told_how_long_its_contact_bounces(make: Make, header: Header) -> None:
    make(mode="counter", debounce=0.002).read()
    assert header.pin(17).bounce == 0.002


def test_a_button_that_is_held_is_1_until_it_is_let_go(make: Make, header: Header, wakes: list[int]) -> None:
    driver = make(mode="button")
    assert driver.read() == {"value": 0, "presses": 0}
    header.pin(17).drive_low()
    assert len(wakes) == 1
    assert [driver.read(), driver.read()] == [{"value": 1, "presses": 1}] * 2
    header.pin(17).drive_high()
    assert len(wakes) == 2
    assert driver.read() == {"value": 0, "presses": 1}


def test_a_press_that_is_over_before_it_is_read_is_told_all_the_same(
    make: Make, header: Header, wakes: list[int]
) -> None:
    driver = make(mode="button")
    driver.read()
    header.pulse(17)
    wakes.clear()
    assert driver.read() == {"value": 1, "presses": 1}
    assert wakes, "the node is woken once more to tell that the press is over"
    assert driver.read() == {"value": 0, "presses": 1}


def test_a_press_of_long_ago_is_counted_and_told_no_more(
    make: Make, header: Header, clock: ManualClock, wakes: list[int]
) -> None:
    driver = make(mode="button")
    driver.read()
    header.pulse(17)
    clock.pass_time(OLDEST_S + 1)
    wakes.clear()
    assert driver.read() == {"value": 0, "presses": 1}
    assert not wakes


def test_no_press_is_lost_between_two_reads(make: Make, header: Header) -> None:
    driver = make(mode="button")
    driver.read()
    header.pulse(17, 3)
    assert driver.read() == {"value": 1, "presses": 3}


def test_a_button_to_the_supply_is_pressed_by_a_high_level(make: Make, header: Header) -> None:
    driver = make(mode="button", pull="down")
    driver.read()
    header.pin(17).drive_high()
    assert driver.read() == {"value": 1, "presses": 1}


def test_a_meter_gives_its_rate_a_minute_and_its_total(make: Make, header: Header, clock: ManualClock) -> None:
    driver = make(mode="counter", per_unit=450)
    driver.read()
    header.pulse(17, 225)
    clock.pass_time(5)
    assert driver.read() == {"value": 6.0, "total": 0.5}  # half a litre in 5 s


def test_a_rain_gauge_gives_mm_an_hour(make: Make, header: Header, clock: ManualClock) -> None:
    driver = make(mode="counter", each=0.2794, rate_per=3600)
    driver.read()
    header.pulse(17, 3)
    clock.pass_time(60)
    assert driver.read() == {"value": 50.292, "total": 0.8382}


def test_pulses_without_a_worth_are_whole_numbers(make: Make, header: Header) -> None:
    driver = make(mode="counter")
    driver.read()
    header.pulse(17, 7)
    assert repr(driver.read()["total"]) == "7"


@pytest.mark.parametrize(("active_low", "counted"), [(True, 1), (False, 0)])
def test_a_pulse_begins_with_its_active_level(make: Make, header: Header, active_low: object, counted: int) -> None:
    driver = make(mode="counter", active_low=active_low)
    driver.read()
    header.pin(17).drive_low()
    assert driver.read()["total"] == counted
    header.pin(17).drive_high()
    assert driver.read()["total"] == 1


def test_a_meter_does_not_wake_its_node(make: Make, header: Header, wakes: list[int]) -> None:
    make(mode="counter").read()
    header.pulse(17, 5)
    assert wakes == []


def test_less_than_a_second_tells_no_rate(make: Make, header: Header, clock: ManualClock) -> None:
    driver = make(mode="counter")
    driver.read()
    header.pulse(17)
    clock.pass_time(0.9)
    assert driver.read() == {"total": 1}
    clock.pass_time(0.1)
    assert driver.read() == {"value": 60.0, "total": 1}


def test_a_rate_is_that_of_the_time_since_the_last_one(make: Make, header: Header, clock: ManualClock) -> None:
    driver = make(mode="counter")
    driver.read()
    header.pulse(17, 10)
    clock.pass_time(10)
    driver.read()
    clock.pass_time(10)
    assert driver.read() == {"value": 0.0, "total": 10}


def test_a_total_survives_an_orderly_end(make: Make, header: Header) -> None:
    first = make(mode="counter")
    first.read()
    header.pulse(17, 5)
    first.close()
    second = make(mode="counter", each=2)
    assert second.read()["total"] == 10
    header.pulse(17)
    assert second.read()["total"] == 12


def test_a_total_is_written_at_most_once_a_minute(make: Make, header: Header, clock: ManualClock, place: Place) -> None:
    driver = make(mode="counter")
    kept = place.state_directory / "FK.pulses"
    driver.read()
    header.pulse(17)
    clock.pass_time(59)
    driver.read()
    assert not kept.exists()
    clock.pass_time(1)
    driver.read()
    assert kept.read_text().startswith("FK 1 ")


def test_a_damaged_total_begins_with_0_and_says_so(make: Make, place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.state_directory.mkdir()
    (place.state_directory / "FK.pulses").write_text("FK 100 00000000\n")
    assert make(mode="counter").read()["total"] == 0
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "FK: the total is lost, it begins with 0: " in record.getMessage()


def test_pulses_that_came_while_the_pin_could_be_had_are_counted_once(
    make: Make, header: Header, clock: ManualClock
) -> None:
    driver = make(mode="counter")
    driver.read()
    header.pulse(17, 2)
    header.fails = lambda: True
    with pytest.raises(DriverError):
        driver.read()
    header.fails = lambda: False
    clock.pass_time(10)
    assert driver.read() == {"total": 2}
    header.pulse(17, 3)
    clock.pass_time(1)
    assert driver.read() == {"value": 180.0, "total": 5}


@pytest.mark.parametrize(
    ("says", "advice"),
    [
        (TroubleError("GPIO busy"), "gpioinfo names who"),
        (TroubleError("can not open gpiochip"), "the group gpio"),
        (TroubleError("bad GPIO read"), ""),
    ],
)
def test_what_lgpio_says_is_told_with_what_to_do(make: Make, header: Header, says: Exception, advice: str) -> None:
    header.says, header.fails = says, lambda: True
    with pytest.raises(DriverError, match=f"GPIO 17: TroubleError: {says}") as failure:
        make().read()
    assert advice in failure.value.hint


def test_two_nodes_of_one_process_cannot_have_the_same_pin(make: Make) -> None:
    make().read()
    with pytest.raises(DriverError, match=r"GPIOPinInUse.*another node of this process uses it"):
        make().read()


def test_a_pin_that_was_let_go_can_be_had_again(make: Make) -> None:
    first = make()
    first.read()
    first.close()
    assert make().read() == {"value": 0}


def test_a_number_that_the_header_has_not_is_told(make: Make) -> None:
    with pytest.raises(DriverError, match="give the number of the GPIO, not of the header's pin"):
        make(pin=40).read()


def test_a_resistor_that_the_board_has_not_is_told(make: Make) -> None:
    with pytest.raises(DriverError, match="say `pull: up`"):
        make(pin=2, pull="down").read()


def test_a_closed_pin_is_not_had_again(make: Make, header: Header) -> None:
    driver = make()
    driver.close()
    with pytest.raises(DriverError, match="GPIO 17 is closed"):
        driver.read()
    assert not header.factory.pins


def test_away_from_a_raspberry_pi_it_says_so_and_leaves_nothing_where_it_runs(tmp_path: Path) -> None:
    if Path("/proc/device-tree/system/linux,revision").exists():
        pytest.skip("this is a Raspberry Pi")
    (tmp_path / "here").mkdir()
    script = """
import sys, time
from pathlib import Path
from drivers.driver import DriverError, Place
from drivers.libraries import how_to_install
from drivers.gpio import Gpio, GpioOptions
try:
    Gpio(GpioOptions(pin=17), Place("P1", Path(sys.argv[1]), time.monotonic)).read()
except DriverError as error:
    print(error)
"""
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": os.environ["PATH"]}
    arguments = [sys.executable, "-c", script, str(tmp_path / "state")]
    told = subprocess.run(
        arguments, cwd=tmp_path / "here", env=environment, check=True, capture_output=True, text=True
    ).stdout
    if find_spec("lgpio"):
        assert told.startswith("GPIO 17: PinUnknownPi: ")
        assert "this is no Raspberry Pi" in told
    else:
        advice = how_to_install("lgpio", "gpio")
        assert told == f"gpiozero.pins.lgpio cannot be used: No module named 'lgpio'; {advice}\n"
    assert list((tmp_path / "here").iterdir()) == []


def test_it_takes_no_commands_and_opens_the_chips_of_both_kinds_of_boards() -> None:
    assert not takes_commands("gpio")
    assert GpioOptions(pin=17).devices() == {"/dev/gpiochip0", "/dev/gpiochip4"}


def test_a_pin_in_the_air_makes_a_bounded_number_of_readings() -> None:
    assert min(bounce for bounce in DEBOUNCE_S.values() if bounce) >= SHORTEST_DEBOUNCE_S == 0.01
