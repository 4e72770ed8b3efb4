"""Every driver that a configuration can name. A driver's module is imported when it is first used."""

from importlib import import_module
from typing import Final, cast

import msgspec

from drivers.driver import DriverClass, DriverError

DRIVERS: Final[dict[str, str]] = {
    "console": "drivers.console:Console",
    "control": "drivers.control:Control",
    "pipe": "drivers.pipe:Pipe",
    "python": "drivers.python:Python",
    "simulated": "drivers.simulated:Simulated",
    "simulated-fan": "drivers.simulated_fan:SimulatedFan",
}

ENTRY_POINTS: Final = "jph.drivers"
"""The entry-point group in which other packages name drivers of their own."""


def driver_class(name: str) -> DriverClass:
    """Return the class that a configuration calls `name`; raises DriverError when there is none or it cannot load."""
    place = _place_of(name)
    if place is None:
        raise DriverError(f"there is no driver {name!r}", f"known are: {', '.join(sorted(DRIVERS))}")
    module, _, attribute = place.partition(":")
    try:
        return cast(DriverClass, getattr(import_module(module), attribute))
    except (ImportError, AttributeError, ValueError) as error:
        raise DriverError(f"the driver {name!r} cannot be loaded: {error}", "install what it needs") from error


def options_of(name: str) -> type[msgspec.Struct] | None:
    """Return the options that the driver `name` takes, None when there is no such driver."""
    return driver_class(name).Options if _place_of(name) is not None else None


def _place_of(name: str) -> str | None:
    return DRIVERS.get(name) or _place_elsewhere(name)


def _place_elsewhere(name: str) -> str | None:
    """Look among the installed packages: only for a name that is not ours, because it reads all their metadata."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - 20 ms that no driver of the list needs

    return next((point.value for point in entry_points(group=ENTRY_POINTS, name=name)), None)
