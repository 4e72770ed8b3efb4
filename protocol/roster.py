"""The roster: what is known of every node and sensor from the frames that were heard (docs/protocol.md, "Roster").

It is fed with frames and moments, and has neither a socket nor a clock. Its memory is bounded whatever arrives.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from protocol.bad_datagrams import ELSEWHERE, BadDatagrams
from protocol.codifiers import EVERYBODY
from protocol.commands import REASONS, Code, unpack_pair
from protocol.events import Event, EventKind
from protocol.frames import COMMANDS, ControlFrame, DataFrame, Flag, Frame
from protocol.instants import Instant
from protocol.members import NodeRecord, Sender, SensorRecord, Status, describe_start
from protocol.profiles import NodeProfile, SensorProfile
from protocol.readings import Value
from protocol.sequences import Arrival

MAX_UNEXPECTED: Final = 2048  # codifiers that no configuration names: about 1.5 KiB each, 3 MiB in all
MAX_PINGS_TO_EVERYBODY: Final = 4  # kept for nodes that are first heard when they answer one

COMMAND_WORDS: Final = {
    Flag.START: "start",
    Flag.HALT: "halt",
    Flag.RELOAD: "reload",
    Flag.SET: "set",
    Flag.STEP: "step",
}

Events = tuple[Event, ...]
NOTHING: Final[Events] = ()


class Roster:
    """All nodes and sensors, and what happened to them.

    `nodes` and `sensors` are the records by codifier. `bad_datagrams` counts what was no frame; `refused` counts
    frames of codifiers for which there was no room.
    """

    def __init__(self, nodes: Iterable[NodeProfile] = (), sensors: Iterable[SensorProfile] = ()) -> None:
        self.nodes: dict[str, NodeRecord] = {}
        self.sensors: dict[str, SensorRecord] = {}
        self.bad_datagrams = BadDatagrams()
        self.refused = 0
        self._unexpected = 0
        self._pings_to_everybody: deque[tuple[float, Instant]] = deque(maxlen=MAX_PINGS_TO_EVERYBODY)
        self.expect(nodes, sensors)

    def expect(self, nodes: Iterable[NodeProfile], sensors: Iterable[SensorProfile]) -> None:
        """Make room for what a configuration names, whatever else is heard; what was heard already is kept."""
        for node in nodes:
            self.nodes.setdefault(node.codifier, NodeRecord(node)).apply(node)
        for sensor in sensors:
            self.sensors.setdefault(sensor.codifier, SensorRecord(sensor)).apply(sensor)

    def hear(self, frame: Frame, sender: Sender, now: Instant) -> Events:
        """Take a frame from `sender` and return what it made happen."""
        if isinstance(frame, DataFrame):
            return self.hear_data(frame, sender, now)
        return self.hear_control(frame, sender, now)

    def hear_data(self, frame: DataFrame, sender: Sender, now: Instant) -> Events:
        """Take a frame of the data bus."""
        sensor = self.sensors.get(frame.source) or self._admit_sensor(frame.source)
        if sensor is None:
            self.refused += 1
            return NOTHING
        sensor.sender = sender
        node = self.nodes.get(sensor.node)
        if node is not None:
            node.heard_s = now.monotonic_s
        if frame.flag is Flag.NUMBERING:
            return _renumbered(sensor, sensor.tracker.announce(frame.sequence), now)
        arrival = sensor.tracker.observe(frame.sequence)
        if arrival is Arrival.NEXT or arrival is Arrival.GAP:
            return _take(sensor, frame, now)
        return _take_disordered(sensor, frame, arrival, now)

    def hear_control(self, frame: ControlFrame, sender: Sender, now: Instant) -> Events:
        """Take a frame of the control bus."""
        node = self.nodes.get(frame.source) or self._admit_node(frame.source)
        if node is None:
            self.refused += 1
            return NOTHING
        unheard = node.heard_s is None
        if frame.flag is Flag.NEW:
            node.tracker.restart(frame.sequence)
        elif sender == node.sender or node.sender is None:
            node.tracker.observe(frame.sequence)
        events = _rivalry(node, sender, now) if node.heard_from(sender, now.monotonic_s) else NOTHING
        tell = _TELLERS.get(frame.flag)
        if tell is not None:
            events += tell(node, frame, now)
        if unheard and frame.flag is not Flag.NEW:
            events += (Event(now.wall_ms, EventKind.APPEARED, node.codifier, f"heard from {sender[0]}"),)
        return events

    def pinged(self, codifier: str, number: float, now: Instant) -> None:
        """Note that this program sends a ping; `@@` is a ping to every node known."""
        if codifier == EVERYBODY:
            self._pings_to_everybody.append((number, now))
        for node in self.nodes.values():
            if codifier in {EVERYBODY, node.codifier}:
                node.round_trips.ping(number, now)

    def status(self, codifier: str, now_s: float) -> Status:
        """Judge the last value of a sensor; a codifier that was never heard of is unheard."""
        sensor = self.sensors.get(codifier)
        return Status.UNHEARD if sensor is None else sensor.status(self.nodes.get(sensor.node), now_s)

    def tick(self, now: Instant) -> Events:
        """Return an event for each sensor whose status changed since the last tick; call it a few times a second."""
        return tuple(self._changed_statuses(now))

    def _changed_statuses(self, now: Instant) -> Iterator[Event]:
        for sensor in self.sensors.values():
            status = sensor.status(self.nodes.get(sensor.node), now.monotonic_s)
            if status is not sensor.reported:
                detail = f"{sensor.reported} -> {status}"
                sensor.reported = status
                yield Event(now.wall_ms, EventKind.STATUS, sensor.codifier, detail)

    def _admit_sensor(self, codifier: str) -> SensorRecord | None:
        if not self._has_room():
            return None
        return self.sensors.setdefault(codifier, SensorRecord(SensorProfile(codifier, codifier)))

    def _admit_node(self, codifier: str) -> NodeRecord | None:
        if codifier == EVERYBODY or not self._has_room():
            return None
        node = self.nodes.setdefault(codifier, NodeRecord(NodeProfile(codifier)))
        for number, sent in self._pings_to_everybody:
            node.round_trips.ping(number, sent)
        return node

    def _has_room(self) -> bool:
        if self._unexpected >= MAX_UNEXPECTED:
            return False
        self._unexpected += 1
        return True


def _take(sensor: SensorRecord, frame: DataFrame, now: Instant) -> Events:
    value = frame.value
    if type(value) is float and not math.isfinite(value):
        return _bad_value(sensor, value, now)
    sensor.take(frame, now.monotonic_s)
    return NOTHING


def _take_disordered(sensor: SensorRecord, frame: DataFrame, arrival: Arrival, now: Instant) -> Events:
    if arrival is Arrival.RENUMBERED:
        return _renumbered(sensor, arrival, now) + _take(sensor, frame, now)
    return NOTHING  # late or doubled: a newer value is here already


def _bad_value(sensor: SensorRecord, value: Value, now: Instant) -> Events:
    sensor.bad += 1
    if sensor.bad > 1:
        return NOTHING
    return (Event(now.wall_ms, EventKind.BAD_VALUE, sensor.codifier, f"{value} is not a finite number"),)


def _renumbered(sensor: SensorRecord, arrival: Arrival, now: Instant) -> Events:
    if arrival is not Arrival.RENUMBERED:
        return NOTHING
    detail = "its readings are numbered anew: readings between the numberings cannot be counted"
    return (Event(now.wall_ms, EventKind.RENUMBERED, sensor.codifier, detail),)


def _rivalry(node: NodeRecord, sender: Sender, now: Instant) -> Events:
    detail = f"speaks from {_place(sender)} and from {_place(node.former_sender or ELSEWHERE)}"
    return (Event(now.wall_ms, EventKind.DUPLICATED, node.codifier, detail),)


def _told_start(node: NodeRecord, frame: ControlFrame, now: Instant) -> Events:
    node.starts += 1
    node.started_wall_ms = now.wall_ms
    _told_state(node, frame, now)
    return (Event(now.wall_ms, EventKind.STARTED, node.codifier, describe_start(frame, now)),)


def _told_state(node: NodeRecord, frame: ControlFrame, now: Instant) -> Events:
    before, node.active = node.active, frame.active
    node.config_time_ms = frame.number
    if before is None or before == frame.active or frame.flag is Flag.NEW:
        return NOTHING
    kind = EventKind.RESUMED if frame.active else EventKind.HALTED
    return (Event(now.wall_ms, kind, node.codifier, "sends readings" if frame.active else "sends no readings"),)


def _told_pong(node: NodeRecord, frame: ControlFrame, now: Instant) -> Events:
    node.active = frame.active
    node.round_trips.pong(frame.number, frame.timestamp_ms, now)
    return NOTHING


def _told_command(node: NodeRecord, frame: ControlFrame, now: Instant) -> Events:
    if node.last_command == (frame.sequence, frame.timestamp_ms):
        return NOTHING  # the same command again, because its answer was late or lost
    node.last_command = (frame.sequence, frame.timestamp_ms)
    value = f" {frame.number:g}" if frame.flag in {Flag.SET, Flag.STEP} else ""
    detail = f"{COMMAND_WORDS[frame.flag]}{value}"
    return (Event(now.wall_ms, EventKind.COMMANDED, frame.destination, detail, by=node.codifier),)


def _told_answer(node: NodeRecord, frame: ControlFrame, now: Instant) -> Events:
    node.acknowledges = True
    pair = unpack_pair(frame.number)
    if pair is None or pair[1] not in REASONS:
        return NOTHING
    return (Event(now.wall_ms, EventKind.ANSWERED, node.codifier, REASONS[Code(pair[1])], by=frame.destination),)


_TELLERS: Final[dict[Flag, Callable[[NodeRecord, ControlFrame, Instant], Events]]] = {
    Flag.NEW: _told_start,
    Flag.ALIVE: _told_state,
    Flag.PONG: _told_pong,
    Flag.ACKNOWLEDGE: _told_answer,
    **dict.fromkeys(COMMANDS, _told_command),
}


def _place(sender: Sender) -> str:
    return f"{sender[0]}:{sender[1]}"
