"""A fan at a hardware PWM, on a simulated chip with the kernel's rules."""

import errno
from typing import Any

import msgspec
import pytest

from drivers.driver import DriverError, Place
from drivers.fans.pwm import PwmOptions, PwmOutput
from drivers.hardware.sysfs import SysfsError
from tests.drivers.devices.fan import UDEV_S, PwmChip
from tests.support.driven_time import ManualClock
from tests.support.fake_sysfs import FakeSysfs

PERIOD_NS = 40_000  # 25 kHz
PATIENCE_S = 0.5


def output(place: Place, **more: Any) -> PwmOutput:
    return PwmOutput(msgspec.convert(more, PwmOptions), place)


@pytest.fixture
def chip(sysfs: FakeSysfs, clock: ManualClock) -> PwmChip:
    return PwmChip(sysfs, clock.monotonic, "pwmchip0", "fe20c000.pwm")


def test_a_channel_that_nobody_used_is_exported_and_driven(chip: PwmChip, sys_place: Place) -> None:
    output(sys_place).drive(55)
    channel = chip.channels[0]
    assert (channel.period_ns, channel.duty_ns, channel.polarity, channel.enabled) == (PERIOD_NS, 22_000, "normal", 1)


def test_files_that_udev_has_not_handed_on_are_waited_for(chip: PwmChip, sys_place: Place, clock: ManualClock) -> None:
    before_s = clock.monotonic()
    output(sys_place).drive(55)
    assert UDEV_S <= clock.monotonic() - before_s <= PATIENCE_S
    assert chip.channels[0].high_percent == 55


@pytest.mark.parametrize("percent", [0, 0.5, 33.3, 100])
def test_the_pin_is_high_for_so_many_percent(chip: PwmChip, sys_place: Place, percent: float) -> None:
    output(sys_place, channel=1).drive(percent)
    assert chip.channels[1].high_percent == pytest.approx(percent, abs=100 / PERIOD_NS)
    assert chip.channels[0].enabled == 0


def test_an_inverted_fan_is_driven_by_a_low_level(chip: PwmChip, sys_place: Place) -> None:
    fan = output(sys_place, inverted=True)
    fan.drive(30)
    assert chip.channels[0].high_percent == 70
    fan.drive(100)
    assert chip.channels[0].high_percent == 0


@pytest.mark.parametrize("times", [(100_000, 90_000), (10_000, 5_000), (PERIOD_NS, 100)])
@pytest.mark.parametrize("polarity", ["normal", "inversed"])
@pytest.mark.parametrize("enabled", [0, 1])
def test_a_channel_is_taken_in_whatever_state_it_is(
    chip: PwmChip, sys_place: Place, times: tuple[int, int], polarity: str, enabled: int
) -> None:
    channel = chip.export(0)
    (channel.period_ns, channel.duty_ns), channel.polarity, channel.enabled = times, polarity, enabled
    output(sys_place).drive(60)
    assert (channel.period_ns, channel.duty_ns, channel.polarity, channel.enabled) == (PERIOD_NS, 24_000, "normal", 1)


def test_a_running_fan_is_changed_without_a_stop(chip: PwmChip, sys_place: Place) -> None:
    fan = output(sys_place)
    fan.drive(50)
    chip.channels[0].history.clear()
    for percent in (60, 40, 100):
        fan.drive(percent)
    assert chip.channels[0].history == [60, 40, 100]


def test_what_another_program_changed_is_set_right(chip: PwmChip, sys_place: Place) -> None:
    fan = output(sys_place)
    fan.drive(50)
    channel = chip.channels[0]
    channel.enabled, channel.period_ns = 0, 80_000
    fan.drive(50)
    assert (channel.high_percent, channel.period_ns) == (50, PERIOD_NS)


def test_it_stays_as_it_was_left(chip: PwmChip, sys_place: Place) -> None:
    fan = output(sys_place)
    fan.drive(20)
    fan.leave(100)
    assert chip.channels[0].high_percent == 100


@pytest.mark.parametrize("wanted", ["1f00098000.pwm", "3"])
def test_a_chip_is_known_by_its_device_or_its_number(
    chip: PwmChip, sysfs: FakeSysfs, sys_place: Place, clock: ManualClock, wanted: str
) -> None:
    other = PwmChip(sysfs, clock.monotonic, "pwmchip3", "1f00098000.pwm")
    output(sys_place, chip=wanted).drive(50)
    assert (other.channels[0].high_percent, chip.channels[0].enabled) == (50, 0)


def test_among_several_chips_one_must_be_named(
    chip: PwmChip, sysfs: FakeSysfs, sys_place: Place, clock: ManualClock
) -> None:
    PwmChip(sysfs, clock.monotonic, "pwmchip3", "1f00098000.pwm")
    with pytest.raises(DriverError, match=r"several PWM chips: 0/fe20c000.pwm, 3/1f00098000.pwm; name one in `chip`"):
        output(sys_place).drive(50)
    assert chip.channels[0].history == []


def test_a_chip_that_is_not_there_is_told_with_those_that_are(chip: PwmChip, sys_place: Place) -> None:
    with pytest.raises(DriverError, match=r"no PWM chip 1f.pwm; there are: 0/fe20c000.pwm; add dtoverlay=pwm"):
        output(sys_place, chip="1f.pwm").drive(50)
    assert chip.channels[0].history == []


@pytest.mark.usefixtures("sysfs")
def test_a_kernel_without_pwm_is_told(sys_place: Place) -> None:
    with pytest.raises(DriverError, match="there is no PWM chip; there are: none; add dtoverlay=pwm"):
        output(sys_place).drive(50)


def test_a_channel_that_the_chip_has_not_is_told(chip: PwmChip, sys_place: Place) -> None:
    with pytest.raises(DriverError, match="export: No such device when '2' is written"):
        output(sys_place, channel=2).drive(50)
    assert len(chip.channels) == 2


def test_a_channel_that_the_kernel_has_is_told_after_half_a_second(
    chip: PwmChip, sys_place: Place, clock: ManualClock
) -> None:
    chip.taken.add(0)
    before_s = clock.monotonic()
    with pytest.raises(DriverError, match="export: Device or resource busy when '0' is written"):
        output(sys_place).drive(50)
    assert clock.monotonic() - before_s == pytest.approx(PATIENCE_S)


@pytest.fixture
def failures(chip: PwmChip) -> list[int]:
    """Return the errnos of the accesses to come; those that are taken out were given."""
    waiting: list[int] = []
    chip.fails = lambda path: waiting.pop(0) if waiting and "/pwm0/" in path else 0
    return waiting


@pytest.mark.parametrize("number", [errno.EIO, errno.EBUSY, errno.EINVAL, errno.EACCES, errno.ETIMEDOUT])
def test_what_may_be_over_soon_is_tried_again(
    chip: PwmChip, sys_place: Place, failures: list[int], number: int
) -> None:
    fan = output(sys_place)
    fan.drive(50)
    failures += [number] * 3
    fan.drive(70)
    assert (chip.channels[0].high_percent, failures) == (70, [])


def test_what_lasts_is_told(chip: PwmChip, sys_place: Place, failures: list[int]) -> None:
    fan = output(sys_place)
    fan.drive(50)
    failures += [errno.EACCES] * 1000
    with pytest.raises(SysfsError, match=r"Permission denied.*; give the user of the agent the right") as failure:
        fan.drive(70)
    assert failure.value.number == errno.EACCES
    assert chip.channels[0].high_percent == 50


def test_what_will_not_be_over_is_told_at_once(
    chip: PwmChip, sys_place: Place, failures: list[int], clock: ManualClock
) -> None:
    fan = output(sys_place)
    fan.drive(50)
    failures.append(errno.ENODEV)
    before_s = clock.monotonic()
    with pytest.raises(SysfsError, match="the device is gone"):
        fan.drive(70)
    assert (clock.monotonic(), chip.channels[0].high_percent) == (before_s, 50)
