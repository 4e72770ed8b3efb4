"""Round trips and clock offsets from pings (docs/protocol.md, "Pings")."""

import math
from collections import deque
from collections.abc import Sequence
from typing import Final, NamedTuple

from protocol.instants import Instant

MAX_OUTSTANDING: Final = 64  # pings per node whose answer is still awaited; the oldest is given up
KEPT_ROUND_TRIPS: Final = 256  # per node, for median and p99
OFFSET_SAMPLES: Final = 8  # of these the one with the shortest round trip has the least error
_HALF_TICK_MS: Final = 0.5  # timestamps are cut to whole milliseconds


class RoundTripSummary(NamedTuple):
    """The round trips of one node, in milliseconds; every figure is None while there was no answer."""

    sent: int
    received: int
    min: float | None = None
    median: float | None = None
    p99: float | None = None
    max: float | None = None


class OffsetSample(NamedTuple):
    """What one answer says of a clock: the true offset is at most half a round trip and half a tick away."""

    round_trip_ms: float
    offset_ms: float

    def contradicts(self, other: "OffsetSample") -> bool:
        """Tell whether no offset agrees with both samples: one of the two clocks stepped between them."""
        either_error_ms = (self.round_trip_ms + other.round_trip_ms) / 2 + 2 * _HALF_TICK_MS
        return abs(self.offset_ms - other.offset_ms) > either_error_ms


class RoundTrips:
    """The pings sent to one node and what their answers tell."""

    __slots__ = ("_offsets", "_outstanding", "_recent", "last_ms", "received", "sent")

    def __init__(self) -> None:
        self.sent = 0
        self.received = 0
        self.last_ms: float | None = None
        self._outstanding: dict[float, float] = {}  # number of the ping -> when it was sent, monotonic, in seconds
        self._recent: deque[float] | None = None  # most nodes are never pinged: they need no room
        self._offsets: list[OffsetSample] = []

    @property
    def offset_ms(self) -> float | None:
        """How far the node's clock is ahead of this computer's, or None while there was no answer."""
        return min(self._offsets).offset_ms if self._offsets else None

    def ping(self, number: float, now: Instant) -> None:
        """Note that a ping with this number was sent now."""
        self.sent += 1
        self._outstanding[number] = now.monotonic_s
        if len(self._outstanding) > MAX_OUTSTANDING:
            del self._outstanding[next(iter(self._outstanding))]

    def pong(self, number: float, timestamp_ms: int, now: Instant) -> float | None:
        """Take an answer; return its round trip in ms, or None when no such ping is awaited."""
        sent_s = self._outstanding.pop(number, None)
        if sent_s is None:
            return None
        round_trip_ms = (now.monotonic_s - sent_s) * 1000
        self._keep(round_trip_ms)
        answered_wall_ms = now.wall_ms - round_trip_ms / 2
        self._learn(OffsetSample(round_trip_ms, timestamp_ms + _HALF_TICK_MS - answered_wall_ms))
        return round_trip_ms

    def summary(self) -> RoundTripSummary:
        """Sum up the round trips that are kept."""
        if not self._recent:
            return RoundTripSummary(self.sent, self.received)
        ordered = sorted(self._recent)
        p99 = ordered[math.ceil(len(ordered) * 0.99) - 1]
        return RoundTripSummary(self.sent, self.received, ordered[0], _median(ordered), p99, ordered[-1])

    def _keep(self, round_trip_ms: float) -> None:
        self.received += 1
        self.last_ms = round_trip_ms
        if self._recent is None:
            self._recent = deque(maxlen=KEPT_ROUND_TRIPS)
        self._recent.append(round_trip_ms)

    def _learn(self, sample: OffsetSample) -> None:
        if self._offsets and sample.contradicts(min(self._offsets)):
            self._offsets.clear()
        self._offsets.append(sample)
        del self._offsets[:-OFFSET_SAMPLES]


def _median(ordered: Sequence[float]) -> float:
    # The module statistics has one, but its import takes about a tenth of the time in which an agent starts.
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
