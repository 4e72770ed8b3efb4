"""What the kernel knows of the network interfaces, asked and heard over rtnetlink (rtnetlink(7)).

The standard library lists names only; the kernel's own interface gives the same answer for IPv4 and IPv6 on every
architecture, and rings when something changes, so that nobody has to look again and again.
"""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Interface | IPv6Interface

# struct nlmsghdr: length u32, type u16, flags u16, sequence u32, port u32
_MESSAGE: Final = struct.Struct("=IHHII")
# struct ifinfomsg: family u8, pad u8, type u16, index i32, flags u32, change u32
_LINK: Final = struct.Struct("=BxHiII")
# struct ifaddrmsg: family u8, prefix length u8, flags u8, scope u8, index u32
_ADDRESS: Final = struct.Struct("=BBBBI")
# struct rtattr: length u16, type u16; each attribute starts on a multiple of four
_ATTRIBUTE: Final = struct.Struct("=HH")
_ALIGNMENT: Final = 4
# struct nlmsgerr: error i32 (negative errno), then the request
_ERROR_NUMBER: Final = struct.Struct("=i")

_ERROR, _DONE = 2, 3
_NEW_LINK, _GET_LINK = 16, 18
_NEW_ADDRESS, _GET_ADDRESS = 20, 22
_REQUEST_DUMP: Final = 0x301
_IFNAME: Final = 3
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_UP, _LOOPBACK, _RUNNING = 0x1, 0x8, 0x40
_TENTATIVE: Final = 0x40
"""An IPv6 address that is still looked for on the link: nothing can be sent from it yet."""

# The multicast groups of rtnetlink(7): links, then addresses and routes of IPv4 and of IPv6.
_BELL_GROUPS: Final = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
_ANSWER_BYTES: Final = 1 << 16
"""More than the kernel puts into one datagram of a dump (32 KiB)."""


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface as it is now; `running` is false without a carrier, as with the cable pulled out."""

    index: int
    name: str
    up: bool
    running: bool
    loopback: bool
    addresses: tuple[Address, ...] = ()


def interfaces() -> tuple[Interface, ...]:
    """List the interfaces of this computer, by index; raises OSError when the kernel does not tell."""
    links = [parse_link(body) for kind, body in _dump(_GET_LINK) if kind == _NEW_LINK]
    addresses = [parse_address(body) for kind, body in _dump(_GET_ADDRESS) if kind == _NEW_ADDRESS]
    return tuple(
        replace(link, addresses=tuple(known[1] for known in addresses if known and known[0] == link.index))
        for link in sorted(links, key=lambda link: link.index)
    )


def open_bell() -> socket.socket:
    """Return a non-blocking socket that is readable whenever a link, an address or a route has changed."""
    bell = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    bell.bind((0, _BELL_GROUPS))
    bell.setblocking(False)
    return bell


def silence_bell(bell: socket.socket) -> None:
    """Read what made the bell ring; what it said does not matter, one looks at everything anyhow."""
    try:
        while True:
            bell.recv(_ANSWER_BYTES)
    except OSError:
        # Nothing left; or ENOBUFS, more changes than the kernel kept, which is a reason to look all the same.
        return


def parse_link(body: bytes) -> Interface:
    """Read one RTM_NEWLINK message, without its addresses."""
    _, _, index, flags, _ = _LINK.unpack_from(body)
    name = dict(_attributes(body[_LINK.size :]))[_IFNAME].rstrip(b"\0").decode(errors="replace")
    return Interface(index, name, bool(flags & _UP), bool(flags & _RUNNING), bool(flags & _LOOPBACK))


def parse_address(body: bytes) -> tuple[int, Address] | None:
    """Read one RTM_NEWADDR message: an interface's index and an address of it; None when it cannot be used (yet)."""
    family, prefix_bits, flags, _, index = _ADDRESS.unpack_from(body)
    attributes = dict(_attributes(body[_ADDRESS.size :]))
    # On point-to-point links IFA_ADDRESS is the other end; IPv6 has no IFA_LOCAL there.
    packed = attributes.get(_IFA_LOCAL, attributes.get(_IFA_ADDRESS))
    if packed is None or family not in (socket.AF_INET, socket.AF_INET6) or flags & _TENTATIVE:
        return None
    return index, ip_interface((packed, prefix_bits))


def _dump(request: int) -> Iterator[tuple[int, bytes]]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        body = _LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
        kernel.sendto(_MESSAGE.pack(_MESSAGE.size + len(body), request, _REQUEST_DUMP, 1, 0) + body, (0, 0))
        while True:
            for kind, message in messages(kernel.recv(_ANSWER_BYTES)):
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    raise OSError(-_ERROR_NUMBER.unpack_from(message)[0], "the kernel does not list the interfaces")
                yield kind, message


def messages(datagram: bytes) -> Iterator[tuple[int, bytes]]:
    """Split a netlink datagram into the type and body of each message; what is cut off is left out."""
    return _split(datagram, _MESSAGE)


def _attributes(body: bytes) -> Iterator[tuple[int, bytes]]:
    return _split(body, _ATTRIBUTE)


def _split(data: bytes, header: struct.Struct) -> Iterator[tuple[int, bytes]]:
    """Messages and attributes are laid alike: the length with its header, the type, the content, padding."""
    offset = 0
    while offset + header.size <= len(data):
        length, kind, *_ = header.unpack_from(data, offset)
        if length < header.size or offset + length > len(data):
            return
        yield kind, data[offset + header.size : offset + length]
        offset += -(-length // _ALIGNMENT) * _ALIGNMENT
