"""Ranges of readings: what is missing of one sensor, in order and apart from each other.

A position counts a sensor's readings without wrap-around: it is the sequence modulo 2**31.
"""

from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final, NamedTuple

from protocol.accounts import Lost

NO_HOUR_MS: Final = -1
PAST_MS: Final = -2  # the page of the ledger for what somebody looks back at: it is no part of any account
AT_ONCE_S: Final = float("-inf")
NEVER_S: Final = float("inf")


class Missing(NamedTuple):
    """`count` readings from the sequence `first` on that have not arrived, and the hour in whose account they are.

    The hour is NO_HOUR_MS when it is only a guess that they were ever sent: then they are in no account yet.
    """

    first: int
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs of a range
    hour_ms: int


@dataclass(slots=True)
class Hole:
    """The readings at the positions `first` to `end` (exclusive), none of which has arrived.

    `hour_ms` is the hour in whose account they are, NO_HOUR_MS while it is only a guess that they were ever sent,
    PAST_MS when they are only to be shown.
    `due_s` is when they may be asked for, `asked_s` since when an answer is awaited (None: nobody ever asked), and
    `until_s` for how long; they are under way until then, and None when they are not. `why` is set once they were
    given up.
    """

    first: int
    end: int
    hour_ms: int
    due_s: float = AT_ONCE_S
    asked_s: float | None = None
    until_s: float | None = None
    why: Lost | None = None

    def __len__(self) -> int:
        return self.end - self.first

    @property
    def is_guess(self) -> bool:
        """Tell whether nobody knows that these readings were ever sent."""
        return self.hour_ms == NO_HOUR_MS

    @property
    def is_past(self) -> bool:
        """Tell whether these readings are only to be shown: what becomes of them is in no account."""
        return self.hour_ms == PAST_MS

    @property
    def is_under_way(self) -> bool:
        """Tell whether an answer is awaited."""
        return self.until_s is not None

    def part(self, first: int, end: int) -> "Hole":
        """Return what lies between two positions, both within."""
        return replace(self, first=first, end=end)

    def continues(self, other: "Hole") -> bool:
        """Tell whether this follows upon another one that was given up for the same reason, and can be one with it."""
        return (other.end, other.hour_ms, other.why) == (self.first, self.hour_ms, self.why)


_first: Final = attrgetter("first")


class Holes:
    """Holes in the order of their positions; none overlaps another, and none is empty."""

    __slots__ = ("_holes",)

    def __init__(self) -> None:
        self._holes: list[Hole] = []

    def __len__(self) -> int:
        return len(self._holes)

    def __iter__(self) -> Iterator[Hole]:
        return iter(self._holes)

    @property
    def readings(self) -> int:
        """How many readings are in the holes."""
        return sum(map(len, self._holes))

    def find(self, position: int) -> Hole | None:
        """Return the hole that a position is in."""
        index = self._index(position)
        return self._holes[index] if index >= 0 and position < self._holes[index].end else None

    def between(self, first: int, end: int) -> list[Hole]:
        """Return the holes that have a part in `first` to `end` (exclusive)."""
        if first >= end:
            return []
        start = max(0, self._index(first))
        return [hole for hole in self._holes[start : self._index(end - 1) + 1] if hole.end > first]

    def add(self, hole: Hole) -> None:
        """Put a hole where no other is."""
        insort(self._holes, hole, key=_first)

    def append_to_neighbour(self, hole: Hole) -> None:
        """Put a hole where no other is, as one with that before it if they are of a kind."""
        index = self._index(hole.first)
        if index >= 0 and hole.continues(self._holes[index]):
            self._holes[index].end = hole.end
        else:
            self._holes.insert(index + 1, hole)

    def cut(self, hole: Hole, first: int, end: int) -> tuple[Hole, Hole]:
        """Take the positions `first` to `end` out of a hole; returns what is left before and after, maybe nothing."""
        before, after = hole.part(hole.first, first), hole.part(end, hole.end)
        index = self._index(hole.first)
        self._holes[index : index + 1] = [rest for rest in (before, after) if len(rest)]
        return before, after

    def remove(self, hole: Hole) -> None:
        """Take a whole hole out."""
        del self._holes[self._index(hole.first)]

    def remove_all(self) -> list[Hole]:
        """Take all out and return them."""
        removed, self._holes = self._holes, []
        return removed

    def smallest(self) -> Hole:
        """Return the hole with the fewest readings, the oldest of several."""
        return min(self._holes, key=len)

    def _index(self, position: int) -> int:
        """Return the index of the last hole that begins at or before a position, -1 without one."""
        return bisect_right(self._holes, position, key=_first) - 1
