"""Readings that found no room with a receiver: their agents keep them (docs/protocol.md, "Repair")."""

from protocol.frames import DataFrame, Flag
from protocol.instants import Instant
from protocol.repair import Repairs


class Skipped:
    """What a receiver has to know of readings that it did not take, to miss them later: two words for each sensor."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[DataFrame, int]] = {}  # the last one of each sensor, and how many there were

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._last)

    def skip(self, frame: DataFrame) -> None:
        """Note a frame that was heard and not taken."""
        _, count = self._last.get(frame.source, (frame, 0))
        self._last[frame.source] = frame, count + 1

    def take_up(self, repairs: Repairs, now: Instant) -> None:
        """Tell the repairs that these readings were sent and are missing; then they are not skipped any more."""
        skipped, self._last = self._last, {}
        for codifier, (frame, count) in skipped.items():
            announcement = frame._replace(flag=Flag.NUMBERING, value=frame.sequence, attributes=None)
            repairs.hear(announcement, now, asked=False)
            repairs.ask_back(codifier, count)
