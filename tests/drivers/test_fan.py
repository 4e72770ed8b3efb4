"""The driver `fan`: commands, lease, curve, kick-start and stall, on a simulated fan controller."""

import errno
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import pytest

from config.options import takes_commands
from drivers.driver import Actuator, DriverError, Latest, NoNetwork, OutOfRangeError, Place
from drivers.fan import Fan, FanOptions
from tests.drivers.devices.fan import FanChip
from tests.support.driven_time import ManualClock
from tests.support.fake_sysfs import FakeSysfs

HWMON = {"hwmon": {"chip": "emc2305"}}
TACH = {"tach": {"hwmon": "emc2305"}}
CURVE = {"curve": {"input": "A4", "points": [[30, 20], [60, 80]], "hysteresis": 0}, "lease": 60}

Make = Callable[..., Fan]

pytestmark = pytest.mark.usefixtures("chip")


@dataclass
class Heard(NoNetwork):
    """A network on which A4 is heard with a temperature, at once and always."""

    temperature: float | None = 45

    def latest(self, codifier: str) -> Latest | None:
        assert codifier == "A4"
        return None if self.temperature is None else Latest(self.temperature, 1_700_000_000_000, 0)


def options(**more: Any) -> FanOptions:
    return msgspec.convert({**HWMON, **more}, FanOptions)


@pytest.fixture
def network() -> Heard:
    return Heard()


@pytest.fixture
def chip(sysfs: FakeSysfs) -> FanChip:
    return FanChip(sysfs)


@pytest.fixture
def make(sys_place: Place, network: Heard) -> Iterator[Make]:
    """Build drivers on the chip that are closed at the end of the test."""
    made = []

    def build(**more: Any) -> Fan:
        made.append(Fan(options(**more), replace(sys_place, network=network)))
        return made[-1]

    yield build
    for fan in made:
        fan.close()


def percent(chip: FanChip) -> float:
    return round(chip.pwm * 100 / 255)


def test_it_begins_with_full_speed(make: Make, chip: FanChip) -> None:
    assert make().read() == {"value": 100, "state": "set"}
    assert percent(chip) == 100


def test_a_speed_is_set_and_stepped_as_in_the_original(make: Make, chip: FanChip) -> None:
    fan = make()
    fan.set(60)
    assert (fan.read()["value"], percent(chip)) == (60, 60)
    fan.step(-12.5)
    assert (fan.read()["value"], chip.pwm) == (47.5, round(255 * 0.475))


@pytest.mark.parametrize(
    ("command", "speed"), [(("set", 120), 100), (("set", -3), 0), (("step", 40), 100), (("step", -70), 0)]
)
def test_with_clamp_what_lies_beyond_the_range_is_its_bound_as_in_the_original(
    make: Make, command: tuple[str, float], speed: float
) -> None:
    fan = make(clamp=True)
    fan.set(65)
    getattr(fan, command[0])(command[1])
    assert fan.read()["value"] == speed


@pytest.mark.parametrize("command", [("set", 120), ("set", -3), ("step", 40), ("step", -70)])
def test_without_clamp_it_is_refused_and_the_fan_stays(make: Make, chip: FanChip, command: tuple[str, float]) -> None:
    fan = make()
    fan.set(65)
    with pytest.raises(OutOfRangeError, match=r"out of range 0\.\.100"):
        getattr(fan, command[0])(command[1])
    assert (fan.read()["value"], percent(chip)) == (65, 65)


def test_a_value_that_is_no_number_is_refused_even_with_clamp(make: Make) -> None:
    fan = make(clamp=True)
    for value in (float("nan"), float("inf")):
        with pytest.raises(OutOfRangeError):
            fan.set(value)


def test_a_command_is_carried_out_before_the_next_read(make: Make, chip: FanChip) -> None:
    fan = make()
    fan.read()
    fan.set(100)
    fan.read()
    fan.set(40)
    fan.read()
    chip.history.clear()
    fan.set(70)
    assert chip.history == [round(255 * 0.7)]


def test_without_a_lease_the_speed_survives_a_restart(make: Make, chip: FanChip) -> None:
    first = make()
    first.set(40)
    first.close()
    assert make().read() == {"value": 40, "state": "set"}


def test_with_a_lease_the_fan_returns_to_its_safe_speed(make: Make, chip: FanChip, clock: ManualClock) -> None:
    fan = make(lease=60)
    assert fan.read() == {"value": 100, "state": "safe"}
    fan.set(40)
    assert fan.read() == {"value": 40, "state": "set"}
    clock.pass_time(60)
    assert fan.read() == {"value": 100, "state": "safe"}
    assert percent(chip) == 100


def test_it_is_left_at_its_safe_speed_and_to_who_drove_it(make: Make, chip: FanChip) -> None:
    fan = make()
    fan.set(30)
    fan.close()
    assert (chip.history[-1], chip.mode) == (255, 2)


def test_closing_twice_writes_once(make: Make, chip: FanChip) -> None:
    fan = make()
    fan.read()
    fan.close()
    chip.history.clear()
    fan.close()
    assert chip.history == []


def test_a_fan_that_was_never_driven_is_left_alone(make: Make, chip: FanChip) -> None:
    make().close()
    assert (chip.history, chip.mode) == ([], 2)


@pytest.mark.parametrize("use", [lambda fan: fan.read(), lambda fan: fan.set(10), lambda fan: fan.step(-1)])
def test_a_closed_fan_is_not_driven_again(make: Make, chip: FanChip, use: Callable[[Fan], object]) -> None:
    fan = make()
    fan.read()
    fan.close()
    chip.history.clear()
    with pytest.raises(DriverError, match="the fan is closed"):
        use(fan)
    assert chip.history == []


def test_that_it_could_not_be_left_at_its_safe_speed_is_said(
    make: Make, chip: FanChip, sysfs: FakeSysfs, caplog: pytest.LogCaptureFixture
) -> None:
    fan = make()
    fan.read()
    sysfs.remove(chip.path)
    fan.close()
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith("FK: the fan may not have its safe speed: ")


def test_a_fan_that_stands_begins_to_turn_with_full_speed_for_a_second(
    make: Make, chip: FanChip, clock: ManualClock
) -> None:
    fan = make()
    fan.set(0)
    fan.read()
    chip.history.clear()
    fan.set(30)
    assert chip.history == [255]
    before_s = clock.monotonic()
    assert fan.read()["value"] == 30
    assert clock.monotonic() - before_s == 1
    assert chip.history[-1] == round(255 * 0.3)


def test_a_fan_that_turns_is_not_kicked(make: Make, chip: FanChip, clock: ManualClock) -> None:
    fan = make()
    fan.set(30)
    fan.read()
    chip.history.clear()
    before_s = clock.monotonic()
    fan.set(40)
    fan.read()
    assert set(chip.history) == {round(255 * 0.4)}
    assert clock.monotonic() == before_s


def test_a_kick_start_is_over_by_itself_when_nobody_reads(make: Make, chip: FanChip, clock: ManualClock) -> None:
    fan = make()
    fan.set(30)
    clock.pass_time(1)
    before_s = clock.monotonic()
    fan.read()
    assert (percent(chip), clock.monotonic()) == (30, before_s)


def test_a_fan_that_is_stopped_during_its_kick_start_stops(make: Make, chip: FanChip) -> None:
    fan = make()
    fan.set(30)
    fan.set(0)
    assert chip.pwm == 0
    assert fan.read()["value"] == 0


def test_without_a_kick_start_it_does_at_once_what_it_is_told(make: Make, chip: FanChip, clock: ManualClock) -> None:
    fan = make(kick_start=False)
    before_s = clock.monotonic()
    fan.set(30)
    fan.read()
    assert (set(chip.history), clock.monotonic()) == ({round(255 * 0.3)}, before_s)


def test_a_fan_that_is_closed_during_its_kick_start_keeps_its_safe_speed(
    sys_place: Place, chip: FanChip, clock: ManualClock
) -> None:
    fan = Fan(options(), replace(sys_place, sleep=lambda _seconds: fan.close()))
    fan.set(30)
    with pytest.raises(DriverError, match="the fan is closed"):
        fan.read()
    assert (chip.history[-1], chip.mode) == (255, 2)


def test_it_is_off_below_what_makes_it_turn(make: Make, chip: FanChip) -> None:
    fan = make(stop_below=25)
    fan.set(24.9)
    assert (fan.read()["value"], chip.pwm) == (0, 0)
    fan.set(25)
    assert (fan.read()["value"], percent(chip)) == (25, 25)


def test_a_step_begins_where_the_fan_was_set_to(make: Make) -> None:
    fan = make(stop_below=25)
    fan.set(20)
    fan.step(10)
    assert fan.read()["value"] == 30


def test_it_tells_its_rotations(make: Make) -> None:
    fan = make(**TACH)
    fan.set(50)
    assert fan.read() == {"value": 50, "state": "set", "rotations": round(3000 * 128 / 255)}


def stalled(fan: Fan, chip: FanChip) -> bool:
    """Tell whether a read finds that the fan stands, and gives it full speed."""
    measured = fan.read()
    return str(measured["value"]).startswith("the fan does not turn: it is given full speed; see") and chip.pwm == 255


def test_a_fan_that_does_not_turn_for_5_s_gets_full_speed_and_is_an_error(
    make: Make, chip: FanChip, clock: ManualClock
) -> None:
    fan = make(**TACH)
    fan.set(40)
    fan.read()
    chip.is_held = True
    assert fan.read()["rotations"] == 0
    clock.pass_time(4.9)
    assert fan.read() == {"value": 40, "state": "set", "rotations": 0}
    clock.pass_time(0.1)
    assert [stalled(fan, chip), stalled(fan, chip)] == [True, True]
    measured = fan.read()
    assert isinstance(measured["value"], DriverError)
    assert (measured["state"], measured["rotations"]) == ("stalled", 0)


def test_a_fan_that_turns_again_gets_the_speed_that_was_set(make: Make, chip: FanChip, clock: ManualClock) -> None:
    fan = make(**TACH)
    fan.set(40)
    chip.is_held = True
    fan.read()
    clock.pass_time(5)
    assert stalled(fan, chip)
    chip.is_held = False
    assert fan.read() == {"value": 100, "state": "set", "rotations": 3000}
    assert fan.read()["value"] == 40
    assert percent(chip) == 40


def test_a_tachometer_that_fails_silences_the_rotations_only(make: Make, chip: FanChip, sysfs: FakeSysfs) -> None:
    fan = make(**TACH)
    fan.set(40)
    sysfs.fail(f"{chip.path}/fan1_input", errno.EIO)
    measured = fan.read()
    assert (measured["value"], measured["state"], percent(chip)) == (40, "set", 40)
    assert isinstance(measured["rotations"], DriverError)


def test_what_a_broken_tachometer_does_not_say_is_no_stall(
    make: Make, chip: FanChip, sysfs: FakeSysfs, clock: ManualClock
) -> None:
    fan = make(**TACH)
    fan.set(40)
    sysfs.fail(f"{chip.path}/fan1_input", errno.EIO)
    for _ in range(3):
        assert fan.read()["value"] == 40
        clock.pass_time(5)


def test_a_fan_that_is_off_may_stand(make: Make, clock: ManualClock) -> None:
    fan = make(**TACH)
    fan.set(0)
    for _ in range(3):
        assert fan.read() == {"value": 0, "state": "set", "rotations": 0}
        clock.pass_time(10)


def test_a_stalled_fan_can_be_switched_off(make: Make, chip: FanChip, clock: ManualClock) -> None:
    fan = make(**TACH)
    chip.is_held = True
    fan.read()
    clock.pass_time(5)
    assert stalled(fan, chip)
    fan.set(0)
    assert fan.read() == {"value": 0, "state": "set", "rotations": 0}


def test_a_standing_fan_was_seen_for_5_s_and_not_only_before(make: Make, chip: FanChip, clock: ManualClock) -> None:
    fan = make(**TACH)
    for _ in range(3):
        chip.is_held = True
        assert fan.read()["rotations"] == 0
        clock.pass_time(4)
        chip.is_held = False
        assert fan.read()["rotations"] == 3000
        clock.pass_time(4)


def test_it_follows_its_curve(make: Make, chip: FanChip, network: Heard) -> None:
    fan = make(**CURVE)
    assert fan.read() == {"value": 50, "state": "curve"}
    network.temperature = 60
    assert fan.read() == {"value": 80, "state": "curve"}
    assert percent(chip) == 80


def test_a_command_holds_against_the_curve_until_its_lease_ends(make: Make, network: Heard, clock: ManualClock) -> None:
    fan = make(**CURVE)
    fan.set(10)
    network.temperature = 60
    assert fan.read() == {"value": 10, "state": "set"}
    clock.pass_time(60)
    assert fan.read() == {"value": 80, "state": "curve"}


def test_a_step_begins_where_the_curve_is(make: Make) -> None:
    fan = make(**CURVE)
    fan.read()
    fan.step(-5)
    assert fan.read() == {"value": 45, "state": "set"}


def test_without_a_temperature_it_gets_its_safe_speed(make: Make, chip: FanChip, network: Heard) -> None:
    fan = make(**CURVE, safe=90)
    fan.read()
    network.temperature = None
    assert fan.read() == {"value": 90, "state": "no input"}
    assert percent(chip) == 90
    network.temperature = 30
    assert fan.read() == {"value": 20, "state": "curve"}


def test_a_device_that_is_gone_is_told_and_driven_again_when_it_is_back(
    make: Make, chip: FanChip, sysfs: FakeSysfs
) -> None:
    fan = make()
    fan.set(40)
    fan.read()
    sysfs.put("/sys/class/hwmon/hwmon1/name", "cpu_thermal\n")
    sysfs.remove(chip.path)
    with pytest.raises(DriverError, match="there is no emc2305; there are: cpu_thermal"):
        fan.read()
    back = FanChip(sysfs, number=3)
    assert fan.read()["value"] == 40
    assert (percent(back), back.history[0]) == (40, 255), "it may have stood, so that it is kicked"


def test_it_may_be_closed_from_another_thread(make: Make, chip: FanChip) -> None:
    fan = make()
    fan.read()
    closer = threading.Thread(target=fan.close)
    closer.start()
    closer.join()
    assert chip.mode == 2


@pytest.mark.parametrize(
    ("more", "channels"),
    [({}, {"value", "state"}), (TACH, {"value", "state", "rotations"})],
)
def test_its_channels_are_its_speed_and_what_is_counted(more: dict[str, Any], channels: set[str]) -> None:
    assert options(**more).channels() == channels


def test_its_curve_names_the_sensor_that_it_follows() -> None:
    assert options(**CURVE).inputs() == {"A4"}
    file = {"curve": {**CURVE["curve"], "input": "/sys/class/thermal/thermal_zone0/temp"}}  # type: ignore[dict-item]
    assert options(**{**CURVE, **file}).inputs() == frozenset()


def test_it_opens_the_chips_of_the_header_only_for_a_pin_and_writes_to_sys_only_without_one() -> None:
    chips = frozenset({"/dev/gpiochip0", "/dev/gpiochip4"})
    pin = msgspec.convert({"gpio": {"pin": 25}}, FanOptions)
    assert (pin.devices(), pin.writes_to_sys()) == (chips, False)
    assert (options().devices(), options().writes_to_sys()) == (frozenset(), True)
    assert (options(tach={"gpio": 24}).devices(), options(tach={"gpio": 24}).writes_to_sys()) == (chips, True)


def test_it_takes_commands(make: Make) -> None:
    assert takes_commands("fan")
    assert isinstance(make(), Actuator)
