"""Every driver that a configuration can name. A driver's module is imported when it is first used."""

from collections.abc import Mapping
from importlib import import_module
from typing import Final, NamedTuple, cast

import msgspec

from config.messages import suggestion
from drivers.driver import DriverClass, DriverError

DRIVERS: Final[dict[str, str]] = {
    "adcpi": "drivers.adcpi:Adcpi",
    "console": "drivers.console:Console",
    "control": "drivers.control:Control",
    "dht": "drivers.dht:Dht",
    "exec": "drivers.exec:Exec",
    "fan": "drivers.fan:Fan",
    "gpio": "drivers.gpio:Gpio",
    "hwmon": "drivers.hwmon:Hwmon",
    "iio": "drivers.iio:Iio",
    "json": "drivers.json:Json",
    "mqtt": "drivers.mqtt:Mqtt",
    "nest": "drivers.nest:Nest",
    "pipe": "drivers.pipe:Pipe",
    "pool": "drivers.pool:Pool",
    "python": "drivers.python:Python",
    "rollup": "drivers.console:Console",
    "simulated": "drivers.simulated:Simulated",
    "simulated-fan": "drivers.simulated_fan:SimulatedFan",
    "system": "drivers.system:System",
    "w1": "drivers.w1:W1",
    "web": "drivers.console:Console",
    "zwave": "drivers.zwave:Zwave",
}

ENTRY_POINTS: Final = "jph.drivers"
"""The entry-point group in which other packages name drivers of their own."""


class Origin(NamedTuple):
    """Where a driver is, "module:class", and the package that brings it, None for ours."""

    place: str
    package: str | None = None


def driver_class(name: str) -> DriverClass:
    """Return the class that a configuration calls `name`; raises DriverError when there is none or it cannot load."""
    origin = origin_of(name)
    if origin is None:
        raise DriverError(f"there is no driver {name!r}", suggestion(name, names()))
    try:
        return _loaded(origin.place)
    except Exception as error:  # other people's modules may raise anything, and must not end whoever lists them
        raise DriverError(
            f"the driver {name!r} cannot be loaded: {_reason(error)}", _advice(name, origin, error)
        ) from error


def options_of(name: str) -> type[msgspec.Struct] | None:
    """Return the options that the driver `name` takes, None when there is no such driver."""
    return driver_class(name).Options if origin_of(name) is not None else None


def origin_of(name: str) -> Origin | None:
    """Return where a driver is, None when there is none. What others call as we call one of ours is not taken."""
    if name in DRIVERS:
        return Origin(DRIVERS[name])
    return elsewhere().get(name)


def names() -> list[str]:
    """Return the names of all drivers, those of other packages too, in order."""
    return sorted({*DRIVERS, *elsewhere()})


def elsewhere() -> Mapping[str, Origin]:
    """Look among the installed packages: only for a name that is not ours, because it reads all their metadata."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - 20 ms that no driver of the list needs

    return {
        point.name: Origin(point.value, point.dist.name if point.dist else "")
        for point in reversed([*entry_points(group=ENTRY_POINTS)])  # of several with one name the first is taken
    }


def _loaded(place: str) -> DriverClass:
    module, _, attribute = place.partition(":")
    found = getattr(import_module(module), attribute)
    options = getattr(found, "Options", None)
    if not (isinstance(options, type) and issubclass(options, msgspec.Struct)):
        raise TypeError(f"{place} is no driver: its `Options` are no msgspec.Struct")
    return cast(DriverClass, found)


def _reason(error: Exception) -> str:
    is_plain = isinstance(error, ImportError | AttributeError | ValueError | TypeError)
    return str(error) if is_plain else f"{type(error).__name__}: {error}"


def _advice(name: str, origin: Origin, error: Exception) -> str:
    if origin.package is None:
        return f'pip install "jph[{name}]"' if isinstance(error, ModuleNotFoundError) else ""
    return f"the package {origin.package} brings it: install what that needs, or a version that fits"
