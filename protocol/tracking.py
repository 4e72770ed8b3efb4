"""What the gaps of a sender's numbering tell whoever hears it (docs/protocol.md, "Sequences")."""

from enum import StrEnum
from typing import Final

from protocol.sequences import MODULUS, RENUMBERED_BEYOND, after, distance

MAX_GAPS: Final = 64  # open gaps kept per sender; beyond that the oldest stays counted as missing for ever


class Arrival(StrEnum):
    """How a sequence fits what was heard before."""

    NEXT = "next"
    GAP = "gap"
    LATE = "late"
    DUPLICATE = "duplicate"
    RENUMBERED = "renumbered"


_NEXT: Final = Arrival.NEXT  # a member of an enumeration is not quick to look up, and this one is for every frame


class SequenceTracker:
    """Counts what one sender's numbering shows: frames received, missing, late, doubled, renumbered.

    Fed with every sequence in order of arrival; needs no clock, and bounded memory whatever arrives. Between the
    lowest and the highest number that is known of a numbering each one is either received or missing, in whichever
    order the frames came.
    """

    __slots__ = ("_before", "_expected", "_gaps", "duplicates", "late", "missing", "received", "renumbered")

    def __init__(self) -> None:
        self.received = 0
        self.missing = 0
        self.late = 0
        self.duplicates = 0
        self.renumbered = 0
        self._expected = -1  # no sequence is negative: nothing was heard yet
        self._before = 0  # received and missing of earlier numberings
        self._gaps: list[tuple[int, int]] = []  # (first missing, how many), the oldest first

    @property
    def last(self) -> int | None:
        """The newest sequence of the present numbering, or None before anything was heard."""
        return None if self._expected < 0 else (self._expected - 1) % MODULUS

    def observe(self, sequence: int) -> Arrival:
        """Take the sequence of a frame that arrived and say how it fits."""
        if sequence == self._expected:
            self._expected = (sequence + 1) % MODULUS
            self.received += 1
            return _NEXT
        return self._observe_unexpected(sequence % MODULUS)

    def announce(self, sequence: int, *, anew: bool = False) -> Arrival:
        """Take an announcement that the numbering continues after `sequence`, which itself is no reading.

        One that goes back is a late one and changes nothing, unless it is known to begin the numbering `anew`.
        """
        expected = after(sequence)
        ahead = distance(expected, self._expected)
        if self._is_elsewhere(ahead) or (anew and ahead < 0):
            return self._begin(expected)
        if ahead < 0:
            self._reach_back(expected, -ahead - self._span())
            return Arrival.LATE
        return self._skip_to(expected, ahead)

    def restart(self, sequence: int) -> Arrival:
        """Take a frame that says that the numbering begins with itself (`N` on the control bus)."""
        sequence %= MODULUS
        arrival = _NEXT if sequence == self._expected else self._begin(sequence)
        self.observe(sequence)
        return arrival

    def loss(self) -> float:
        """Return the share of frames that are missing, 0 to 1."""
        expected = self.received + self.missing
        return self.missing / expected if expected else 0.0

    def _observe_unexpected(self, sequence: int) -> Arrival:
        ahead = distance(sequence, self._expected)
        if self._is_elsewhere(ahead):
            return self.restart(sequence)
        if ahead < 0:
            return self._observe_old(sequence, -ahead)
        arrival = self._skip_to(sequence, ahead)
        self.observe(sequence)
        return arrival

    def _observe_old(self, sequence: int, behind: int) -> Arrival:
        earlier = behind - self._span()
        if earlier > 0:
            self._reach_back(after(sequence), earlier - 1)
        elif not self._close_gap(sequence):
            self.duplicates += 1
            return Arrival.DUPLICATE
        self.received += 1
        self.late += 1
        return Arrival.LATE

    def _is_elsewhere(self, ahead: int) -> bool:
        return self._expected < 0 or abs(ahead) > RENUMBERED_BEYOND

    def _span(self) -> int:
        """Count the numbers of the present numbering, from the lowest that is known."""
        return self.received + self.missing - self._before

    def _begin(self, expected: int) -> Arrival:
        known = self._expected >= 0
        self._expected = expected
        self._before = self.received + self.missing
        self._gaps.clear()
        self.renumbered += known
        return Arrival.RENUMBERED if known else _NEXT

    def _skip_to(self, expected: int, count: int) -> Arrival:
        if count == 0:
            return _NEXT
        self._gaps.append((self._expected, count))
        del self._gaps[:-MAX_GAPS]
        self._expected = expected
        self.missing += count
        return Arrival.GAP

    def _reach_back(self, first: int, count: int) -> None:
        """Count as missing what lies between a late frame and the lowest number that was known before it."""
        if count <= 0:
            return
        if len(self._gaps) < MAX_GAPS:
            self._gaps.insert(0, (first, count))
        self.missing += count

    def _close_gap(self, sequence: int) -> bool:
        for index, (first, count) in enumerate(self._gaps):
            inside = distance(sequence, first)
            if 0 <= inside < count:
                rest = ((first, inside), (after(sequence), count - inside - 1))
                self._gaps[index : index + 1] = [gap for gap in rest if gap[1]]
                del self._gaps[:-MAX_GAPS]
                self.missing -= 1
                return True
        return False
