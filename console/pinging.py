"""Pings to some nodes or to all, and their answers as they come: what `jph ping` measures."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from agent.participant import Heard, Participant
from protocol.codifiers import EVERYBODY
from protocol.frames import ControlFrame, Flag
from protocol.members import NodeRecord
from protocol.profiles import NodeProfile


@dataclass(frozen=True, slots=True)
class Course:
    """How often, how fast and for how long to ping. `timeout_s` is for the answer to the last ping."""

    count: int
    interval_s: float
    timeout_s: float


class Answer(NamedTuple):
    """One answer: the how manyeth of so many pings, its round trip, and how far the clock seems ahead by now."""

    codifier: str
    received: int
    sent: int
    rtt_ms: float | None
    offset_ms: float | None


class Pings:
    """A number of pings to some nodes, or to all when `codifiers` is empty."""

    def __init__(self, participant: Participant, codifiers: Sequence[str]) -> None:
        self._participant = participant
        self._roster = participant.roster
        self._codifiers = codifiers
        self._received: Counter[str] = Counter()
        self._answers: list[Answer] = []  # those of one turn of the loop, which hears at most 64 frames
        self._changed = asyncio.Event()
        self._stopped = False
        self._roster.expect([NodeProfile(codifier) for codifier in codifiers if codifier not in self._roster.nodes], [])
        participant.heard.append(self._hear)

    async def run(self, course: Course, tell: Callable[[Answer], None]) -> None:
        """Send the pings and tell the answers as they come, until the last is there or its time is over."""
        for number in range(1, course.count + 1):
            for codifier in self._codifiers or [EVERYBODY]:
                self._participant.ping(codifier)
            if number < course.count:
                await self._listen(course.interval_s, tell, lambda: self._stopped)
            if self._stopped:
                return
        await self._listen(course.timeout_s, tell, lambda: self._stopped or self._complete())

    def stop(self) -> None:
        """Send no more and wait no longer."""
        self._stopped = True
        self._changed.set()

    def nodes(self) -> list[NodeRecord]:
        """Return the nodes concerned: those that were named; else all that answered or that should have."""
        if self._codifiers:
            return [self._roster.nodes[codifier] for codifier in self._codifiers]
        return [node for node in self._roster.nodes.values() if node.round_trips.received or self._is_expected(node)]

    def _is_expected(self, node: NodeRecord) -> bool:
        return node.codifier in self._participant.configuration.nodes and not node.operator

    def _complete(self) -> bool:
        """Tell whether all answers are there; of an answer from everybody nobody knows how many there will be."""
        return bool(self._codifiers) and all(
            node.round_trips.received >= node.round_trips.sent for node in self.nodes()
        )

    async def _listen(self, seconds: float, tell: Callable[[Answer], None], done: Callable[[], bool]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not done():
                    await self._changed.wait()
                    self._changed.clear()
                    self._hand_on(tell)

    def _hand_on(self, tell: Callable[[Answer], None]) -> None:
        answers, self._answers = self._answers, []
        for answer in answers:
            tell(answer)

    def _hear(self, heard: Heard) -> None:
        frame = heard.frame
        if not isinstance(frame, ControlFrame) or frame.flag is not Flag.PONG:
            return
        node = self._roster.nodes.get(frame.source)
        if node is None or node.round_trips.received == self._received[frame.source]:
            return  # the answer to somebody else's ping
        trips = node.round_trips
        self._received[frame.source] = trips.received
        self._answers.append(Answer(frame.source, trips.received, trips.sent, trips.last_ms, trips.offset_ms))
        self._changed.set()
