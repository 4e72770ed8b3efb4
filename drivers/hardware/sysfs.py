"""Files of /sys: one number or word each, read and written at once, whose errors are those of the device behind them.

A driver's attribute is made while it is read: that may take as long as the device needs, and it fails with the errno
of the device's trouble. What is written is taken or refused as a whole, which `os.write` tells and a buffered file
tells nobody.
"""

import errno
import os
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from drivers.driver import DriverError, Place
from drivers.text.decimals import parse, to_number
from drivers.text.files import MAX_BYTES

Result = TypeVar("Result")


class Unit(NamedTuple):
    """What numbers of a kind are here: the kernel's number times `factor`, in `symbol`."""

    symbol: str
    factor: Decimal


_OVERLAY: Final = "see whether the device is wired, and its overlay or module loaded"
_WIRING: Final = "look at its wiring, its pull-up resistor and its power"

_ADVICE: Final = {
    errno.ENOENT: _OVERLAY,
    errno.ENOTDIR: _OVERLAY,
    errno.ENODEV: f"the device is gone: {_WIRING}",
    errno.ENXIO: f"the device is gone: {_WIRING}",
    errno.EIO: f"what the device said could not be read: {_WIRING}",
    errno.EREMOTEIO: f"the device does not answer on its bus: {_WIRING}",
    errno.ETIMEDOUT: f"the device did not answer: {_WIRING}",
    errno.EAGAIN: "the device is not ready: it is tried again",
    errno.EBUSY: "something else uses the device: end it",
    errno.ENODATA: "it is switched off, or has measured nothing yet",
    errno.EINVAL: "the kernel's driver does not take that",
    errno.EACCES: "give the user of the agent the right to use it",
    errno.EPERM: "give the user of the agent the right to use it",
    errno.EROFS: "a service may not write to /sys: ProtectKernelTunables=no in a drop-in of its unit allows it",
}

PASSING: Final = frozenset({errno.EIO, errno.EREMOTEIO, errno.ETIMEDOUT, errno.EAGAIN, errno.EINTR, errno.EPROTO})
"""What may be over at the next try: a bad transfer, or a device that had no time."""


class SysfsError(DriverError):
    """A file of /sys could not be read or written, or holds no value; `number` is the errno, 0 when there was none.

    `passing` tells that another try may find better.
    """

    def __init__(self, message: str, hint: str = "", number: int = 0, *, passing: bool = False) -> None:
        super().__init__(message, hint)
        self.number = number
        self.passing = passing or number in PASSING


def read_bytes(path: Path) -> bytes:
    """Return what a file holds now, at most 4 KiB; raises SysfsError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = os.read(descriptor, MAX_BYTES + 1)  # once: reading on to an end might ask the device anew
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _failure(path, error) from error
    if len(data) > MAX_BYTES:
        raise SysfsError(f"{path}: more than {MAX_BYTES} bytes", "name a file that holds one value")
    return data


def read_text(path: Path) -> str:
    """Return what a file holds now, without the white space around it; raises SysfsError."""
    return read_bytes(path).decode(errors="replace").strip()


def read_number(path: Path) -> Decimal:
    """Return the number that a file holds now; raises SysfsError, also for an empty file.

    Some drivers of the kernel show nothing, without any error, when the device failed.
    """
    text = read_text(path)
    if not text:
        raise SysfsError(f"{path}: it is empty", f"the device gave no value: {_WIRING}", passing=True)
    try:
        number = parse(text)
        to_number(number)
    except ValueError as error:
        raise SysfsError(f"{path}: {error}") from error
    return number


def persistently(read: Callable[[], Result], place: Place, until_s: float) -> Result:
    """Read at most three times, a tenth of a second apart, while the errors are such as may pass; raises SysfsError.

    Nothing is tried again after `until_s`: some devices need a second to fail.
    """
    for _ in range(_RETRIES):
        try:
            return read()
        except SysfsError as error:
            if not error.passing or place.monotonic() > until_s:
                raise
        place.sleep(_PAUSE_S)
    return read()


_RETRIES: Final = 2
_PAUSE_S: Final = 0.1  # an I²C device is ready again within milliseconds, and a read shall end within its deadline


def write_text(path: Path, text: str) -> None:
    """Write a value; raises SysfsError when it was refused."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _failure(path, error, f" when {text!r} is written") from error


def entries(directory: Path) -> list[Path]:
    """Return what is in a directory, hwmon2 before hwmon10; raises SysfsError when it is not there."""
    try:
        return sorted(directory.iterdir(), key=lambda path: in_order(path.name))
    except OSError as error:
        raise _failure(directory, error) from error


def text_or_none(path: Path) -> str:
    """Return what a file holds, nothing when it cannot be read: not every device says everything of itself."""
    try:
        return read_text(path)
    except SysfsError:
        return ""


def name_of(device: Path) -> str:
    """Return what the kernel's driver calls a device; nothing when it does not say, or the device just went."""
    return text_or_none(device / "name")


def parent_of(device: Path) -> str:
    """Return the name of what a device of a class belongs to, such as 1-0048: the same from one start to the next.

    A hwmon chip has a link to it; an iio device lies in it, and its class has a link to the device.
    """
    link = device / "device"
    if link.exists():
        return link.resolve().name
    return device.resolve().parent.name if device.is_symlink() else ""


class Chip(NamedTuple):
    """A device of a class: where it lies, what the kernel's driver calls it, and what it belongs to."""

    path: Path
    name: str
    parent: str


def chips(directory: Path) -> list[Chip]:
    """Return the devices of a class that have names; none when the class is not there."""
    try:
        devices = entries(directory)
    except SysfsError:
        return []
    found = [Chip(device, name_of(device), parent_of(device)) for device in devices]
    return [chip for chip in found if chip.name]


def pick(directory: Path, name: str, parent: str | None) -> Path:
    """Return the one device with a name, and with a parent where it is said; raises SysfsError.

    It is looked for by its name, because the numbers of hwmon0 and iio:device0 change from one start to the next.
    """
    present = chips(directory)
    alike = [chip for chip in present if chip.name == name and parent in (None, chip.parent)]
    if len(alike) == 1:
        return alike[0].path
    wanted = name if parent is None else f"{name} at {parent}"
    if not alike:
        known = ", ".join(sorted({f"{chip.name} at {chip.parent}" if chip.parent else chip.name for chip in present}))
        advice = f"there are: {known}" if known else _OVERLAY
        raise SysfsError(f"{directory}: there is no {wanted}", advice, errno.ENOENT)
    parents = ", ".join(chip.parent for chip in alike)
    raise SysfsError(f"{directory}: there are {len(alike)} {wanted}", f"say which with `parent`: {parents}")


def _failure(path: Path, error: OSError, doing: str = "") -> SysfsError:
    number = error.errno or 0
    return SysfsError(f"{path}: {os.strerror(number)}{doing}", _ADVICE.get(number, ""), number)


def in_order(name: str) -> list[tuple[str, int]]:
    """Return what sorts names with the numbers in them as numbers: in2 before in10, and both before temp1."""
    return [(text, int(digits or 0)) for text, digits in _PARTS.findall(name)]


_PARTS: Final = re.compile(r"(\D*)(\d*)", re.ASCII)
