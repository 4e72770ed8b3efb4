"""A fan at a pin, and its tachometer at another: on gpiozero's own code and its mock of the header."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from drivers.driver import DriverError, Place
from drivers.fans.gpio import HIGHEST_HZ, GpioOutput, GpioOutputOptions, duty
from drivers.fans.tach import GpioTach
from tests.drivers.devices.gpio import Header, TroubleError, plugged_in
from tests.support.driven_time import ManualClock


@pytest.fixture
def header() -> Iterator[Header]:
    with plugged_in() as header:
        yield header


def output(place: Place, **more: Any) -> GpioOutput:
    return GpioOutput(msgspec.convert({"pin": 25, **more}, GpioOutputOptions), place)


@pytest.fixture
def tach(header: Header, place: Place) -> Iterator[GpioTach]:
    tach = GpioTach(24, 2, place)
    yield tach
    header.fails = lambda: False
    tach.close()


@pytest.mark.parametrize("percent", range(101))
def test_lgpio_makes_of_each_percent_what_was_meant(percent: int) -> None:
    assert int(duty(percent) * 100) == percent  # as gpiozero.pins.lgpio does
    assert 0 <= duty(percent) <= 1


def test_the_pin_has_the_frequency_and_the_duty_cycle(header: Header, place: Place) -> None:
    fan = output(place, frequency=10_000)
    fan.drive(42)
    assert (header.pin(25).function, header.pin(25).frequency, header.pin(25).state) == ("output", 10_000, 0.42)
    fan.drive(33.4)
    assert header.pin(25).state == 0.33
    fan.leave(100)


def test_an_inverted_fan_is_driven_by_a_low_level(header: Header, place: Place) -> None:
    fan = output(place, inverted=True)
    fan.drive(30)
    assert header.pin(25).state == 0.7
    fan.leave(100)


def test_a_second_pin_is_held_low(header: Header, place: Place) -> None:
    fan = output(place, low=24)
    fan.drive(30)
    assert (header.pin(24).function, header.pin(24).state) == ("output", False)
    fan.leave(100)


def test_it_gets_its_last_speed_and_then_both_pins_are_inputs(header: Header, place: Place) -> None:
    fan = output(place, low=24)
    fan.drive(30)
    fan.leave(100)
    assert [state for _, state in header.pin(25).states if state == 1], "full speed, before the pin is let go"
    assert [header.pin(pin).function for pin in (24, 25)] == ["input", "input"]
    again = output(place, low=24)
    again.drive(10)
    again.leave(100)


@pytest.mark.parametrize("low", [None, 24])
def test_after_a_failure_the_pins_are_had_anew(header: Header, place: Place, low: int | None) -> None:
    fan = output(place, low=low)
    fan.drive(30)
    header.fails = lambda: True
    with pytest.raises(DriverError, match=r"GPIO 2[45]: TroubleError: GPIO busy; another program or an overlay"):
        fan.drive(40)
    header.fails = lambda: False
    fan.drive(50)
    assert header.pin(25).state == 0.5
    fan.leave(100)


def test_a_frequency_that_lgpio_makes_of_nothing_is_told(header: Header, place: Place) -> None:
    header.says, header.fails = TroubleError("bad PWM frequency"), lambda: True
    with pytest.raises(DriverError, match="GPIO 25: TroubleError: bad PWM frequency"):
        output(place).drive(30)
    assert HIGHEST_HZ == 10_000


def test_two_pulses_are_a_rotation(header: Header, clock: ManualClock, tach: GpioTach) -> None:
    assert tach.rotations() is None
    header.pulse(24, 100)
    clock.pass_time(5)
    assert tach.rotations() == 600


def test_a_fan_that_stands_makes_no_rotations(clock: ManualClock, tach: GpioTach) -> None:
    tach.rotations()
    clock.pass_time(5)
    assert tach.rotations() == 0


def test_less_than_a_second_tells_no_rotations(header: Header, clock: ManualClock, tach: GpioTach) -> None:
    tach.rotations()
    header.pulse(24, 20)
    clock.pass_time(0.5)
    assert tach.rotations() is None
    header.pulse(24, 20)
    clock.pass_time(0.5)
    assert tach.rotations() == 1200


def test_the_wire_of_the_tachometer_is_pulled_up(header: Header, tach: GpioTach) -> None:
    tach.rotations()
    assert header.pin(24).pull == "up"


def test_a_tachometer_lets_go_of_its_pin_twice(header: Header, place: Place) -> None:
    tach = GpioTach(24, 2, place)
    tach.rotations()
    tach.close()
    tach.close()
    other = GpioTach(24, 2, place)
    other.rotations()
    other.close()
    assert header.pin(24).when_changed is None
