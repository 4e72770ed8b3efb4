"""The arithmetic of roll-ups: the same numbers in any order give the same bucket, to the last digit."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from protocol.readings import Value
from storage.store import Bucket

# Squares of larger and of smaller powers of two, and the sums of many, leave the range of floats.
_PLAIN_EXPONENTS: Final = range(-400, 400)


def numbers(values: Iterable[Value]) -> list[float]:
    """Return those values that are numbers a float can hold: text does not count, nor do integers beyond 1.8e308."""
    plain = list(values)
    if set(map(type, plain)) == {float}:
        return plain  # type: ignore[return-value] # nearly always, and seen at the speed of C
    found = (_number(value) for value in plain)
    return [number for number in found if number is not None]


def summarise(codifier: str, end_ms: int, values: Sequence[float]) -> Bucket | None:
    """Return the bucket of finite numbers in any order, None when there are none."""
    if not values:
        return None
    ordered = sorted(values)
    mean, stdev = _mean_and_stdev(ordered)
    return Bucket(
        codifier, end_ms, mean, _mode(ordered), _median(ordered), ordered[-1], ordered[0], stdev, len(ordered)
    )


def _number(value: Value) -> float | None:
    if isinstance(value, str):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _mode(values: Sequence[float]) -> float | None:
    counts = Counter(values)
    times = list(counts.values())
    most = max(times)
    return None if times.count(most) > 1 else next(value for value, count in counts.items() if count == most)


def _median(ordered: Sequence[float]) -> float:
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    low, high = ordered[middle - 1 : middle + 1]
    between = (low + high) / 2
    return between if math.isfinite(between) else low / 2 + high / 2


def _mean_and_stdev(ordered: Sequence[float]) -> tuple[float, float]:
    _, exponent = math.frexp(max(-ordered[0], ordered[-1]))
    if exponent not in _PLAIN_EXPONENTS:
        mean, stdev = _mean_and_stdev([math.ldexp(value, -exponent) for value in ordered])
        return math.ldexp(mean, exponent), math.ldexp(stdev, exponent)
    count = len(ordered)
    mean = min(max(math.fsum(ordered) / count, ordered[0]), ordered[-1])
    return mean, math.sqrt(math.fsum([(value - mean) * (value - mean) for value in ordered]) / count)
