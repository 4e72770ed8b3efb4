"""The past of one sensor from the ring of its agent, where no store has it."""

import asyncio
from dataclasses import dataclass, field
from math import inf
from typing import Final, cast

from agent.following import Following
from agent.participant import Heard, Participant
from console import words
from console.addressees import remark_on_strangers
from console.listening import is_node_there, usual_wait_s
from console.output import tell
from console.ranges import LATEST_MS, Range, Write, write_range
from console.seat import Seat
from protocol.frames import DataFrame, Flag
from protocol.instants import Instant
from protocol.lookback import End, LookBack
from protocol.readings import Reading
from protocol.sequences import RENUMBERED_BEYOND

WORTH_WAITING_S: Final = 30.0  # for what a ring has: 15,000 readings of an agent that answers nobody else


@dataclass(slots=True)
class Recalled:
    """What came of one sensor's past: all up to the first reading that was heard, what follows is no past.

    `end` tells why no more was asked for, None when the time was over before; `is_there` whether its node was heard.
    """

    codifier: str
    is_there: bool = False
    end: End | None = None
    is_heard: bool = False
    _newest_ms: float = inf
    _readings: dict[tuple[int, int], Reading] = field(default_factory=dict)

    def hear(self, frame: DataFrame) -> None:
        """Take a frame of the data bus."""
        if frame.source != self.codifier:
            return
        self.is_heard = True
        if frame.flag is not Flag.NUMBERING and self._newest_ms == inf:
            self._newest_ms = frame.timestamp_ms
            self.take(frame)

    def take(self, frame: DataFrame) -> None:
        """Take a reading that was asked for."""
        if frame.source == self.codifier and frame.timestamp_ms <= self._newest_ms:
            self._readings[frame.timestamp_ms, frame.sequence] = frame.reading()

    def readings(self, since_ms: float, until_ms: float, limit: int) -> list[Reading]:
        """Return the newest `limit` readings within both bounds inclusive, oldest first."""
        within = [self._readings[key] for key in sorted(self._readings) if since_ms <= key[0] <= until_ms]
        return within[-limit:]

    @property
    def oldest_ms(self) -> int | None:
        """The timestamp of the oldest reading."""
        return min(self._readings)[0] if self._readings else None


async def recall(participant: Participant, codifier: str, since_ms: float, most: int, timeout_s: float) -> Recalled:
    """Ask for a sensor's newest `most` readings since a moment on its own clock, once it is heard.

    The participant follows. Ends when all is there, when the ring has no more, when the node does not answer, or when
    the time is over.
    """
    recalled, ended = Recalled(codifier), asyncio.Event()

    def hear(heard: Heard) -> None:
        if isinstance(heard.frame, DataFrame):
            recalled.hear(heard.frame)

    def answered(frame: DataFrame, _: Instant) -> None:
        recalled.take(frame)

    def end(_: LookBack) -> None:
        ended.set()

    following = cast(Following, participant.following)
    participant.heard.append(hear)
    following.answered.append(answered)
    following.ended.append(end)
    look = following.look_back(codifier, since_ms, most)
    try:
        async with asyncio.timeout(timeout_s):
            await ended.wait()
    except TimeoutError:
        pass
    recalled.end, recalled.is_there = look.end, is_node_there(participant, codifier)
    return recalled


async def ask_ring(seat: Seat, wanted: Range, timeout_s: float | None) -> Recalled:
    """Ask the agent of a sensor for what it keeps."""
    remark_on_strangers(seat.configuration, [wanted.codifier])
    usual_s = usual_wait_s(seat.configuration, [wanted.codifier]) + WORTH_WAITING_S
    most = min(wanted.limit, RENUMBERED_BEYOND) if wanted.until_ms == LATEST_MS else RENUMBERED_BEYOND
    async with seat.join(follow=True) as participant:
        participant.ping(_node_of(seat, wanted.codifier))
        return await recall(participant, wanted.codifier, wanted.since_ms, most, timeout_s or usual_s)


def _node_of(seat: Seat, codifier: str) -> str:
    owner = seat.configuration.owner(codifier)
    return owner.codifier if owner else codifier


def tell_recalled(recalled: Recalled, wanted: Range, write: Write, *, quiet: bool) -> int:
    """Print what an agent's ring had, and return the exit code: 1 when it is not all that was asked for."""
    readings = recalled.readings(wanted.since_ms, wanted.until_ms, wanted.limit)
    write_range(readings, wanted, write, quiet=quiet)
    trouble = _trouble(recalled)
    if trouble:
        tell(trouble)
    elif not readings:
        tell(f"the ring of {wanted.codifier} has no readings of that time: {_reach(recalled)}")
    elif not quiet:
        tell(f"from the ring of {wanted.codifier}: {words.counted(len(readings), 'reading')}; {_reach(recalled)}")
    return 1 if trouble or not readings else 0


def _trouble(recalled: Recalled) -> str:
    """Say why not all came that was asked for; empty when it did."""
    codifier = recalled.codifier
    if not recalled.is_heard:
        there = "its node is there, and sends no readings: see `jph nodes`" if recalled.is_there else words.NOBODY_HEARD
        return f"{codifier} was not heard, and only who is heard can be asked; {there}"
    if recalled.end is End.SILENT:
        return (
            f"the node of {codifier} does not answer, as those of the original system; "
            "let a node with `driver: sqlite` store its readings"
        )
    return "" if recalled.end else f"not all came in time: {_reach(recalled)}; --timeout waits longer"


def _reach(recalled: Recalled) -> str:
    began = words.date_and_time(recalled.oldest_ms)
    return f"it begins at {began}" if recalled.end is End.NO_MORE else f"asked back to {began}"
