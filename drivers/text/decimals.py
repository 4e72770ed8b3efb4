"""Numbers as they are written: 20016 times 0.001 is 20.016, where floats give 20.016000000000002."""

import math
import re
from decimal import Context, Decimal
from typing import Final

# No number of the world is longer; reading more than 4 KiB of digits is no driver's business.
_EXACT: Final = Context(prec=4200, traps=[])
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NOT_FINITE: Final = re.compile(r"[+-]?(nan|inf(inity)?)", re.IGNORECASE)


def parse(text: str) -> Decimal:
    """Read a number as people and /proc write it; raises ValueError for anything else, NaN and infinity included."""
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not a finite number")
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{_shortened(text)!r} is not a number")
    return _EXACT.create_decimal(text)


def exact(number: float) -> Decimal:
    """Return the decimal that a number is written as; raises ValueError for NaN and infinity."""
    return parse(repr(number))


def scaled(number: Decimal, scale: Decimal, offset: Decimal) -> Decimal:
    """Return number * scale + offset, without rounding."""
    product = _EXACT.multiply(number, scale)
    return _EXACT.add(product, offset) if offset else product  # adding 0 would write out every digit of 1e300


def sum_of(one: float, other: float) -> Decimal:
    """Return one + other as if both were worked out on paper: 0.1 + 0.2 is 0.3."""
    return _EXACT.add(exact(one), exact(other))


def difference(one: float, other: float) -> Decimal:
    """Return one - other as if both were worked out on paper."""
    return _EXACT.subtract(exact(one), exact(other))


def is_multiple(number: Decimal, step: Decimal) -> bool:
    """Tell whether a number is a whole multiple of a step, exactly."""
    return _EXACT.remainder(number, step) == 0


def to_number(decimal: Decimal) -> int | float:
    """Return an int when no decimal places or exponent are written, else the nearest float; raises ValueError."""
    if not (decimal.is_finite() and math.isfinite(float(decimal))):
        raise ValueError("the number is too large")
    return int(decimal) if decimal.as_tuple().exponent == 0 else float(decimal)


def check_finite(key: str, number: float | None) -> None:
    """Raise ValueError, naming the option, when a number that was given is none to calculate with."""
    try:
        to_number(exact(number or 0))
    except ValueError as error:
        raise ValueError(f"`{key}`: {error}") from error


def _shortened(text: str) -> str:
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"


_QUOTED: Final = 40  # characters of the offending text in a message: enough to know it again
