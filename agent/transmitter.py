"""Everything that a program sends, from one port that tells it from all other programs."""

import asyncio
import errno
import socket
from collections.abc import Callable, Mapping
from typing import Final

from agent import sockets
from agent.clock import Clock
from agent.netlink import Interface
from agent.sockets import Datagram, Destination
from config.model import Group
from protocol.frames import Bus
from protocol.instants import Instant
from protocol.senders import Sender

ReceiveUnicast = Callable[[list[Datagram], Instant], None]

_NOT_THE_NETWORKS_FAULT: Final = frozenset({errno.EAGAIN, errno.EINTR, errno.EMSGSIZE})
"""A full send buffer passes by itself and a datagram that is too long is the sender's fault: counted, no trouble."""


class Transmitter:
    """Sends to the groups and to single addresses without ever waiting.

    `trouble` says why a group does not take it, and is empty while all do; `changed` is called when it changes. What
    arrives on the port, such as answers, goes to `receive_unicast`; without it nobody reads the port.
    """

    def __init__(
        self,
        groups: Mapping[Bus, Group],
        ttl: int,
        clock: Clock,
        receive_unicast: ReceiveUnicast | None,
        changed: Callable[[], None],
    ) -> None:
        self.sent = 0
        self.errors = 0
        self.received = 0
        self.address: Sender | None = None
        self._groups = groups
        self._ttl = ttl
        self._clock = clock
        self._receive_unicast = receive_unicast
        self._changed = changed
        self._socket: socket.socket | None = None
        self._interface: Interface | None = None  # the last one that was aimed from
        self._destinations: dict[Bus, Destination] = {}
        self._troubles: dict[Bus, str] = {}

    @property
    def trouble(self) -> str:
        """Return why one of the groups cannot be sent to; empty when all can, as far as is known."""
        return next(iter(self._troubles.values()), "")

    def aim(self, interface: Interface) -> None:
        """Send to the groups from this interface, always from the same port; raises BusError."""
        sender = self._socket or self._open(interface)
        if interface != self._interface:
            self._troubles.clear()
            self._interface = interface
        for bus, group in self._groups.items():
            self.address = sockets.aim(sender, group, interface)
            self._destinations[bus] = sockets.destination((group.address, group.port), interface)

    def rest(self) -> None:
        """Send nothing to the groups until the next `aim`: there is no interface for it."""
        self._destinations.clear()
        self._troubles.clear()

    def close(self) -> None:
        """Give the port back; closing twice is harmless."""
        self.rest()
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def send(self, bus: Bus, datagram: bytes) -> bool:
        """Send to a group; returns whether the kernel took it."""
        destination = self._destinations.get(bus)
        if self._socket is None or destination is None:
            self.errors += 1
            return False
        try:
            self._socket.sendto(datagram, destination)
        except OSError as error:
            self.errors += 1
            self._note(bus, error)
            return False
        self.sent += 1
        if self._troubles and self._troubles.pop(bus, ""):
            self._changed()
        return True

    def send_to(self, address: Sender, datagram: bytes) -> bool:
        """Send to one program; that it cannot be reached says nothing about the buses."""
        if self._socket is None or self._interface is None:
            self.errors += 1
            return False
        try:
            self._socket.sendto(datagram, sockets.destination(address, self._interface))
        except OSError:
            self.errors += 1
            return False
        self.sent += 1
        return True

    def _open(self, interface: Interface) -> socket.socket:
        any_group = next(iter(self._groups.values()))
        self._socket = sockets.open_sender(any_group, interface, self._ttl)
        if self._receive_unicast is not None:
            asyncio.get_running_loop().add_reader(self._socket, self._readable)
        return self._socket

    def _note(self, bus: Bus, error: OSError) -> None:
        if error.errno in _NOT_THE_NETWORKS_FAULT or self._interface is None:
            return
        trouble = str(sockets.refusal(error, self._groups[bus], self._interface))
        if self._troubles.get(bus) != trouble:
            self._troubles[bus] = trouble
            self._changed()

    def _readable(self) -> None:
        if self._socket is None or self._receive_unicast is None:
            return
        try:
            datagrams = sockets.drain(self._socket)
        except OSError:
            return  # an error that an earlier datagram met on its way: reading it has cleared it
        if datagrams:
            self.received += len(datagrams)
            self._receive_unicast(datagrams, self._clock.now())
