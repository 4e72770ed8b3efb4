"""What was heard of one sensor since the console was opened: enough for its spark and its chart."""

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from protocol.readings import Value
from protocol.sequences import RENUMBERED_BEYOND, distance

TRACE_POINTS: Final = 600
"""Points per sensor, 24 bytes each: ten minutes at one a second, 14 MiB for 1,000 sensors."""

MAX_CHARTED: Final = 25_000
"""Points of a sensor that is charted, 600 KiB: almost seven hours at one a second."""

MAX_MORE_POINTS: Final = 400_000
"""What all charted sensors together may have beyond TRACE_POINTS, 10 MiB."""

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
    """The newest numeric values of one sensor, `most` of them, in the order of their numbers; the oldest give way.

    Whatever way a reading came, and however late, it finds its place; where one is missing there is a gap. A reading
    without a number that could be drawn has a place too: it is not missing.
    """

    __slots__ = ("_last", "_places", "_sequence", "_times", "_values", "most")

    def __init__(self) -> None:
        self.most = TRACE_POINTS
        self._times = array("d")
        self._values = array("d")
        self._places = array("q")  # a sequence without wrap-around; far from the others in another numbering
        self._sequence = 0  # that of the newest reading
        self._last = 0  # and its place

    def __len__(self) -> int:
        return len(self._times)

    def add(self, at_ms: float, value: float | None, sequence: int, *, anew: bool = False) -> None:
        """Take a reading; `anew` tells that its numbering is another one than that of the newest."""
        place = self._place(sequence, anew=anew)
        index = bisect_left(self._places, place)
        if index < len(self) and (self._places[index] == place or (index == 0 and len(self) >= self.most)):
            return  # it is there already, or older than there is room for
        self._times.insert(index, self._between(index, at_ms))
        self._values.insert(index, GAP if value is None else value)
        self._places.insert(index, place)
        if len(self) > self.most:
            del self._times[0], self._values[0], self._places[0]

    def tail(self, count: int, longest_s: float = math.inf) -> tuple[float, ...]:
        """Return the newest values, oldest first, with a GAP where something is missing or was silent for longer."""
        newest: list[float] = []
        for index in range(len(self) - 1, -1, -1):
            if not math.isnan(self._values[index]):
                newest.append(self._values[index])
            if index and self._is_after_gap(index, longest_s):
                newest.append(GAP)
            if len(newest) >= count:
                break
        return tuple(newest[count - 1 :: -1] if len(newest) >= count else newest[::-1])

    def points(self, longest_s: float = math.inf) -> list[Point]:
        """Return everything, oldest first, with a GAP where something is missing or was silent for longer."""
        result: list[Point] = []
        for index, (at_ms, value) in enumerate(zip(self._times, self._values, strict=True)):
            if index and self._is_after_gap(index, longest_s):
                result.append(Point(at_ms, GAP))
            if not math.isnan(value):
                result.append(Point(at_ms, value))
        return result[1:] if result and math.isnan(result[0].value) else result

    def _place(self, sequence: int, *, anew: bool) -> int:
        ahead = distance(sequence, self._sequence)
        if not self._places:
            place = 0
        elif anew or abs(ahead) > RENUMBERED_BEYOND:
            place = self._last + 2 * RENUMBERED_BEYOND
        else:
            place = self._last + ahead
        if place > self._last or not self._places:
            self._sequence, self._last = sequence, place
        return place

    def _between(self, index: int, at_ms: float) -> float:
        """Return a time for a place among others, also where clocks or delays do not agree with the numbers."""
        if index == len(self):
            return at_ms
        before_ms = self._times[index - 1] if index else -math.inf
        return max(before_ms, min(at_ms, self._times[index]))

    def _is_after_gap(self, index: int, longest_s: float) -> bool:
        is_missing = self._places[index] - self._places[index - 1] > 1
        return is_missing or self._times[index] - self._times[index - 1] > longest_s * 1000


def number_of(value: Value) -> float | None:
    """Return what a chart can show of a value: no text, no NaN, nothing beyond LARGEST."""
    try:
        number = math.nan if isinstance(value, str) else float(value)
    except OverflowError:
        return None
    return number if abs(number) <= LARGEST else None


def joined(stored: Sequence[Point], heard: Sequence[Point], longest_s: float = math.inf) -> list[Point]:
    """Put what a store has before what was heard; what was heard counts where they overlap."""
    if not heard:
        return list(stored)
    older = [point for point in stored if point.at_ms < heard[0].at_ms]
    return [*older[:-1], *with_gaps([*older[-1:], heard[0]], longest_s), *heard[1:]]


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
