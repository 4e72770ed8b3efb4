"""A fan at a chip of hwmon, such as a fan controller or the active cooler of a Raspberry Pi 5.

hwmonN/name         which chip; N changes from one start to the next
hwmonN/pwmM         0 to 255
hwmonN/pwmM_enable  0 full speed, 1 as pwmM says, 2 and more: the chip or the kernel itself decides. Some lack it
hwmonN/fanM_input   rotations a minute
"""

import errno
from pathlib import Path
from typing import Annotated, Final

import msgspec

from drivers.driver import Place
from drivers.hardware.sysfs import SysfsError, pick, read_number, read_text, write_text
from drivers.text.decimals import to_number

CLASS: Final = "/sys/class/hwmon"
FULL: Final = 255
BY_HAND: Final = "1"


class HwmonOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which output of which chip."""

    chip: Annotated[str, msgspec.Meta(description="what its file `name` says, such as `emc2305`")]
    parent: Annotated[str | None, msgspec.Meta(description="which of several, such as `1-004d`")] = None
    channel: Annotated[int, msgspec.Meta(ge=1, description="the M of `pwmM`")] = 1


class HwmonOutput:
    """Drives a fan by hand, and hands it back to who drove it before."""

    def __init__(self, options: HwmonOptions, place: Place) -> None:
        self._options = options
        self._place = place
        self._before: str | None = None  # what `pwmM_enable` said before it was changed

    def drive(self, percent: float) -> None:
        """Set the output; raises DriverError."""
        output = self._output()
        mode = _mode(output)
        if mode is not None and mode != BY_HAND:
            self._before = self._before or mode
            write_text(_enable(output), BY_HAND)
        write_text(output, str(round(FULL * percent / 100)))

    def leave(self, percent: float) -> None:
        """Set the output, and then let the chip drive the fan as before if it did; raises DriverError."""
        try:
            self.drive(percent)
        finally:
            if self._before is not None:
                write_text(_enable(self._output()), self._before)
                self._before = None

    def _output(self) -> Path:
        directory = self._place.locate(CLASS)
        return pick(directory, self._options.chip, self._options.parent) / f"pwm{self._options.channel}"


def rotations(place: Place, chip: str, parent: str | None, fan: int) -> int | float:
    """Return the rotations a minute that a chip counts; raises DriverError."""
    return to_number(read_number(pick(place.locate(CLASS), chip, parent) / f"fan{fan}_input"))


def _enable(output: Path) -> Path:
    return output.with_name(f"{output.name}_enable")


def _mode(output: Path) -> str | None:
    """Return who drives the fan, None when the chip has no such choice."""
    try:
        return read_text(_enable(output))
    except SysfsError as error:
        if error.number != errno.ENOENT:
            raise
        return None
