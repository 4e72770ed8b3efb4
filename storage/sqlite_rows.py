"""How a reading lies in a row of SQLite, and back, exactly.

SQLite keeps 64-bit integers, floats and text as they are. A value that does not fit becomes a BLOB of JSON: integers
beyond 64 bits, and text that is not valid Unicode.
"""

import json
from typing import Final, TypeAlias, cast

from protocol.readings import Reading, Value

_SMALLEST_INTEGER: Final = -(2**63)
_LARGEST_INTEGER: Final = 2**63 - 1

Row: TypeAlias = tuple[str, int, int, Value | bytes, str | None]


def to_row(reading: Reading) -> Row:
    """Turn a reading into the columns codifier, timestamp_ms, sequence, value, attributes."""
    codifier, timestamp_ms, sequence, value, attributes = reading
    return (
        codifier,
        timestamp_ms,
        sequence,
        value if isinstance(value, float) else _to_value(value),
        None if attributes is None else json.dumps(dict(attributes)),
    )


def from_row(row: Row) -> Reading:
    """Turn the columns of a row into the reading that was stored; raises ValueError for what nobody here wrote."""
    codifier, timestamp_ms, sequence, value, attributes = row
    return Reading(
        codifier,
        timestamp_ms,
        sequence,
        from_column(value),
        None if attributes is None else json.loads(attributes),
    )


def from_column(value: Value | bytes) -> Value:
    """Turn the column `value` into what was measured; raises ValueError."""
    return cast(Value, json.loads(value)) if isinstance(value, bytes) else value


def to_bound(number: int) -> int:
    """Turn the bound of a range, or a limit, into one that SQLite can compare: nothing lies beyond it."""
    return max(0, min(number, _LARGEST_INTEGER))


def _to_value(value: int | str) -> int | str | bytes:
    return value if _is_native(value) else json.dumps(value).encode()


def _is_native(value: int | str) -> bool:
    """Tell whether SQLite has a type that holds this value exactly."""
    if isinstance(value, int):
        return _SMALLEST_INTEGER <= value <= _LARGEST_INTEGER
    return value.isascii() or _is_unicode(value)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
