"""What a screen wants to know, gathered beside the bus and handed over in batches.

    roster, frames heard -> Observer (in the bus's thread) -> Batch -> console.screen.model (in the screen's thread)

A batch holds what has changed since the last one, in objects that nothing changes any more: so the screen needs no
lock, and may hold an old one still. Whatever piles up while nobody asks is bounded.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from console.screen.sparks import SPARK_POINTS
from console.screen.traces import MAX_CHARTED, MAX_MORE_POINTS, Point, Trace, number_of, thinned
from protocol.accounts import Account
from protocol.events import Event, EventKind
from protocol.frames import COMMANDS, DataFrame, Flag, Frame
from protocol.instants import Instant
from protocol.members import NodeRecord, Sender, SensorRecord, Status
from protocol.readings import Attributes, Value
from protocol.roster import Roster
from protocol.roundtrips import RoundTripSummary
from protocol.troubles import Said, Trouble

MAX_PENDING_EVENTS: Final = 1_000
"""Events kept for a screen that does not ask, about 300 bytes each; the oldest are dropped and counted."""

REMEMBERED_COMMANDS: Final = 256
"""Commands whose repeats are recognised, about 150 bytes each: of 40 commanders at once, six attempts each."""

NODE_CHECK_S: Final = 1.0
"""How often silent nodes are looked at: nothing is heard of a node that is gone."""


class NodeState(StrEnum):
    """What an operator may believe of a node."""

    UNHEARD = "unheard"
    ALIVE = "alive"
    HALTED = "halted"
    GONE = "gone"


class SensorRow(NamedTuple):
    """One sensor as it was at the moment of a batch. `heard_s` is monotonic; `spark` has NaN for what is missing.

    `received`, `missing` and `late` tell what the network did. `account` tells what became of each reading since the
    console was opened, also of those that came because they were asked for; None before any was heard.
    """

    codifier: str
    node: str
    status: Status
    value: Value | None = None
    attributes: Attributes | None = None
    timestamp_ms: int | None = None
    heard_s: float | None = None
    flag: Flag | None = None
    sender: Sender | None = None
    received: int = 0
    missing: int = 0
    late: int = 0
    duplicates: int = 0
    renumbered: int = 0
    last_sequence: int | None = None
    bad: int = 0
    timeout_s: float = 0.0
    status_since_ms: float = 0.0
    spark: tuple[float, ...] = ()
    account: Account | None = None

    @property
    def lost(self) -> int:
        """How many readings are missing although they were asked for, or can never be had."""
        return self.account.pending + self.account.unavailable if self.account else 0

    @property
    def loss(self) -> float:
        """The share of readings that are missing, 0 to 1."""
        expected = self.received + self.missing
        return self.missing / expected if expected else 0.0


class NodeRow(NamedTuple):
    """One node as it was at the moment of a batch. Times in ms are wall time; an `operator` is a person's program.

    `troubles` is what it says is wrong with it, `spool_kib` how many KiB a day its spool writes. `key_id` is the key id
    of its tags, 0 when it has none.
    """

    codifier: str
    state: NodeState
    sender: Sender | None = None
    former_sender: Sender | None = None
    round_trip_ms: float | None = None
    round_trips: RoundTripSummary = RoundTripSummary(0, 0)
    offset_ms: float | None = None
    started_wall_ms: float | None = None
    starts: int = 0
    config_time_ms: float | None = None
    rivals: int = 0
    acknowledges: bool = False
    received: int = 0
    missing: int = 0
    operator: bool = False
    troubles: tuple[Said, ...] = ()
    spool_kib: int | None = None
    key_id: int | None = None


class BusFacts(NamedTuple):
    """How the buses are: `trouble` is empty when they work; the rest counts since the console was opened.

    `refused` counts frames of codifiers for which there was no room, `unbelieved` those without a tag that is believed.
    `keys` are the key ids that are valid here, the newest last; there are none where nobody looks at tags.
    """

    description: str = ""
    trouble: str = ""
    frames: int = 0
    readings: int = 0
    kernel_dropped: int = 0
    bad_datagrams: int = 0
    refused: int = 0
    unbelieved: int = 0
    send_errors: int = 0
    keys: tuple[int, ...] = ()


class Batch(NamedTuple):
    """What has changed since the last batch, at one moment."""

    now: Instant
    sensors: tuple[SensorRow, ...] = ()
    nodes: tuple[NodeRow, ...] = ()
    events: tuple[Event, ...] = ()
    events_dropped: int = 0
    bus: BusFacts = BusFacts()


class Observer:
    """Takes note of what changes in a roster. `heard` is called with each frame, `take` a few times a second.

    `own` is the codifier of this console: an operator's, whether a configuration says so or not.
    """

    def __init__(self, roster: Roster, now: Instant, own: str = "") -> None:
        self._roster = roster
        self._own = own
        self._commands: deque[tuple[str, int, int]] = deque(maxlen=REMEMBERED_COMMANDS)
        self._changed_sensors: set[str] = set(roster.sensors)
        self._changed_nodes: set[str] = set(roster.nodes)
        self._events: deque[Event] = deque(maxlen=MAX_PENDING_EVENTS)
        self._events_dropped = 0
        self._traces: dict[str, _Following] = {}
        self._since_ms: dict[str, float] = dict.fromkeys(roster.sensors, now.wall_ms)
        self._states: dict[str, NodeState] = {}
        self._nodes_checked_s = now.monotonic_s
        self._accounts: dict[str, Account] = {}
        self._more_points = MAX_MORE_POINTS
        self.frames = 0
        self.readings = 0

    def heard(self, frame: Frame, now: Instant, events: tuple[Event, ...] = ()) -> None:
        """Take note of a frame that the roster has heard, and of what it made happen there."""
        self.frames += 1
        if events and not self._is_repeated_command(frame, events):
            self._note(events)
        if isinstance(frame, DataFrame):
            self._changed_sensors.add(frame.source)
            if frame.flag is not Flag.NUMBERING:
                self.readings += 1
                self._follow(frame, now)
        else:
            self._changed_nodes.add(frame.source)

    def answered(self, frame: DataFrame) -> None:
        """Take note of a reading that came because it was asked for."""
        following = self._traces.get(frame.source)
        sensor = self._roster.sensors.get(frame.source)
        if following is not None and sensor is not None:
            self._widen(following)
            following.answered(frame)
            self._changed_sensors.add(frame.source)

    def book(self, accounts: Iterable[Account]) -> None:
        """Add to what became of each sensor's readings."""
        for account in accounts:
            if account.codifier in self._traces:
                known = self._accounts.get(account.codifier, Account(account.codifier, 0))
                self._accounts[account.codifier] = known.plus(account)
                self._changed_sensors.add(account.codifier)

    def chart(self, codifier: str) -> None:
        """Keep more of a sensor from now on, and of others as much as they have."""
        following = self._traces.get(codifier)
        if following is not None:
            following.charted = True

    def lag_ms(self, codifier: str) -> float | None:
        """Return how far our clock is ahead of a sensor's, with the way to us, None before it was heard."""
        following = self._traces.get(codifier)
        return None if following is None else following.lag_ms

    def pinged(self, codifier: str) -> None:
        """Take note that a node was pinged: an answer that does not come is something to show."""
        self._changed_nodes.add(codifier)

    def take(self, now: Instant, bus: BusFacts = BusFacts()) -> Batch:  # noqa: B008 - an immutable value
        """Return what has changed, and begin anew."""
        self._judge(now)
        batch = Batch(
            now,
            tuple(self._sensor_rows(now)),
            tuple(self._node_rows(now)),
            tuple(self._events),
            self._events_dropped,
            bus._replace(
                frames=self.frames,
                readings=self.readings,
                bad_datagrams=self._roster.bad_datagrams.total,
                refused=self._roster.refused,
                unbelieved=self._roster.refusals.total,
            ),
        )
        self._changed_sensors.clear()
        self._changed_nodes.clear()
        self._events.clear()
        self._events_dropped = 0
        return batch

    def points(self, codifier: str) -> list[Point]:
        """Return what is known of a sensor, for its chart: as many points as a chart has room for."""
        following = self._traces.get(codifier)
        return [] if following is None else following.points()

    def _note(self, events: tuple[Event, ...]) -> None:
        self._events_dropped += max(0, len(self._events) + len(events) - MAX_PENDING_EVENTS)
        self._events.extend(events)

    def _is_repeated_command(self, frame: Frame, events: tuple[Event, ...]) -> bool:
        """Tell whether a command was told already: the roster knows no repeat when two speak as one commander."""
        if frame.flag not in COMMANDS or events[-1].kind is not EventKind.COMMANDED:
            return False
        identity = frame.source, frame.sequence, frame.timestamp_ms
        if identity in self._commands:
            return True
        self._commands.append(identity)
        return False

    def _follow(self, frame: DataFrame, now: Instant) -> None:
        sensor = self._roster.sensors.get(frame.source)
        if sensor is None:
            return  # no room for it in the roster
        following = self._traces.get(frame.source)
        if following is None:
            following = self._traces.setdefault(frame.source, _Following(sensor))
        self._widen(following)
        following.heard(frame, now)

    def _widen(self, following: "_Following") -> None:
        """Give the full trace of a charted sensor room for one point more, as long as there is any."""
        trace = following.trace
        if following.charted and trace.most == len(trace) < MAX_CHARTED and self._more_points:
            trace.most += 1
            self._more_points -= 1

    def _judge(self, now: Instant) -> None:
        """Find the sensors whose status changed, and now and then the nodes that fell silent."""
        events = self._roster.tick(now)
        for event in events:
            if event.kind is EventKind.STATUS:
                self._changed_sensors.add(event.codifier)
                self._since_ms[event.codifier] = now.wall_ms
            else:
                self._changed_nodes.add(event.codifier)
        self._note(events)
        if now.monotonic_s - self._nodes_checked_s >= NODE_CHECK_S:
            self._nodes_checked_s = now.monotonic_s
            self._changed_nodes.update(
                codifier
                for codifier, node in self._roster.nodes.items()
                if _state(node, now.monotonic_s) is not self._states.get(codifier)
            )

    def _sensor_rows(self, now: Instant) -> list[SensorRow]:
        sensors = self._roster.sensors
        return [self._sensor_row(sensors[codifier], now) for codifier in self._changed_sensors if codifier in sensors]

    def _sensor_row(self, sensor: SensorRecord, now: Instant) -> SensorRow:
        tracker = sensor.tracker
        following = self._traces.get(sensor.codifier)
        return SensorRow(
            sensor.codifier,
            sensor.node,
            sensor.reported,
            sensor.value,
            sensor.attributes,
            sensor.timestamp_ms,
            sensor.heard_s,
            sensor.flag,
            sensor.sender,
            tracker.received,
            tracker.missing,
            tracker.late,
            tracker.duplicates,
            tracker.renumbered,
            tracker.last,
            sensor.bad,
            sensor.timeout_s,
            self._since_ms.setdefault(sensor.codifier, now.wall_ms),
            following.spark() if following is not None else (),
            self._accounts.get(sensor.codifier),
        )

    def _node_rows(self, now: Instant) -> list[NodeRow]:
        nodes = self._roster.nodes
        return [self._node_row(nodes[codifier], now) for codifier in self._changed_nodes if codifier in nodes]

    def _node_row(self, node: NodeRecord, now: Instant) -> NodeRow:
        state = self._states[node.codifier] = _state(node, now.monotonic_s)
        return NodeRow(
            node.codifier,
            state,
            node.sender,
            node.former_sender,
            node.round_trips.last_ms,
            node.round_trips.summary(),
            node.round_trips.offset_ms,
            node.started_wall_ms,
            node.starts,
            node.config_time_ms,
            node.rivals,
            node.acknowledges,
            node.tracker.received,
            node.tracker.missing,
            node.operator or node.codifier == self._own,
            node.diagnosed.troubles(),
            node.diagnosed.measured(Trouble.SPOOL_WRITES),
            node.key_id,
        )


class _Following:
    """The trace of one sensor.

    `charted` tells that somebody looks at its chart; `lag_ms` is how far our clock was ahead of its timestamp when the
    newest reading was heard.
    """

    __slots__ = ("_renumbered", "_sensor", "charted", "lag_ms", "trace")

    def __init__(self, sensor: SensorRecord) -> None:
        self.trace = Trace()
        self.charted = False
        self.lag_ms = 0.0
        self._sensor = sensor
        self._renumbered = sensor.tracker.renumbered

    def heard(self, frame: DataFrame, now: Instant) -> None:
        """Take a reading of the bus, in whatever order they come."""
        tracker = self._sensor.tracker
        anew = tracker.renumbered > self._renumbered
        self._renumbered = tracker.renumbered
        if tracker.last == frame.sequence:
            self.lag_ms = now.wall_ms - frame.timestamp_ms
        self.trace.add(now.wall_ms, number_of(frame.value), frame.sequence, anew=anew)

    def answered(self, frame: DataFrame) -> None:
        """Take a reading that was asked for; it has its place by its number and by the sensor's clock."""
        self.trace.add(frame.timestamp_ms + self.lag_ms, number_of(frame.value), frame.sequence)

    def points(self) -> list[Point]:
        """Return what a chart shows."""
        return list(thinned(self.trace.points(self._longest_s)))

    def spark(self) -> tuple[float, ...]:
        """Return what a spark shows."""
        return self.trace.tail(SPARK_POINTS, self._longest_s)

    @property
    def _longest_s(self) -> float:
        return self._sensor.timeout_s


def _state(node: NodeRecord, now_s: float) -> NodeState:
    if node.heard_s is None:
        return NodeState.UNHEARD
    if node.is_gone(now_s):
        return NodeState.GONE
    return NodeState.HALTED if node.active is False else NodeState.ALIVE


def statuses(rows: Mapping[str, SensorRow]) -> Counter[Status]:
    """Count how many sensors have which status."""
    return Counter(row.status for row in rows.values())
