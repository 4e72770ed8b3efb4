"""The fan of the simulated plant: an actuator that keeps every rule of a real one."""

from collections.abc import Mapping
from typing import Annotated, ClassVar

import msgspec

from drivers.driver import OWN_CHANNEL, DriverError, Measurements, Place
from drivers.plant.shared_plant import SharedPlant, join_plant
from drivers.setpoint import Default, Largest, Safe, SetPoint, SetPointOptions, Smallest


class SimulatedFanOptions(SetPointOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fan's speed in percent, as a set point; full speed is safe."""

    default: Default = 25
    min: Smallest = 0
    max: Largest = 100
    safe: Safe = 100
    plant: Annotated[str, msgspec.Meta(description="the name of the plant that it cools")] = "main"

    def __post_init__(self) -> None:
        SetPointOptions.__post_init__(self)
        if not 0 <= (self.min or 0) < (100 if self.max is None else self.max) <= 100:
            raise ValueError("`min` and `max` are percent, between 0 and 100")

    def channels(self) -> frozenset[str]:
        """Return the speed that was set and the rotations that it makes."""
        return frozenset({OWN_CHANNEL, "rotations"})

    def units(self) -> Mapping[str, str]:
        """Return those of both."""
        return {OWN_CHANNEL: "%", "rotations": "rpm"}


class SimulatedFan:
    """Drives the fan of a plant and gives its speed."""

    Options: ClassVar[type[msgspec.Struct]] = SimulatedFanOptions

    def __init__(self, options: SimulatedFanOptions, place: Place) -> None:
        self._setpoint = SetPoint(options, place)
        self._plant: SharedPlant | None = join_plant(options.plant, place.monotonic)
        self._drive()

    def read(self) -> Measurements:
        """Return the speed that holds now; raises DriverError when it was closed."""
        return {**self._drive().read("fan"), OWN_CHANNEL: self._setpoint.value}

    def set(self, value: float) -> None:
        """Take a speed; raises OutOfRangeError."""
        self._setpoint.set(value)
        self._drive()

    def step(self, by: float) -> None:
        """Change the speed by so much; raises OutOfRangeError."""
        self._setpoint.step(by)
        self._drive()

    def close(self) -> None:
        """Leave the fan at its safe speed."""
        if self._plant is not None:
            self._setpoint.release()
            self._drive()
            self._plant = None

    def _drive(self) -> SharedPlant:
        if self._plant is None:
            raise DriverError("the fan is closed")
        self._plant.drive_fan(self._setpoint.value)
        return self._plant
