"""The water that cools two computers: where its heat comes from, how it flows, and what the radiator takes away.

            ┌──────► block of MAD ───┐
    manifold┤                        ├──► mixing pipe ──► radiator ──┐
      ▲     └──────► block of AQUA ──┘                    ▒ fan      │
      └──────────────────────────────────────────────────────────────┘

Each part is a body of water at one temperature. What flows in mixes at once; the radiator gives to the air in
proportion to the difference in temperature.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

WATER_J_PER_LITRE_K: Final = 4186.0  # heat capacity of a litre of water

# How much water holds as much heat as each part does with its metal, in litres.
BLOCK_LITRES: Final = 0.35
MIXING_LITRES: Final = 0.5
RADIATOR_LITRES: Final = 1.4
MANIFOLD_LITRES: Final = 0.8

# The radiator's conductances, in W/K. Forced convection grows with the 0.8th power of the flow (Dittus-Boelter).
STILL_AIR: Final = 30.0
FULL_FAN: Final = 250.0  # on top of still air
WATER_SIDE: Final = 900.0  # at the flow below
WATER_SIDE_LPM: Final = 9.3
TURBULENT: Final = 0.8


class Inputs(NamedTuple):
    """What acts on the water: heat in W, flows in litres a minute, the fan in percent, the air in °C."""

    mad_w: float
    aqua_w: float
    mad_lpm: float
    aqua_lpm: float
    fan_percent: float
    air_c: float


def radiator_w_per_k(fan_percent: float, flow_lpm: float) -> float:
    """Return how many watts the radiator gives off for each kelvin between its water and the air."""
    air_side: float = STILL_AIR + FULL_FAN * (fan_percent / 100) ** TURBULENT
    water_side: float = WATER_SIDE * (flow_lpm / WATER_SIDE_LPM) ** TURBULENT
    return air_side * water_side / (air_side + water_side)


@dataclass(slots=True)
class WaterCircuit:
    """The temperatures in the circuit, in °C; `radiator_c` is that of the water that leaves the radiator."""

    manifold_c: float
    mad_c: float
    aqua_c: float
    mixed_c: float
    radiator_c: float

    @classmethod
    def at(cls, temperature_c: float) -> "WaterCircuit":
        """Return a circuit that has one temperature everywhere."""
        return cls(*[temperature_c] * 5)

    def heat_j(self) -> float:
        """Return the heat in the water, counted from 0 °C."""
        litres_c = (
            BLOCK_LITRES * (self.mad_c + self.aqua_c)
            + MIXING_LITRES * self.mixed_c
            + RADIATOR_LITRES * self.radiator_c
            + MANIFOLD_LITRES * self.manifold_c
        )
        return WATER_J_PER_LITRE_K * litres_c

    def advance(self, seconds: float, inputs: Inputs) -> float:
        """Let a short time pass, at most a second, and return the heat in J that the air took."""
        mad = WATER_J_PER_LITRE_K * inputs.mad_lpm / 60  # W carried for each kelvin
        aqua = WATER_J_PER_LITRE_K * inputs.aqua_lpm / 60
        to_air_w = radiator_w_per_k(inputs.fan_percent, inputs.mad_lpm + inputs.aqua_lpm) * (
            self.radiator_c - inputs.air_c
        )
        # All flows of heat are taken from the state before, so that what one part loses the next one gains.
        mad_w = inputs.mad_w + mad * (self.manifold_c - self.mad_c)
        aqua_w = inputs.aqua_w + aqua * (self.manifold_c - self.aqua_c)
        mixed_w = mad * (self.mad_c - self.mixed_c) + aqua * (self.aqua_c - self.mixed_c)
        radiator_w = (mad + aqua) * (self.mixed_c - self.radiator_c) - to_air_w
        manifold_w = (mad + aqua) * (self.radiator_c - self.manifold_c)
        self.mad_c += _kelvin(mad_w * seconds, BLOCK_LITRES)
        self.aqua_c += _kelvin(aqua_w * seconds, BLOCK_LITRES)
        self.mixed_c += _kelvin(mixed_w * seconds, MIXING_LITRES)
        self.radiator_c += _kelvin(radiator_w * seconds, RADIATOR_LITRES)
        self.manifold_c += _kelvin(manifold_w * seconds, MANIFOLD_LITRES)
        return to_air_w * seconds


def _kelvin(heat_j: float, litres: float) -> float:
    return heat_j / (WATER_J_PER_LITRE_K * litres)
