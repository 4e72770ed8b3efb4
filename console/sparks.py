import math
from collections.abc import Sequence
from typing import Final

SPARK_POINTS: Final = 16
"""Values in a spark: as many as its column has cells."""

_STILLNESS: Final = 0.004
"""A range smaller than this share of the value is drawn as part of one of that size: noise is no movement."""

_LEAST: Final = 1e-300
"""Of a smaller range the inverse is no float."""


def spark(values: Sequence[float], levels: str, width: int = SPARK_POINTS) -> str:
    """Draw the last `width` values between their lowest and highest, newest at the right end; NaN is a blank."""
    recent = values[-width:]
    known = [value for value in recent if not math.isnan(value)]
    if not known:
        return " " * width
    low, high = min(known), max(known)
    room = max(abs(low), abs(high)) * _STILLNESS
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
