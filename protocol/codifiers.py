"""Codifiers: the two printable ASCII characters that name a component on the bus."""

from typing import Final

from protocol.errors import DecodeError, EncodeError

EVERYBODY: Final = "@@"

_PRINTABLE: Final = range(0x21, 0x7F)

# Every codifier seen so far, both ways; at most 94 * 94 = 8,836 can exist.
_names: dict[bytes, str] = {}
_bytes: dict[str, bytes] = {}


def is_codifier(text: str) -> bool:
    """Tell whether `text` can name one component: two printable ASCII characters, and not everybody's `@@`."""
    return text != EVERYBODY and _is_two_printable(text)


def pack(codifier: str) -> bytes:
    """Turn a codifier, or `@@`, into its two bytes; raises EncodeError for anything else."""
    two_bytes = _bytes.get(codifier)
    return two_bytes if two_bytes is not None else _learn_bytes(codifier)


def unpack(two_bytes: bytes) -> str:
    """Turn two bytes of a header into the codifier, or `@@`, that they name; raises DecodeError."""
    name = _names.get(two_bytes)
    return name if name is not None else _learn_name(two_bytes)


def _learn_bytes(codifier: str) -> bytes:
    if not _is_two_printable(codifier):
        raise EncodeError(f"{codifier!r} is no codifier", "a codifier is two printable ASCII characters")
    return _bytes.setdefault(codifier, codifier.encode("ascii"))


def _learn_name(two_bytes: bytes) -> str:
    name = two_bytes.decode("latin-1")
    if not _is_two_printable(name):
        raise DecodeError("codifier", f"{two_bytes!r} is no codifier")
    return _names.setdefault(two_bytes, name)


def _is_two_printable(text: str) -> bool:
    return len(text) == 2 and all(ord(character) in _PRINTABLE for character in text)
