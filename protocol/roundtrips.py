"""Round trips and clock offsets from pings (docs/protocol.md, "Pings")."""

import math
import statistics
from collections import deque
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


class RoundTrips:
    """The pings sent to one node and what their answers tell."""

    __slots__ = ("_offsets", "_outstanding", "_recent", "last_ms", "received", "sent")

    def __init__(self) -> None:
        self.sent = 0
        self.received = 0
        self.last_ms: float | None = None
        self._outstanding: dict[float, Instant] = {}
        self._recent: deque[float] = deque(maxlen=KEPT_ROUND_TRIPS)
        self._offsets: deque[tuple[float, float]] = deque(maxlen=OFFSET_SAMPLES)  # (round trip, offset)

    @property
    def offset_ms(self) -> float | None:
        """How far the node's clock is ahead of this computer's, or None while there was no answer."""
        return min(self._offsets)[1] if self._offsets else None

    def ping(self, number: float, now: Instant) -> None:
        """Note that a ping with this number was sent now."""
        self.sent += 1
        self._outstanding[number] = now
        if len(self._outstanding) > MAX_OUTSTANDING:
            del self._outstanding[next(iter(self._outstanding))]

    def pong(self, number: float, timestamp_ms: int, now: Instant) -> float | None:
        """Take an answer; return its round trip in ms, or None when no such ping is awaited."""
        sent = self._outstanding.pop(number, None)
        if sent is None:
            return None
        round_trip_ms = (now.monotonic_s - sent.monotonic_s) * 1000
        self.received += 1
        self.last_ms = round_trip_ms
        self._recent.append(round_trip_ms)
        self._offsets.append((round_trip_ms, timestamp_ms + _HALF_TICK_MS - (now.wall_ms - round_trip_ms / 2)))
        return round_trip_ms

    def summary(self) -> RoundTripSummary:
        """Sum up the round trips that are kept."""
        if not self._recent:
            return RoundTripSummary(self.sent, self.received)
        ordered = sorted(self._recent)
        p99 = ordered[math.ceil(len(ordered) * 0.99) - 1]
        return RoundTripSummary(self.sent, self.received, ordered[0], statistics.median(ordered), p99, ordered[-1])
