"""How long this computer has been running."""

from typing import Annotated, ClassVar, Literal

import msgspec

from drivers.driver import OWN_CHANNEL, DriverError, DriverOptions, Measurements, Place

_UNITS_S = {"seconds": 1, "hours": 3600, "days": 86_400}


class UptimeOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the time is told."""

    unit: Annotated[Literal["seconds", "hours", "days"], msgspec.Meta(description="what it is counted in")] = "hours"


class Uptime:
    """Reads /proc/uptime."""

    Options: ClassVar[type[msgspec.Struct]] = UptimeOptions

    def __init__(self, options: UptimeOptions, place: Place) -> None:
        self._path = place.locate("/proc/uptime")
        self._unit_s = _UNITS_S[options.unit]

    def read(self) -> Measurements:
        """Return the uptime."""
        try:
            uptime_s = float(self._path.read_text("ascii").split()[0])
        except OSError as error:
            raise DriverError(f"{self._path}: {error.strerror}", "see whether /proc is mounted") from error
        return {OWN_CHANNEL: round(uptime_s / self._unit_s, 2)}

    def close(self) -> None:
        """Do nothing: the file is opened anew each time."""
