"""What was heard of one sensor since the console was opened: enough for its spark and its chart."""

import math
from array import array
from collections.abc import Iterable
from typing import Final, NamedTuple

from protocol.readings import Value

TRACE_POINTS: Final = 600
"""Points per sensor, 16 bytes each: ten minutes at one a second, 10 MiB for 1,000 sensors."""

LARGEST: Final = 1e300
"""Beyond this, differences and sums of values are no floats any more."""

GAP: Final = math.nan
"""The value of a point that says: here something is missing."""


class Point(NamedTuple):
    """One value at one time (ms since 1970-01-01 UTC on this computer's clock), or a GAP."""

    at_ms: float
    value: float


class Trace:
    """The last TRACE_POINTS numeric values of one sensor; the oldest give way."""

    __slots__ = ("_next", "_times", "_values")

    def __init__(self) -> None:
        self._times = array("d")
        self._values = array("d")
        self._next = 0

    def __len__(self) -> int:
        return len(self._times)

    def add(self, at_ms: float, value: float) -> None:
        """Take the next value, or GAP."""
        if len(self._times) < TRACE_POINTS:
            self._times.append(at_ms)
            self._values.append(value)
        else:
            self._times[self._next] = at_ms
            self._values[self._next] = value
        self._next = (self._next + 1) % TRACE_POINTS

    def tail(self, count: int) -> tuple[float, ...]:
        """Return the newest values, oldest first."""
        end = self._next
        if end >= count or len(self) < TRACE_POINTS:
            return tuple(self._values[max(0, end - count) : end])
        return tuple(self._values[end - count :] + self._values[:end])

    def points(self) -> list[Point]:
        """Return everything, oldest first."""
        order = range(len(self)) if len(self) < TRACE_POINTS else [*range(self._next, TRACE_POINTS), *range(self._next)]
        return [Point(self._times[index], self._values[index]) for index in order]


def number_of(value: Value) -> float | None:
    """Return what a chart can show of a value: no text, no NaN, nothing beyond LARGEST."""
    try:
        number = math.nan if isinstance(value, str) else float(value)
    except OverflowError:
        return None
    return number if abs(number) <= LARGEST else None


def joined(stored: Iterable[Point], heard: Iterable[Point]) -> list[Point]:
    """Put what a store has before what was heard; what was heard counts where they overlap."""
    recent = list(heard)
    begin_ms = recent[0].at_ms if recent else math.inf
    return [point for point in stored if point.at_ms < begin_ms] + recent
