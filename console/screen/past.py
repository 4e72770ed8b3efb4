"""What a store knows of a sensor's past, for its chart."""

import asyncio
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeVar

from agent.threads import DaemonThreads
from config.model import Configuration
from console.histories import NoHistoryError, Opened, Place, open_first, places
from console.screen.traces import Point, number_of, thinned, with_gaps
from protocol.accounts import Account
from protocol.readings import Reading
from storage.store import Bucket, History, Span, StoreError

T = TypeVar("T")

MAX_READINGS: Final = 25_000
"""Readings that are asked for at once, about 5 MiB while they are looked at: six hours at one a second."""

ROLLED_UP: Final = Span.TEN_MINUTES
"""What stands for the readings before these."""

RETRY_S: Final = 60.0
"""A store that failed is asked again after so long: a database is restarted, a file is made."""

CLOSING_S: Final = 1.0
"""Nobody who leaves the console waits longer for a database that hangs."""


class Past:
    """The history of a configuration's first sink that answers, read in a thread; empty when there is none.

    `trouble` says why there is none although the configuration has sinks; charts show what was heard then. `place`
    names the one that is read.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.trouble = ""
        self._places = _places(configuration)
        self._opened: Opened | None = None
        self._retry_s = -math.inf
        self._thread = DaemonThreads("jph-history", limit=1) if self._places else None

    @property
    def place(self) -> str:
        """What is read now, empty while nothing is."""
        return self._opened.place.name if self._opened else ""

    async def points(self, codifier: str, since_ms: float, until_ms: float, longest_s: float = math.inf) -> list[Point]:
        """Return what is stored of a sensor, oldest first, as points of a chart; a longer silence is a gap.

        There may be more readings than MAX_READINGS in that time: before these are the means of roll-ups.
        """
        read = partial(_points, codifier, int(since_ms), int(until_ms), longest_s)
        return await self._ask(read) or []

    async def accounts(self, since_ms: float, until_ms: float) -> list[Account] | None:
        """Return what became of the readings of all sensors, for each hour that begins within the bounds.

        None when there is nobody to tell.
        """
        return await self._ask(lambda history: history.accounts(int(since_ms), int(until_ms)))

    async def close(self) -> None:
        """Let go of the store; closing twice is harmless."""
        if self._thread is not None:
            await asyncio.wait([self._thread.call(self._close)], timeout=CLOSING_S)
            self._thread.close()
            self._thread = None

    async def _ask(self, question: Callable[[History], T]) -> T | None:
        loop = asyncio.get_running_loop()
        if self._thread is None or loop.time() < self._retry_s:
            return None
        try:
            return await self._thread.call(partial(self._answer, question))
        except (StoreError, NoHistoryError) as error:
            self.trouble = error.message
            self._retry_s = loop.time() + RETRY_S
            return None

    def _answer(self, question: Callable[[History], T]) -> T | None:
        history = self._history()
        if history is None:
            return None
        try:
            return question(history)
        except StoreError:
            self._close()
            raise

    def _history(self) -> History | None:
        """Open a place; a file that is not on this computer is another computer's, and no trouble."""
        near = [place for place in self._places if not place.is_far]
        if self._opened is None and near:
            self._opened = open_first(near)
            self.trouble = ""
        return self._opened.history if self._opened else None

    def _close(self) -> None:
        if self._opened is not None:
            self._opened.history.close()
            self._opened = None


def _places(configuration: Configuration) -> list[Place]:
    try:
        return places(configuration)
    except NoHistoryError:
        return []


def _points(codifier: str, since_ms: int, until_ms: int, longest_s: float, history: History) -> list[Point]:
    readings = history.history(codifier, since_ms, until_ms, MAX_READINGS)
    older = [] if len(readings) < MAX_READINGS else _rolled_up(history, codifier, since_ms, readings[0])
    return [*older, *thinned(with_gaps(points_of(readings), longest_s))]


def _rolled_up(history: History, codifier: str, since_ms: int, oldest: Reading) -> list[Point]:
    """Return what came before the oldest reading that is charted by itself; nothing where there are no roll-ups."""
    try:
        buckets = history.rollups(codifier, ROLLED_UP, since_ms, oldest.timestamp_ms)
    except StoreError:
        return []
    return with_gaps([_middle(bucket) for bucket in buckets], 1.5 * ROLLED_UP.length_ms / 1000)


def _middle(bucket: Bucket) -> Point:
    return Point(bucket.end_ms - ROLLED_UP.length_ms / 2, bucket.mean)


def points_of(readings: Sequence[Reading]) -> list[Point]:
    """Turn readings into points; text and NaN have no place in a chart."""
    return [
        Point(reading.timestamp_ms, number) for reading in readings if (number := number_of(reading.value)) is not None
    ]
