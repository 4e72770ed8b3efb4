"""Codifiers: the two printable ASCII characters that name a component on the bus."""

from typing import Final

from protocol.errors import DecodeError, EncodeError

EVERYBODY: Final = "@@"

_PRINTABLE: Final = range(0x21, 0x7F)
_names: dict[bytes, str] = {}  # every codifier seen so far; at most 94 * 94 = 8,836 can exist


def is_codifier(text: str) -> bool:
    """Tell whether `text` can name one component: two printable ASCII characters, and not everybody's `@@`."""
    return len(text) == 2 and text != EVERYBODY and all(ord(character) in _PRINTABLE for character in text)


def pack(codifier: str) -> bytes:
    """Turn a codifier, or `@@`, into its two bytes; raises EncodeError for anything else."""
    if codifier != EVERYBODY and not is_codifier(codifier):
        raise EncodeError(f"{codifier!r} is no codifier", "a codifier is two printable ASCII characters")
    return codifier.encode("ascii")


def unpack(two_bytes: bytes) -> str:
    """Turn two bytes of a header into the codifier that they name; raises DecodeError."""
    name = _names.get(two_bytes)
    return name if name is not None else _learn(two_bytes)


def _learn(two_bytes: bytes) -> str:
    if len(two_bytes) != 2 or any(byte not in _PRINTABLE for byte in two_bytes):
        raise DecodeError("codifier", f"{two_bytes!r} is no codifier")
    return _names.setdefault(two_bytes, two_bytes.decode("ascii"))
