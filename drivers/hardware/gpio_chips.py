"""The GPIO chips of this computer: what the kernel says of each /dev/gpiochipN."""

import fcntl
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

# struct gpiochip_info of <linux/gpio.h>, which GPIO_GET_CHIPINFO_IOCTL fills:
#
#     offset  size  field
#     0       32    name: gpiochip0
#     32      32    label: pinctrl-bcm2711
#     64      4     lines: how many it has
_INFO: Final = struct.Struct("=32s32sI")
_GET_CHIPINFO: Final = 0x8044_B401  # _IOR(0xB4, 0x01, struct gpiochip_info)
_NAME: Final = re.compile(r"gpiochip(\d+)")


class GpioChip(NamedTuple):
    """A chip: its device below /dev, what it calls itself, and how many lines it has.

    `label` and `lines` are None when the kernel does not tell, and `trouble` says why.
    """

    device: str
    label: str | None = None
    lines: int | None = None
    trouble: str = ""


def gpio_chips(root: Path = Path("/")) -> Iterator[GpioChip]:
    """Go through the chips in the order of their numbers. The header of a Raspberry Pi is a `pinctrl-` one."""
    found = (match for name in _names(root / "dev") if (match := _NAME.fullmatch(name)))
    for match in sorted(found, key=lambda match: int(match[1])):
        yield _chip(root / "dev" / match[0], f"/dev/{match[0]}")


def _names(directory: Path) -> list[str]:
    try:
        return [path.name for path in directory.iterdir()]
    except OSError:
        return []


def _chip(path: Path, device: str) -> GpioChip:
    """Ask one chip, which takes no right but to read its device."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            answer = fcntl.ioctl(descriptor, _GET_CHIPINFO, bytes(_INFO.size))
        finally:
            os.close(descriptor)
    except OSError as error:
        return GpioChip(device, trouble=str(error.strerror))
    _, label, lines = _INFO.unpack(answer)
    return GpioChip(device, label.partition(b"\0")[0].decode(errors="replace"), lines)
