"""The sockets of the buses and their options (ip(7), ipv6(7), socket(7)); what the kernel refuses is a BusError."""

import contextlib
import errno
import ipaddress
import socket
import struct
from collections.abc import Iterator
from itertools import repeat
from typing import Any, Final, NamedTuple, TypeAlias

from agent.interfaces import BusError, Version
from agent.netlink import Interface
from config.model import Group
from protocol.senders import Sender

Destination: TypeAlias = tuple[str, int] | tuple[str, int, int, int]
"""Where the kernel sends to: address and port, with IPv6 also flow and interface."""

Datagram: TypeAlias = tuple[bytes, Sender]

RECEIVE_BUFFER_BYTES: Final = 8 * 1024 * 1024
"""Holds some 20,000 readings: a fifth of a second at the full speed of one sender, minutes at a real network's."""

DATAGRAM_BYTES: Final = 2048
"""More than the longest frame (1,200), so that a longer datagram is seen to be too long."""

DATAGRAMS_PER_TURN: Final = 64
"""Enough that a turn of the loop costs little per datagram, few enough that timers and keys wait for milliseconds."""

# Options of Linux that the standard library does not name.
_SO_RCVBUFFORCE: Final = 33
_SO_MEMINFO: Final = 55
_IP_MULTICAST_ALL: Final = 49
_IPV6_MULTICAST_ALL: Final = 29

# SO_MEMINFO: nine u32; the last counts what was dropped because the buffer was full (SK_MEMINFO_DROPS).
_MEMINFO: Final = struct.Struct("=9I")
_INDEX: Final = struct.Struct("=i")


class Family(NamedTuple):
    """The names that an IP version has for the same socket options."""

    version: Version
    number: socket.AddressFamily
    level: int
    multicast_if: int
    hops: int
    unicast_hops: int
    loop: int
    all_groups: int
    join: int
    leave: int


IPV4: Final = Family(
    4,
    socket.AF_INET,
    socket.IPPROTO_IP,
    socket.IP_MULTICAST_IF,
    socket.IP_MULTICAST_TTL,
    socket.IP_TTL,
    socket.IP_MULTICAST_LOOP,
    _IP_MULTICAST_ALL,
    socket.IP_ADD_MEMBERSHIP,
    socket.IP_DROP_MEMBERSHIP,
)
IPV6: Final = Family(
    6,
    socket.AF_INET6,
    socket.IPPROTO_IPV6,
    socket.IPV6_MULTICAST_IF,
    socket.IPV6_MULTICAST_HOPS,
    socket.IPV6_UNICAST_HOPS,
    socket.IPV6_MULTICAST_LOOP,
    _IPV6_MULTICAST_ALL,
    socket.IPV6_JOIN_GROUP,
    socket.IPV6_LEAVE_GROUP,
)


def family_of(group: Group) -> Family:
    """Return the names of options for the group's IP version."""
    return IPV6 if ":" in group.address else IPV4


def open_receiver(group: Group, interface: Interface) -> socket.socket:
    """Open the socket that hears a group on one interface; raises BusError.

    Bound to the group's address, not to the wildcard: another group on the same port, and unicast, stay out.
    SO_REUSEADDR lets every program of the computer hear the group; SO_REUSEPORT would refuse the programs of other
    users and those that do not set it, as those of the original system.
    """
    family = family_of(group)
    with explained(group, interface), _closed_on_error(family) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Without this a socket hears what any program of the computer has joined on any interface.
        receiver.setsockopt(family.level, family.all_groups, 0)
        _widen(receiver)
        receiver.bind(destination((group.address, group.port), interface))
        receiver.setsockopt(family.level, family.join, _membership(group, interface))
        return receiver


def join_again(receiver: socket.socket, group: Group, interface: Interface) -> None:
    """Leave the group and join it at once, so that the switches hear of it again; raises BusError."""
    family, membership = family_of(group), _membership(group, interface)
    with explained(group, interface):
        with contextlib.suppress(OSError):  # the kernel has already forgotten the membership: so much the better
            receiver.setsockopt(family.level, family.leave, membership)
        receiver.setsockopt(family.level, family.join, membership)


def open_sender(group: Group, interface: Interface, ttl: int) -> socket.socket:
    """Open a socket that sends to all groups of this IP version, from a port that no other has; raises BusError."""
    family = family_of(group)
    with explained(group, interface), _closed_on_error(family) as sender:
        if family is IPV6:
            sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sender.setsockopt(family.level, family.all_groups, 0)
        sender.setsockopt(family.level, family.hops, ttl)
        # An address that was forged into a request is answered no further away than requests come from.
        sender.setsockopt(family.level, family.unicast_hops, max(1, ttl))
        sender.setsockopt(family.level, family.loop, 1)
        sender.bind(("", 0))
        return sender


def aim(sender: socket.socket, group: Group, interface: Interface) -> Sender:
    """Send from this interface from now on; returns the address from which its datagrams come; raises BusError."""
    family = family_of(group)
    outwards = _outwards(family, interface)
    with explained(group, interface), socket.socket(family.number, socket.SOCK_DGRAM) as probe:
        sender.setsockopt(family.level, family.multicast_if, outwards)
        probe.setsockopt(family.level, family.multicast_if, outwards)
        # Connecting a UDP socket sends nothing: it asks the kernel for the way and so for the source address.
        probe.connect(destination((group.address, group.port), interface))
        source: str = probe.getsockname()[0]
    return source, sender.getsockname()[1]


def drain(receiver: socket.socket) -> list[Datagram]:
    """Take at most DATAGRAMS_PER_TURN of the datagrams that wait; raises OSError when the socket is broken."""
    datagrams: list[tuple[bytes, Any]] = []
    take, keep = receiver.recvfrom, datagrams.append
    try:
        for size in repeat(DATAGRAM_BYTES, DATAGRAMS_PER_TURN):
            keep(take(size))
    except BlockingIOError:
        pass
    if datagrams and len(datagrams[0][1]) > 2:  # IPv6 adds flow and interface to an address
        return [(datagram, (sender[0], sender[1])) for datagram, sender in datagrams]
    return datagrams


def dropped(receiver: socket.socket) -> int:
    """Return how many datagrams the kernel threw away because the buffer of this socket was full.

    It starts at 0 with the socket and wraps at 2**32: the counter of SO_RXQ_OVFL, but asked for when somebody wants to
    know it instead of carried by every datagram.
    """
    answer = receiver.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
    return int(_MEMINFO.unpack(answer)[-1]) if len(answer) == _MEMINFO.size else 0


def receive_buffer_bytes(receiver: socket.socket) -> int:
    """Return the size that the kernel granted, in the measure in which it was asked for."""
    # The kernel doubles what is asked for, for its own book-keeping, and tells the double (socket(7)).
    return receiver.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2


@contextlib.contextmanager
def explained(group: Group, interface: Interface) -> Iterator[None]:
    """Turn what the kernel refuses for this group into the error for the operator."""
    try:
        yield
    except OSError as error:
        raise refusal(error, group, interface) from None


def refusal(error: OSError, group: Group, interface: Interface) -> BusError:
    """Say what the kernel refuses for this group, and what can be done."""
    if error.errno == errno.EADDRINUSE:
        return BusError(
            f"UDP port {group.port} is taken by another program that does not share it",
            f"find it with: ss -ulpn 'sport = :{group.port}'",
        )
    hint = _HINTS.get(error.errno or 0, "").format(interface=interface.name)
    return BusError(f"cannot use {group.address} on {interface.name}: {error.strerror}", hint)


_HINTS: Final = {
    errno.ENETUNREACH: "there is no route for multicast on {interface}: ip route show table all dev {interface}",
    errno.EPERM: "a firewall or a security policy of this computer forbids it",
    errno.EACCES: "a firewall or a security policy of this computer forbids it",
    errno.ENOBUFS: "this computer is out of memberships or memory: sysctl net.ipv4.igmp_max_memberships",
    errno.ENODEV: "{interface} has no IP of this version: ip address show dev {interface}",
}


@contextlib.contextmanager
def _closed_on_error(family: Family) -> Iterator[socket.socket]:
    """Give a non-blocking UDP socket that is closed when what follows fails, and left open when it does not."""
    opened = socket.socket(family.number, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        yield opened
    except BaseException:
        opened.close()
        raise


def _widen(receiver: socket.socket) -> None:
    """Ask for the large buffer: past net.core.rmem_max where the process may (CAP_NET_ADMIN), else up to it."""
    try:
        receiver.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
    except PermissionError:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)


def destination(address: Sender, interface: Interface) -> Destination:
    """Complete the address of a group or a program: a link-local IPv6 address means nothing without the interface."""
    host, port = address
    return (host, port, 0, interface.index) if ":" in host else (host, port)


def _membership(group: Group, interface: Interface) -> bytes:
    """Pack struct ip_mreqn or ipv6_mreq: the group, and the interface by index, which needs no address to exist."""
    packed = ipaddress.ip_address(group.address).packed
    local = b"" if len(packed) == 16 else bytes(4)
    return packed + local + _INDEX.pack(interface.index)


def _outwards(family: Family, interface: Interface) -> bytes:
    """Pack what IP_MULTICAST_IF takes: struct ip_mreqn with the source address, or the index alone (IPv6)."""
    if family is IPV6:
        return _INDEX.pack(interface.index)
    # Left to itself the kernel sends on lo from the address of another interface.
    return bytes(4) + interface.addresses[0].ip.packed + _INDEX.pack(interface.index)
