"""Reading and writing the files of /sys: values, and the errors of the devices behind them."""

import errno
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from drivers.driver import Place
from drivers.hardware.sysfs import (
    SysfsError,
    chips,
    entries,
    persistently,
    pick,
    read_number,
    read_text,
    write_text,
)
from tests.support.driven_time import ManualClock
from tests.support.fake_sysfs import FakeSysfs

Located = Callable[[str], Path]

FOREVER_S: Final = 1e9


@pytest.fixture
def at(sys_root: Path) -> Located:
    """Give where a path of /sys lies."""
    return lambda path: sys_root / path.lstrip("/")


def test_a_number_is_exactly_what_is_written(sysfs: FakeSysfs, at: Located) -> None:
    sysfs.put("/a", "100.653253906\n")
    assert read_number(at("/a")) == Decimal("100.653253906")


def test_a_text_comes_without_its_end_of_line(sysfs: FakeSysfs, at: Located) -> None:
    sysfs.put("/a", "cpu_thermal\n")
    assert read_text(at("/a")) == "cpu_thermal"


def test_a_file_is_read_once_for_one_value(sysfs: FakeSysfs, at: Located) -> None:
    sysfs.put("/a", "1\n")
    read_number(at("/a"))
    assert sysfs.reads == {"/a": 1}


@pytest.mark.parametrize(
    ("number", "advice", "passing"),
    [
        (errno.ETIMEDOUT, "the device did not answer", True),
        (errno.EIO, "what the device said could not be read", True),
        (errno.EREMOTEIO, "the device does not answer on its bus", True),
        (errno.EAGAIN, "the device is not ready", True),
        (errno.ENODEV, "the device is gone", False),
        (errno.EBUSY, "something else uses the device", False),
        (errno.EINVAL, "the kernel's driver does not take that", False),
        (errno.EACCES, "give the user of the agent the right", False),
    ],
)
def test_an_error_says_the_path_its_meaning_and_what_to_do(
    sysfs: FakeSysfs, at: Located, number: int, advice: str, *, passing: bool
) -> None:
    sysfs.fail("/a", number)
    with pytest.raises(SysfsError) as failure:
        read_number(at("/a"))
    assert str(failure.value).startswith(f"{at('/a')}: {os.strerror(number)}; {advice}")
    assert (failure.value.number, failure.value.passing) == (number, passing)


def test_a_file_that_is_not_there_asks_for_the_overlay(sysfs: FakeSysfs, at: Located) -> None:
    with pytest.raises(SysfsError, match="No such file or directory; see whether the device is wired") as failure:
        read_text(at("/a"))
    assert failure.value.number == errno.ENOENT


@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_file_is_an_error_that_may_pass(sysfs: FakeSysfs, at: Located, text: str) -> None:
    sysfs.put("/a", text)
    with pytest.raises(SysfsError, match="it is empty; the device gave no value") as failure:
        read_number(at("/a"))
    assert failure.value.passing


@pytest.mark.parametrize("text", ["warm\n", "1 2\n", "nan\n", "0x1f\n", "1,5\n", "\x00"])
def test_what_is_no_number_is_an_error(sysfs: FakeSysfs, at: Located, text: str) -> None:
    sysfs.put("/a", text)
    with pytest.raises(SysfsError, match="is not a"):
        read_number(at("/a"))


def test_a_text_of_more_than_4_kib_is_an_error(sysfs: FakeSysfs, at: Located) -> None:
    sysfs.put("/a", "1" * 4097)
    with pytest.raises(SysfsError, match="more than 4096 bytes"):
        read_text(at("/a"))


def test_a_value_is_written_at_once(sysfs: FakeSysfs, at: Located) -> None:
    sysfs.store("/a")
    write_text(at("/a"), "40000")
    assert sysfs.writes == [("/a", "40000")]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EBUSY, errno.EIO])
def test_a_value_that_is_refused_is_an_error(sysfs: FakeSysfs, at: Located, number: int) -> None:
    def refuse(_text: str) -> None:
        raise OSError(number, "")

    sysfs.store("/a", accept=refuse)
    with pytest.raises(SysfsError, match=f"{os.strerror(number)} when '7' is written") as failure:
        write_text(at("/a"), "7")
    assert failure.value.number == number


def test_what_cannot_be_written_is_an_error(sysfs: FakeSysfs, at: Located) -> None:
    sysfs.put("/a", "1")
    with pytest.raises(SysfsError, match="Permission denied when '7' is written; give the user of the agent"):
        write_text(at("/a"), "7")


def test_devices_come_in_the_order_of_their_numbers(sysfs: FakeSysfs, at: Located) -> None:
    for number in (10, 2, 1):
        sysfs.put(f"/hwmon/hwmon{number}/name", "x\n")
    assert [path.name for path in entries(at("/hwmon"))] == ["hwmon1", "hwmon2", "hwmon10"]


@pytest.fixture
def three_chips(sysfs: FakeSysfs) -> FakeSysfs:
    sysfs.put("/hwmon/hwmon0/name", "cpu_thermal\n")
    sysfs.put("/hwmon/hwmon1/name", "lm75\n")
    sysfs.link("/hwmon/hwmon1/device", "../../i2c/1-0048")
    sysfs.put("/hwmon/hwmon2/temp1_input", "1\n")
    sysfs.put("/hwmon/hwmon3/name", "lm75\n")
    sysfs.link("/hwmon/hwmon3/device", "../../i2c/1-0049")
    for address in ("1-0048", "1-0049"):
        sysfs.put(f"/i2c/{address}/name", "lm75\n")
    return sysfs


def test_a_device_is_found_by_its_name(three_chips: FakeSysfs, at: Located) -> None:
    assert pick(at("/hwmon"), "cpu_thermal", None) == at("/hwmon/hwmon0")


def test_one_of_several_with_a_name_is_found_by_what_it_belongs_to(three_chips: FakeSysfs, at: Located) -> None:
    assert pick(at("/hwmon"), "lm75", "1-0049") == at("/hwmon/hwmon3")


def test_several_with_one_name_are_an_error_that_says_how_to_choose(three_chips: FakeSysfs, at: Located) -> None:
    with pytest.raises(SysfsError, match="there are 2 lm75; say which with `parent`: 1-0048, 1-0049"):
        pick(at("/hwmon"), "lm75", None)


def test_a_device_that_is_not_there_is_an_error_that_lists_the_others(three_chips: FakeSysfs, at: Located) -> None:
    with pytest.raises(SysfsError, match="there is no bme280; there are: cpu_thermal, lm75 at 1-0048, lm75 at 1-0049"):
        pick(at("/hwmon"), "bme280", None)
    with pytest.raises(SysfsError, match="there is no lm75 at 1-004a"):
        pick(at("/hwmon"), "lm75", "1-004a")


def test_a_class_that_is_not_there_has_no_devices(sysfs: FakeSysfs, at: Located) -> None:
    assert chips(at("/hwmon")) == []
    with pytest.raises(SysfsError, match="there is no lm75; see whether the device is wired"):
        pick(at("/hwmon"), "lm75", None)


def fail_first(sysfs: FakeSysfs, times: int, number: int) -> None:
    numbers = iter([number] * times)
    sysfs.trouble = lambda _path: next(numbers, 0)


def test_what_may_pass_is_tried_three_times(
    sysfs: FakeSysfs, at: Located, sys_place: Place, clock: ManualClock
) -> None:
    sysfs.put("/a", "1\n")
    fail_first(sysfs, 2, errno.EAGAIN)
    began_s = clock.monotonic()
    assert persistently(lambda: read_number(at("/a")), sys_place, FOREVER_S) == 1
    assert clock.monotonic() - began_s == pytest.approx(0.2)
    fail_first(sysfs, 3, errno.EAGAIN)
    with pytest.raises(SysfsError, match="Resource temporarily unavailable"):
        persistently(lambda: read_number(at("/a")), sys_place, FOREVER_S)


def test_what_does_not_pass_is_not_tried_again(sysfs: FakeSysfs, at: Located, sys_place: Place) -> None:
    sysfs.put("/a", "1\n")
    fail_first(sysfs, 1, errno.ENODEV)
    with pytest.raises(SysfsError, match="No such device"):
        persistently(lambda: read_number(at("/a")), sys_place, FOREVER_S)
    assert sysfs.reads == {"/a": 1}


def test_what_takes_long_to_fail_is_not_tried_for_ever(sysfs: FakeSysfs, at: Located, sys_place: Place) -> None:
    def time_out() -> str:
        sys_place.sleep(1)
        raise OSError(errno.ETIMEDOUT, "")

    sysfs.attribute("/a", time_out)
    with pytest.raises(SysfsError, match="Connection timed out"):
        persistently(lambda: read_number(at("/a")), sys_place, sys_place.monotonic() + 1.5)
    assert sysfs.reads == {"/a": 2}
