"""A value that operators and programs set: a target temperature, a switch, a range for others to keep."""

from typing import ClassVar

import msgspec

from drivers.driver import OWN_CHANNEL, Measurements, Place
from drivers.setpoint import SetPoint, SetPointOptions


class ControlOptions(SetPointOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A control sensor says of its value what every set point can say."""


class Control:
    """Gives the value that was set as its reading."""

    Options: ClassVar[type[msgspec.Struct]] = ControlOptions

    def __init__(self, options: ControlOptions, place: Place) -> None:
        self._setpoint = SetPoint(options, place)

    def read(self) -> Measurements:
        """Return the value that holds now."""
        return {OWN_CHANNEL: self._setpoint.value}

    def set(self, value: float) -> None:
        """Take a value; raises OutOfRangeError."""
        self._setpoint.set(value)

    def step(self, by: float) -> None:
        """Change the value by so much; raises OutOfRangeError."""
        self._setpoint.step(by)

    def close(self) -> None:
        """Return to the safe value."""
        self._setpoint.release()
