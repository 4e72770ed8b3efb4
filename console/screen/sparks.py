import math
from collections.abc import Sequence
from typing import Final

from protocol.alarms import Alarms

SPARK_POINTS: Final = 16
"""Values in a spark: as many as its column has cells."""

STILLNESS: Final = 0.02
"""A range smaller than this share of the value is drawn as part of one of that size: noise is no movement."""

ALARM_SHARE: Final = 0.1
"""So is one that is smaller than this share of the way from a warning to a critical value."""

_LEAST: Final = 1e-300
"""Of a smaller range the inverse is no float."""


def least_range(alarms: Alarms | None) -> float:
    """Return the smallest range worth the whole height of a spark, as far as the sensor's alarms tell."""
    if alarms is None or alarms.warning is None or alarms.critical is None:
        return 0.0
    return abs(alarms.critical.threshold - alarms.warning.threshold) * ALARM_SHARE


def spark(values: Sequence[float], levels: str, width: int = SPARK_POINTS, least: float = 0.0) -> str:
    """Draw the last `width` values between their lowest and highest, newest at the right end; NaN is a blank.

    The height stands for a range of `least` at least.
    """
    recent = values[-width:]
    known = [value for value in recent if not math.isnan(value)]
    if not known:
        return " " * width
    low, high = min(known), max(known)
    room = max(max(abs(low), abs(high)) * STILLNESS, least)
    if high - low < room:
        low -= (room - (high - low)) / 2
    span = max(high - low, room)
    scale = (len(levels) - 1) / span if span > _LEAST else 0.0
    drawn = "".join(
        " " if math.isnan(value) else levels[_level((value - low) * scale, len(levels))] for value in recent
    )
    return drawn.rjust(width)


def _level(height: float, levels: int) -> int:
    return min(levels - 1, max(0, round(height)))
