"""Durations and sizes with units: `5s`, `1.5h`, `1h30m`, `200ms`; `8MiB`, `64KB`.

Options of drivers and stores use the types `Seconds` and `Bytes`: the configuration's file says `lease: 90s`,
the driver gets 90.0.
"""

import re
from decimal import Decimal
from typing import Annotated, Final, TypeAlias

import msgspec

Seconds: TypeAlias = Annotated[float, msgspec.Meta(extra={"notation": "duration"})]
"""A duration in seconds, longer than 0; written with a unit, or as a plain number of seconds."""

Bytes: TypeAlias = Annotated[int, msgspec.Meta(extra={"notation": "size"})]
"""A size in bytes, at least 1; written with a unit, or as a plain number of bytes."""

LONGEST_S: Final = 3_660 * 86_400.0
"""Ten years: whatever is longer is a slip of the pen, and overflows the timers of some systems."""

LARGEST_BYTES: Final = 2**50
"""One PiB: more than any disk on which jph keeps something."""

# unit -> seconds as a fraction: dividing by 1,000 rounds correctly where multiplying with 0.001 does not
_DURATION_UNITS: Final = {"d": (86_400, 1), "h": (3_600, 1), "m": (60, 1), "min": (60, 1), "s": (1, 1), "ms": (1, 1000)}
_SIZE_UNITS: Final = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
_WHOLE_UNITS: Final = ("d", "h", "m", "s")
_WRITTEN_SIZES: Final = ("GiB", "MiB", "KiB", "GB", "MB", "KB")

_NUMBER: Final = r"\d+(?:\.\d+)?"
_PLAIN: Final = re.compile(_NUMBER, re.ASCII)
_DURATION: Final = re.compile(rf"(?:{_NUMBER} ?(?:ms|min|[smhd]) ?)+", re.ASCII)
_PART: Final = re.compile(rf"({_NUMBER}) ?([a-z]+)", re.ASCII)
_SIZE: Final = re.compile(rf"({_NUMBER}) ?([A-Za-z]+)", re.ASCII)


class NotReadableError(ValueError):
    """Text that does not say what it should: `message` says why and `advice` what to write."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


def parse_duration(text: str) -> float:
    """Read a duration and return it in seconds; raises NotReadableError."""
    seconds = _seconds(text.strip())
    if seconds is None:
        raise NotReadableError(f"{text!r} is no duration", "write 5s, 10m or 24h")
    if not 0 < seconds <= LONGEST_S:
        raise NotReadableError(f"{text!r} is {'too long' if seconds else 'no time at all'}", "write 5s, 10m or 24h")
    return seconds


def _seconds(text: str) -> float | None:
    if _PLAIN.fullmatch(text):
        return float(text)
    if not _DURATION.fullmatch(text):
        return None
    return sum(
        float(number) * _DURATION_UNITS[unit][0] / _DURATION_UNITS[unit][1] for number, unit in _PART.findall(text)
    )


def format_duration(seconds: float) -> str:
    """Write a duration so that `parse_duration` returns exactly the same number: 90.0 is `90s`, 0.2 is `200ms`."""
    for unit in _WHOLE_UNITS if seconds >= 1 else ("ms",):
        multiplier, divisor = _DURATION_UNITS[unit]
        count = round(seconds * divisor / multiplier)
        if count and count * multiplier / divisor == seconds:
            return f"{count}{unit}"
    return f"{Decimal(repr(seconds)):f}s"


def parse_size(text: str) -> int:
    """Read a size and return it in bytes; raises NotReadableError."""
    size = _size(text.strip())
    if size is None:
        raise NotReadableError(f"{text!r} is no size", "write 64KB or 8MiB")
    if not 0 < size <= LARGEST_BYTES:
        raise NotReadableError(f"{text!r} is {'too large' if size else 'no space at all'}", "write 64KB or 8MiB")
    if size != int(size):
        raise NotReadableError(f"{text!r} is no whole number of bytes", "write 64KB or 8MiB")
    return int(size)


def _size(text: str) -> float | None:
    if _PLAIN.fullmatch(text):
        return float(text)
    match = _SIZE.fullmatch(text)
    if match is None or match[2] not in _SIZE_UNITS:
        return None
    return float(match[1]) * _SIZE_UNITS[match[2]]


def format_size(size: int) -> str:
    """Write a size so that `parse_size` returns the same number: 8388608 is `8MiB`."""
    for unit in _WRITTEN_SIZES:
        count, rest = divmod(size, _SIZE_UNITS[unit])
        if count and not rest:
            return f"{count}{unit}"
    return f"{size}B"
