"""How values travel on the data bus (docs/protocol.md, "Values"): every finite Python number survives exactly."""

import math
import struct
from collections.abc import Callable
from functools import cache
from typing import Final, TypeAlias

from protocol import float32
from protocol.errors import DecodeError, EncodeError
from protocol.float32 import shortest as shortest_float32
from protocol.readings import Attributes, Value

__all__ = ["Decoded", "pack_flag", "pack_json", "pack_text", "pack_value", "shortest_float32", "unpack_value"]

_U32: Final = struct.Struct("<I")
_LARGEST_U32: Final = 2**32 - 1

Decoded: TypeAlias = tuple[Value, Attributes | None]


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
    if isinstance(value, float) and math.isfinite(value) and float32.is_lossless(value):
        return "f", float32.pack(value)
    return "j", pack_json(value, {})


def pack_text(text: str) -> bytes:
    """Pack UTF-8 text behind its length in bytes."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError as error:
        raise EncodeError(f"the text cannot be sent as UTF-8: {error}") from error
    return _U32.pack(len(encoded)) + encoded


def pack_json(value: Value, attributes: Attributes) -> bytes:
    """Pack `{"value": value, **attributes}`; raises EncodeError for what a reader would refuse."""
    if isinstance(value, float) and not math.isfinite(value):
        raise EncodeError(f"{value} is not a finite number", "readings are finite numbers or text")
    if not isinstance(value, int | float | str):
        raise EncodeError(f"a {type(value).__name__} is no value", "readings are finite numbers or text")
    try:
        return pack_text(_document(value, attributes))
    except (TypeError, ValueError, RecursionError) as error:
        raise EncodeError(f"the reading cannot be sent as JSON: {error}") from error


def _document(value: Value, attributes: Attributes) -> str:
    if not attributes and not isinstance(value, str):
        return f'{{"value": {_digits(value)}}}'
    return _writer()(value, attributes)


# `json` is for who sends or hears more than numbers: 0.15 MiB that most agents do without. The import itself would
# cost every document half a microsecond.
@cache
def _writer() -> Callable[[Value, Attributes], str]:
    from protocol.documents import write  # noqa: PLC0415 - see above

    return write


@cache
def _reader() -> Callable[[str], tuple[Value, Attributes]]:
    from protocol.documents import read  # noqa: PLC0415 - see above

    return read


def _digits(number: float) -> str:
    """Return a finite number as JSON has it, also one of a kind that calls itself otherwise, as True does."""
    return int.__repr__(number) if isinstance(number, int) else float.__repr__(number)


def pack_flag(flag: str, value: Value, attributes: Attributes | None) -> bytes:
    """Pack a payload under a given flag: the way back of `unpack_value`, also for a NaN under `f`.

    Raises EncodeError when the flag cannot carry exactly this value, or attributes.
    """
    if attributes and flag != "j":
        raise EncodeError(f"attributes cannot be sent under the flag {flag!r}", "the flag 'j' carries them")
    try:
        return _PACKERS[flag](value, attributes)
    except (KeyError, struct.error, TypeError, AttributeError, OverflowError) as error:
        raise EncodeError(f"{value!r} cannot be sent under the flag {flag!r}: {error}") from error


def unpack_value(flag: bytes, payload: bytes) -> Decoded:
    """Read the payload of a data frame: the value, and the attributes of a `j` frame (None for the others).

    Raises DecodeError. A value under `f` may be NaN or infinite: whoever receives it counts it as bad.
    """
    unpack = _UNPACKERS.get(flag)
    if unpack is None:
        raise DecodeError("unknown flag", f"unknown data flag {flag!r}")
    try:
        return unpack(payload)
    except struct.error as error:
        raise DecodeError("payload", f"payload of {len(payload)} bytes under the flag {flag!r}") from error


def _pack_float(value: float) -> bytes:
    """Pack a number that a float32 holds, as its exact value or as its shortest decimal, or NaN."""
    four_bytes = float32.pack(value)
    if shortest_float32(four_bytes) != value and float32.exact(four_bytes) != value and not math.isnan(value):
        raise EncodeError(f"{value!r} is no float32", "the flag 'j' carries every number")
    return four_bytes


def _unpack_integer(payload: bytes) -> Decoded:
    return _U32.unpack(payload)[0], None


def _unpack_float(payload: bytes) -> Decoded:
    return shortest_float32(payload), None


def _unpack_text(payload: bytes) -> Decoded:
    return _text(payload), None


def _unpack_json(payload: bytes) -> Decoded:
    text = _text(payload)
    try:
        return _reader()(text)
    except ValueError as error:
        raise DecodeError("json", f"payload is no reading in JSON: {error}") from error


def _text(payload: bytes) -> str:
    (length,) = _U32.unpack_from(payload)
    if length != len(payload) - _U32.size:
        raise DecodeError("length", f"text of {len(payload) - _U32.size} bytes declares {length}")
    try:
        return payload[_U32.size :].decode()
    except UnicodeDecodeError as error:
        raise DecodeError("utf-8", f"text is no UTF-8: {error}") from error


_UNPACKERS: Final[dict[bytes, Callable[[bytes], Decoded]]] = {
    b"f": _unpack_float,
    b"i": _unpack_integer,
    b"n": _unpack_integer,
    b"s": _unpack_text,
    b"j": _unpack_json,
}
_PACKERS: Final[dict[str, Callable[..., bytes]]] = {
    "f": lambda value, _: _pack_float(value),
    "i": lambda value, _: _U32.pack(value),
    "n": lambda value, _: _U32.pack(value),
    "s": lambda value, _: pack_text(value),
    "j": lambda value, attributes: pack_json(value, attributes or {}),
}
