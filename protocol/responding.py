"""Answering requests for readings that did not arrive, at a pace that harms nobody (docs/protocol.md, "Repair").

The owner feeds the `R` that it hears and moments, and sends what comes back to the addresses that are named.
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple

from protocol.commands import pack_pair, unpack_pair
from protocol.frames import ControlFrame, Flag, encode
from protocol.instants import Instant
from protocol.rates import RateLimit
from protocol.requests import MAX_REQUESTED
from protocol.ring import Ring
from protocol.rings import Rings
from protocol.senders import Sender
from protocol.sequences import MODULUS, distance

TURN_S: Final = 0.02  # between two lots of answers: a Pi Zero need not wake up more often
PER_TURN: Final = 10  # datagrams in one lot, for all requesters together: 500 a second
REQUESTS_PER_S: Final = 500.0  # of one requester that are looked at: as many as can be answered at best
MAX_REQUESTERS: Final = 32  # addresses that are answered side by side
MAX_REMEMBERED: Final = 256  # addresses of which it is known how often they asked, about 200 bytes each
MAX_RANGES: Final = 256  # waiting for one requester: as many as a sink has under way with all agents
MAX_RANGES_IN_ALL: Final = 1024  # about 250 bytes each


class Answer(NamedTuple):
    """Send this datagram to this address."""

    address: Sender
    datagram: bytes


@dataclass(slots=True)
class _Range:
    """What is left of a request: `count` readings from the sequence `first` on."""

    request: ControlFrame
    first: int
    count: int

    def skip(self, count: int) -> None:
        """Take what was answered off."""
        self.first = (self.first + count) % MODULUS
        self.count -= count

    def covers(self, codifier: str, first: int, count: int) -> bool:
        """Tell whether all that is asked for will be answered with this."""
        ahead = distance(first, self.first)
        return self.request.destination == codifier and ahead >= 0 and ahead + count <= self.count


class Responder:
    """Answers from the rings of one agent, at most PER_TURN datagrams every TURN_S, each requester in turn.

    `answered` counts readings sent, `unavailable` readings that were not kept; of the requests `repeated` those that
    ask for what waits already, `refused` those that came too fast or found no room, and `malformed` what no receiver
    sends. Who was refused asks again.
    """

    def __init__(self, rings: Rings) -> None:
        self.answered = 0
        self.unavailable = 0
        self.requests = 0
        self.repeated = 0
        self.refused = 0
        self.malformed = 0
        self._rings = rings
        self._requesters: dict[Sender, deque[_Range]] = {}  # what each waits for, the one served longest ago first
        self._limits: dict[Sender, RateLimit] = {}  # those that asked, the one that asked longest ago first
        self._waiting = 0
        self._next_turn_s = -math.inf

    @property
    def due_s(self) -> float:
        """The monotonic time at which `answers` has something; never while nobody waits."""
        return self._next_turn_s if self._requesters else math.inf

    @property
    def waiting(self) -> int:
        """How many requests are not wholly answered yet."""
        return self._waiting

    def request(self, frame: ControlFrame, sender: Sender, now: Instant) -> None:
        """Take an `R`; one for a sensor that is none of this agent's is not for us."""
        if frame.destination not in self._rings:
            return
        self.requests += 1
        pair = unpack_pair(frame.number)
        if pair is None or pair[0] >= MODULUS or not 1 <= pair[1] <= MAX_REQUESTED:
            self.malformed += 1
        else:
            self._queue(_Range(frame, *pair), sender, now)

    def answers(self, now: Instant) -> list[Answer]:
        """Return the next lot, nothing while it is not yet time for one."""
        if now.monotonic_s < self.due_s:
            return []
        self._next_turn_s = now.monotonic_s + TURN_S
        lot: list[Answer] = []
        while self._requesters and len(lot) < PER_TURN:
            lot += self._serve(next(iter(self._requesters)), now)
        return lot

    def _queue(self, wanted: _Range, sender: Sender, now: Instant) -> None:
        ranges = self._requesters.get(sender) or deque()
        if not self._has_room(ranges) or not self._limit(sender).allows(now.monotonic_s):
            self.refused += 1
        elif any(known.covers(wanted.request.destination, wanted.first, wanted.count) for known in ranges):
            self.repeated += 1
        else:
            ranges.append(wanted)
            self._requesters[sender] = ranges
            self._waiting += 1

    def _has_room(self, ranges: deque[_Range]) -> bool:
        if not ranges and len(self._requesters) >= MAX_REQUESTERS:
            return False
        return len(ranges) < MAX_RANGES and self._waiting < MAX_RANGES_IN_ALL

    def _limit(self, sender: Sender) -> RateLimit:
        """Return how often a requester may ask, also when nothing of it waits any more."""
        limit = self._limits.pop(sender, None) or RateLimit(REQUESTS_PER_S, REQUESTS_PER_S)
        self._limits[sender] = limit
        if len(self._limits) > MAX_REMEMBERED:
            del self._limits[next(iter(self._limits))]
        return limit

    def _serve(self, sender: Sender, now: Instant) -> list[Answer]:
        """Return the next datagram for a requester, and let the others go first then."""
        ranges = self._requesters.pop(sender)
        wanted = ranges[0]
        datagram = self._next_datagram(wanted, now)
        if not wanted.count:
            ranges.popleft()
            self._waiting -= 1
        if ranges:
            self._requesters[sender] = ranges
        return [] if datagram is None else [Answer(sender, datagram)]

    def _next_datagram(self, wanted: _Range, now: Instant) -> bytes | None:
        ring = self._rings.get(wanted.request.destination)
        if ring is None:  # the sensor was taken out of the configuration meanwhile
            wanted.count = 0
            return None
        unkept = ring.unkept(wanted.first, wanted.count)
        return self._say_unavailable(wanted, unkept, ring, now) if unkept else self._send_again(wanted, ring)

    def _say_unavailable(self, wanted: _Range, count: int, ring: Ring, now: Instant) -> bytes:
        """Name what is not kept at the beginning of a range, all in one, and what is not just before it."""
        since = ring.unkept_since(wanted.first)
        request, number = wanted.request, pack_pair(since, distance(wanted.first, since) + count)
        self.unavailable += count
        wanted.skip(count)
        sensor, requester = request.destination, request.source
        return encode(
            ControlFrame(request.sequence, int(now.wall_ms), Flag.UNAVAILABLE, sensor, requester, number, active=True)
        )

    def _send_again(self, wanted: _Range, ring: Ring) -> bytes | None:
        self.answered += 1
        sequence = wanted.first
        wanted.skip(1)
        return ring.datagram(sequence)
