"""Going through readings as they come (`async for`): as they are heard, or with those that the network lost."""

import asyncio
import random
import weakref
from collections import deque
from collections.abc import Collection
from typing import Final, Self

from agent.asking import Asking, Say
from agent.clock import Clock
from protocol.frames import DataFrame, Flag, Frame
from protocol.holes import AT_ONCE_S, NEVER_S
from protocol.instants import Instant
from protocol.readings import Reading
from protocol.repair import SINK_RANGES, Repairs
from protocol.requests import Request
from protocol.skipped import Skipped

MAX_QUEUED: Final = 10_000  # readings that an iteration may fall behind; then the oldest are dropped and counted
ROOM: Final = MAX_QUEUED // 2  # while fewer wait, what is missing is asked for: it will find room


class Readings:
    """The readings of some sensors as they are heard, for `async for`; ends when the node leaves the bus.

    `dropped` counts readings for which the iteration was too slow.
    """

    def __init__(self, codifiers: Collection[str]) -> None:
        self.dropped = 0
        self._codifiers = codifiers
        self._waiting: deque[Reading] = deque()
        self._arrived = asyncio.Event()
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Reading:
        while not self._waiting:
            if self._ended:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()

    def hear(self, frame: DataFrame, now: Instant) -> None:
        """Keep a reading for the iteration when it is of a sensor that is wanted."""
        del now
        if frame.flag is Flag.NUMBERING or not self._wants(frame):
            return
        if len(self._waiting) >= MAX_QUEUED:
            self._waiting.popleft()
            self.dropped += 1
        self._put(frame)

    def answer(self, frame: Frame, now: Instant) -> None:
        """Ignore what came to this program alone: nothing is asked for."""

    def look(self) -> None:
        """Ask for nothing."""

    def end(self) -> None:
        """Let the iteration end after what was heard so far."""
        self._ended = True
        self._arrived.set()

    def _wants(self, frame: Frame) -> bool:
        return not self._codifiers or frame.source in self._codifiers

    def _put(self, frame: DataFrame) -> None:
        self._waiting.append(frame.reading())
        self._arrived.set()


class RepairedReadings(Readings):
    """The same, each exactly once, with those that the network lost: these come when their agents sent them again.

    Nothing is dropped: what finds no room because the iteration is slow is asked for when there is some. What its agent
    does not keep any more is `lost`.
    """

    def __init__(self, codifiers: Collection[str], say: Say, clock: Clock) -> None:
        super().__init__(codifiers)
        self._lacking = _Lacking(self._waiting)
        self._asking = Asking(self._lacking, say, clock)
        weakref.finalize(self, self._asking.close)

    @property
    def lost(self) -> int:
        """How many readings were sent that nobody keeps any more, or that went with a numbering that ended."""
        return self._lacking.lost

    async def __anext__(self) -> Reading:
        reading = await super().__anext__()
        if len(self._waiting) == ROOM - 1:
            self.look()
        return reading

    def hear(self, frame: DataFrame, now: Instant) -> None:
        """Take a frame of the data bus; a reading is kept when it is new."""
        if self._wants(frame) and self._lacking.hear(frame, now):
            self._put(frame)

    def answer(self, frame: Frame, now: Instant) -> None:
        """Take what was asked for, or that it is not kept."""
        if self._wants(frame) and isinstance(frame, DataFrame) and self._lacking.answer(frame, now):
            self._put(frame)
        elif self._wants(frame) and not isinstance(frame, DataFrame) and frame.flag is Flag.UNAVAILABLE:
            self._lacking.repairs.unavailable(frame, now)

    def look(self) -> None:
        """Ask for what is missing, now or when it is time."""
        self._asking.look()

    def end(self) -> None:
        """Let the iteration end after what has come so far."""
        self._asking.close()
        super().end()


class _Lacking:
    """What one iteration lacks. It knows nothing of the iteration itself, which ends when nobody holds it any more."""

    def __init__(self, waiting: Collection[Reading]) -> None:
        self.repairs = Repairs(SINK_RANGES, random.random)
        self._waiting = waiting
        self._skipped = Skipped()
        self._lost = 0

    @property
    def lost(self) -> int:
        self._lost += sum(account.unavailable for account in self.repairs.accounts())
        return self._lost

    @property
    def due_s(self) -> float:
        if not self._has_room:
            return NEVER_S
        return AT_ONCE_S if self._skipped else self.repairs.due_s

    @property
    def _has_room(self) -> bool:
        return len(self._waiting) < ROOM

    def hear(self, frame: DataFrame, now: Instant) -> bool:
        if len(self._waiting) >= MAX_QUEUED:
            self._skipped.skip(frame)
            return False
        self._skipped.take_up(self.repairs, now)
        return self.repairs.hear(frame, now, asked=False) is not None

    def answer(self, frame: DataFrame, now: Instant) -> bool:
        return len(self._waiting) < MAX_QUEUED and self.repairs.hear(frame, now, asked=True) is not None

    def requests(self, now: Instant) -> list[Request]:
        if not self._has_room:
            return []
        self._skipped.take_up(self.repairs, now)
        return self.repairs.requests(now)


class Iterations:
    """All iterations of one program that somebody holds."""

    def __init__(self) -> None:
        self._all: weakref.WeakSet[Readings] = weakref.WeakSet()

    def __len__(self) -> int:
        return len(self._all)

    def add(self, readings: Readings) -> None:
        """Let an iteration have what comes from now on."""
        self._all.add(readings)

    def hear(self, frame: DataFrame, now: Instant) -> None:
        """Take a frame of the data bus."""
        for readings in self._all:
            readings.hear(frame, now)

    def answer(self, frame: Frame, now: Instant) -> None:
        """Take a frame that came to this program alone."""
        for readings in self._all:
            readings.answer(frame, now)

    def look(self) -> None:
        """Ask for what is missing."""
        for readings in self._all:
            readings.look()

    def close(self) -> None:
        """End all; closing twice is harmless."""
        for readings in self._all:
            readings.end()
