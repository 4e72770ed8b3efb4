"""Asking a sensor's ring for the past, from the newest reading on (docs/protocol.md, "Repair")."""

from enum import StrEnum
from typing import Final

from protocol.repair import Repairs
from protocol.sequences import RENUMBERED_BEYOND

STEP: Final = 128  # readings: two requests, as many as a program that shows them has under way


class End(StrEnum):
    """Why no more is asked for."""

    REACHED = "reached"  # the past is there
    NO_MORE = "no more"  # the ring does not go back further
    ENOUGH = "enough"  # as many readings are there as were wanted
    SILENT = "silent"  # nobody answers


class LookBack:
    """Asks for the readings of one sensor back to `since_ms` on its own clock, `most` of them at most.

    The newest come first, one step after the other, so that what is there is always without a gap. Its owner tells
    it what comes (`take`) and lets it ask again (`go_on`) whenever something changed for the sensor. `end` is None
    while more may come, also before the sensor was heard.
    """

    __slots__ = ("_arrived", "_lowest", "_most", "_repairs", "asked", "codifier", "end", "oldest_ms", "since_ms")

    def __init__(self, repairs: Repairs, codifier: str, since_ms: float, most: int = RENUMBERED_BEYOND) -> None:
        self.codifier = codifier
        self.since_ms = since_ms
        self.asked = 0
        self.oldest_ms: int | None = None
        self.end: End | None = None
        self._repairs = repairs
        self._most = most
        self._arrived = 0  # of the last step
        self._lowest = 0  # after it; an answer may name readings before that

    def take(self, timestamp_ms: int) -> None:
        """Take note of a reading that was asked for."""
        self._arrived += 1
        self.oldest_ms = timestamp_ms if self.oldest_ms is None else min(self.oldest_ms, timestamp_ms)

    def reach(self, since_ms: float) -> None:
        """Look back further than was wanted before, and again when the node was silent and answers now."""
        if self.end is End.SILENT and not self._repairs.gave_up(self.codifier):
            self.end, self.asked = None, 0
        if since_ms < self.since_ms:
            self.since_ms = since_ms
            self.end = None if self.end is End.REACHED else self.end

    def go_on(self) -> bool:
        """Ask for more when all that was asked for is there; returns whether it ends with that."""
        if self.end is not None:
            return False
        if self._repairs.gave_up(self.codifier):
            self._repairs.let_go(self.codifier)
            self.end = End.SILENT
        elif not self._repairs.reaching(self.codifier):
            self.end = self._reached() or self._ask()
        return self.end is not None

    def _reached(self) -> End | None:
        if self.oldest_ms is not None and self.oldest_ms <= self.since_ms:
            return End.REACHED
        if self.asked and not self._arrived and self._repairs.lowest(self.codifier) == self._lowest:
            return End.NO_MORE
        return End.ENOUGH if self.asked >= self._most else None

    def _ask(self) -> End | None:
        asked = self._repairs.reach_back(self.codifier, min(STEP, self._most - self.asked))
        if self.asked and not asked:
            return End.NO_MORE  # further back the numbers would begin again
        self.asked += asked
        self._arrived = 0
        self._lowest = self._repairs.lowest(self.codifier)
        return None
