"""All that the screen knows of the network: the batches put together."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final, Self

from console.observer import Batch, BusFacts, NodeRow, SensorRow, statuses
from protocol.events import Event, EventKind
from protocol.instants import Instant
from protocol.members import Status

MAX_EVENTS: Final = 2_000
"""Events in the list, about 400 bytes each; the oldest give way."""

RATE_SPAN_S: Final = 5.0
"""Readings a second are averaged over so long."""

_FIRST_VALUE: Final = f"{Status.UNHEARD} -> {Status.OK}"


@dataclass(slots=True)
class World:
    """The sensors and nodes by codifier, what happened, and how the buses are, at the moment `now`.

    `events` are the newest, oldest first; `event_count` counts all that there were, `counts` the sensors of each
    status.
    """

    now: Instant
    sensors: dict[str, SensorRow] = field(default_factory=dict)
    nodes: dict[str, NodeRow] = field(default_factory=dict)
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=MAX_EVENTS))
    event_count: int = 0
    bus: BusFacts = field(default_factory=BusFacts)
    readings_per_s: float = 0.0
    counts: Counter[Status] = field(default_factory=Counter)
    _rates: deque[tuple[float, int]] = field(default_factory=deque)

    def apply(self, batch: Batch) -> None:
        """Take what has changed."""
        self.now = batch.now
        self.bus = batch.bus
        self.sensors.update({row.codifier: row for row in batch.sensors})
        self.nodes.update({row.codifier: row for row in batch.nodes})
        self.counts = statuses(self.sensors)
        telling = [event for event in batch.events if is_telling(event)]
        self.events.extend(telling)
        self.event_count += len(telling) + batch.events_dropped
        self._measure_rate()

    def still(self) -> Self:
        """Return a copy that no batch changes."""
        return type(self)(
            self.now,
            dict(self.sensors),
            dict(self.nodes),
            self.events.copy(),
            self.event_count,
            self.bus,
            self.readings_per_s,
            self.counts,
        )

    def _measure_rate(self) -> None:
        now_s = self.now.monotonic_s
        self._rates.append((now_s, self.bus.readings))
        while len(self._rates) > 2 and now_s - self._rates[1][0] >= RATE_SPAN_S:  # at most 4 a second are kept
            self._rates.popleft()
        begin_s, begin = self._rates[0]
        self.readings_per_s = (self.bus.readings - begin) / (now_s - begin_s) if now_s > begin_s else 0.0


def is_telling(event: Event) -> bool:
    """Tell whether an event is worth a line: that a sensor's first value came and is good is not."""
    return event.kind is not EventKind.STATUS or event.detail != _FIRST_VALUE
