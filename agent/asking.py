"""Sending the requests of one program for readings that it lacks, each when it is time."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from agent.clock import Clock
from protocol.commands import pack_pair
from protocol.frames import Flag
from protocol.holes import NEVER_S
from protocol.instants import Instant
from protocol.requests import Request

ASKING_PAUSE_S: Final = 0.01  # at least, between two times that requests are sent

Say = Callable[[Flag, str, float], object]


class Asks(Protocol):
    """What knows which readings are lacking."""

    @property
    def due_s(self) -> float:
        """The monotonic time at which `requests` has something to do; never while nothing is lacking."""
        ...

    def requests(self, now: Instant) -> Iterable[Request]:
        """Return the requests to send now."""
        ...


class Asking:
    """Says (`say`) what `asks` requests, whenever that is due; nothing after `close`, nor while `may` says no."""

    def __init__(self, asks: Asks, say: Say, clock: Clock, may: Callable[[], bool] = lambda: True) -> None:
        self._asks = asks
        self._say = say
        self._clock = clock
        self._may = may
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def look(self) -> None:
        """See when the next request is due: to be called after whatever may bring it nearer."""
        due_s = self._asks.due_s
        if due_s == NEVER_S or self._closed or not self._may():
            return
        loop = asyncio.get_running_loop()
        delay_s = max(ASKING_PAUSE_S, due_s - self._clock.now().monotonic_s)
        if self._timer is not None:
            if self._timer.when() <= loop.time() + delay_s:
                return
            self._timer.cancel()
        self._timer = loop.call_later(delay_s, self._ask)

    def close(self) -> None:
        """Ask no more; closing twice is harmless."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ask(self) -> None:
        self._timer = None
        if self._may():
            for codifier, first, count in self._asks.requests(self._clock.now()):
                self._say(Flag.REPEAT, codifier, pack_pair(first, count))
        self.look()
