"""How values are written that are more than a number or a word: durations, sizes, groups, conditions."""

import re
import socket
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, NamedTuple, TypeAlias, get_origin

import msgspec

from config.durations import NotReadableError, format_duration, format_size, parse_duration, parse_size
from config.model import Group
from protocol.alarms import COMPARISONS, Condition

Line: TypeAlias = Annotated[str, msgspec.Meta(extra={"notation": "line"})]
"""Text that a screen can show as it is: one line, nothing that a terminal would obey."""


class Notation(NamedTuple):
    """The way from text to a value and back. `read` raises NotReadableError; `read(write(value)) == value`."""

    read: Callable[[str], Any]
    write: Callable[[Any], str]


def parse_group(text: str) -> Group:
    """Read `239.192.71.1:7001` or `[ff15::7]:7001`; raises NotReadableError for what is no multicast group."""
    address, colon, port = text.strip().rpartition(":")
    if not colon or not address or ("." not in address and "[" not in address):
        raise NotReadableError(f"{text!r} is no group and port", _EXAMPLE)
    return Group(_multicast(address), _port(port))


def parse_condition(text: str) -> Condition:
    """Read `> 70`; raises NotReadableError."""
    text = text.strip()
    comparison = next((comparison for comparison in _LONGEST_FIRST if text.startswith(comparison)), None)
    try:
        if comparison is not None:
            return Condition(comparison, float(text[len(comparison) :]))
    except ValueError:  # no number behind it, or one that is not finite
        pass
    raise NotReadableError(f"{text!r} is no condition", 'write "> 70" or "<= 5", in quotes')


def parse_line(text: str) -> str:
    """Return text without the spaces around it; raises NotReadableError when a terminal would obey a part of it."""
    if _CONTROLS.search(text):
        raise NotReadableError(f"{text!r} has a line break or a control character", "write one line of text")
    return text.strip()


_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]|\u2028|\u2029|[\ud800-\udfff]")
_EXAMPLE: Final = "write 239.192.71.1:7001 or [ff15::7]:7001"
_LONGEST_FIRST: Final = sorted(COMPARISONS, key=len, reverse=True)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 65535):
        raise NotReadableError(f"{text!r} is no UDP port", "a port is a number from 1 to 65535")
    return int(text)


def _multicast(text: str) -> str:
    if text.startswith("[") and text.endswith("]"):
        return _ipv6_multicast(text[1:-1])
    return _ipv4_multicast(text)


def _ipv4_multicast(text: str) -> str:
    packed = _packed(socket.AF_INET, text)
    if packed is None:
        raise NotReadableError(f"{text!r} is no address", _EXAMPLE)
    if not 224 <= packed[0] <= 239:
        raise NotReadableError(f"{text} is no multicast address", "take one of 239.0.0.0/8, such as 239.192.71.1")
    if packed[:3] == b"\xe0\x00\x00":
        message = f"{text} is in 224.0.0.0/24, which belongs to the routers' own protocols"
        raise NotReadableError(message, "take one of 239.0.0.0/8, such as 239.192.71.1")
    return text


def _ipv6_multicast(text: str) -> str:
    packed = _packed(socket.AF_INET6, text)
    if packed is None:
        advice = "name the interface under network.interface" if "%" in text else _EXAMPLE
        raise NotReadableError(f"{text!r} is no IPv6 address", advice)
    if packed[0] != 0xFF:
        raise NotReadableError(f"{text} is no multicast address", "take one of ff15::/16, such as ff15::7")
    return socket.inet_ntop(socket.AF_INET6, packed)


def _packed(family: socket.AddressFamily, text: str) -> bytes | None:
    try:
        return socket.inet_pton(family, text)
    except (OSError, ValueError):  # ValueError: a character that no address has
        return None


NOTATIONS: Final[Mapping[object, Notation]] = {
    "duration": Notation(parse_duration, format_duration),
    "size": Notation(parse_size, format_size),
    "line": Notation(parse_line, str),
    Group: Notation(parse_group, str),
    Condition: Notation(parse_condition, str),
}
"""By type, or by the name that `msgspec.Meta(extra={"notation": name})` gives to a number."""


def notation_of(kind: Any) -> Notation | None:
    """Return how values of a type are written, when that is more than a number or a word."""
    if get_origin(kind) is Annotated:
        names = [meta.extra["notation"] for meta in kind.__metadata__ if "notation" in (meta.extra or {})]
        return NOTATIONS[names[0]] if names else None
    return NOTATIONS.get(kind) if isinstance(kind, type) else None
