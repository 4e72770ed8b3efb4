"""A fan at a simulated fan controller."""

import pytest

from drivers.driver import DriverError, Place
from drivers.fans.hwmon import HwmonOptions, HwmonOutput, rotations
from drivers.hardware.sysfs import SysfsError
from tests.drivers.devices.fan import FanChip
from tests.support.fake_sysfs import FakeSysfs


def output(place: Place, channel: int = 1, parent: str | None = None) -> HwmonOutput:
    return HwmonOutput(HwmonOptions(chip="emc2305", channel=channel, parent=parent), place)


@pytest.mark.parametrize(("percent", "pwm"), [(0, 0), (0.2, 1), (50, 128), (99.8, 254), (100, 255)])
def test_percents_are_parts_of_255(sysfs: FakeSysfs, sys_place: Place, percent: float, pwm: int) -> None:
    chip = FanChip(sysfs)
    output(sys_place).drive(percent)
    assert (chip.pwm, chip.mode) == (pwm, 1)


@pytest.mark.parametrize(("before", "after"), [(2, 2), (0, 0), (1, 1)])
def test_the_fan_is_left_to_who_drove_it_before(sysfs: FakeSysfs, sys_place: Place, before: int, after: int) -> None:
    chip = FanChip(sysfs, mode=before)
    fan = output(sys_place)
    fan.drive(30)
    fan.leave(100)
    assert (chip.mode, chip.pwm) == (after, 255)


def test_what_takes_the_fan_away_is_taken_it_from_again(sysfs: FakeSysfs, sys_place: Place) -> None:
    chip = FanChip(sysfs)
    fan = output(sys_place)
    fan.drive(30)
    chip.mode = 2
    fan.drive(30)
    assert (chip.mode, chip.pwm) == (1, 76)


def test_a_chip_that_never_drives_by_itself_needs_no_mode(sysfs: FakeSysfs, sys_place: Place) -> None:
    chip = FanChip(sysfs, mode=None)
    fan = output(sys_place)
    fan.drive(30)
    assert chip.pwm == 76
    fan.leave(100)
    assert chip.pwm == 255


def test_a_chip_is_found_by_its_name_whatever_its_number(sysfs: FakeSysfs, sys_place: Place) -> None:
    sysfs.put("/sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
    chip = FanChip(sysfs, number=5)
    output(sys_place).drive(100)
    assert chip.pwm == 255


def test_two_chips_of_a_name_are_told_apart_by_what_they_belong_to(sysfs: FakeSysfs, sys_place: Place) -> None:
    chips = [FanChip(sysfs, number=number) for number in (1, 2)]
    for chip, parent in zip(chips, ("1-004d", "1-004e"), strict=True):
        sysfs.put(f"/sys/devices/{parent}/uevent", "")
        sysfs.link(f"{chip.path}/device", f"../../../devices/{parent}")
    with pytest.raises(DriverError, match="there are 2 emc2305; say which with `parent`: 1-004d, 1-004e"):
        output(sys_place).drive(100)
    assert [chip.history for chip in chips] == [[], []]
    output(sys_place, parent="1-004e").drive(100)
    assert [chip.history for chip in chips] == [[], [255]]


def test_an_output_that_the_chip_has_not_is_told(sysfs: FakeSysfs, sys_place: Place) -> None:
    chip = FanChip(sysfs)
    with pytest.raises(SysfsError, match="pwm2: No such file or directory"):
        output(sys_place, channel=2).drive(100)
    assert chip.history == []


def test_a_chip_counts_rotations(sysfs: FakeSysfs, sys_place: Place) -> None:
    FanChip(sysfs, mode=1).pwm = 255
    assert repr(rotations(sys_place, "emc2305", None, 1)) == "3000"
