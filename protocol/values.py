"""How values travel on the data bus (docs/protocol.md, "Values"): every finite Python number survives exactly."""

import json
import math
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NoReturn

from protocol.errors import DecodeError, EncodeError
from protocol.readings import Attributes, Value

_U32: Final = struct.Struct("<I")
_F32: Final = struct.Struct("<f")
_LARGEST_U32: Final = 2**32 - 1
_FLOAT32_DIGITS: Final = range(6, 9)  # six decimal digits always survive a float32, nine always suffice

Decoded = tuple[Value, Attributes | None]


def pack_value(value: Value, attributes: Attributes | None = None) -> tuple[str, bytes]:
    """Choose the data flag for a value and pack its payload.

    Returns one of the flags `i f s j` and the payload's bytes. Raises EncodeError for NaN, infinities and
    what is neither number nor text.
    """
    if attributes is not None:
        return "j", pack_json(value, attributes)
    if isinstance(value, str):
        return "s", pack_text(value)
    if isinstance(value, int) and 0 <= value <= _LARGEST_U32:
        return "i", _U32.pack(value)
    if isinstance(value, float) and math.isfinite(value) and _fits_float32(value):
        return "f", _F32.pack(value)
    return "j", pack_json(value, {})


def pack_text(text: str) -> bytes:
    """Pack UTF-8 text behind its length in bytes."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError as error:
        raise EncodeError(f"the text cannot be sent as UTF-8: {error}") from error
    return _U32.pack(len(encoded)) + encoded


def pack_json(value: Value, attributes: Attributes) -> bytes:
    """Pack `{"value": value, **attributes}`, in the form in which the original system writes its JSON."""
    if isinstance(value, float) and not math.isfinite(value):
        raise EncodeError(f"{value} is not a finite number", "readings are finite numbers or text")
    if not isinstance(value, int | float | str):
        raise EncodeError(f"a {type(value).__name__} is no value", "readings are finite numbers or text")
    try:
        return pack_text(json.dumps({"value": value, **attributes}, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise EncodeError(f"the attributes cannot be sent as JSON: {error}") from error


def pack_flag(flag: str, value: Value, attributes: Attributes | None) -> bytes:
    """Pack a payload under a given flag: the way back of `unpack_value`, also for NaN."""
    try:
        return _PACKERS[flag](value, attributes)
    except (KeyError, struct.error, TypeError, AttributeError, OverflowError) as error:
        raise EncodeError(f"{value!r} cannot be sent under the flag {flag!r}: {error}") from error


def unpack_value(flag: bytes, payload: bytes) -> Decoded:
    """Read the payload of a data frame: the value, and the attributes of a `j` frame (None for the others).

    Raises DecodeError. A `f` or `j` value may be NaN or infinite: whoever receives it counts it as bad.
    """
    unpack = _UNPACKERS.get(flag)
    if unpack is None:
        raise DecodeError("unknown flag", f"unknown data flag {flag!r}")
    try:
        return unpack(payload)
    except struct.error as error:
        raise DecodeError("payload", f"payload of {len(payload)} bytes under the flag {flag!r}") from error


def _fits_float32(value: float) -> bool:
    try:
        return shortest_float32(_F32.pack(value)) == value
    except OverflowError:
        return False


@lru_cache(maxsize=4096)  # sensors repeat themselves; 4,096 entries are about 0.5 MiB at most
def shortest_float32(four_bytes: bytes) -> float:
    """Return the shortest decimal that packs to the same four bytes: 21.3, not 21.299999237060547."""
    exact: float = _F32.unpack(four_bytes)[0]
    if not math.isfinite(exact):
        return exact
    for digits in _FLOAT32_DIGITS:
        candidate = float(f"{exact:.{digits}g}")
        if _same_float32(candidate, four_bytes):
            return candidate
    return float(f"{exact:.9g}")


def _same_float32(candidate: float, four_bytes: bytes) -> bool:
    try:
        return _F32.pack(candidate) == four_bytes
    except OverflowError:  # rounding up left the range of a float32
        return False


def _unpack_integer(payload: bytes) -> Decoded:
    return _U32.unpack(payload)[0], None


def _unpack_float(payload: bytes) -> Decoded:
    return shortest_float32(payload), None


def _unpack_text(payload: bytes) -> Decoded:
    return _text(payload), None


def _unpack_json(payload: bytes) -> Decoded:
    try:
        document = json.loads(_text(payload), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DecodeError("json", f"payload is no JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("value"), int | float | str):
        raise DecodeError("json", "payload is no JSON object with a value")
    return document.pop("value"), document


def _text(payload: bytes) -> str:
    (length,) = _U32.unpack_from(payload)
    if length != len(payload) - 4:
        raise DecodeError("length", f"text of {len(payload) - 4} bytes declares {length}")
    try:
        return payload[4:].decode()
    except UnicodeDecodeError as error:
        raise DecodeError("utf-8", f"text is no UTF-8: {error}") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


_UNPACKERS: Final[dict[bytes, Callable[[bytes], Decoded]]] = {
    b"f": _unpack_float,
    b"i": _unpack_integer,
    b"n": _unpack_integer,
    b"s": _unpack_text,
    b"j": _unpack_json,
}
_PACKERS: Final[dict[str, Callable[..., bytes]]] = {
    "f": lambda value, _: _F32.pack(value),
    "i": lambda value, _: _U32.pack(value),
    "n": lambda value, _: _U32.pack(value),
    "s": lambda value, _: pack_text(value),
    "j": lambda value, attributes: pack_json(value, attributes or {}),
}
