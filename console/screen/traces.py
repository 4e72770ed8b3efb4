"""What was heard of one sensor since the console was opened: enough for its spark and its chart."""

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from protocol.readings import Value

TRACE_POINTS: Final = 600
"""Points per sensor, 16 bytes each: ten minutes at one a second, 10 MiB for 1,000 sensors."""

MAX_POINTS: Final = 2_000
"""Points that a chart is given, and half as many gaps: more than any terminal has dots in a row."""

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


def with_gaps(points: Sequence[Point], longest_s: float) -> list[Point]:
    """Put a gap between points that are further apart than a sensor may be silent."""
    if not points:
        return []
    result = [points[0]]
    for before, point in pairwise(points):
        if point.at_ms - before.at_ms > longest_s * 1000:
            result.append(Point(before.at_ms, GAP))
        result.append(point)
    return result


def thinned(points: Sequence[Point]) -> Sequence[Point]:
    """Keep MAX_POINTS: of each stretch the lowest and the highest, so that no peak is lost, and its first gap."""
    stretch = math.ceil(2 * len(points) / MAX_POINTS)
    if stretch <= 2:
        return points
    parts = (points[first : first + stretch] for first in range(0, len(points), stretch))
    return [part[index] for part in parts for index in _outline(part)]


def _outline(part: Sequence[Point]) -> list[int]:
    values = [point.value for point in part]
    return sorted(set(_extremes(values)))


def _extremes(values: Sequence[float]) -> Iterator[int]:
    """Go through the indices of the lowest and the highest value, and of the first gap, as far as there are any."""
    known = [index for index, value in enumerate(values) if not math.isnan(value)]
    if known:
        yield min(known, key=values.__getitem__)
        yield max(known, key=values.__getitem__)
    if len(known) < len(values):
        yield next(index for index, value in enumerate(values) if math.isnan(value))
