"""All that the screen knows of the network: the batches put together."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final, Self

from console.screen.news import News, opening_line
from console.screen.observer import Batch, BusFacts, NodeRow, SensorRow, statuses
from protocol.events import Event
from protocol.instants import Instant
from protocol.members import Status

MAX_EVENTS: Final = 2_000
"""Events in the list, about 400 bytes each; the oldest give way."""

RATE_SPAN_S: Final = 5.0
"""Readings a second are averaged over so long."""


@dataclass(slots=True)
class World:
    """The sensors and nodes by codifier, what happened, and how the buses are, at the moment `now`.

    `events` are the newest, oldest first; `event_count` counts all that there were, `counts` the sensors of each
    status. `news` decides which events are told.
    """

    now: Instant
    sensors: dict[str, SensorRow] = field(default_factory=dict)
    nodes: dict[str, NodeRow] = field(default_factory=dict)
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=MAX_EVENTS))
    event_count: int = 0
    bus: BusFacts = field(default_factory=BusFacts)
    readings_per_s: float = 0.0
    counts: Counter[Status] = field(default_factory=Counter)
    news: News = field(default_factory=News)
    _rates: deque[tuple[float, int]] = field(default_factory=deque)
    _opening: Event | None = None  # the line that counts what was there when the console was opened

    def apply(self, batch: Batch) -> None:
        """Take what has changed."""
        self.now = batch.now
        self.bus = batch.bus
        self.sensors.update({row.codifier: row for row in batch.sensors})
        self.nodes.update({row.codifier: row for row in batch.nodes})
        self.counts = statuses(self.sensors)
        if self.news.is_opening(batch.now):
            self._tell_opening()
        telling = list(self.news.of(batch, self.sensors, self.nodes))
        self._tell(telling)
        self.event_count += batch.events_dropped
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

    def _tell(self, events: list[Event]) -> None:
        self.events.extend(events)
        self.event_count += len(events)

    def _tell_opening(self) -> None:
        """Count what was heard so far in one line, which keeps its place and its time."""
        before, line = self._opening, opening_line(self.now, self.sensors, self.nodes)
        if line is None:
            return
        if before is None:
            self._tell([line])
        elif before in self.events:
            line = line._replace(wall_ms=before.wall_ms)
            self.events[self.events.index(before)] = line
        self._opening = line

    def _measure_rate(self) -> None:
        now_s = self.now.monotonic_s
        self._rates.append((now_s, self.bus.readings))
        while len(self._rates) > 2 and now_s - self._rates[1][0] >= RATE_SPAN_S:  # at most 4 a second are kept
            self._rates.popleft()
        begin_s, begin = self._rates[0]
        self.readings_per_s = (self.bus.readings - begin) / (now_s - begin_s) if now_s > begin_s else 0.0
