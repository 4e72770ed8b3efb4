"""One bus heard: its socket, what came of it, and how long it has been silent."""

import asyncio
import socket
from collections.abc import Callable

from agent import sockets
from agent.clock import Clock
from agent.membership import SILENCE_S
from agent.netlink import Interface
from agent.sockets import Datagram
from config.model import Group
from protocol.instants import Instant

HandOn = Callable[[list[Datagram], Instant], None]
Broken = Callable[[OSError], None]


class Receiver:
    """Hears one group and hands its datagrams on, at most 64 a turn of the loop, with the instant of the turn."""

    def __init__(self, group: Group, clock: Clock, hand_on: HandOn, broken: Broken) -> None:
        self.received = 0
        self._group = group
        self._clock = clock
        self._hand_on = hand_on
        self._broken = broken
        self._socket: socket.socket | None = None
        self._interface: Interface | None = None
        self._own_address = ""
        self._silent_since_s = 0.0
        self._dropped_before = 0

    @property
    def kernel_dropped(self) -> int:
        """Return how many datagrams the kernel threw away because nobody fetched them in time."""
        of_this_socket = sockets.dropped(self._socket) if self._socket else 0
        return self._dropped_before + of_this_socket

    @property
    def receive_buffer_bytes(self) -> int:
        """Return the size of the socket's buffer; 0 while it is not open."""
        return sockets.receive_buffer_bytes(self._socket) if self._socket else 0

    def open(self, interface: Interface) -> None:
        """Hear the group on this interface, and no longer on the former one; raises BusError."""
        self.close()
        self._socket = sockets.open_receiver(self._group, interface)
        self._interface = interface
        self._own_address = str(interface.addresses[0].ip)
        self._silent_since_s = self._clock.now().monotonic_s
        asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def close(self) -> None:
        """Hear nothing more; closing twice is harmless."""
        if self._socket is None:
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        self._dropped_before += sockets.dropped(self._socket)
        self._socket.close()
        self._socket = None

    def silent_until_s(self) -> float:
        """Return when the bus will have been silent for too long; never on loopback, which forgets no member."""
        if self._socket is None or self._interface is None or self._interface.loopback:
            return float("inf")
        return self._silent_since_s + SILENCE_S

    def join_again(self) -> None:
        """Tell the switches once more that this group is wanted here; raises BusError."""
        if self._socket is not None and self._interface is not None:
            self._silent_since_s = self._clock.now().monotonic_s
            sockets.join_again(self._socket, self._group, self._interface)

    def _readable(self) -> None:
        if self._socket is None:
            return
        try:
            datagrams = sockets.drain(self._socket)
        except OSError as error:
            self._broken(error)
            return
        if datagrams:
            now = self._clock.now()
            self.received += len(datagrams)
            self._notice(datagrams, now.monotonic_s)
            self._hand_on(datagrams, now)

    def _notice(self, datagrams: list[Datagram], now_s: float) -> None:
        """Only another computer proves that the switches know of this one: own datagrams come back inside it."""
        own = self._own_address
        for _, sender in datagrams:
            if sender[0] != own:
                self._silent_since_s = now_s
                return
