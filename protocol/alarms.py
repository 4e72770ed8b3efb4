"""Alarms: what of a sensor's values is worth an operator's attention, and how a flickering value is kept quiet.

    value      68   71   72   73   71   69   67     warning "> 70", hysteresis 2, hits 3
    level      ok   ok   ok   warning  warning  warning  ok

A level is raised after `hits` readings in a row that satisfy its condition, and left when the value is back
beyond the threshold by `hysteresis`, towards the good side.
"""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeGuard

from protocol.readings import Value


class Level(StrEnum):
    """How bad a sensor's value is."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


_HOLDS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

# What must be true of (value, threshold, hysteresis) for a raised level to be left. With a hysteresis of 0
# each row is the opposite of the row above.
_LEAVES: Final[dict[str, Callable[[float, float, float], bool]]] = {
    "<": lambda value, threshold, hysteresis: value >= threshold + hysteresis,
    "<=": lambda value, threshold, hysteresis: value > threshold + hysteresis,
    ">": lambda value, threshold, hysteresis: value <= threshold - hysteresis,
    ">=": lambda value, threshold, hysteresis: value < threshold - hysteresis,
    "==": lambda value, threshold, hysteresis: abs(value - threshold) > hysteresis,
    "!=": lambda value, threshold, _: value == threshold,  # the good side is one point: there is no beyond
}

COMPARISONS: Final = tuple(_HOLDS)


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of a value with a threshold: `Condition(">", 70)`. Raises ValueError for one that cannot be."""

    comparison: str
    threshold: float

    def __post_init__(self) -> None:
        if self.comparison not in _HOLDS:
            raise ValueError(f"{self.comparison!r} is none of {' '.join(COMPARISONS)}")
        if not math.isfinite(self.threshold):
            raise ValueError(f"a threshold of {self.threshold} can never be crossed")

    def __str__(self) -> str:
        return f"{self.comparison} {str(self.threshold).removesuffix('.0')}"

    def holds(self, value: Value) -> bool:
        """Tell whether `value` satisfies the condition; text and NaN never do."""
        return _is_number(value) and _HOLDS[self.comparison](_nearest_float(value), self.threshold)

    def leaves(self, value: Value, hysteresis: float) -> bool:
        """Tell whether `value` is beyond the threshold by `hysteresis`, on the good side; text and NaN never are."""
        return _is_number(value) and _LEAVES[self.comparison](_nearest_float(value), self.threshold, hysteresis)


@dataclass(frozen=True, slots=True)
class Alarms:
    """When a sensor's value is a warning and when it is critical.

    `hysteresis` is in the sensor's unit, `hits` counts readings in a row. Raises ValueError for a negative
    hysteresis and for less than one hit.
    """

    warning: Condition | None = None
    critical: Condition | None = None
    hysteresis: float = 0.0
    hits: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.hysteresis < math.inf:
            raise ValueError(f"a hysteresis of {self.hysteresis} is no distance from the threshold")
        if self.hits < 1:
            raise ValueError(f"an alarm needs at least 1 reading, not {self.hits}")


class AlarmState:
    """The alarm of one sensor, reading by reading."""

    __slots__ = ("_critical", "_warning")

    def __init__(self, alarms: Alarms) -> None:
        self._warning = _Watch(alarms.warning, alarms)
        self._critical = _Watch(alarms.critical, alarms)

    @property
    def level(self) -> Level:
        """The level after the readings so far: the worst that is raised."""
        if self._critical.raised:
            return Level.CRITICAL
        return Level.WARNING if self._warning.raised else Level.OK

    def update(self, value: Value) -> Level:
        """Take the next reading's value and return the level after it. Text and NaN only interrupt the row of hits."""
        self._warning.update(value)
        self._critical.update(value)
        return self.level


class _Watch:
    """One level of one sensor: how many readings in a row satisfied its condition, and whether it is raised."""

    __slots__ = ("_condition", "_hits", "_hysteresis", "_row", "raised")

    def __init__(self, condition: Condition | None, alarms: Alarms) -> None:
        self._condition = condition
        self._hits = alarms.hits
        self._hysteresis = alarms.hysteresis
        self._row = 0
        self.raised = False

    def update(self, value: Value) -> None:
        if self._condition is None:
            return
        self._row = self._row + 1 if self._condition.holds(value) else 0
        if self.raised:
            self.raised = not self._condition.leaves(value, self._hysteresis)
        else:
            self.raised = self._row >= self._hits


def _is_number(value: Value) -> TypeGuard[int | float]:
    return isinstance(value, int) or (isinstance(value, float) and not math.isnan(value))


def _nearest_float(value: float) -> float:
    """Return a number as a float; an integer too large for one, which JSON can bring, is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
