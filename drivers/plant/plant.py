"""The plant that the original system watched, simulated: two water-cooled computers, MAD and AQUA, and their radiator.

Nothing here knows a clock: `Plant.advance` lets time pass, in ticks of half a second, so that the same time passes
in the same way however it is cut. With the same seed the same things happen.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, TypeAlias

from drivers.plant.incidents import DAMP, PUMP, SILENCE, Schedule
from drivers.plant.water import Inputs, WaterCircuit

TICK_S: Final = 0.5

DAY_S: Final = 86_400.0
PUMP_INERTIA_S: Final = 1.5
FAN_INERTIA_S: Final = 2.0
FAN_RPM: Final = 1_450.0  # at 100 %
FAN_W: Final = 24.0  # at 100 %; grows with the third power of the speed
PUMPS_W: Final = 36.0  # both
MONITOR_W: Final = 14.0  # the Pis that watch
HOUSE_W: Final = 85.0  # on the main meter beside computers and cupboard
SUPPLY_EFFICIENCY: Final = 0.9  # of the computers' supplies: what the meter sees beyond the heat in the water
DAMP_PERCENT: Final = 30.0  # more humidity in the room at the height of a damp spell
POUR_C: Final = 33.0  # the water when a plant starts
RUNNING, STALLED = 1, 3  # a pump's mode, in the original system's numbers


class Wander:
    """A quantity that wanders around zero by about `spread` and forgets within `memory_s`."""

    def __init__(self, random: Random, spread: float, memory_s: float) -> None:
        self.value = 0.0
        self._random = random
        self._limit = 3 * spread
        self._kept = math.exp(-TICK_S / memory_s)
        self._push = spread * math.sqrt(1 - self._kept**2)

    def tick(self) -> float:
        """Go on by one tick and return the value."""
        value = self._kept * self.value + self._push * self._random.gauss(0, 1)
        self.value = max(-self._limit, min(self._limit, value))
        return self.value


@dataclass(slots=True)
class Computer:
    """One computer with its pump. `heat_w` goes into the water."""

    idle_w: float
    full_w: float
    nominal_lpm: float
    rpm_per_lpm: float
    load: Wander
    unrest: Wander
    heat_w: float = 0.0
    flow_lpm: float = 0.0
    stalled: bool = False

    def tick(self) -> None:
        """Go on by one tick: the load wanders around 80 %, the pump follows its drive."""
        self.heat_w = self.idle_w + (0.8 + self.load.tick()) * (self.full_w - self.idle_w)
        drive_lpm = 0.0 if self.stalled else self.nominal_lpm * (1 + self.unrest.tick())
        self.flow_lpm = _follow(self.flow_lpm, drive_lpm, PUMP_INERTIA_S)


@dataclass(slots=True)
class Meter:
    """An electricity meter: power in W now and as the mean of about a minute, energy in kWh since the start."""

    power_w: float = 0.0
    mean_w: float = 0.0
    energy_kwh: float = 0.0

    def tick(self, power_w: float) -> None:
        """Go on by one tick at a power."""
        self.power_w = power_w
        self.mean_w = _follow(self.mean_w or power_w, power_w, 60)
        self.energy_kwh += power_w * TICK_S / 3.6e6


class Plant:
    """Everything at one moment. `fan_percent` is what the fan is told; all else follows."""

    def __init__(self, seed: int = 0) -> None:
        random = Random(seed)
        self.elapsed_s = 0.0
        self.fan_percent = 25.0
        self.fan_speed_percent = 25.0
        self.water = WaterCircuit.at(POUR_C)
        self.mad = Computer(250, 900, 5.2, 330, Wander(random, 0.06, 120), Wander(random, 0.01, 20))
        self.aqua = Computer(180, 650, 4.1, 330, Wander(random, 0.06, 120), Wander(random, 0.01, 20))
        self.cupboard, self.computers, self.total = Meter(), Meter(), Meter()
        self.heat_in_j = 0.0
        self.heat_out_j = 0.0
        self._schedule = Schedule(seed)
        self._warmth = Wander(random, 0.2, 300)
        self._moisture = Wander(random, 0.8, 200)
        self._ticks = 0
        self.mad.flow_lpm, self.aqua.flow_lpm = self.mad.nominal_lpm, self.aqua.nominal_lpm
        self._tick()

    def advance(self, seconds: float) -> None:
        """Let time pass; what does not fill a tick waits for the next call."""
        self.elapsed_s += seconds
        while (self._ticks + 1) * TICK_S <= self.elapsed_s + _ROUNDING_S:
            self._ticks += 1
            self._tick()

    @property
    def air_c(self) -> float:
        """The air outside, warmest after a quarter of a day."""
        return 19 + 3 * math.sin(2 * math.pi * self._now_s / DAY_S) + self._warmth.value

    @property
    def air_percent(self) -> float:
        """The relative humidity outside: warmer air is drier."""
        return 60 - 2.5 * (self.air_c - 19) + self._moisture.value

    @property
    def room_c(self) -> float:
        """The air of the room."""
        return 21.5 + 0.6 * math.sin(2 * math.pi * (self._now_s / DAY_S - 0.1)) + self._warmth.value / 2

    @property
    def room_percent(self) -> float:
        """The relative humidity of the room, with the damp spells."""
        spell = self._schedule.progress(DAMP, self._now_s)
        return 44 + self._moisture.value + (DAMP_PERCENT * math.sin(math.pi * spell) if spell else 0.0)

    @property
    def air_is_silent(self) -> bool:
        """Whether the sensor of the outside air does not answer."""
        return self._schedule.progress(SILENCE, self._now_s) is not None

    @property
    def _now_s(self) -> float:
        return self._ticks * TICK_S

    def _tick(self) -> None:
        self._warmth.tick()
        self._moisture.tick()
        self.aqua.stalled = self._schedule.progress(PUMP, self._now_s) is not None
        self.mad.tick()
        self.aqua.tick()
        self.fan_speed_percent = _follow(self.fan_speed_percent, self.fan_percent, FAN_INERTIA_S)
        self._move_heat()
        self._measure_power()

    def _move_heat(self) -> None:
        mad, aqua = self.mad, self.aqua
        inputs = Inputs(mad.heat_w, aqua.heat_w, mad.flow_lpm, aqua.flow_lpm, self.fan_speed_percent, self.air_c)
        self.heat_in_j += (mad.heat_w + aqua.heat_w) * TICK_S
        self.heat_out_j += self.water.advance(TICK_S, inputs)

    def _measure_power(self) -> None:
        computers_w = (self.mad.heat_w + self.aqua.heat_w) / SUPPLY_EFFICIENCY
        cupboard_w = PUMPS_W + MONITOR_W + FAN_W * (self.fan_speed_percent / 100) ** 3
        self.computers.tick(computers_w)
        self.cupboard.tick(cupboard_w)
        self.total.tick(computers_w + cupboard_w + HOUSE_W)


def _follow(value: float, target: float, inertia_s: float) -> float:
    """Return where a value is one tick later that approaches its target."""
    return target + (value - target) * math.exp(-TICK_S / inertia_s)


_ROUNDING_S: Final = 1e-6  # ten times a tenth of a second is a second, whatever floats say

Quantity: TypeAlias = Callable[[Plant], int | float | None]
"""What a sensor of the plant measures; None while it does not answer."""


def _rounded(digits: int, quantity: Callable[[Plant], float]) -> Quantity:
    return lambda plant: round(quantity(plant), digits)


def _while_answering(quantity: Quantity) -> Quantity:
    return lambda plant: None if plant.air_is_silent else quantity(plant)


def _pump(computer: Callable[[Plant], Computer]) -> dict[str, Quantity]:
    return {
        "value": lambda plant: round(computer(plant).flow_lpm * computer(plant).rpm_per_lpm),
        "litres": _rounded(2, lambda plant: computer(plant).flow_lpm),
        "power": lambda _: 1,
        "mode": lambda plant: STALLED if computer(plant).stalled else RUNNING,
    }


def _meter(prefix: str, meter: Callable[[Plant], Meter]) -> dict[str, Quantity]:
    return {
        prefix: _rounded(1, lambda plant: meter(plant).power_w),
        f"{prefix}_mean": _rounded(1, lambda plant: meter(plant).mean_w),
        f"{prefix}_energy": _rounded(4, lambda plant: meter(plant).energy_kwh),
    }


PARTS: Final[Mapping[str, Mapping[str, Quantity]]] = {
    "mad": _pump(lambda plant: plant.mad),
    "aqua": _pump(lambda plant: plant.aqua),
    "radiator": {
        "value": _rounded(2, lambda plant: plant.water.mixed_c),
        "out": _rounded(2, lambda plant: plant.water.radiator_c),
    },
    "manifold": {
        "value": _rounded(2, lambda plant: plant.water.manifold_c),
        "mad": _rounded(2, lambda plant: plant.water.mad_c),
        "aqua": _rounded(2, lambda plant: plant.water.aqua_c),
    },
    "air": {
        "value": _while_answering(_rounded(1, lambda plant: plant.air_c)),
        "humidity": _while_answering(_rounded(1, lambda plant: plant.air_percent)),
    },
    "room": {
        "value": lambda _: 1,
        "temperature": _rounded(1, lambda plant: plant.room_c),
        "humidity": _rounded(1, lambda plant: plant.room_percent),
    },
    "power": {
        **_meter("value", lambda plant: plant.cupboard),
        **_meter("computers", lambda plant: plant.computers),
        **_meter("total", lambda plant: plant.total),
    },
    "fan": {
        "value": lambda plant: plant.fan_percent,
        "rotations": lambda plant: round(plant.fan_speed_percent / 100 * FAN_RPM),
    },
}
"""The parts of the plant, each with the channels of its sensors: `value` is the part's own."""
