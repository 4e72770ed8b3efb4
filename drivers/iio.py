"""What the kernel's Industrial I/O drivers measure: BME280, BMP280, ADS1115, and whatever else has a driver there."""

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, ClassVar, Final, NamedTuple

import msgspec

from drivers.driver import Measurements, Place
from drivers.hardware.sysfs import SysfsError, Unit, chips, entries, in_order, pick, read_number
from drivers.hardware.sysfs_sources import SourceOptions, Sources
from drivers.text.decimals import check_finite, exact, scaled, to_number

# Documentation/ABI/testing/sysfs-bus-iio of the kernel, in /sys/bus/iio/devices/iio:deviceN:
#
#   name                        what the chip is called
#   in_CHANNEL_input            the value, or else
#   in_CHANNEL_raw              value = (raw + offset) * scale, where offset and scale are
#   in_CHANNEL_scale            of the channel,
#   in_TYPE_scale               of all channels of its type (voltage0 has the type voltage),
#   in_scale                    or of all, and without such a file 1 and 0
#
# The units are those of the ABI; pressure is in kPa there.
UNITS: Final = {
    "temp": Unit("°C", Decimal("0.001")),
    "humidityrelative": Unit("%", Decimal("0.001")),
    "pressure": Unit("hPa", Decimal(10)),
    "voltage": Unit("V", Decimal("0.001")),
    "altvoltage": Unit("V", Decimal("0.001")),
    "current": Unit("A", Decimal("0.001")),
    "power": Unit("W", Decimal("0.001")),
    "illuminance": Unit("lx", Decimal(1)),
    "concentration": Unit("%", Decimal(1)),
    "massconcentration": Unit("µg/m³", Decimal(1)),
    "resistance": Unit("Ω", Decimal(1)),
    "distance": Unit("m", Decimal(1)),
    "accel": Unit("m/s²", Decimal(1)),
    "anglvel": Unit("rad/s", Decimal(1)),
    "magn": Unit("G", Decimal(1)),
    "energy": Unit("J", Decimal(1)),
    "electricalconductivity": Unit("S/m", Decimal(1)),
}
_AS_IT_IS: Final = Unit("", Decimal(1))
"""What other types are in: as the ABI says it, such as `ph`, or without a unit, such as `proximity`."""

CLASS: Final = "/sys/bus/iio/devices"
_CHANNEL: Final = re.compile(r"[a-z]+\d*(-[a-z]+\d+)?(_[a-z0-9]+)*", re.ASCII)
_FILE: Final = re.compile(rf"in_({_CHANNEL.pattern})_(input|raw)", re.ASCII)
_DEFAULT: Final = "temp"


class IioChannel(NamedTuple):
    """One value of a device: what the kernel calls it (humidityrelative, voltage0), and the unit of its readings."""

    name: str
    unit: str


class IioDevice(NamedTuple):
    """A device with its channels, and what it belongs to, such as 1-0076."""

    name: str
    parent: str
    channels: tuple[IioChannel, ...]


def found(root: Path = Path("/")) -> list[IioDevice]:
    """Return the devices of a computer."""
    devices = [
        IioDevice(chip.name, chip.parent, tuple(IioChannel(name, _unit(name).symbol) for name in _channels(chip.path)))
        for chip in chips(root / CLASS.removeprefix("/"))
    ]
    return [device for device in devices if device.channels]  # triggers are in the same directory


class IioOptions(SourceOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which device, and what of it: `temp`, `pressure`, `voltage0` and the like; without more `temp`."""

    device: Annotated[str, msgspec.Meta(description="the name of the device, as its file `name` says it", min_length=1)]
    multipliers: Annotated[
        dict[str, int | float],
        msgspec.Meta(description="what the values of channels are multiplied by, for dividers and odd drivers"),
    ] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        for key, source in self.named():
            if not _CHANNEL.fullmatch(source):
                raise ValueError(f"`{key}` is {source!r}: write it as in the files in_*_raw, such as temp or voltage0")
        for channel, multiplier in self.multipliers.items():
            _check_multiplier(channel, multiplier, self.channels())

    def units(self) -> Mapping[str, str]:
        """Return the units of the types that have one."""
        symbols = {channel: _unit(source).symbol for channel, source in self.wanted(_DEFAULT).items()}
        return {channel: symbol for channel, symbol in symbols.items() if symbol}


class Iio:
    """Reads channels of one device."""

    Options: ClassVar[type[msgspec.Struct]] = IioOptions

    def __init__(self, options: IioOptions, place: Place) -> None:
        self._device = options.device
        self._parent = options.parent
        self._multipliers = {channel: exact(multiplier) for channel, multiplier in options.multipliers.items()}
        self._class = place.locate(CLASS)
        self._sources = Sources(options, _DEFAULT, place)

    def read(self) -> Measurements:
        """Return all channels, those that failed with their error; raises DriverError when all did."""
        device = pick(self._class, self._device, self._parent)

        def measure(channel: str, source: str) -> int | float:
            multiplier = self._multipliers.get(channel, Decimal(1))
            return to_number(scaled(read_channel(device, source), multiplier, Decimal(0)))

        return self._sources.read(measure)

    def close(self) -> None:
        """Do nothing: files are opened anew each time."""


def read_channel(device: Path, channel: str) -> Decimal:
    """Measure one channel, in the unit of its readings; raises SysfsError."""
    return scaled(_processed(device, channel), _unit(channel).factor, Decimal(0))


def _processed(device: Path, channel: str) -> Decimal:
    """Return a value in the unit of the ABI."""
    present = {path.name for path in entries(device)}
    if f"in_{channel}_input" in present:
        return read_number(device / f"in_{channel}_input")
    if f"in_{channel}_raw" not in present:
        known = ", ".join(_channels(device))
        raise SysfsError(f"{device}: it has no channel {channel!r}", f"there are: {known}" if known else "")
    raw = read_number(device / f"in_{channel}_raw")
    scale, offset = (_shared(device, present, channel, what) for what in ("scale", "offset"))
    return scaled(raw, scale, scaled(offset, scale, Decimal(0)))


def _shared(device: Path, present: Collection[str], channel: str, what: str) -> Decimal:
    """Return the scale or offset of a channel: its own, or that of in_voltage-voltage, of in_voltage, or of all."""
    own = f"in_{channel}_{what}"
    places = (own, re.sub(r"\d+", "", own), f"in_{_type(channel)}_{what}", f"in_{what}")
    place = next((place for place in places if place in present), None)
    return read_number(device / place) if place else _WITHOUT[what]


_WITHOUT: Final = {"scale": Decimal(1), "offset": Decimal(0)}


def _channels(device: Path) -> list[str]:
    matches = (_FILE.fullmatch(path.name) for path in entries(device))
    return sorted({match[1] for match in matches if match}, key=in_order)


def _type(channel: str) -> str:
    return re.split(r"[\d_-]", channel, maxsplit=1)[0]


def _unit(channel: str) -> Unit:
    return UNITS.get(_type(channel), _AS_IT_IS)


def _check_multiplier(channel: str, multiplier: float, channels: frozenset[str]) -> None:
    if channel not in channels:
        raise ValueError(f"`multipliers.{channel}`: there is no such channel; known are {', '.join(sorted(channels))}")
    check_finite(f"multipliers.{channel}", multiplier)
