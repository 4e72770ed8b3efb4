from array import array
from enum import StrEnum
from typing import Final

from protocol.frames import DataFrame

RECENT: Final = 64  # readings of a sensor whose content is remembered: 4 bytes each
_UNKNOWN: Final = 0
_LARGEST: Final = 2**32 - 1


class Likeness(StrEnum):
    """How a reading compares with what is remembered of its position."""

    SAME = "same"
    OTHER = "other"
    UNKNOWN = "unknown"


class Recents:
    """What the last readings of one sensor said, in four bytes each: enough to tell a repeated one from another."""

    __slots__ = ("_digests",)

    def __init__(self) -> None:
        self._digests = array("I", bytes(4 * RECENT))

    def remember(self, position: int, frame: DataFrame) -> None:
        """Note what the reading at a position says; that of RECENT positions before is forgotten."""
        self._digests[position % RECENT] = _digest(frame)

    def forget(self, first: int, end: int) -> None:
        """Note that nothing is known of the positions `first` to `end` (exclusive), the newest that there are."""
        for position in range(max(first, end - RECENT), end):
            self._digests[position % RECENT] = _UNKNOWN

    def compare(self, position: int, frame: DataFrame) -> Likeness:
        """Hold a reading against what was remembered of its position, which must be one of the last RECENT."""
        digest = self._digests[position % RECENT]
        if digest == _UNKNOWN:
            return Likeness.UNKNOWN
        return Likeness.SAME if digest == _digest(frame) else Likeness.OTHER


def _digest(frame: DataFrame) -> int:
    value = frame.value
    said = value if value == value else None  # noqa: PLR0124 - NaN, each of which has a hash of its own
    return hash((frame.timestamp_ms, said)) & _LARGEST or 1
