"""The roster: what is known of every node and sensor from the frames that were heard (docs/protocol.md, "Roster").

It is fed with frames and moments, and has neither a socket nor a clock. Its memory is bounded whatever arrives.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from math import isfinite
from typing import Final, TypeAlias

from protocol.bad_datagrams import ELSEWHERE, BadDatagrams
from protocol.codifiers import EVERYBODY
from protocol.commands import REASONS, Code, unpack_pair
from protocol.diagnosed import AFTER_START_S
from protocol.errors import DecodeError
from protocol.events import Event, EventKind
from protocol.frames import COMMANDS, LATEST_TIMESTAMP_MS, ControlFrame, DataFrame, Flag, Frame
from protocol.gate import RefusedError
from protocol.instants import Instant
from protocol.members import NodeRecord, Sender, SensorRecord, Status, describe_start
from protocol.profiles import NodeProfile, SensorProfile
from protocol.readings import Value
from protocol.refusals import Refusals
from protocol.tracking import Arrival
from protocol.troubles import Said, unpack

# Records of nodes and sensors that no configuration names: about 0.6 KiB each, 1.3 MiB in all; at most 27 KiB each,
# 53 MiB in all, when somebody forges whatever takes the most room (gaps, pongs, JSON).
MAX_UNEXPECTED: Final = 2048
MAX_PINGS_TO_UNKNOWN: Final = 16  # kept for nodes that are first heard when they answer one

COMMAND_WORDS: Final = {
    Flag.START: "start",
    Flag.HALT: "halt",
    Flag.RELOAD: "reload",
    Flag.SET: "set",
    Flag.STEP: "step",
}

Events: TypeAlias = tuple[Event, ...]
NOTHING: Final[Events] = ()

# Members of an enumeration are not quick to look up, and these are for every reading.
_NEXT: Final = Arrival.NEXT
_NUMBERING: Final = Flag.NUMBERING


class Roster:
    """All nodes and sensors, and what happened to them.

    `nodes` and `sensors` are the records by codifier. `bad_datagrams` counts what was no frame, `refusals`
    what was not believed; `refused` counts frames of codifiers for which there was no room.
    """

    def __init__(self, nodes: Iterable[NodeProfile] = (), sensors: Iterable[SensorProfile] = ()) -> None:
        self.nodes: dict[str, NodeRecord] = {}
        self.sensors: dict[str, SensorRecord] = {}
        self.bad_datagrams = BadDatagrams()
        self.refusals = Refusals()
        self.refused = 0
        self._expected_nodes: set[str] = set()
        self._expected_sensors: set[str] = set()
        self._pings_to_unknown: deque[tuple[str, float, Instant]] = deque(maxlen=MAX_PINGS_TO_UNKNOWN)
        self.expect(nodes, sensors)

    def expect(self, nodes: Iterable[NodeProfile], sensors: Iterable[SensorProfile]) -> None:
        """Make room for what a configuration names, whatever else is heard; what was heard already is kept."""
        for node in nodes:
            self._expected_nodes.add(node.codifier)
            self.nodes.setdefault(node.codifier, NodeRecord(node)).apply(node)
        for sensor in sensors:
            self._expected_sensors.add(sensor.codifier)
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
        if frame.flag is _NUMBERING:
            return _take_announcement(sensor, frame, now)
        arrival = sensor.tracker.observe(frame.sequence)
        return _take(sensor, frame, now) if arrival is _NEXT else _take_unexpected(sensor, frame, arrival, now)

    def hear_control(self, frame: ControlFrame, sender: Sender, now: Instant) -> Events:
        """Take a frame of the control bus."""
        node = self.nodes.get(frame.source) or self._admit_node(frame)
        if node is None:
            self.refused += 1
            return NOTHING
        appears = node.sender is None and frame.flag is not Flag.NEW
        arrival = _observe(node, frame)
        node.key_id = frame.tag[0]
        events = _appearance(node, sender, now) if appears else NOTHING
        if node.heard_from(sender, now.monotonic_s, arrival):
            events += _rivalry(node, sender, now)
        if frame.flag in COMMANDS:
            self.refusals.note_command(frame, sender)
        told = _listen(node, frame, arrival, now)
        if told and frame.flag is Flag.ACKNOWLEDGE and self.refusals.count_answer(frame):
            return events  # told by `tick`, however many there are
        return events + told

    def refuse(self, error: DecodeError, sender: Sender) -> bool:
        """Count what is no frame or is not believed; return True when it is the first of its kind from this sender."""
        if isinstance(error, RefusedError):
            return self.refusals.count(error, sender)
        return self.bad_datagrams.count(error, sender)

    def pinged(self, codifier: str, number: float, now: Instant) -> None:
        """Note that this program sends a ping; `@@` is a ping to every node."""
        known = self.nodes.get(codifier)
        if known is not None:
            known.round_trips.ping(number, now)
            return
        self._pings_to_unknown.append((codifier, number, now))
        for node in self.nodes.values() if codifier == EVERYBODY else ():
            node.round_trips.ping(number, now)

    def status(self, codifier: str, now_s: float) -> Status:
        """Judge the last value of a sensor; a codifier that was never heard of is unheard."""
        sensor = self.sensors.get(codifier)
        return Status.UNHEARD if sensor is None else sensor.status(self.nodes.get(sensor.node), now_s)

    def tick(self, now: Instant) -> Events:
        """Return what changed since the last tick: statuses, troubles that are not said any more, what was refused.

        Call it a few times a second.
        """
        return (*self._changed_statuses(now), *self._expired_troubles(now), *self.refusals.due(now))

    def _changed_statuses(self, now: Instant) -> Iterator[Event]:
        for sensor in self.sensors.values():
            status = sensor.status(self.nodes.get(sensor.node), now.monotonic_s)
            if status is not sensor.reported:
                detail = f"{sensor.reported} -> {status}"
                sensor.reported = status
                yield Event(now.wall_ms, EventKind.STATUS, sensor.codifier, detail)

    def _expired_troubles(self, now: Instant) -> Iterator[Event]:
        for node in self.nodes.values():
            for said in node.diagnosed.expire(now.monotonic_s):
                yield _silence(node, said, now) if node.is_gone(now.monotonic_s) else _recovery(node, said, now)

    def _admit_sensor(self, codifier: str) -> SensorRecord | None:
        if not self._has_room_for(codifier):
            return None
        return self.sensors.setdefault(codifier, SensorRecord(SensorProfile(codifier, codifier)))

    def _admit_node(self, frame: ControlFrame) -> NodeRecord | None:
        if not self._has_room_for(frame.source):
            return None
        node = self.nodes.setdefault(frame.source, NodeRecord(NodeProfile(frame.source)))
        for codifier, number, sent in self._pings_to_unknown:
            if frame.flag is Flag.PONG and number == frame.number and codifier in (frame.source, EVERYBODY):
                node.round_trips.ping(number, sent)
        return node

    def _has_room_for(self, codifier: str) -> bool:
        expected = len(self._expected_nodes) + len(self._expected_sensors)
        return codifier != EVERYBODY and len(self.nodes) + len(self.sensors) - expected < MAX_UNEXPECTED


def _take(sensor: SensorRecord, frame: DataFrame, now: Instant) -> Events:
    value = frame.value
    if type(value) is float and not isfinite(value):
        return _bad_value(sensor, value, now)
    sensor.take(frame, now.monotonic_s)
    return NOTHING


def _take_unexpected(sensor: SensorRecord, frame: DataFrame, arrival: Arrival, now: Instant) -> Events:
    events = _renumbered(sensor, arrival, now)
    if arrival in (Arrival.LATE, Arrival.DUPLICATE) and sensor.is_outdated(frame, now.monotonic_s):
        return events
    return events + _take(sensor, frame, now)


def _take_announcement(sensor: SensorRecord, frame: DataFrame, now: Instant) -> Events:
    newest = sensor.timestamp_ms is not None and frame.timestamp_ms > sensor.timestamp_ms
    return _renumbered(sensor, sensor.tracker.announce(frame.sequence, anew=newest), now)


def _bad_value(sensor: SensorRecord, value: Value, now: Instant) -> Events:
    sensor.bad += 1
    if sensor.bad > 1:
        return NOTHING
    return (Event(now.wall_ms, EventKind.BAD_VALUE, sensor.codifier, f"{value} is not a finite number"),)


def _renumbered(sensor: SensorRecord, arrival: Arrival, now: Instant) -> Events:
    if arrival is not Arrival.RENUMBERED or not sensor.is_worth_telling(now.monotonic_s):
        return NOTHING
    detail = "its readings are numbered anew: readings between the numberings cannot be counted"
    return (Event(now.wall_ms, EventKind.RENUMBERED, sensor.codifier, detail),)


def _observe(node: NodeRecord, frame: ControlFrame) -> Arrival:
    """Count a frame; a repeated `N` has the config time that is known and begins nothing."""
    if frame.flag is Flag.NEW and frame.number != node.config_time_ms:
        return node.tracker.restart(frame.sequence)
    return node.tracker.observe(frame.sequence)


def _appearance(node: NodeRecord, sender: Sender, now: Instant) -> Events:
    return (Event(now.wall_ms, EventKind.APPEARED, node.codifier, f"heard from {sender[0]}"),)


def _rivalry(node: NodeRecord, sender: Sender, now: Instant) -> Events:
    if not node.is_worth_telling(now.monotonic_s):
        return NOTHING
    detail = f"speaks from {_place(sender)} and from {_place(node.former_sender or ELSEWHERE)}"
    return (Event(now.wall_ms, EventKind.DUPLICATED, node.codifier, detail),)


def _listen(node: NodeRecord, frame: ControlFrame, arrival: Arrival, now: Instant) -> Events:
    """Take what a frame says. The same frame once more says nothing, and a late one nothing of the present state."""
    outdated = node.is_outdated(frame, arrival)
    tell = _TELLERS.get(frame.flag)
    if tell is None or (outdated and (arrival is Arrival.DUPLICATE or frame.flag is Flag.DIAGNOSIS)):
        return NOTHING
    events = tell(node, frame, now)
    return events if outdated or frame.flag not in _TELLING_STATE else events + _told_state(node, frame, now)


def _told_start(node: NodeRecord, frame: ControlFrame, now: Instant) -> Events:
    node.starts += 1
    node.started_wall_ms = now.wall_ms
    node.say_active(active=frame.active, now_s=now.monotonic_s)
    node.diagnosed.doubt(now.monotonic_s + AFTER_START_S)
    _told_config_time(node, frame, now)
    return (Event(now.wall_ms, EventKind.STARTED, node.codifier, describe_start(frame, now)),)


def _told_config_time(node: NodeRecord, frame: ControlFrame, _: Instant) -> Events:
    node.config_time_ms = frame.number if 0 <= frame.number <= LATEST_TIMESTAMP_MS else None
    return NOTHING


def _told_pong(node: NodeRecord, frame: ControlFrame, now: Instant) -> Events:
    node.round_trips.pong(frame.number, frame.timestamp_ms, now)
    return NOTHING


def _told_state(node: NodeRecord, frame: ControlFrame, now: Instant) -> Events:
    if not node.say_active(active=frame.active, now_s=now.monotonic_s):
        return NOTHING
    kind = EventKind.RESUMED if frame.active else EventKind.HALTED
    return (Event(now.wall_ms, kind, node.codifier, "sends readings" if frame.active else "sends no readings"),)


def _told_command(node: NodeRecord, frame: ControlFrame, now: Instant) -> Events:
    value = f" {frame.number}".removesuffix(".0") if frame.flag in (Flag.SET, Flag.STEP) else ""
    detail = f"{COMMAND_WORDS[frame.flag]}{value}"
    return (Event(now.wall_ms, EventKind.COMMANDED, frame.destination, detail, by=node.codifier),)


def _told_answer(node: NodeRecord, frame: ControlFrame, now: Instant) -> Events:
    node.acknowledges = True
    answer = (frame.destination, frame.number)
    pair = unpack_pair(frame.number)
    if pair is None or pair[1] not in REASONS or answer == node.last_answer:
        return NOTHING
    node.last_answer = answer
    return (Event(now.wall_ms, EventKind.ANSWERED, node.codifier, REASONS[Code(pair[1])], by=frame.destination),)


def _told_diagnosis(node: NodeRecord, frame: ControlFrame, now: Instant) -> Events:
    said = unpack(frame.number)
    if said is None:
        return NOTHING
    begun, ended = node.diagnosed.take(said, now.monotonic_s + node.silence_s)
    troubles = (Event(now.wall_ms, EventKind.TROUBLE, node.codifier, one.text) for one in begun)
    return (*troubles, *(_recovery(node, one, now) for one in ended))


def _silence(node: NodeRecord, said: Said, now: Instant) -> Event:
    return Event(now.wall_ms, EventKind.TROUBLE, node.codifier, f"said no more: {said.name}")


def _recovery(node: NodeRecord, said: Said, now: Instant) -> Event:
    return Event(now.wall_ms, EventKind.RECOVERED, node.codifier, f"no longer: {said.name}")


_TELLERS: Final[dict[Flag, Callable[[NodeRecord, ControlFrame, Instant], Events]]] = {
    Flag.NEW: _told_start,
    Flag.ALIVE: _told_config_time,
    Flag.PONG: _told_pong,
    Flag.ACKNOWLEDGE: _told_answer,
    Flag.DIAGNOSIS: _told_diagnosis,
    **dict.fromkeys(COMMANDS, _told_command),
}
_TELLING_STATE: Final = frozenset({Flag.ALIVE, Flag.PONG})


def _place(sender: Sender) -> str:
    return f"{sender[0]}:{sender[1]}"
