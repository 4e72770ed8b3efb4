"""Agents and one receiver on a network that loses frames, in time that only the test lets pass.

Everything is a rule of `protocol`; what would be sockets and timers is a list of what happens when.
"""

import heapq
import itertools
import random
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from protocol.accounts import Account
from protocol.commands import pack_pair
from protocol.frames import ControlFrame, DataFrame, Flag, decode_control, decode_data
from protocol.instants import Instant
from protocol.numbering import Numbering
from protocol.readings import Reading
from protocol.repair import BACKFILL, SINK_RANGES, Repairs
from protocol.responding import Responder
from protocol.rings import Rings
from protocol.sequences import MODULUS

WALL_MS: Final = 1795334500000.0
LATENCY_S: Final = (0.001, 0.004)
RECEIVER: Final = ("10.0.0.9", 40009)
TICK_S: Final = 0.001  # how exactly the receiver's timer hits its time


class Link:
    """Loses a share of the frames, and `burst` frames in a row each time when that is more than one."""

    def __init__(self, loss: float, rng: random.Random, burst: int = 1) -> None:
        self.loss = loss
        self.carried = 0
        self._rng = rng
        self._burst = burst
        self._left = 0

    def carries(self) -> bool:
        """Say of the next frame whether it arrives."""
        self.carried += 1
        if self._left == 0 and self._rng.random() < self.loss / self._burst:
            self._left = self._burst
        if self._left:
            self._left -= 1
            return False
        return True


@dataclass
class Agent:
    """An agent with some sensors: their numberings, its rings and its answers."""

    numberings: dict[str, Numbering]
    rings: Rings
    responder: Responder
    alive: bool = True


class LossyNetwork:
    """`agents` agents with `sensors` sensors each, every one of which is read once in `interval_s`."""

    def __init__(
        self, loss: float, seed: int, *, agents: int = 4, sensors: int = 5, interval_s: float = 1.0, burst: int = 1
    ) -> None:
        self.rng = random.Random(seed)
        self.now_s = 0.0
        self.interval_s = interval_s
        self.multicast = Link(loss, self.rng, burst)
        self.control = Link(loss, self.rng, burst)
        self.unicast = Link(loss, self.rng, burst)
        self.repairs = Repairs(SINK_RANGES, self.rng.random, BACKFILL)
        self.taken: list[Reading] = []
        self.stored: dict[tuple[str, int, int], Reading] = {}
        self.stored_twice = 0
        self.repair_times_s: list[float] = []
        self.is_cut = False
        self.answers_s: list[float] = []  # when each was sent
        self._accounts: list[Account] = []
        self._expected: dict[str, int] = {}
        self._noticed_s: dict[tuple[str, int], float] = {}
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._asking_s = float("inf")
        self.agents = [self._start_agent(index, sensors) for index in range(agents)]

    @property
    def now(self) -> Instant:
        return Instant(self.now_s, WALL_MS + self.now_s * 1000)

    @property
    def missed(self) -> set[tuple[str, int, int]]:
        """The readings that were taken and are not stored."""
        return {reading[:3] for reading in self.taken} - self.stored.keys()

    @property
    def accounts(self) -> list[Account]:
        """What was booked, all of it."""
        self._accounts += self.repairs.accounts()
        return self._accounts

    @property
    def most_answers_in_a_second(self) -> int:
        """How many answers all agents together sent within a second, at most."""
        return max(index + 1 - bisect_left(self.answers_s, sent_s - 1) for index, sent_s in enumerate(self.answers_s))

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end_s = self.now_s + seconds
        while self._events and self._events[0][0] <= end_s:
            self.now_s, _, happen = heapq.heappop(self._events)
            happen()
        self.now_s = end_s

    def halt(self) -> None:
        """Let all sensors name their last reading, again and again because that may be lost as well."""
        for agent in self.agents:
            agent.alive = False
            for numbering in agent.numberings.values():
                announcement = numbering.announcement(int(self.now.wall_ms))
                for again in range(10):
                    self._at(self.now_s + again, partial(self._publish, announcement))

    def _at(self, when_s: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when_s, next(self._order), happen))

    def _later(self, happen: Callable[[], None]) -> None:
        self._at(self.now_s + self.rng.uniform(*LATENCY_S), happen)

    def _start_agent(self, index: int, sensors: int) -> Agent:
        codifiers = [f"{chr(65 + index)}{chr(48 + sensor)}" for sensor in range(sensors)]
        rings = Rings()
        agent = Agent(
            {codifier: Numbering(codifier, self.rng.randrange(MODULUS // 2)) for codifier in codifiers},
            rings,
            Responder(rings),
        )
        for codifier in codifiers:
            rings.open(codifier)
            self._at(self.now_s + self.rng.random() * self.interval_s, partial(self._read, agent, codifier))
        return agent

    def _read(self, agent: Agent, codifier: str) -> None:
        if not agent.alive:
            return
        *announcement, datagram = agent.numberings[codifier].datagrams(
            self.rng.randrange(1000), None, int(self.now.wall_ms)
        )
        agent.rings.add(datagram, self.now_s)
        self.taken.append(decode_data(datagram).reading())
        for each in (*announcement, datagram):
            self._publish(decode_data(each))
        self._at(self.now_s + self.interval_s, lambda: self._read(agent, codifier))

    def _publish(self, frame: DataFrame) -> None:
        if self.multicast.carries() and not self.is_cut:
            self._later(lambda: self._hear(frame, asked=False))

    def _hear(self, frame: DataFrame, *, asked: bool) -> None:
        if not asked:
            self._notice_gap(frame)
        if self.repairs.hear(frame, self.now, asked=asked) is not None:
            self._store(frame.reading())
        self._schedule_asking()

    def _notice_gap(self, frame: DataFrame) -> None:
        """Remember when it could first be known that a reading is missing."""
        following = frame.sequence + (frame.flag is Flag.NUMBERING)
        expected = self._expected.setdefault(frame.source, following)
        for sequence in range(expected, following):
            self._noticed_s[frame.source, sequence] = self.now_s
        self._expected[frame.source] = max(expected, frame.sequence + 1)

    def _store(self, reading: Reading) -> None:
        key = (reading.codifier, reading.timestamp_ms, reading.sequence)
        self.stored_twice += key in self.stored
        self.stored[key] = reading
        noticed_s = self._noticed_s.pop((reading.codifier, reading.sequence), None)
        if noticed_s is not None:
            self.repair_times_s.append(self.now_s - noticed_s)

    def _schedule_asking(self) -> None:
        due_s = max(self.repairs.due_s, self.now_s) + TICK_S
        if due_s < self._asking_s:
            self._asking_s = due_s
            self._at(due_s, lambda: self._ask(due_s))

    def _ask(self, due_s: float) -> None:
        if due_s != self._asking_s:
            return  # put forward meanwhile
        self._asking_s = float("inf")
        for codifier, first, count in self.repairs.requests(self.now):
            frame = ControlFrame(7, 0, Flag.REPEAT, "Q1", codifier, pack_pair(first, count), active=True)
            if self.control.carries() and not self.is_cut:
                self._later(partial(self._request, frame))
        if self.repairs.due_s != float("inf"):
            self._schedule_asking()

    def _request(self, frame: ControlFrame) -> None:
        for agent in self.agents:
            idle = agent.responder.due_s == float("inf")
            agent.responder.request(frame, RECEIVER, self.now)
            if idle and agent.responder.due_s != float("inf"):
                self._at(max(self.now_s, agent.responder.due_s), partial(self._answer, agent))

    def _answer(self, agent: Agent) -> None:
        for _, datagram in agent.responder.answers(self.now):
            self.answers_s.append(self.now_s)
            if self.unicast.carries() and not self.is_cut:
                self._later(partial(self._receive, datagram))
        if agent.responder.due_s != float("inf"):
            self._at(agent.responder.due_s, lambda: self._answer(agent))

    def _receive(self, datagram: bytes) -> None:
        if chr(datagram[16]).islower():
            self._hear(decode_data(datagram), asked=True)
        else:
            self.repairs.unavailable(decode_control(datagram), self.now)
            self._schedule_asking()
