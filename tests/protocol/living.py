"""A node whose clock and whose neighbours are the test's."""

from collections.abc import Iterable
from typing import Final

from protocol.frames import ControlFrame, Flag
from protocol.instants import Instant
from protocol.life import PROBE_S, Action, Life, frames_of

WALL_MS: Final = 1795334500000.0
KEEPALIVE_S: Final = 60.0
HERE: Final = ("10.0.0.1", 40001)
ELSEWHERE: Final = ("10.0.0.2", 40002)


def at(seconds: float, wall_ms: float | None = None) -> Instant:
    """`seconds` after the start, on both clocks unless the wall clock is said to have stepped."""
    return Instant(100.0 + seconds, WALL_MS + seconds * 1000 if wall_ms is None else wall_ms)


def newcomer(*, takeover: bool = False, first_sequence: int = 500) -> Life:
    life = Life("C1", KEEPALIVE_S, first_sequence, takeover=takeover)
    life.start(at(0))
    return life


def incumbent() -> Life:
    life = newcomer()
    life.tick(at(PROBE_S))
    return life


def said(  # noqa: PLR0917 - in the order of a frame's fields
    flag: Flag,
    source: str = "CC",
    destination: str = "C1",
    number: float = 0.0,
    sequence: int = 7,
    timestamp_ms: int = int(WALL_MS),
) -> ControlFrame:
    return ControlFrame(sequence, timestamp_ms, flag, source, destination, number, True)


def namesake(flag: Flag, config_time_ms: float = WALL_MS + 500, sequence: int = 90_000) -> ControlFrame:
    return said(flag, "C1", "@@", config_time_ms, sequence)


def flags(actions: Iterable[Action]) -> list[Flag]:
    return [frame.flag for frame in frames_of(actions)]


def tagged(frame: ControlFrame) -> ControlFrame:
    """Return a frame as the gate hands it on whose tag it found to be genuine."""
    return frame._replace(tag=bytes([1, 2, 3, 4, 5, 6, 7]))
