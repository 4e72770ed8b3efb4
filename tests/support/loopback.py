"""Multicast groups on loopback that no other test on this machine uses at the same time."""

import socket
from collections.abc import Iterator
from itertools import count
from typing import Final

from config.model import Group, Network

FIRST_PORT: Final = 20_000
PORTS: Final = 100
RANGES: Final = 120
"""All below 32,768, from where the kernel takes the ports of sockets that ask for any."""


class LoopbackNetworks:
    """Gives networks on loopback, from a range of ports that this process holds as long as it is open.

    A range is held by a socket on its first port of 127.0.0.1, which no multicast group touches.
    """

    def __init__(self) -> None:
        self._holder, self._first = _hold_a_range()
        self._numbers = count()

    def new(self) -> Network:
        """Return a network of two groups that were not used for a long time."""
        number = next(self._numbers)
        port = self._first + 1 + 2 * (number % (PORTS // 2 - 1))
        control, data = (_group_address(self._first, number, bus) for bus in range(2))
        return Network(control=Group(control, port), data=Group(data, port + 1), interface="lo", ttl=1)

    def close(self) -> None:
        """Give the range back."""
        self._holder.close()


def _hold_a_range() -> tuple[socket.socket, int]:
    for first in _ranges():
        holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            holder.bind(("127.0.0.1", first))
        except OSError:
            holder.close()
        else:
            return holder, first
    raise RuntimeError("all ranges of ports for tests are taken")


def _ranges() -> Iterator[int]:
    return iter(range(FIRST_PORT, FIRST_PORT + RANGES * PORTS, PORTS))


def _group_address(first_port: int, number: int, bus: int) -> str:
    """239.192.128.0 and above: one /24 for each range of ports."""
    return f"239.192.{128 + (first_port - FIRST_PORT) // PORTS}.{1 + (2 * number + bus) % 254}"
