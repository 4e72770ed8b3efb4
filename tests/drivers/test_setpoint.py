"""Set points, and the driver `control`, which is one and nothing else."""

import math
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.control import Control, ControlOptions
from drivers.driver import Actuator, OutOfRangeError, Place
from drivers.setpoint import Range, SetPoint, SetPointOptions
from tests.support.driven_time import ManualClock

PERCENT = SetPointOptions(default=25, min=0, max=100)


def test_the_default_holds_until_the_first_command(place: Place) -> None:
    assert SetPoint(PERCENT, place).value == 25


def test_a_value_that_was_set_holds(place: Place) -> None:
    setpoint = SetPoint(PERCENT, place)
    setpoint.set(80.0)
    assert setpoint.value == 80.0


@pytest.mark.parametrize("value", [0, 100, 0.5])
def test_the_borders_of_the_range_belong_to_it(place: Place, value: float) -> None:
    setpoint = SetPoint(PERCENT, place)
    setpoint.set(value)
    assert setpoint.value == value


@pytest.mark.parametrize("value", [-0.001, 100.001, 1e300, -(10**400), math.nan, math.inf, -math.inf])
def test_what_is_out_of_range_is_refused_and_changes_nothing(place: Place, value: float) -> None:
    setpoint = SetPoint(PERCENT, place)
    setpoint.set(80)
    with pytest.raises(OutOfRangeError, match=r"out of range 0\.\.100"):
        setpoint.set(value)
    assert setpoint.value == 80


@pytest.mark.parametrize(
    ("range_", "words"),
    [
        (Range(0, 100, None), "0..100"),
        (Range(None, 2.5, None), "..2.5"),
        (Range(1, None, 0.5), "1.. in steps of 0.5"),
    ],
)
def test_a_range_says_itself(range_: Range, words: str) -> None:
    assert str(range_) == words


def test_a_step_changes_the_value_by_so_much(place: Place) -> None:
    setpoint = SetPoint(PERCENT, place)
    setpoint.step(10)
    setpoint.step(-2.5)
    assert setpoint.value == 32.5


def test_steps_do_not_collect_the_errors_of_floats(place: Place) -> None:
    setpoint = SetPoint(SetPointOptions(default=0, step=0.1), place)
    for _ in range(10):
        setpoint.step(0.1)
    assert setpoint.value == 1.0


def test_a_step_out_of_the_range_is_refused_and_changes_nothing(place: Place) -> None:
    setpoint = SetPoint(PERCENT, place)
    with pytest.raises(OutOfRangeError, match=r"105 is out of range 0\.\.100"):
        setpoint.step(80)
    assert setpoint.value == 25


@pytest.mark.parametrize("by", [math.nan, math.inf])
def test_a_step_that_is_no_number_is_refused(place: Place, by: float) -> None:
    with pytest.raises(OutOfRangeError, match="is no step"):
        SetPoint(PERCENT, place).step(by)


def test_with_a_step_only_its_multiples_are_taken(place: Place) -> None:
    setpoint = SetPoint(SetPointOptions(default=20, min=5, max=35, step=0.5), place)
    setpoint.set(21.5)
    with pytest.raises(OutOfRangeError, match=r"21\.3 is out of range 5\.\.35 in steps of 0\.5"):
        setpoint.set(21.3)
    assert setpoint.value == 21.5


@given(st.integers(-1000, 1000))
def test_multiples_are_counted_from_min_and_exact(number: int) -> None:
    taken = Range(0.05, None, 0.1).refusal(0.05 + number / 10 if number >= 0 else 0.05)
    assert taken is None or number >= 0
    assert Range(None, None, 0.1).refusal(number / 10) is None


def test_a_switch_has_whole_numbers(place: Place) -> None:
    switch = SetPoint(SetPointOptions(default=1, min=0, max=1, step=1), place)
    switch.set(0.0)
    assert repr(switch.value) == "0"
    with pytest.raises(OutOfRangeError):
        switch.set(0.5)


def test_without_a_lease_a_value_holds_for_ever(place: Place, clock: ManualClock) -> None:
    setpoint = SetPoint(PERCENT, place)
    setpoint.set(80)
    clock.pass_time(10 * 365 * 86_400)
    assert setpoint.value == 80


def test_with_a_lease_it_returns_to_the_safe_value(place: Place, clock: ManualClock) -> None:
    setpoint = SetPoint(SetPointOptions(default=25, safe=100, lease=60.0), place)
    setpoint.set(40)
    clock.pass_time(59.9)
    assert setpoint.value == 40
    clock.pass_time(0.1)
    assert setpoint.value == 100


def test_every_command_renews_the_lease(place: Place, clock: ManualClock) -> None:
    setpoint = SetPoint(SetPointOptions(default=25, safe=100, lease=60.0), place)
    setpoint.set(40)
    clock.pass_time(50)
    setpoint.set(40)
    clock.pass_time(50)
    assert setpoint.value == 40
    setpoint.step(1)
    clock.pass_time(50)
    assert setpoint.value == 41


def test_a_command_that_is_refused_does_not_renew_the_lease(place: Place, clock: ManualClock) -> None:
    setpoint = SetPoint(SetPointOptions(default=25, max=90, safe=80, lease=60.0), place)
    setpoint.set(40)
    clock.pass_time(50)
    with pytest.raises(OutOfRangeError):
        setpoint.set(91)
    clock.pass_time(10)
    assert setpoint.value == 80


def test_after_the_lease_steps_begin_at_the_safe_value(place: Place, clock: ManualClock) -> None:
    setpoint = SetPoint(SetPointOptions(default=25, safe=80, lease=60.0), place)
    setpoint.set(40)
    clock.pass_time(60)
    setpoint.step(5)
    assert setpoint.value == 85


def test_with_a_lease_a_start_knows_of_no_command(place: Place) -> None:
    options = SetPointOptions(default=25, safe=100, lease=60.0)
    SetPoint(options, place).set(40)
    assert SetPoint(options, place).value == 100
    assert not place.state_directory.exists()


def test_safe_is_the_default_when_it_is_not_said(place: Place, clock: ManualClock) -> None:
    setpoint = SetPoint(SetPointOptions(default=25, lease=60.0), place)
    setpoint.set(40)
    clock.pass_time(60)
    assert setpoint.value == 25


def test_a_value_survives_a_restart(place: Place) -> None:
    SetPoint(PERCENT, place).set(80.5)
    assert SetPoint(PERCENT, place).value == 80.5


def test_a_released_value_is_back_after_a_restart(place: Place) -> None:
    setpoint = SetPoint(SetPointOptions(default=25, safe=100), place)
    setpoint.set(40)
    setpoint.release()
    assert setpoint.value == 100
    assert SetPoint(SetPointOptions(default=25, safe=100), place).value == 40


def test_a_damaged_file_means_the_default(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    SetPoint(PERCENT, place).set(80)
    (place.state_directory / "FK.value").write_bytes(b"\x00" * 20)
    assert SetPoint(PERCENT, place).value == 25
    assert "FK: the value that was set is lost, the default is taken" in caplog.text


def test_a_value_that_a_new_range_refuses_means_the_default(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    SetPoint(PERCENT, place).set(80)
    assert SetPoint(SetPointOptions(default=25, max=50), place).value == 25
    assert "FK: the value that was set is given up, the default is taken: 80 is out of range ..50" in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "`default`"),
        ({"default": "high"}, "`.default`"),
        ({"default": 5, "min": 6}, "`default` 5 is out of range 6.."),
        ({"default": 5, "max": 4}, "`default` 5 is out of range ..4"),
        ({"default": 5, "step": 2}, "`default` 5 is out of range .. in steps of 2"),
        ({"default": 5, "min": 0, "max": 10, "safe": 11}, "`safe` 11 is out of range 0..10"),
        ({"default": 5, "min": 9, "max": 3}, "`min` 9 is not below `max` 3"),
        ({"default": 5, "step": 0}, "`step` is 0"),
        ({"default": 5, "step": -1}, "`step` is -1"),
        ({"default": math.nan}, "`default`: nan is not a finite number"),
        ({"default": 5, "max": math.inf}, "`max`: inf is not a finite number"),
        ({"default": 5, "colour": "red"}, "`colour`"),
    ],
)
def test_wrong_options_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(msgspec.ValidationError) as failure:
        msgspec.convert(options, ControlOptions)
    assert message in str(failure.value).replace("$", "") or message in str(failure.value)


def test_a_control_sensor_reads_what_was_set(place: Place) -> None:
    with closing(Control(ControlOptions(default=35, min=20, max=50), place)) as control:
        assert control.read() == {"value": 35}
        control.set(40.5)
        assert control.read() == {"value": 40.5}
        control.step(-0.5)
        assert control.read() == {"value": 40.0}


def test_a_control_sensor_is_an_actuator(place: Place) -> None:
    assert isinstance(Control(ControlOptions(default=35), place), Actuator)


def test_a_control_sensor_returns_to_its_safe_value_when_it_closes(place: Place) -> None:
    control = Control(ControlOptions(default=35, safe=20), place)
    control.set(50)
    control.close()
    assert control.read() == {"value": 20}


def test_two_control_sensors_keep_their_values_apart(tmp_path: Path, clock: ManualClock) -> None:
    for codifier, value in (("FG", 6), ("FH", 80)):
        Control(ControlOptions(default=1), Place(codifier, tmp_path, clock.monotonic)).set(value)
    values = [
        Control(ControlOptions(default=1), Place(codifier, tmp_path, clock.monotonic)).read()
        for codifier in ("FG", "FH")
    ]
    assert values == [{"value": 6}, {"value": 80}]


@pytest.mark.parametrize(("value", "taken"), [(-1, 0), (0, 0), (42.5, 42.5), (100, 100), (100.5, 100), (1e300, 100)])
def test_a_value_beyond_the_range_may_be_taken_as_its_bound(place: Place, value: float, taken: float) -> None:
    setpoint = SetPoint(SetPointOptions(default=50, min=0, max=100), place, clamp=True)
    setpoint.set(value)
    assert setpoint.value == taken


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_has_no_bound(place: Place, value: float) -> None:
    setpoint = SetPoint(SetPointOptions(default=50, min=0, max=100), place, clamp=True)
    with pytest.raises(OutOfRangeError):
        setpoint.set(value)
    assert setpoint.value == 50


@pytest.mark.parametrize(("low", "high", "value"), [(None, 10, -1e6), (0, None, 1e6), (None, None, 7)])
def test_without_a_bound_nothing_lies_beyond_it(
    place: Place, low: float | None, high: float | None, value: float
) -> None:
    setpoint = SetPoint(SetPointOptions(default=5, min=low, max=high), place, clamp=True)
    setpoint.set(value)
    assert setpoint.value == value


def test_a_step_may_begin_elsewhere(place: Place) -> None:
    setpoint = SetPoint(SetPointOptions(default=50), place)
    setpoint.step(-5, 0.3)
    assert setpoint.value == -4.7


def test_a_lease_runs_from_a_command_to_its_end(place: Place, clock: ManualClock) -> None:
    setpoint = SetPoint(SetPointOptions(default=50, lease=10), place)
    seen = [setpoint.is_leased]
    setpoint.set(1)
    seen.append(setpoint.is_leased)
    clock.pass_time(10)
    assert [*seen, setpoint.is_leased] == [False, True, False]
