"""One bus heard: its socket, what came of it, and how long it has been silent."""

import asyncio
import socket
from collections.abc import Callable
from typing import Final

from agent import sockets
from agent.clock import Clock
from agent.membership import SILENCE_S
from agent.netlink import Interface
from agent.sockets import Datagram
from config.model import Group
from protocol.instants import Instant

HandOn = Callable[[list[Datagram], Instant], None]
Broken = Callable[[OSError], None]

STREAM_TURNS: Final = 16
STREAM_S: Final = 0.001
"""So many turns of the loop, each within so long of the one before, are a stream. Taken in lots it costs this program a
quarter less processor time than being woken by every few datagrams of it."""


class Receiver:
    """Hears one group and hands its datagrams on, at most 64 a turn of the loop, with the instant of the turn.

    With `rest_s` it leaves the socket alone for so long once it has read it empty: datagrams are then taken in lots,
    which at 1,000 a second costs a third of waking up for each. With a rest of 0 it does so, for a millisecond, only
    in a stream; without one never.
    """

    def __init__(
        self, group: Group, clock: Clock, hand_on: HandOn, broken: Broken, *, rest_s: float | None = None
    ) -> None:
        self.received = 0
        self._group = group
        self._clock = clock
        self._hand_on = hand_on
        self._broken = broken
        self._rest_s = rest_s
        self._resting: asyncio.TimerHandle | None = None
        self._awake_since_s = 0.0  # the last turn, or the end of the last rest
        self._stream_turns = 0
        self._socket: socket.socket | None = None
        self._interface: Interface | None = None
        self._own_addresses: frozenset[str] = frozenset()
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
        self._own_addresses = frozenset(str(address.ip) for address in interface.addresses)
        self._silent_since_s = self._clock.now().monotonic_s
        asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def close(self) -> None:
        """Hear nothing more; closing twice is harmless."""
        if self._socket is None:
            return
        self._end_rest()
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
            self._count_turn(now.monotonic_s)
            self._hand_on(datagrams, now)
        if self._rest_s is not None and len(datagrams) < sockets.DATAGRAMS_PER_TURN:
            self._rest(self._rest_s or (STREAM_S if self._stream_turns >= STREAM_TURNS else 0.0))

    def _count_turn(self, now_s: float) -> None:
        self._stream_turns = self._stream_turns + 1 if now_s - self._awake_since_s < STREAM_S else 0
        self._awake_since_s = now_s

    def _rest(self, rest_s: float) -> None:
        if self._socket is None or not rest_s:
            return  # without a socket: whoever was handed the datagrams closed the bus
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._socket)
        self._resting = loop.call_later(rest_s, self._rested)

    def _rested(self) -> None:
        self._resting = None
        self._awake_since_s = self._clock.now().monotonic_s
        if self._socket is not None:
            asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def _end_rest(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None

    def _notice(self, datagrams: list[Datagram], now_s: float) -> None:
        """Only another computer proves that the switches know of this one: own datagrams come back inside it."""
        own = self._own_addresses
        for _, sender in datagrams:
            if sender[0] not in own:
                self._silent_since_s = now_s
                return
