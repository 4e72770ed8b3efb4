"""Numbers as columns of a table show them: aligned, as short as possible, and without flicker."""

import math
from typing import Final

from console.words import NOTHING, visible
from protocol.readings import Value

WHOLE: Final = 7  # cells for the digits before the decimal point, sign included
FRACTION: Final = 5  # cells for the point and the digits after it
VALUE: Final = WHOLE + FRACTION
_SIGNIFICANT: Final = 6
_FEWER: Final = 5
_PLAIN: Final = (1e-3, 10.0**WHOLE)  # magnitudes that are written without an exponent

NOW_BELOW_S: Final = 2.0
"""A younger value is `now`: a sensor that speaks every second does not make its age flicker."""

# below so many seconds -> (seconds per unit, unit)
_AGES: Final = ((100.0, 1, "s"), (6_000.0, 60, "m"), (172_800.0, 3_600, "h"), (86_400_000.0, 86_400, "d"))
OLDEST: Final = "old"


def value_text(value: Value | None) -> str:
    """Write a value with as many digits as an eye can use."""
    if value is None:
        return NOTHING
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, int) and abs(value) < _PLAIN[1]:
        return str(value)
    try:
        return _float_text(float(value))
    except OverflowError:  # an integer beyond the largest float came as JSON
        return "huge"


def _float_text(value: float) -> str:
    if value and not _PLAIN[0] <= abs(value) < _PLAIN[1]:
        return f"{value:.{_FEWER}g}"
    digits_before = len(str(int(abs(value))))
    text = f"{value:.{max(0, min(FRACTION - 1, _SIGNIFICANT - digits_before))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def aligned(value: Value | None) -> str:
    """Write a value in VALUE cells with all decimal points in one column; longer text stays as long as it is."""
    text = value_text(value)
    whole, point, fraction = text.partition(".")
    if isinstance(value, str) or "e" in text or len(whole) > WHOLE:
        return text.rjust(VALUE)
    return whole.rjust(WHOLE) + (point + fraction).ljust(FRACTION)


def age(seconds: float | None) -> str:
    """Write an age in at most four cells; one of less than NOW_BELOW_S is `now`."""
    if seconds is None:
        return NOTHING
    if seconds < NOW_BELOW_S:
        return "now"
    for below, unit_s, unit in _AGES:
        if seconds < below:
            return f"{int(seconds / unit_s)}{unit}"
    return OLDEST


def duration(seconds: float) -> str:
    """Write how long something lasts or lasted, in its two largest units."""
    whole = max(0, int(seconds))
    units = (("d", whole // 86_400), ("h", whole // 3_600 % 24), ("min", whole // 60 % 60), ("s", whole % 60))
    first = next((index for index, (_, count) in enumerate(units) if count), len(units) - 1)
    return " ".join(f"{count} {unit}" for unit, count in units[first : first + 2] if count or first == len(units) - 1)


def milliseconds(ms: float | None) -> str:
    """Write a round trip in at most seven cells."""
    if ms is None:
        return NOTHING
    if ms >= 10_000:
        return f"{ms / 1000:.0f} s"
    decimals = 2 if ms < 10 else 1 if ms < 100 else 0
    return f"{ms:.{decimals}f}ms"


def offset(ms: float | None) -> str:
    """Write how far a clock is ahead of ours, in the unit that a person would use."""
    if ms is None:
        return NOTHING
    for below, unit_ms, unit in ((1_000, 1, "ms"), (120_000, 1_000, "s"), (7_200_000, 60_000, "min")):
        if abs(ms) < below:
            return f"{round(ms / unit_ms, 1) + 0.0:+.1f} {unit}"  # a minus zero plus zero has no sign
    return f"{ms / 3_600_000:+.1f} h"


def percent(share: float) -> str:
    """Write a share of 0 to 1; what is lost is never rounded to nothing, and nothing is the shortest."""
    if share <= 0:
        return "0%"
    if share < 0.001:
        return "<.1%"
    return f"{share * 100:.1f}%" if share < 0.0995 else f"{share * 100:.0f}%"


def count(number: int) -> str:
    """Write a number of things with its thousands apart."""
    return f"{number:,}"


def few(number: int) -> str:
    """Write a number of things in at most five cells."""
    for below, unit, letter in ((100_000, 1, ""), (10_000_000, 1_000, "k"), (10_000_000_000, 1_000_000, "M")):
        if number < below:
            return f"{number // unit}{letter}"
    return "many"


def rate(per_second: float) -> str:
    """Write how many a second, with one decimal where there are few."""
    return f"{per_second:.1f}" if per_second < 9.95 else f"{per_second:,.0f}"


_NO_SPAN: Final = 1e-300  # no sensor tells such numbers apart, and near the end of floats arithmetic does not either


def nice_bounds(low: float, high: float) -> tuple[float, float]:
    """Widen a range to round numbers, so that a chart's axis stays when the values move a little."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0, 1.0
    span = high - low
    if span <= max(abs(low), abs(high)) * 1e-9 or span < _NO_SPAN:
        span = max(abs(high) * 0.02, 1e-3)
        low, high = low - span / 2, high + span / 2
    step = nice_step(span / 4)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def nice_step(rough: float) -> float:
    """Return the next of 1, 2, 5, 10 ... that is not less than `rough`."""
    magnitude = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    return next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= rough * (1 - 1e-9))
