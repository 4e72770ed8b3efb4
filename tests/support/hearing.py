"""What a bus hands on, kept for a test that waits for it."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from agent.bus import BusState
from agent.sockets import Datagram
from protocol.frames import Bus
from protocol.instants import Instant
from protocol.members import Sender


class Heard(NamedTuple):
    """One datagram; `bus` is None when it came by unicast."""

    bus: Bus | None
    datagram: bytes
    sender: Sender
    now: Instant


class Hearing:
    """Takes the three callbacks of a bus: `receive`, `receive_unicast` and `changed`."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.turns: list[int] = []
        self.states: list[BusState] = []
        self._news = asyncio.Event()

    @property
    def datagrams(self) -> list[bytes]:
        """What was heard so far, in order."""
        return [heard.datagram for heard in self.heard]

    def receive(self, bus: Bus | None, datagrams: list[Datagram], now: Instant) -> None:
        self.turns.append(len(datagrams))
        self.heard += [Heard(bus, datagram, sender, now) for datagram, sender in datagrams]
        self._news.set()

    def receive_unicast(self, datagrams: list[Datagram], now: Instant) -> None:
        self.receive(None, datagrams, now)

    def changed(self, state: BusState) -> None:
        self.states.append(state)
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds; it is looked at again whenever something was heard or the state changed."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    async def number(self, number: int) -> list[Heard]:
        """Wait until so many datagrams were heard and return all."""
        await self.until(lambda: len(self.heard) >= number)
        return self.heard

    async def another(self) -> Heard:
        """Wait for the next datagram."""
        return (await self.number(len(self.heard) + 1))[-1]
