"""What the kernel's monitoring drivers measure: temperatures, voltages, currents, power, humidity, fans."""

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, ClassVar, Final, NamedTuple

import msgspec

from drivers.driver import DriverError, Measurements, Place
from drivers.hardware.sysfs import SysfsError, Unit, chips, entries, pick, read_number, text_or_none
from drivers.hardware.sysfs_sources import SourceOptions, Sources
from drivers.text.decimals import scaled, to_number

# Documentation/hwmon/sysfs-interface.rst of the kernel, in /sys/class/hwmon/hwmonN:
#
#   name                        what the driver is called
#   device                      a link to what the chip belongs to
#   KIND NUMBER _input          the value: temp1_input, in0_input
#   KIND NUMBER _label          what is measured, where the driver knows it
#   KIND NUMBER _fault          1 when the sensor is broken or not connected
UNITS: Final = {
    "temp": Unit("°C", Decimal("0.001")),
    "in": Unit("V", Decimal("0.001")),
    "curr": Unit("A", Decimal("0.001")),
    "power": Unit("W", Decimal("0.000001")),
    "energy": Unit("J", Decimal("0.000001")),
    "humidity": Unit("%", Decimal("0.001")),
    "fan": Unit("rpm", Decimal(1)),
    "freq": Unit("Hz", Decimal(1)),
}
_INPUT: Final = re.compile(rf"({'|'.join(UNITS)})\d+", re.ASCII)
_CLASS: Final = "/sys/class/hwmon"
_DEFAULT: Final = "temp1"


class Input(NamedTuple):
    """One value of a chip: its name (temp1), its label when it has one, and the unit of its readings."""

    name: str
    label: str
    unit: str


class HwmonChip(NamedTuple):
    """A chip with its inputs, and what it belongs to, such as 1-0040."""

    name: str
    parent: str
    inputs: tuple[Input, ...]


def found(root: Path = Path("/")) -> list[HwmonChip]:
    """Return the chips of a computer."""
    return [
        HwmonChip(chip.name, chip.parent, tuple(_inputs(chip.path))) for chip in chips(root / _CLASS.removeprefix("/"))
    ]


class HwmonOptions(SourceOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which chip, and what of it: `temp1`, `in0` and the like, or a label; without more `temp1`."""

    chip: Annotated[str, msgspec.Meta(description="the name of the chip, as its file `name` says it", min_length=1)]

    def __post_init__(self) -> None:
        super().__post_init__()
        for key, source in self.named():
            if not source.strip():
                raise ValueError(f"`{key}` is empty: name an input such as temp1, or a label")

    def units(self) -> Mapping[str, str]:
        """Return the units of inputs; a label does not tell its own."""
        wanted = self.wanted(_DEFAULT).items()
        return {channel: _unit(source).symbol for channel, source in wanted if _INPUT.fullmatch(source)}


class Hwmon:
    """Reads inputs of one chip."""

    Options: ClassVar[type[msgspec.Struct]] = HwmonOptions

    def __init__(self, options: HwmonOptions, place: Place) -> None:
        self._chip = options.chip
        self._parent = options.parent
        self._class = place.locate(_CLASS)
        self._sources = Sources(options, _DEFAULT, place)

    def read(self) -> Measurements:
        """Return all channels, those that failed with their error; raises DriverError when all did."""
        chip = pick(self._class, self._chip, self._parent)
        return self._sources.read(lambda _, source: _value(chip, source))

    def close(self) -> None:
        """Do nothing: files are opened anew each time."""


def _value(chip: Path, source: str) -> int | float:
    name = source if _INPUT.fullmatch(source) else _labelled(chip, source)
    if text_or_none(chip / f"{name}_fault") == "1":
        raise SysfsError(
            f"{chip / name}: the chip says that this sensor is at fault", "look at the sensor and its wires"
        )
    number = read_number(chip / f"{name}_input")
    return to_number(scaled(number, _unit(name).factor, Decimal(0)))


def _labelled(chip: Path, label: str) -> str:
    """Return the input that has a label; raises DriverError."""
    inputs = _inputs(chip)
    name = next((each.name for each in inputs if each.label == label), None)
    if name is None:
        known = ", ".join(f"{each.name} ({each.label})" if each.label else each.name for each in inputs)
        raise DriverError(f"{chip}: it has no input {label!r}", f"there are: {known}" if known else "")
    return name


def _inputs(chip: Path) -> list[Input]:
    names = [path.name.removesuffix("_input") for path in entries(chip) if path.name.endswith("_input")]
    return [
        Input(name, text_or_none(chip / f"{name}_label"), _unit(name).symbol)
        for name in names
        if _INPUT.fullmatch(name)
    ]


def _unit(name: str) -> Unit:
    return UNITS[name.rstrip("0123456789")]
