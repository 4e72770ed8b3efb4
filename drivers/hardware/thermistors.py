"""From the voltage at a pin to a temperature, or another quantity: where the thermistor is, and its curve.

    thermistor: supply                    thermistor: ground

    supply --[thermistor]-- pin           supply --[resistor]-- pin
                             |                                   |
                 [resistor] and [input]           [thermistor] and [input]
                             |                                   |
                           ground                              ground

`input` is what the board itself has between a pin and ground. Resistors that are joined by "and" are parallel.
"""

import math
from collections.abc import Callable, Mapping
from functools import reduce
from operator import add
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from drivers.driver import DriverError
from drivers.text.decimals import check_finite

ZERO_K: Final = 273.15
AT_25_C_K: Final = 25 + ZERO_K

OPEN_TIMES: Final = 100
"""A thermistor of more than so many times the ohms of the pin is none: with 16.8 kohm one of 10 kohm at -65 °C."""

Positive: TypeAlias = Annotated[float, msgspec.Meta(gt=0)]


class Curve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a thermistor's voltage means: one of `steinhart_hart`, `beta` (both in °C) and `polynomial`."""

    steinhart_hart: Annotated[
        tuple[float, float, float] | None, msgspec.Meta(description="the three coefficients of 1/K by the ln of ohms")
    ] = None
    beta: Annotated[tuple[Positive, Positive] | None, msgspec.Meta(description="beta in K, and the ohms at 25 °C")] = (
        None
    )
    polynomial: Annotated[
        tuple[float, ...] | None, msgspec.Meta(description="coefficients, that of the power 0 first")
    ] = None
    of: Annotated[Literal["ohms", "kilohms", "volts"], msgspec.Meta(description="what the polynomial is of")] = "ohms"
    supply: Annotated[Positive, msgspec.Meta(description="the volts that feed the thermistor")] = 5.0
    resistor: Annotated[
        Positive | None, msgspec.Meta(description="the ohms of the resistor that is wired to the pin as well")
    ] = None
    thermistor: Annotated[
        Literal["supply", "ground"], msgspec.Meta(description="where the thermistor's other end is")
    ] = "supply"

    def __post_init__(self) -> None:
        given = [f"`{key}`" for key in _FORMULAS if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"{_ONE_OF}, not {' and '.join(given) or 'none'}")
        if self.polynomial == ():
            raise ValueError("`polynomial` has no coefficients")
        if self.thermistor == "ground" and self.resistor is None:
            raise ValueError("`resistor` is missing: with `thermistor: ground` there is one between supply and pin")
        for key in (*_FORMULAS, "supply", "resistor"):
            _check_all_finite(key, getattr(self, key))


def value_at(curve: Curve, volts: float, input_ohms: float) -> float:
    """Return what a voltage at a pin with this resistance to ground means; raises DriverError when it means nothing."""
    formula = next(formula for key, formula in _FORMULAS.items() if getattr(curve, key) is not None)
    try:
        value = formula(curve, _QUANTITIES[_quantity(curve)](curve, volts, input_ohms))
    except ArithmeticError:
        value = math.nan
    if not math.isfinite(value):
        raise DriverError(f"the curve has no value at {volts:g} V", "see its coefficients")
    return value


def _quantity(curve: Curve) -> str:
    return curve.of if curve.polynomial is not None else "ohms"


def _ohms(curve: Curve, volts: float, input_ohms: float) -> float:
    if not 0 < volts < curve.supply:
        raise DriverError(f"{volts:g} V is no voltage of a thermistor at {curve.supply:g} V", _ADVICE)
    ohms = _CIRCUITS[curve.thermistor](curve, volts, input_ohms)
    if not 0 < ohms < OPEN_TIMES * input_ohms:
        raise DriverError(f"{volts:g} V is the voltage without a thermistor", _ADVICE)
    return ohms


_ADVICE: Final = "see its two wires"


def _to_supply(curve: Curve, volts: float, input_ohms: float) -> float:
    return (curve.supply - volts) / volts * _parallel(input_ohms, curve.resistor)


def _to_ground(curve: Curve, volts: float, input_ohms: float) -> float:
    below = volts / (curve.supply - volts) * (curve.resistor or math.nan)
    return below * input_ohms / (input_ohms - below) if below != input_ohms else math.inf


_CIRCUITS: Final[Mapping[str, Callable[[Curve, float, float], float]]] = {"supply": _to_supply, "ground": _to_ground}


def _parallel(ohms: float, beside: float | None) -> float:
    return ohms if beside is None else 1 / (1 / ohms + 1 / beside)


_QUANTITIES: Final[Mapping[str, Callable[[Curve, float, float], float]]] = {
    "ohms": _ohms,
    "kilohms": lambda curve, volts, input_ohms: _ohms(curve, volts, input_ohms) / 1000,
    "volts": lambda _curve, volts, _input_ohms: volts,
}


def _steinhart_hart(curve: Curve, ohms: float) -> float:
    a, b, c = curve.steinhart_hart or (math.nan,) * 3
    logarithm = math.log(ohms)
    return 1 / (a + b * logarithm + c * logarithm**3) - ZERO_K


def _beta(curve: Curve, ohms: float) -> float:
    beta_k, ohms_at_25_c = curve.beta or (math.nan,) * 2
    return 1 / (1 / AT_25_C_K + math.log(ohms / ohms_at_25_c) / beta_k) - ZERO_K


def _polynomial(curve: Curve, quantity: float) -> float:
    """Add up from the highest power down, as people write it: what floats add up to depends on the order."""
    terms = [coefficient * quantity**power for power, coefficient in enumerate(curve.polynomial or ())]
    return reduce(add, reversed(terms))  # from Python 3.12 on, `sum` corrects what was rounded


_FORMULAS: Final[Mapping[str, Callable[[Curve, float], float]]] = {
    "steinhart_hart": _steinhart_hart,
    "beta": _beta,
    "polynomial": _polynomial,
}


def _check_all_finite(key: str, numbers: float | tuple[float, ...] | None) -> None:
    for number in numbers if isinstance(numbers, tuple) else (numbers,):
        check_finite(key, number)


_ONE_OF: Final = f"one of {', '.join(f'`{key}`' for key in _FORMULAS)} must be given"

CURVES: Final[Mapping[str, Curve]] = {
    # A Phobya 10 kohm water sensor, between 5 V and the pin: what the original system calculated with.
    "phobya": Curve(polynomial=(60.589, -4.2327, 0.0755), of="kilohms"),
}
"""The curves that are known by name."""
