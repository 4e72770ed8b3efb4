"""How a reading lies in a row of PostgreSQL, and back, exactly.

    number       every number that a double can hold; what roll-ups, views and other programs read
    integer      beside it, exactly, when the value is an integer of 64 bits
    text         text
    exact        JSON of what no other column holds: larger integers, text with NUL or half a surrogate pair
    attributes   JSON

What JSON escapes (NUL, half surrogates) is kept by the type json, which stores its text as it is.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from protocol.readings import Reading, Value

_SMALLEST_INTEGER: Final = -(2**63)
_LARGEST_INTEGER: Final = 2**63 - 1

Columns: TypeAlias = tuple[float | None, int | None, str | None, Value | None]
"""number, integer, text, exact"""

Row: TypeAlias = tuple[
    int, int, float | None, int | None, str, str | None, Value | None, Mapping[str, object] | None
]  # not named: to build one by its names takes as long as all else
"""timestamp_ms, sequence, number, integer, codifier, text, exact, attributes: the table's order"""

TYPES: Final = ("int8", "int8", "float8", "int8", "text", "text", "json", "json")
"""The types of a row's columns, as COPY wants to know them."""


def to_row(reading: Reading) -> Row:
    """Turn a reading into a row."""
    codifier, timestamp_ms, sequence, value, attributes = reading
    number, integer, text, exact = _columns(value)
    kept = None if attributes is None else dict(attributes)
    return timestamp_ms, sequence, number, integer, codifier, text, exact, kept


def from_row(row: tuple[Any, ...]) -> Reading:
    """Turn a row back into the reading that was stored."""
    timestamp_ms, sequence, number, integer, codifier, text, exact, attributes = row
    value = exact if exact is not None else integer if integer is not None else number if number is not None else text
    return Reading(codifier, timestamp_ms, sequence, value, attributes)


def _columns(value: Value) -> Columns:
    if isinstance(value, float):
        return value, None, None, None
    if isinstance(value, str):
        return (None, None, value, None) if _is_text(value) else (None, None, None, value)
    if _SMALLEST_INTEGER <= value <= _LARGEST_INTEGER:
        return float(value), int(value), None, None
    return _float(value), None, None, value


def _float(value: int) -> float | None:
    try:
        return float(value)
    except OverflowError:
        return None


def _is_text(value: str) -> bool:
    """Tell whether PostgreSQL's text can hold it: Unicode without NUL."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value
