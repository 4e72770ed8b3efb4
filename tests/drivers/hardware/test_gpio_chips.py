"""The listing of GPIO chips, on files that answer as the kernel's do."""

import errno
import os
import struct
from collections.abc import Callable
from pathlib import Path

from drivers.hardware.gpio_chips import GpioChip, gpio_chips
from tests.support.fake_sysfs import FakeSysfs


def chip(name: bytes, label: bytes, lines: int) -> Callable[[int], bytes]:
    """Answer GPIO_GET_CHIPINFO_IOCTL of <linux/gpio.h>, as it stands there."""

    def answer(number: int) -> bytes:
        if number != 0x8044B401:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return struct.pack("<32s32sI", name, label, lines)

    return answer


def test_every_chip_tells_what_it_is_called_and_how_many_lines_it_has(sys_root: Path, sysfs: FakeSysfs) -> None:
    sysfs.device("/dev/gpiochip0", chip(b"gpiochip0", b"pinctrl-rp1", 54))
    sysfs.device("/dev/gpiochip10", chip(b"gpiochip10", b"gpio-brcmstb@107d508500", 32))
    assert list(gpio_chips(sys_root)) == [
        GpioChip("/dev/gpiochip0", "pinctrl-rp1", 54),
        GpioChip("/dev/gpiochip10", "gpio-brcmstb@107d508500", 32),
    ]


def test_a_label_may_fill_its_field(sys_root: Path, sysfs: FakeSysfs) -> None:
    sysfs.device("/dev/gpiochip0", chip(b"gpiochip0", b"x" * 32, 1))
    assert [found.label for found in gpio_chips(sys_root)] == ["x" * 32]


def test_a_chip_that_does_not_tell_is_listed_with_the_reason(sys_root: Path, sysfs: FakeSysfs) -> None:
    sysfs.device("/dev/gpiochip0", chip(b"gpiochip0", b"pinctrl-rp1", 54))
    sysfs.trouble = lambda _path: errno.EIO
    assert list(gpio_chips(sys_root)) == [GpioChip("/dev/gpiochip0", trouble="Input/output error")]


def test_where_there_is_no_chip_none_is_listed(tmp_path: Path) -> None:
    assert list(gpio_chips(tmp_path)) == []


def test_chips_are_listed_in_the_order_of_their_numbers_with_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "dev").mkdir()
    for name in ("gpiochip10", "gpiochip2", "gpiochip", "i2c-1"):
        (tmp_path / "dev" / name).touch()
    found = list(gpio_chips(tmp_path))
    assert [chip.device for chip in found] == ["/dev/gpiochip2", "/dev/gpiochip10"]
    assert {chip.trouble for chip in found} == {"Inappropriate ioctl for device"}
