"""Which commands are new: none is carried out that was recorded and is played again (docs/protocol.md, "Freshness")."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from protocol.frames import ControlFrame
from protocol.instants import Instant

WITHIN_MS: Final = 30_000.0  # of the target's clock: what a command may take, and what a commander may misjudge
STEP_MS: Final = 500.0  # a clock that goes back by more was set; less is what two readings of it may differ by
MAX_STAMPS: Final = 1_024  # sources whose last command is remembered, 100 bytes each; the oldest is forgotten first


class Stamp(NamedTuple):
    """When a source last commanded, by what it said itself."""

    timestamp_ms: int
    sequence: int


class Freshness:
    """Judges the commands to one node.

    A command is fresh when its timestamp lies within WITHIN_MS of this clock, after the start of the node, and after
    the last one that was taken from its source. `stamps` are those of before the start. When this clock is set back
    they are forgotten: what is played again then is known by the memory of commands.
    """

    def __init__(self, started: Instant, stamps: Mapping[str, Stamp] | None = None) -> None:
        self._started_s = started.monotonic_s
        self._offset_ms = _offset_ms(started)
        latest_ms = started.wall_ms + WITHIN_MS
        self.stamps = {source: stamp for source, stamp in (stamps or {}).items() if stamp.timestamp_ms <= latest_ms}

    def is_fresh(self, command: ControlFrame, now: Instant) -> bool:
        """Tell whether a command may be carried out now."""
        self._look_at_the_clock(now)
        started_ms = now.wall_ms - (now.monotonic_s - self._started_s) * 1000  # whatever was done to the clock since
        if abs(command.timestamp_ms - now.wall_ms) > WITHIN_MS or command.timestamp_ms <= started_ms:
            return False
        last = self.stamps.get(command.source)
        return last is None or Stamp(command.timestamp_ms, command.sequence) > last

    def take(self, command: ControlFrame) -> None:
        """Note that a command is carried out: what its source said before is old from now on."""
        self.stamps.pop(command.source, None)
        self.stamps[command.source] = Stamp(command.timestamp_ms, command.sequence)
        if len(self.stamps) > MAX_STAMPS:
            del self.stamps[next(iter(self.stamps))]

    def _look_at_the_clock(self, now: Instant) -> None:
        offset_ms = _offset_ms(now)
        if offset_ms < self._offset_ms - STEP_MS:
            self.stamps.clear()
        self._offset_ms = offset_ms


def _offset_ms(now: Instant) -> float:
    return now.wall_ms - now.monotonic_s * 1000
