"""How a reading lies in a row of SQLite, and back, exactly.

SQLite keeps 64-bit integers, floats and text as they are. What does not fit becomes a BLOB, which sorts
behind every number and every text:

    timestamp_ms   from 2**63 on: eight bytes, big-endian, so that the order of time stays the order of rows
    value          JSON: integers beyond 64 bits, NaN, and text that is not valid Unicode
"""

import json
from typing import Final, TypeAlias, cast

from protocol.readings import Reading, Value

_SMALLEST_INTEGER: Final = -(2**63)
_LARGEST_INTEGER: Final = 2**63 - 1
_LARGEST_TIMESTAMP: Final = 2**64 - 1  # the wire's u64

Row: TypeAlias = tuple[str, int | bytes, int, Value | bytes, str | None]


def to_row(reading: Reading) -> Row:
    """Turn a reading into the columns codifier, timestamp_ms, sequence, value, attributes."""
    codifier, timestamp_ms, sequence, value, attributes = reading
    return (
        codifier,
        to_timestamp(timestamp_ms),
        sequence,
        _to_value(value),
        None if attributes is None else json.dumps(dict(attributes)),
    )


def from_row(row: Row) -> Reading:
    """Turn the columns of a row into the reading that was stored; raises ValueError for what nobody here wrote."""
    codifier, timestamp_ms, sequence, value, attributes = row
    return Reading(
        codifier,
        int.from_bytes(timestamp_ms, "big") if isinstance(timestamp_ms, bytes) else timestamp_ms,
        sequence,
        cast(Value, json.loads(value)) if isinstance(value, bytes) else value,
        None if attributes is None else json.loads(attributes),
    )


def to_timestamp(timestamp_ms: int) -> int | bytes:
    """Turn a timestamp, or the bound of a range, into a column that sorts by time."""
    if timestamp_ms <= _LARGEST_INTEGER:
        return max(timestamp_ms, 0)
    return min(timestamp_ms, _LARGEST_TIMESTAMP).to_bytes(8, "big")


def _to_value(value: Value) -> Value | bytes:
    return value if _is_native(value) else json.dumps(value).encode()


def _is_native(value: Value) -> bool:
    """Tell whether SQLite has a type that holds this value exactly. NaN it would turn into NULL."""
    if isinstance(value, float):
        return value == value  # noqa: PLR0124 - only NaN differs from itself
    if isinstance(value, int):
        return _SMALLEST_INTEGER <= value <= _LARGEST_INTEGER
    return value.isascii() or _is_unicode(value)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
