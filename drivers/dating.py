"""The age of what was not measured by the read that gives it."""

from collections.abc import Callable, Mapping
from typing import Final

from drivers.driver import Measured
from protocol.readings import Value

FRESH_S: Final = 1.0
"""What is younger is as old as the read."""


def dated(values: Mapping[str, Value], age_s: float, wall_s: Callable[[], float]) -> dict[str, Value | Measured]:
    """Say of values when they were measured, `age_s` ago; `wall_s` returns the seconds since 1970-01-01 UTC."""
    if age_s < FRESH_S:
        return dict(values)
    measured_ms = int((wall_s() - age_s) * 1000)
    return {channel: Measured(value, timestamp_ms=measured_ms) for channel, value in values.items()}
