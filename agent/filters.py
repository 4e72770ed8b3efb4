"""Filters: what happens to a number between the driver and the bus (docs/configuration.md, "Filters").

Each filter takes a value and the monotonic time in seconds, and returns what goes on, or None when nothing does.
Text and values with no number pass a chain untouched.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

from config.model import Clamp, Delta, FilterStep
from protocol.readings import Value

Filter = Callable[[float, float], float | None]


class FilterChain:
    """The filters of one sensor, in the order of the configuration. Holds their memory: one chain per sensor."""

    def __init__(self, steps: Iterable[FilterStep]) -> None:
        self._filters = [_FILTERS[step.kind](step.argument) for step in steps]

    def apply(self, value: Value, now_s: float) -> Value | None:
        """Return the value to send, or None to send nothing this time."""
        if isinstance(value, str):
            return value
        passing: float | None = value
        for filter_ in self._filters:
            if passing is None:
                return None
            passing = filter_(passing, now_s)
        return passing


def _scale(factor: float) -> Filter:
    return lambda value, _: value * factor


def _offset(offset: float) -> Filter:
    return lambda value, _: value + offset


def _round(digits: int) -> Filter:
    return lambda value, _: round(value, digits)


def _clamp(clamp: Clamp) -> Filter:
    low = float("-inf") if clamp.min is None else clamp.min
    high = float("inf") if clamp.max is None else clamp.max

    def move(value: float, _: float) -> float | None:
        if low <= value <= high:
            return value
        return None if clamp.drop else min(max(value, low), high)

    return move


def _median(window: int) -> Filter:
    return _windowed(window, _middle)


def _moving_average(window: int) -> Filter:
    return _windowed(window, lambda values: math.fsum(values) / len(values))


def _windowed(window: int, summarise: Callable[[deque[float]], float]) -> Filter:
    values: deque[float] = deque(maxlen=window)

    def add(value: float, _: float) -> float:
        values.append(value)
        return summarise(values)

    return add


def _middle(values: Iterable[float]) -> float:
    """Return the median. The module `statistics` has one too, and half a megabyte of others with it."""
    in_order = sorted(values)
    half, odd = divmod(len(in_order), 2)
    return in_order[half] if odd else (in_order[half - 1] + in_order[half]) / 2


def _delta(delta: Delta) -> Filter:
    passed: tuple[float, float] | None = None  # the value that passed last, and when

    def compare(value: float, now_s: float) -> float | None:
        nonlocal passed
        if passed is not None and not _differs(delta, value, passed[0]) and not _is_due(delta, now_s - passed[1]):
            return None
        passed = (value, now_s)
        return value

    return compare


def _differs(delta: Delta, value: float, passed: float) -> bool:
    least = delta.by if delta.by is not None else abs(passed) * (delta.percent or 0) / 100
    return value != passed and abs(value - passed) >= least


def _is_due(delta: Delta, silent_s: float) -> bool:
    return delta.heartbeat_s is not None and silent_s >= delta.heartbeat_s


def _throttle(interval_s: float) -> Filter:
    passed_s: float | None = None

    def wait(value: float, now_s: float) -> float | None:
        nonlocal passed_s
        if passed_s is not None and now_s - passed_s < interval_s:
            return None
        passed_s = now_s
        return value

    return wait


def _skip_initial(count: int) -> Filter:
    left = count

    def skip(value: float, _: float) -> float | None:
        nonlocal left
        if left:
            left -= 1
            return None
        return value

    return skip


_FILTERS: Final[dict[str, Callable[[Any], Filter]]] = {
    "scale": _scale,
    "offset": _offset,
    "round": _round,
    "clamp": _clamp,
    "median": _median,
    "moving_average": _moving_average,
    "delta": _delta,
    "throttle": _throttle,
    "skip_initial": _skip_initial,
}

KINDS: Final = tuple(_FILTERS)
