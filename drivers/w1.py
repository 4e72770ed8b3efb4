"""Thermometers on 1-Wire buses: DS18B20, DS18S20, DS1822, DS1825 and DS28EA00, through the kernel's w1_therm."""

import errno
import logging
import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, NamedTuple

import msgspec

from config.durations import Seconds
from drivers.driver import OWN_CHANNEL, DriverError, DriverOptions, Measurements, Place
from drivers.hardware.sysfs import SysfsError, entries, read_text, text_or_none, write_text
from drivers.hardware.w1_slave import FAMILIES, POWER_ON, TOO_LITTLE_POWER, temperature
from drivers.outcomes import read_apart
from drivers.text.decimals import to_number

log: Final = logging.getLogger("jph.driver")

DEVICES: Final = "/sys/bus/w1/devices"
CONVERSION_S: Final = 0.75  # of 12 bits; a read without a bulk conversion waits for it in the kernel
_RETRY_PAUSE_S: Final = 0.1
_NEAR: Final = Decimal(5)  # °C that a temperature may differ from the last, to be believed though it is 85
_LAST_COUNTS_S: Final = 300.0

_ID: Final = re.compile(rf"({'|'.join(FAMILIES)})-[0-9a-f]{{12}}", re.ASCII)
# The kernel compares eight bytes: without the end of the line it does nothing, and says nothing.
_TRIGGER: Final = "trigger\n"
_CONVERTING: Final = "-1"
_PENDING: Final = "1"
_BULK_FILE: Final = "therm_bulk_read"
_TEMPERATURE_FILE: Final = "w1_slave"
_BULK_POLLS: Final = 20  # a tenth of a second apart: twice what the slowest conversion takes


class Thermometer(NamedTuple):
    """A thermometer: its name on the bus, its chip, and the bus."""

    id: str
    chip: str
    bus: str


def found(root: Path = Path("/")) -> list[Thermometer]:
    """Return the thermometers of a computer."""
    devices = root / DEVICES.removeprefix("/")
    return [Thermometer(id_, FAMILIES[id_[:2]], _bus(devices / id_).name) for id_ in _ids(devices)]


class W1Options(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which thermometers, and how finely they measure."""

    id: Annotated[
        str | None,
        msgspec.Meta(description="the thermometer, such as `28-0316a2795dff`; without it the only one there is"),
    ] = None
    ids: Annotated[dict[str, str], msgspec.Meta(description="several channels, each with its thermometer")] = (
        msgspec.field(default_factory=dict)
    )
    resolution: Annotated[
        Literal[9, 10, 11, 12] | None,
        msgspec.Meta(description="how many bits they measure with; without it as they are set"),
    ] = None
    patience: Annotated[
        Seconds,
        msgspec.Meta(description="how long a reading that failed is tried again; less than the interval of the node"),
    ] = 4.0

    def __post_init__(self) -> None:
        if self.id is not None and self.ids:
            raise ValueError("`id` and `ids` cannot be used together")
        named = {"id": self.id} if self.id is not None else {f"ids.{channel}": id_ for channel, id_ in self.ids.items()}
        for key, id_ in named.items():
            if not _ID.fullmatch(id_):
                families = ", ".join(f"{family} ({chip})" for family, chip in FAMILIES.items())
                raise ValueError(
                    f"`{key}` is {id_!r}: it is a family, a dash and twelve of 0-9 and a-f, such as 28-0316a2795dff; "
                    f"families are {families}"
                )

    def channels(self) -> frozenset[str]:
        """Return the channels that are named, or the node's own."""
        return frozenset(self.ids or {OWN_CHANNEL})

    def units(self) -> Mapping[str, str]:
        """Return degrees for all."""
        return dict.fromkeys(self.channels(), "°C")

    def writes_to_sys(self) -> bool:
        """Tell that the resolution is set, or several thermometers have to measure at once."""
        return self.resolution is not None or len(self.ids) > 1


class W1:
    """Reads thermometers; all of one bus measure at the same time, where the kernel has that."""

    Options: ClassVar[type[msgspec.Struct]] = W1Options

    def __init__(self, options: W1Options, place: Place) -> None:
        self._ids = options.ids or ({OWN_CHANNEL: options.id} if options.id is not None else {})
        self._resolution = options.resolution
        self._patience_s = options.patience
        self._place = place
        self._devices = place.locate(DEVICES)
        self._sensors: dict[str, _Sensor] = {}
        self._closed = False

    def read(self) -> Measurements:
        """Return temperatures in °C, of thermometers that failed their error; raises DriverError when all did."""
        until_s = self._place.monotonic() + self._patience_s
        sensors = {channel: self._sensor(id_) for channel, id_ in (self._ids or self._only()).items()}
        present = [sensor for sensor in sensors.values() if sensor.is_present()]
        for sensor in present:
            sensor.prepare(self._resolution)
        self._convert(present)
        return read_apart(
            {channel: partial(self._persistently, sensor, until_s) for channel, sensor in sensors.items()}
        )

    def close(self) -> None:
        """Try nothing again."""
        self._closed = True

    def _only(self) -> dict[str, str]:
        ids = _ids(self._devices)
        if len(ids) != 1:
            raise _ambiguous(self._devices, ids)
        return {OWN_CHANNEL: ids[0]}

    def _sensor(self, id_: str) -> "_Sensor":
        if id_ not in self._sensors:
            self._sensors[id_] = _Sensor(self._devices / id_, self._place)
        return self._sensors[id_]

    def _convert(self, sensors: Collection["_Sensor"]) -> None:
        """Have all sensors of a bus measure at once, and throw away what others had a sensor measure earlier."""
        buses: dict[Path, list[Path]] = {}
        for sensor in sensors:
            buses.setdefault(_bus(sensor.path), []).append(sensor.path)
        for bus, paths in buses.items():
            file = bus / _BULK_FILE
            if len(paths) > 1 and self._trigger(file):
                continue
            if text_or_none(file) == _PENDING:
                for path in paths:
                    text_or_none(path / _TEMPERATURE_FILE)

    def _trigger(self, file: Path) -> bool:
        """Start a conversion and wait for it. Where that cannot be, each sensor converts when it is read."""
        if not file.exists():
            return False
        try:
            write_text(file, _TRIGGER)
        except SysfsError as error:
            log.debug("%s: %s", self._place.codifier, error)  # it only takes longer, as where there is no such file
            return False
        for _ in range(_BULK_POLLS):
            if text_or_none(file) != _CONVERTING:
                break
            self._place.sleep(_RETRY_PAUSE_S)
        return True

    def _persistently(self, sensor: "_Sensor", until_s: float) -> int | float:
        while True:
            try:
                return sensor.read()
            except SysfsError as error:
                ends_s = self._place.monotonic() + _RETRY_PAUSE_S + CONVERSION_S
                if not error.passing or self._closed or ends_s > until_s:
                    raise
            self._place.sleep(_RETRY_PAUSE_S)


class _Sensor:
    """One thermometer: what it measured last, and whether its resolution has to be looked at."""

    def __init__(self, path: Path, place: Place) -> None:
        self.path = path
        self._codifier = place.codifier
        self._monotonic = place.monotonic
        self._last: Decimal | None = None
        self._last_s = 0.0
        self._is_prepared = False
        self._is_stubborn = False  # it did not take its resolution, and that was said

    def is_present(self) -> bool:
        return self.path.exists()

    def prepare(self, resolution: int | None) -> None:
        """Set the resolution, which a sensor forgets when its power fails: at first, and after each failure."""
        file = self.path / "resolution"
        if self._is_prepared or resolution is None:
            return
        self._is_prepared = True
        if text_or_none(file) == str(resolution):
            return
        try:
            write_text(file, str(resolution))
        except SysfsError as error:
            if not self._is_stubborn:
                log.warning("%s: the resolution stays as it is: %s", self._codifier, error)
            self._is_stubborn = True

    def read(self) -> int | float:
        """Return the temperature in °C; raises SysfsError."""
        try:
            return to_number(self._believed(self._temperature()))
        except SysfsError:
            self._is_prepared = False
            raise

    def _temperature(self) -> Decimal:
        try:
            return temperature(read_text(self.path / _TEMPERATURE_FILE))
        except SysfsError as error:
            if error.number in (errno.ENOENT, errno.ENODEV):
                raise _missing(self.path) from error
            raise SysfsError(
                f"{self.path.name}: {error.message}", error.hint, error.number, passing=error.passing
            ) from error

    def _believed(self, celsius: Decimal) -> Decimal:
        """Return a temperature unless it is one that stands for a failure and the last one was another."""
        is_suspect = celsius == POWER_ON or celsius >= TOO_LITTLE_POWER
        if is_suspect and not self._is_near_last(celsius):
            raise SysfsError(
                f"{self.path.name}: {celsius} °C stands for a conversion that failed",
                "look at its power: three wires are better than two, and the pull-up resistor smaller on long cables",
                passing=True,
            )
        self._last, self._last_s = celsius, self._monotonic()
        return celsius

    def _is_near_last(self, celsius: Decimal) -> bool:
        is_recent = self._monotonic() - self._last_s <= _LAST_COUNTS_S
        return self._last is not None and is_recent and abs(celsius - self._last) <= _NEAR


def _bus(device: Path) -> Path:
    """Return the bus on which a device is: the class has a link to the device, which lies within its bus."""
    return device.resolve().parent


def _ids(devices: Path) -> list[str]:
    """Return the names of the thermometers that are there; none when there is no bus."""
    try:
        return [path.name for path in entries(devices) if _ID.fullmatch(path.name)]
    except SysfsError:
        return []


_OVERLAY: Final = "write dtoverlay=w1-gpio,gpiopin=4 into config.txt, and look at the wiring"


def _ambiguous(devices: Path, ids: list[str]) -> DriverError:
    if not ids:
        return SysfsError(f"{devices}: there is no thermometer", _OVERLAY, errno.ENOENT)
    return DriverError(f"there are {len(ids)} thermometers", f"say which with `id` or `ids`: {', '.join(ids)}")


def _missing(device: Path) -> SysfsError:
    ids = _ids(device.parent)
    return SysfsError(
        f"{device.name} is not on the bus", f"there are: {', '.join(ids)}" if ids else _OVERLAY, errno.ENOENT
    )
