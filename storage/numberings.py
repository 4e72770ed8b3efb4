"""Which sequences a store may have of a sensor: enough to tell that a reading is new without looking for it.

An index that finds readings by their sequence doubles the size of a SQLite file and takes half of its speed. But
sequences count on: those of one numbering lie between its lowest and its highest, and a reading outside is new.
"""

import json
from dataclasses import dataclass
from typing import Final

from protocol.sequences import MODULUS, RENUMBERED_BEYOND
from storage.store import SAME_SEQUENCE_MS

MAX_NUMBERINGS: Final = 8  # per sensor, about 150 bytes each: a restart each; of more the two oldest are taken for one


@dataclass(slots=True)
class Numbering:
    """Holds the sequences `first` to `first + span` (modulo 2**31) and the times of their readings."""

    first: int
    span: int
    since_ms: int
    until_ms: int

    def may_have(self, sequence: int, timestamp_ms: int) -> bool:
        """Tell whether a reading with this sequence may be among these, within a day of the timestamp."""
        return (sequence - self.first) % MODULUS <= self.span and self._is_near(timestamp_ms)

    def take(self, sequence: int, timestamp_ms: int) -> bool:
        """Reach as far as a reading that belongs to this numbering; False when it does not."""
        ahead = (sequence - self.first) % MODULUS
        beyond, behind = ahead - self.span, MODULUS - ahead
        if not self._is_near(timestamp_ms) or min(beyond, behind) > RENUMBERED_BEYOND:
            return False
        if beyond > behind:
            self.first = sequence % MODULUS
            self.span += behind
        elif beyond > 0:
            self.span = ahead
        if timestamp_ms > self.until_ms:
            self.until_ms = timestamp_ms
        elif timestamp_ms < self.since_ms:
            self.since_ms = timestamp_ms
        return True

    def joined(self, other: "Numbering") -> "Numbering":
        """Return the shortest numbering that holds both."""
        first, span = min(_reach(self, other), _reach(other, self), key=lambda reach: reach[1])
        since_ms, until_ms = min(self.since_ms, other.since_ms), max(self.until_ms, other.until_ms)
        return Numbering(first, min(span, MODULUS - 1), since_ms, until_ms)

    def _is_near(self, timestamp_ms: int) -> bool:
        return self.since_ms - SAME_SEQUENCE_MS < timestamp_ms < self.until_ms + SAME_SEQUENCE_MS


class Numberings:
    """The numberings of one sensor. They hold every reading of the store, and may hold more."""

    __slots__ = ("_numberings",)

    def __init__(self) -> None:
        self._numberings: list[Numbering] = []

    def may_have(self, sequence: int, timestamp_ms: int) -> bool:
        """Tell whether the store may have a reading with this sequence within a day of the timestamp."""
        for numbering in self._numberings:  # noqa: SIM110 - any() takes twice as long, and this is for every reading
            if numbering.may_have(sequence, timestamp_ms):
                return True
        return False

    def take(self, sequence: int, timestamp_ms: int) -> None:
        """Reach as far as a reading that is to be stored."""
        for numbering in self._numberings:
            if numbering.take(sequence, timestamp_ms):
                return
        self._numberings.insert(0, Numbering(sequence % MODULUS, 0, timestamp_ms, timestamp_ms))
        if len(self._numberings) > MAX_NUMBERINGS:
            self._join_oldest()

    def to_json(self) -> str:
        """Write all down."""
        return json.dumps([(one.first, one.span, one.since_ms, one.until_ms) for one in self._numberings])

    @classmethod
    def from_json(cls, text: str) -> "Numberings":
        """Read what `to_json` wrote; raises ValueError."""
        numberings = cls()
        try:
            numberings._numberings = [Numbering(*map(int, fields)) for fields in json.loads(text)]
        except TypeError as error:
            raise ValueError(f"no numberings: {text}") from error
        return numberings

    def _join_oldest(self) -> None:
        *newer, one, other = sorted(self._numberings, key=lambda numbering: -numbering.until_ms)
        self._numberings = [*newer, one.joined(other)]


def _reach(one: Numbering, other: Numbering) -> tuple[int, int]:
    """Return the first sequence and the span of a numbering that holds both and begins with one."""
    return one.first, max(one.span, (other.first - one.first) % MODULUS + other.span)
