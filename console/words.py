"""How the commands put values, times and text from the network into words for one line of text."""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from protocol.printable import visible as visible  # noqa: PLC0414 - a word like the others, for all who print
from protocol.readings import Value

NOTHING: Final = "-"  # stands for what is not known

NOBODY_HEARD: Final = "see that the interface is the right one (network.interface), and that an agent runs"

_SPOKEN_DIGITS: Final = 10  # a number of more characters is cut to seven significant digits; --json has them all

_LONGEST_WHOLE: Final = 1e15  # a whole number from here on is written as 1e+15

# Up to so many seconds an age is told in this unit of so many seconds, with so many decimals.
_AGES: Final = ((10, 1, "s", 1), (120, 1, "s", 0), (7_200, 60, "min", 0), (172_800, 3_600, "h", 0))


def number(value: float) -> str:
    """Write a number as short as it can be told, a whole one without fraction, others with seven digits."""
    exact = repr(value).removesuffix(".0")
    return exact if isinstance(value, int) or len(exact) <= _SPOKEN_DIGITS else f"{value:.7g}"


def quantity(value: float) -> str:
    """Write the number of a command or ping exactly, and a whole one as it is typed: 80, not 80.0."""
    whole = float(value).is_integer() and abs(value) < _LONGEST_WHOLE
    return str(int(value)) if whole else repr(value)


def reading(value: Value | None, unit: str = "") -> str:
    """Write a reading's value with its unit, or `-` when there is none."""
    if value is None:
        return NOTHING
    text = value if isinstance(value, str) else number(value)
    return f"{text} {unit}" if unit else text


def age(seconds: float | None) -> str:
    """Write how old something is, in the unit that a person would use."""
    if seconds is None:
        return NOTHING
    for below, unit_s, unit, decimals in _AGES:
        if seconds < below:
            return f"{seconds / unit_s:.{decimals}f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def milliseconds(ms: float | None, *, signed: bool = False) -> str:
    """Write a duration in milliseconds with three significant digits at least."""
    if ms is None:
        return NOTHING
    decimals = 3 if abs(ms) < 1 else 2 if abs(ms) < 10 else 1
    return f"{ms:+.{decimals}f} ms" if signed else f"{ms:.{decimals}f} ms"


def share(part: float) -> str:
    """Write a share of 0 to 1 as a percentage; what is not nothing never looks like nothing."""
    if part == 0:
        return "0 %"
    return f"{part * 100:.1f} %" if part >= 0.001 else "<0.1 %"


def clock_time(wall_ms: float | None) -> str:
    """Write the time of day of a timestamp, local, to the millisecond."""
    return _local("%H:%M:%S", wall_ms)


def date_and_time(wall_ms: float | None) -> str:
    """Write date and time of a timestamp, local, to the millisecond."""
    return _local("%Y-%m-%d %H:%M:%S", wall_ms)


def iso_time(wall_ms: float) -> str:
    """Write a timestamp as ISO 8601, local with its offset from UTC, to the millisecond."""
    try:
        return datetime.fromtimestamp(wall_ms / 1000).astimezone().isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return f"{wall_ms:g} ms"


def _local(pattern: str, wall_ms: float | None) -> str:
    if wall_ms is None:
        return NOTHING
    try:
        seconds, ms = divmod(int(wall_ms), 1000)
        return f"{time.strftime(pattern, time.localtime(seconds))}.{ms:03d}"
    except (ValueError, OverflowError, OSError):  # a sender may call any number a timestamp
        return f"{wall_ms:g} ms"


def listed(codifiers: Sequence[str], most: int = 12) -> str:
    """Name several codifiers on one line, however many there are."""
    named = ", ".join(codifiers[:most])
    return named if len(codifiers) <= most else f"{named} and {len(codifiers) - most} more"


def counted(count: int, noun: str) -> str:
    """Say how many there are of something."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def address(sender: tuple[object, ...] | None) -> str | None:
    """Write where a datagram came from as host:port, or [host]:port for IPv6; None when it is not known."""
    if sender is None:
        return None
    host, port = str(sender[0]), sender[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def rounded(figure: float | None) -> float | None:
    """Cut a figure for JSON to three decimals: microseconds of what is in milliseconds, milliseconds of seconds."""
    return None if figure is None else round(figure, 3)


def whole(ms: float | None) -> int | None:
    """Return a timestamp in whole milliseconds."""
    return None if ms is None else int(ms)
