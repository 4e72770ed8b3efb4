"""Asking for readings that did not arrive: which, when, and when to give up (docs/protocol.md, "Repair").

Pure: fed with frames and moments, it returns the requests to send. Used by every sink and by the console.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from protocol.sequences import MODULUS, RENUMBERED_BEYOND, after, distance

WAIT_S: Final = 0.05  # for frames that are only late
FIRST_RETRY_S: Final = 0.2
LAST_RETRY_S: Final = 30.0
MAX_REQUESTED: Final = 64  # readings in one request
MAX_HOLES: Final = 256  # open ranges per sensor: 20 % random loss opens 0.16 per reading, filled within a second or so
MAX_SENSORS: Final = 4096  # under repair; beyond that new sensors are only heard


class Lost(StrEnum):
    """Why readings can never be had."""

    NOT_KEPT = "not kept"
    RENUMBERED = "renumbered"
    TOO_MANY_HOLES = "too many holes"


class Request(NamedTuple):
    """Ask for `count` readings of a sensor from the sequence `first` on."""

    codifier: str
    first: int
    count: int


class Missing(NamedTuple):
    """`count` readings from the sequence `first` on that have not arrived, and the hour in whose account they are."""

    first: int
    count: int
    hour_ms: int


class Progress(NamedTuple):
    """How far a sensor was followed: the newest sequence known, and what is still missing before it."""

    codifier: str
    last: int
    holes: tuple[Missing, ...] = ()


@dataclass(slots=True)
class Hole:
    """Readings `first` to `end` (exclusive, counted without wrap-around) that were not heard."""

    first: int
    end: int
    due_s: float
    asked: int = 0

    def __len__(self) -> int:
        return self.end - self.first


@dataclass(slots=True)
class SensorRepair:
    """One sensor's open holes. `position` is the next sequence expected, counted without wrap-around."""

    codifier: str
    position: int = -1
    holes: list[Hole] = field(default_factory=list)
    repaired: int = 0
    requests: int = 0
    lost: dict[Lost, int] = field(default_factory=dict)

    def heard(self, sequence: int, now_s: float) -> bool:
        """Take a reading's sequence; True when it was heard for the first time."""
        if self.position < 0:
            self.position = sequence + 1
            return True
        at = self.position + distance(sequence, self.position % MODULUS)
        if abs(at - self.position) > RENUMBERED_BEYOND:
            self.renumber(after(sequence))
            return True
        if at < self.position:
            return self._fill(at)
        self._expect(at, now_s)
        self.position = at + 1
        return True

    def announced(self, sequence: int, now_s: float) -> None:
        """Take an `n`: the numbering continues after `sequence`, which was the last so far."""
        if self.position < 0:
            self.position = sequence + 1
            return
        ahead = distance(after(sequence), self.position % MODULUS)
        if not 0 <= ahead <= RENUMBERED_BEYOND:
            self.renumber(after(sequence))
            return
        self._expect(self.position + ahead, now_s)
        self.position += ahead

    def resume(self, last: int) -> None:
        """Continue where a store's cursor says that nothing is missing up to `last`."""
        self.position = after(last)

    def renumber(self, position: int) -> None:
        """Begin a numbering that cannot be joined to the old one: what was missing of that is lost."""
        self._lose(Lost.RENUMBERED, sum(len(hole) for hole in self.holes))
        self.holes.clear()
        self.position = position

    def unavailable(self, first: int, count: int) -> None:
        """Take the answer that readings are no longer kept."""
        start = self.position + distance(first, self.position % MODULUS)
        self._lose(Lost.NOT_KEPT, self._remove(start, start + count))

    def requests_due(self, now_s: float, jitter: Callable[[], float]) -> Iterator[Request]:
        """Go through the requests that are due, and put each hole off; `jitter` returns 0 to 1."""
        for hole in self.holes:
            if hole.due_s <= now_s:
                hole.asked += 1
                hole.due_s = now_s + _back_off_s(hole.asked) * (1 + jitter() / 2)
                self.requests += 1
                yield Request(self.codifier, hole.first % MODULUS, min(len(hole), MAX_REQUESTED))

    @property
    def due_s(self) -> float:
        """The monotonic time at which the next request is due; infinite when nothing is missing."""
        return min((hole.due_s for hole in self.holes), default=float("inf"))

    @property
    def missing(self) -> int:
        """How many readings are missing now and may still come."""
        return sum(len(hole) for hole in self.holes)

    @property
    def contiguous(self) -> int | None:
        """The last sequence up to which nothing is missing, for a store's cursor; None before anything was heard."""
        if self.position < 0:
            return None
        end = self.holes[0].first if self.holes else self.position
        return (end - 1) % MODULUS

    def _expect(self, end: int, now_s: float) -> None:
        if end > self.position:
            self.holes.append(Hole(self.position, end, now_s + WAIT_S))
        if len(self.holes) > MAX_HOLES:
            self._lose(Lost.TOO_MANY_HOLES, len(self.holes.pop(0)))

    def _fill(self, at: int) -> bool:
        filled = bool(self._remove(at, at + 1))
        self.repaired += filled
        return filled

    def _remove(self, start: int, end: int) -> int:
        """Take `start` to `end` out of the holes and return how many readings were missing there."""
        removed, holes = 0, list[Hole]()
        for hole in self.holes:
            low, high = max(start, hole.first), min(end, hole.end)
            if low >= high:
                holes.append(hole)
                continue
            removed += high - low
            parts = ((hole.first, low), (high, hole.end))
            holes += [Hole(first, last, hole.due_s, hole.asked) for first, last in parts if first < last]
        self.holes = holes
        return removed

    def _lose(self, why: Lost, count: int) -> None:
        if count:
            self.lost[why] = self.lost.get(why, 0) + count


def _back_off_s(asked: int) -> float:
    return min(FIRST_RETRY_S * 2 ** (asked - 1), LAST_RETRY_S)
