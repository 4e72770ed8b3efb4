from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

Value: TypeAlias = int | float | str
"""What a sensor measures: a number or text. Booleans travel as the integers 0 and 1."""

Attributes: TypeAlias = Mapping[str, object]
"""What a reading carries beside its value, as JSON."""


class Reading(NamedTuple):
    """One value of one sensor at one time.

    `timestamp_ms` is milliseconds since 1970-01-01 UTC on the sensor's clock; `sequence` counts the
    sensor's readings modulo 2**31. The three first fields together are a reading's identity in every store.
    """

    codifier: str
    timestamp_ms: int
    sequence: int
    value: Value
    attributes: Attributes | None = None
