"""The age of what was not measured by the read that gives it."""

from collections.abc import Callable, Mapping
from typing import Final

from drivers.driver import Measured
from protocol.readings import Value

FRESH_S: Final = 1.0
"""What is younger is as old as the read."""

OLDEST_S: Final = 60.0
"""What came by itself and waited longer is dropped: the node was halted. A driver that failed is left alone for 30 s at
most."""


def dated(values: Mapping[str, Value], age_s: float, wall_s: Callable[[], float]) -> dict[str, Value | Measured]:
    """Say of values when they were measured, `age_s` ago; `wall_s` returns the seconds since 1970-01-01 UTC."""
    return {channel: one_dated(value, age_s, wall_s) for channel, value in values.items()}


def one_dated(value: Value, age_s: float, wall_s: Callable[[], float]) -> Value | Measured:
    """Say of a value when it was measured, as `dated` does of several."""
    return value if age_s < FRESH_S else Measured(value, timestamp_ms=int((wall_s() - age_s) * 1000))
