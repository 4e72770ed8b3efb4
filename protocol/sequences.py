"""Sequence numbers and what their gaps tell (docs/protocol.md, "Sequences")."""

from collections import deque
from enum import StrEnum
from typing import Final

MODULUS: Final = 2**31
RENUMBERED_BEYOND: Final = 100_000  # the longest ring that an agent keeps: a larger jump is a new numbering, no loss
MAX_GAPS: Final = 64  # open gaps kept per sender; beyond that the oldest stays counted as missing for ever


def after(sequence: int) -> int:
    """Return the sequence that follows."""
    return (sequence + 1) % MODULUS


def distance(later: int, earlier: int) -> int:
    """Count the steps from `earlier` to `later` the shorter way round; negative when `later` comes first."""
    return (later - earlier + MODULUS // 2) % MODULUS - MODULUS // 2


class Arrival(StrEnum):
    """How a sequence fits what was heard before."""

    NEXT = "next"
    GAP = "gap"
    LATE = "late"
    DUPLICATE = "duplicate"
    RENUMBERED = "renumbered"


class SequenceTracker:
    """Counts what one sender's numbering shows: frames received, missing, late, doubled, renumbered.

    Fed with every sequence in order of arrival; needs no clock, and bounded memory whatever arrives.
    """

    __slots__ = ("_expected", "_first", "_gaps", "duplicates", "late", "missing", "received", "renumbered")

    def __init__(self) -> None:
        self.received = 0
        self.missing = 0
        self.late = 0
        self.duplicates = 0
        self.renumbered = 0
        self._expected = -1  # no sequence is negative: nothing was heard yet
        self._first = -1
        self._gaps: deque[tuple[int, int]] = deque(maxlen=MAX_GAPS)  # (first missing, how many)

    @property
    def last(self) -> int | None:
        """The newest sequence of the present numbering, or None before anything was heard."""
        return None if self._expected < 0 else (self._expected - 1) % MODULUS

    def observe(self, sequence: int) -> Arrival:
        """Take the sequence of a frame that arrived and say how it fits."""
        if sequence == self._expected:
            self._expected = (sequence + 1) % MODULUS
            self.received += 1
            return Arrival.NEXT
        return self._observe_unexpected(sequence % MODULUS)

    def announce(self, sequence: int) -> Arrival:
        """Take an announcement that the numbering continues after `sequence`, which itself is no reading."""
        ahead = distance(after(sequence), self._expected)
        if self._expected < 0 or not 0 <= ahead <= RENUMBERED_BEYOND:
            return self._begin(after(sequence))
        if ahead:
            self._open_gap(after(sequence), ahead)
        return Arrival.GAP if ahead else Arrival.NEXT

    def restart(self, sequence: int) -> Arrival:
        """Take a frame that says that the numbering begins with itself (`N` on the control bus)."""
        if sequence == self._expected:
            return self.observe(sequence)
        self.received += 1
        return self._begin(after(sequence))

    def loss(self) -> float:
        """Return the share of frames that are missing, 0 to 1."""
        expected = self.received + self.missing
        return self.missing / expected if expected else 0.0

    def _observe_unexpected(self, sequence: int) -> Arrival:
        ahead = distance(sequence, self._expected)
        if self._expected < 0 or abs(ahead) > RENUMBERED_BEYOND:
            self.received += 1
            return self._begin(after(sequence))
        if ahead < 0:
            return self._observe_old(sequence)
        self._open_gap(sequence, ahead)
        self._expected = after(sequence)
        self.received += 1
        return Arrival.GAP

    def _observe_old(self, sequence: int) -> Arrival:
        if distance(sequence, self._first) < 0 or self._close_gap(sequence):
            self.received += 1
            self.late += 1
            return Arrival.LATE
        self.duplicates += 1
        return Arrival.DUPLICATE

    def _begin(self, expected: int) -> Arrival:
        known = self._expected >= 0
        self._expected = self._first = expected
        self._gaps.clear()
        self.renumbered += known
        return Arrival.RENUMBERED if known else Arrival.NEXT

    def _open_gap(self, end: int, count: int) -> None:
        self._gaps.append(((end - count) % MODULUS, count))
        self._expected = end
        self.missing += count

    def _close_gap(self, sequence: int) -> bool:
        for index, (first, count) in enumerate(self._gaps):
            inside = distance(sequence, first)
            if 0 <= inside < count:
                self._split_gap(index, first, count, inside)
                self.missing -= 1
                return True
        return False

    def _split_gap(self, index: int, first: int, count: int, inside: int) -> None:
        rest = [(first, inside), ((first + inside + 1) % MODULUS, count - inside - 1)]
        gaps = [*self._gaps]
        gaps[index : index + 1] = [gap for gap in rest if gap[1]]
        self._gaps = deque(gaps, maxlen=MAX_GAPS)
