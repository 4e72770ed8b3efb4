"""The signals of the driver `simulated`: what each is made of, and how it goes on."""

import math
from collections.abc import Callable, Mapping
from random import Random
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

from drivers.driver import OWN_CHANNEL, Measurements, Place
from drivers.plant.plant import PARTS
from drivers.plant.shared_plant import join_plant
from protocol.readings import Value

PartName: TypeAlias = Literal["mad", "aqua", "radiator", "manifold", "air", "room", "power"]
"""What of the plant can be measured; the fan has a driver of its own."""

Measure: TypeAlias = Callable[[], Measurements]
"""Gives the signal of this moment."""


class Signal(Protocol):
    """One kind of signal, described by its options."""

    def channels(self) -> frozenset[str]:
        """Return the channels that it gives."""
        ...

    def begin(self, place: Place) -> Measure:
        """Start the signal at this moment."""
        ...


class _OneChannel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    def channels(self) -> frozenset[str]:
        """Return the node's own channel."""
        return frozenset({OWN_CHANNEL})


class Constant(_OneChannel, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Always the same."""

    value: Value

    def begin(self, place: Place) -> Measure:
        """Start the signal at this moment."""
        del place
        return lambda: {OWN_CHANNEL: self.value}


class Sine(_OneChannel, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Goes up and down around `mean` by `amplitude`, once in `period` seconds."""

    mean: float
    amplitude: float
    period: float
    decimals: int = 2

    def begin(self, place: Place) -> Measure:
        """Start the signal at this moment, at its mean and going up."""
        started_s = place.monotonic()

        def measure() -> Measurements:
            turns = (place.monotonic() - started_s) / self.period
            return {OWN_CHANNEL: round(self.mean + self.amplitude * math.sin(2 * math.pi * turns), self.decimals)}

        return measure


class Walk(_OneChannel, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Goes on by at most `step` from one read to the next, and turns back at `min` and `max`.

    Without a seed each codifier walks its own way.
    """

    start: float
    step: float
    min: float
    max: float
    seed: int | None = None
    decimals: int = 2

    def __post_init__(self) -> None:
        if not self.min <= self.start <= self.max:
            raise ValueError(f"`start` {self.start:g} is not between `min` {self.min:g} and `max` {self.max:g}")
        if self.step <= 0:
            raise ValueError(f"`step` is {self.step:g}: it must be more than 0")

    def begin(self, place: Place) -> Measure:
        """Start the signal: the first read gives `start`."""
        random = Random(place.codifier if self.seed is None else self.seed)
        here = self.start

        def measure() -> Measurements:
            nonlocal here
            value, here = here, self._turned_back(here + random.uniform(-self.step, self.step))
            return {OWN_CHANNEL: round(value, self.decimals)}

        return measure

    def _turned_back(self, value: float) -> float:
        reflected = 2 * self.min - value if value < self.min else 2 * self.max - value if value > self.max else value
        return max(self.min, min(self.max, reflected))


class PlantPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Measures a part of the plant that all drivers of this process share under its name."""

    part: PartName
    plant: str = "main"

    def channels(self) -> frozenset[str]:
        """Return the channels of the part."""
        return frozenset(PARTS[self.part])

    def begin(self, place: Place) -> Measure:
        """Join the plant, or start it."""
        plant = join_plant(self.plant, place.monotonic)
        return lambda: plant.read(self.part)


SIGNALS: Final[Mapping[str, type[Constant | Sine | Walk | PlantPart]]] = {
    "constant": Constant,
    "sine": Sine,
    "walk": Walk,
    "plant": PlantPart,
}
