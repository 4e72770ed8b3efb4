"""A fan at a hardware PWM: /sys/class/pwm of the kernel.

    pwmchipN/device          where it is: .../fe20c000.pwm. Numbers change from one kernel to the next, this does not
    pwmchipN/export          a channel that is written here gets its directory
    pwmchipN/pwmM/period     ns; refused while the duty cycle is longer
    pwmchipN/pwmM/duty_cycle ns; refused when it is longer than the period
    pwmchipN/pwmM/polarity   normal or inversed; refused before there is a period, and while it is enabled
    pwmchipN/pwmM/enable     0 or 1

What is set there stays when the program ends.
"""

import errno
import re
from pathlib import Path
from typing import Annotated, Final

import msgspec

from drivers.driver import DriverError, Place
from drivers.hardware.sysfs import SysfsError, entries, read_number, read_text, write_text

CLASS: Final = "/sys/class/pwm"
ATTEMPTS: Final = 11  # half a second: after an export udev takes about 0.1 s to hand the files to their group
PAUSE_S: Final = 0.05

_TRIED_AGAIN: Final = frozenset({errno.EACCES, errno.EBUSY, errno.EINVAL})
_OVERLAY: Final = "add dtoverlay=pwm to config.txt"
_CHIP: Final = re.compile(r"pwmchip(\d+)", re.ASCII)
_NS: Final = 1_000_000_000


class PwmOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which channel of which chip, and the signal that the fan wants."""

    chip: Annotated[
        str | None,
        msgspec.Meta(description="the name of its device, `fe20c000.pwm`, or its number; without it the only one"),
    ] = None
    channel: Annotated[int, msgspec.Meta(ge=0, description="the channel of the chip")] = 0
    frequency: Annotated[
        float, msgspec.Meta(gt=0, le=1_000_000, description="Hz; fans with four wires want 25,000")
    ] = 25_000.0
    inverted: Annotated[bool, msgspec.Meta(description="whether a low level drives the fan")] = False

    @property
    def period_ns(self) -> int:
        """How long one cycle takes."""
        return round(_NS / self.frequency)


class PwmOutput:
    """Sets a channel, whatever state it is found in."""

    def __init__(self, options: PwmOptions, place: Place) -> None:
        self._options = options
        self._place = place

    def drive(self, percent: float) -> None:
        """Set the duty cycle; raises DriverError. What may be over soon is tried again for half a second."""
        for _ in range(ATTEMPTS - 1):
            try:
                return self._set(self._exported(), percent)
            except SysfsError as error:
                if not error.passing and error.number not in _TRIED_AGAIN:
                    raise
            self._place.sleep(PAUSE_S)
        return self._set(self._exported(), percent)

    def leave(self, percent: float) -> None:
        """Set the duty cycle for the time to come."""
        self.drive(percent)

    def _exported(self) -> Path:
        chip = self._chip()
        channel = chip / f"pwm{self._options.channel}"
        if channel not in entries(chip):
            write_text(chip / "export", str(self._options.channel))
        return channel

    def _chip(self) -> Path:
        chips = _chips(self._place.locate(CLASS))
        wanted = self._options.chip
        found = [path for path, names in chips.items() if wanted is None or wanted in names]
        if len(found) == 1:
            return found[0]
        there = ", ".join("/".join(names) for names in chips.values()) or "none"
        if found:
            raise DriverError(f"there are several PWM chips: {there}", "name one in `chip`")
        missing = "there is no PWM chip" if wanted is None else f"there is no PWM chip {wanted}"
        raise DriverError(f"{missing}; there are: {there}", _OVERLAY)

    def _set(self, channel: Path, percent: float) -> None:
        period_ns = self._options.period_ns
        if read_number(channel / "period") != period_ns:
            if read_number(channel / "duty_cycle") > period_ns:
                write_text(channel / "duty_cycle", "0")
            write_text(channel / "period", str(period_ns))
        self._set_polarity(channel)
        write_text(channel / "duty_cycle", str(round(period_ns * percent / 100)))
        if read_text(channel / "enable") != "1":
            write_text(channel / "enable", "1")

    def _set_polarity(self, channel: Path) -> None:
        polarity = "inversed" if self._options.inverted else "normal"
        if read_text(channel / "polarity") == polarity:
            return
        if read_text(channel / "enable") == "1":
            write_text(channel / "enable", "0")
        write_text(channel / "polarity", polarity)


def _chips(directory: Path) -> dict[Path, tuple[str, ...]]:
    """Return the chips with what each can be called: its number, and the name of its device."""
    try:
        paths = entries(directory)
    except SysfsError:  # a kernel without any has no such directory
        return {}
    matches = ((path, _CHIP.fullmatch(path.name)) for path in paths)
    return {path: (match[1], *_device(path)) for path, match in matches if match is not None}


def _device(chip: Path) -> tuple[str, ...]:
    try:
        return ((chip / "device").readlink().name,)
    except OSError:
        return ()
