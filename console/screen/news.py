"""What of all that happens is news for an operator: each thing once, and nothing that says nothing.

What is heard in the first seconds was there before the console: it is one line that counts it. A first status is no
change. Operators' programs come and go with each command of `jph`. The sensors of a halted node need no lines beside
the node's own.
"""

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from console.screen.figures import count
from console.screen.key_use import KeyUse
from console.screen.observer import Batch, NodeRow, NodeState, SensorRow
from protocol.events import Event, EventKind
from protocol.instants import Instant
from protocol.members import Status

OPENING_S: Final = 20.0
"""What is heard so soon after the console was opened was there before: each node is pinged within 15 s."""

_NOTHING: Final[Mapping[str, int]] = MappingProxyType({})
_COMING_AND_GOING: Final = frozenset({EventKind.APPEARED, EventKind.STARTED, EventKind.HALTED, EventKind.RESUMED})
_STATES: Final = frozenset({EventKind.HALTED, EventKind.RESUMED})
_ALARMS: Final = frozenset({Status.WARNING, Status.CRITICAL})

# What a sensor's change says that its node's event has said already.
_SAID_BY_NODE: Final = {EventKind.HALTED: ("", Status.HALTED), EventKind.RESUMED: (Status.HALTED, Status.OK)}


class News:
    """Decides event by event.

    `hits` is how many readings the alarm of a sensor needs before it judges, `unsigned` whose frames need no tag.
    """

    def __init__(self, hits: Mapping[str, int] = _NOTHING, unsigned: Collection[str] = ()) -> None:
        self._hits = hits
        self._key_use = KeyUse(unsigned)
        self._opened_s: float | None = None
        self._states: dict[str, EventKind] = {}  # by node; the roster bounds how many there are

    def is_opening(self, now: Instant) -> bool:
        """Tell whether the console was opened a moment ago; the first call is its opening."""
        if self._opened_s is None:
            self._opened_s = now.monotonic_s
        return now.monotonic_s - self._opened_s < OPENING_S

    def of(self, batch: Batch, sensors: Mapping[str, SensorRow], nodes: Mapping[str, NodeRow]) -> Iterator[Event]:
        """Go through the events that deserve a line, as they are to be told."""
        opening = self.is_opening(batch.now)
        for event in batch.events:
            if event.kind is EventKind.STATUS:
                yield from self._status(event, sensors.get(event.codifier))
            elif not (_is_operators(event, nodes) or (opening and event.kind is EventKind.APPEARED)):
                self._note(event)
                yield event
        if not opening:
            yield from self._key_use.news(batch.now, batch.bus, nodes)

    def _note(self, event: Event) -> None:
        if event.kind in _STATES:
            self._states[event.codifier] = event.kind

    def _status(self, event: Event, row: SensorRow | None) -> Iterator[Event]:
        before, _, became = event.detail.partition(" -> ")
        if before == Status.UNHEARD or self._is_first_judgement(row, became):
            if became != Status.OK:
                yield event._replace(detail=became)
        elif row is None or not self._is_said(row.node, before, became):
            yield event

    def _is_first_judgement(self, row: SensorRow | None, became: str) -> bool:
        """Tell whether an alarm was raised by the first readings that were heard: it may have been there before."""
        return row is not None and became in _ALARMS and row.received <= self._hits.get(row.codifier, 0)

    def _is_said(self, node: str, before: str, became: str) -> bool:
        said = self._states.get(node)
        if said is None:
            return False
        known_before, known_after = _SAID_BY_NODE[said]
        return became == known_after and known_before in ("", before)


def _is_operators(event: Event, nodes: Mapping[str, NodeRow]) -> bool:
    node = nodes.get(event.codifier)
    return event.kind in _COMING_AND_GOING and node is not None and node.operator


def opening_line(now: Instant, sensors: Mapping[str, SensorRow], nodes: Mapping[str, NodeRow]) -> Event | None:
    """Count in one event what was heard so far: it happened to nobody, so it has no codifier. None before anything."""
    heard_nodes = sum(row.state is not NodeState.UNHEARD and not row.operator for row in nodes.values())
    heard_sensors = sum(row.heard_s is not None for row in sensors.values())
    if not heard_nodes + heard_sensors:
        return None
    detail = f"{_counted(heard_nodes, 'node')}, {_counted(heard_sensors, 'sensor')}"
    return Event(now.wall_ms, EventKind.APPEARED, "", detail)


def _counted(number: int, what: str) -> str:
    return f"{count(number)} {what}" if number == 1 else f"{count(number)} {what}s"
