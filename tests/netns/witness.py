"""What a host really sent and heard: each UDP datagram with the kernel's time, seen beside jph's own programs.

A packet socket sees what leaves the interface, a raw socket what came past the firewall. Nothing has to run meanwhile:
the kernel keeps what they saw until it is looked at.
"""

import contextlib
import ipaddress
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from agent import sockets
from tests.netns.hosts import INTERFACE, Host

_ALL_PROTOCOLS: Final = 3  # linux/if_ether.h: ETH_P_ALL; only with it what is sent is seen
_TIMESTAMPS: Final = 35  # asm/socket.h: SO_TIMESTAMPNS
_BUFFER_FORCE: Final = 33  # asm/socket.h: SO_RCVBUFFORCE
_BUFFER_BYTES: Final = 128 * 2**20  # of the kernel's for a socket; a datagram takes about one KiB of it
_LONGEST_BYTES: Final = 2048

_TIME: Final = struct.Struct("qq")  # struct timespec
_PORTS: Final = struct.Struct(">HH")
_UDP_HEADER_BYTES: Final = 8


class Datagram(NamedTuple):
    """One UDP datagram: when it passed (s since 1970-01-01 UTC), between whom, and what it takes with all headers."""

    at_s: float
    source: tuple[str, int]
    destination: tuple[str, int]
    payload: bytes
    size_bytes: int


class Witness:
    """Watches one host; `sent` and `heard` give what passed since they were last called, in order."""

    def __init__(self, host: Host) -> None:
        self._address = host.address
        with host.entered():
            self._outgoing = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
            self._incoming = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
            for opened in (self._outgoing, self._incoming):
                opened.setblocking(False)
                opened.setsockopt(socket.SOL_SOCKET, _BUFFER_FORCE, _BUFFER_BYTES)
                opened.setsockopt(socket.SOL_SOCKET, _TIMESTAMPS, 1)
            self._outgoing.bind((INTERFACE, _ALL_PROTOCOLS))

    def sent(self) -> list[Datagram]:
        """Return what left the host, whether it arrived anywhere or not."""
        return list(_taken(self._outgoing, _is_outgoing))

    def heard(self) -> list[Datagram]:
        """Return what other hosts sent and the firewall let in."""
        return [datagram for datagram in _taken(self._incoming, _is_any) if datagram.source[0] != self._address]

    def close(self) -> None:
        """Stop watching."""
        self._outgoing.close()
        self._incoming.close()


def _taken(watching: socket.socket, wanted: Callable[[tuple[object, ...]], bool]) -> Iterator[Datagram]:
    with contextlib.suppress(BlockingIOError):
        while True:
            packet, ancillary, _, address = watching.recvmsg(_LONGEST_BYTES, 64)
            if wanted(address) and (datagram := _read(packet, _time_s(ancillary))) is not None:
                yield datagram
    if sockets.dropped(watching):
        raise RuntimeError("the witness was not asked often enough: the kernel had no room for what it saw")


def _is_outgoing(address: tuple[object, ...]) -> bool:
    return address[2] == socket.PACKET_OUTGOING


def _is_any(_address: tuple[object, ...]) -> bool:
    return True


def _time_s(ancillary: list[tuple[int, int, bytes]]) -> float:
    [(_, _, data)] = ancillary
    seconds, nanoseconds = _TIME.unpack(data)
    return float(seconds + nanoseconds / 1e9)


def _read(packet: bytes, at_s: float) -> Datagram | None:
    """Take an IPv4 packet apart (RFC 791, RFC 768); None when it holds no UDP."""
    if packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_UDP:
        return None
    header_bytes = (packet[0] & 0x0F) * 4
    source_port, destination_port = _PORTS.unpack_from(packet, header_bytes)
    source, destination = (str(ipaddress.IPv4Address(packet[at : at + 4])) for at in (12, 16))
    payload = packet[header_bytes + _UDP_HEADER_BYTES :]
    return Datagram(at_s, (source, source_port), (destination, destination_port), payload, len(packet))
