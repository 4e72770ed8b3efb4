"""What is known of one node and of one sensor (docs/protocol.md, "Roster")."""

from enum import StrEnum
from typing import Final

from protocol.alarms import Alarms, AlarmState, Level
from protocol.diagnosed import Diagnosed
from protocol.frames import ControlFrame, DataFrame, Flag
from protocol.instants import Instant
from protocol.profiles import NodeProfile, SensorProfile
from protocol.readings import Attributes, Value
from protocol.roundtrips import RoundTrips
from protocol.senders import Sender
from protocol.tracking import Arrival, SequenceTracker

__all__ = [
    "MISSED_KEEPALIVES",
    "TOLD_AGAIN_AFTER_S",
    "Member",
    "NodeRecord",
    "Sender",
    "SensorRecord",
    "Status",
    "describe_start",
]

MISSED_KEEPALIVES: Final = 2.5  # a node is gone when it was silent for so many of its keep-alive intervals
TOLD_AGAIN_AFTER_S: Final = 60.0  # what goes on for hours, such as a duplicate, is one event a minute


class Status(StrEnum):
    """What an operator may believe of a sensor's last value."""

    UNHEARD = "unheard"
    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    STALE = "stale"
    HALTED = "halted"
    GONE = "gone"


_STATUS_OF_LEVEL: Final = {Level.OK: Status.OK, Level.WARNING: Status.WARNING, Level.CRITICAL: Status.CRITICAL}


class Member:
    """What nodes and sensors have in common: the numbering of their frames, and when they were last heard.

    `heard_s` is monotonic, in seconds; None until something was heard. For a node that is a frame of either bus,
    for a sensor a reading that was taken as the last one.
    """

    __slots__ = ("codifier", "heard_s", "sender", "told_s", "tracker")

    def __init__(self, codifier: str) -> None:
        self.codifier = codifier
        self.sender: Sender | None = None
        self.heard_s: float | None = None
        self.told_s: float | None = None  # when an event told that its numbering or its address changed
        self.tracker = SequenceTracker()

    def is_worth_telling(self, now_s: float) -> bool:
        """Tell, at most once in TOLD_AGAIN_AFTER_S, that what goes on here deserves an event."""
        if self.told_s is not None and now_s - self.told_s < TOLD_AGAIN_AFTER_S:
            return False
        self.told_s = now_s
        return True


class NodeRecord(Member):
    """What is known of one node.

    `active` tells whether it sends readings; `config_time_ms` is when it read its configuration, on its own
    clock; both are what it said last, and None until it did. `started_wall_ms` is when its last `N` was heard,
    `timestamp_ms` the newest one of its control frames, on its own clock. `diagnosed` is what it said is wrong with it.
    """

    __slots__ = (
        "acknowledges",
        "active",
        "config_time_ms",
        "diagnosed",
        "former_sender",
        "halted_s",
        "keepalive_s",
        "key_id",
        "last_answer",
        "operator",
        "rivals",
        "round_trips",
        "started_wall_ms",
        "starts",
        "timestamp_ms",
    )

    def __init__(self, profile: NodeProfile) -> None:
        super().__init__(profile.codifier)
        self.apply(profile)
        self.active: bool | None = None
        self.acknowledges = False  # it answered a command with `K`: no program of the original system does
        self.config_time_ms: float | None = None
        self.started_wall_ms: float | None = None
        self.starts = 0
        self.timestamp_ms = 0
        self.former_sender: Sender | None = None
        self.halted_s: float | None = None  # when it said, now or earlier, that it sends no readings
        self.key_id: int | None = None  # under which its last control frame was tagged; 0 when it was not
        self.rivals = 0  # how often the sender changed back: two instances speak under this codifier
        self.last_answer: tuple[str, float] | None = None  # (commander, number) of the last `K` it sent
        self.round_trips = RoundTrips()
        self.diagnosed = Diagnosed()

    def apply(self, profile: NodeProfile) -> None:
        """Take what the configuration says of the node, at first or after it was changed."""
        self.keepalive_s = profile.keepalive_s
        self.operator = profile.operator

    @property
    def silence_s(self) -> float:
        """For how long nothing has to be heard of the node, in seconds, until that means something."""
        return self.keepalive_s * MISSED_KEEPALIVES

    def is_gone(self, now_s: float) -> bool:
        """Tell whether the node was silent for too long, or was never heard."""
        return self.heard_s is None or now_s - self.heard_s > self.silence_s

    def heard_from(self, sender: Sender, now_s: float, arrival: Arrival) -> bool:
        """Note that a control frame came from `sender`; return True when that shows a second instance.

        It does when the sender changed back and the numbering with it: one process whose address changed back goes
        on counting.
        """
        self.heard_s = now_s
        if sender == self.sender:
            return False
        goes_on = arrival in (Arrival.NEXT, Arrival.GAP)
        returned = sender == self.former_sender and not goes_on and not self.operator
        self.rivals += returned
        self.former_sender, self.sender = self.sender, sender
        return returned

    def say_active(self, *, active: bool, now_s: float) -> bool:
        """Note whether the node says that it sends readings; return True when that is a change."""
        before, self.active = self.active, active
        if before is not False and not active:
            self.halted_s = now_s
        return before is not None and before is not active

    def halted_after(self, heard_s: float) -> bool:
        """Tell whether the node is halted and first said so after `heard_s`."""
        return self.active is False and self.halted_s is not None and self.halted_s >= heard_s

    def is_outdated(self, frame: ControlFrame, arrival: Arrival) -> bool:
        """Tell whether a frame says less than a newer one that was heard before it; keep its timestamp if not."""
        if arrival in (Arrival.LATE, Arrival.DUPLICATE) and frame.timestamp_ms <= self.timestamp_ms:
            return True
        self.timestamp_ms = frame.timestamp_ms
        return False


class SensorRecord(Member):
    """What is known of one sensor and its last reading.

    `timestamp_ms` is the last reading's, on the sensor's clock; `bad` counts values that were no finite number.
    """

    __slots__ = (
        "_alarms",
        "alarm",
        "attributes",
        "bad",
        "flag",
        "node",
        "reported",
        "timeout_s",
        "timestamp_ms",
        "value",
    )

    def __init__(self, profile: SensorProfile) -> None:
        super().__init__(profile.codifier)
        self._alarms: Alarms | None = None
        self.alarm: AlarmState | None = None
        self.apply(profile)
        self.value: Value | None = None
        self.attributes: Attributes | None = None
        self.timestamp_ms: int | None = None
        self.flag: Flag | None = None
        self.bad = 0
        self.reported = Status.UNHEARD  # the status that the last event told

    def apply(self, profile: SensorProfile) -> None:
        """Take what the configuration says of the sensor; its alarm begins anew when other conditions are set."""
        self.node = profile.node
        self.timeout_s = profile.timeout_s
        if profile.alarms != self._alarms:
            self._alarms = profile.alarms
            self.alarm = AlarmState(profile.alarms) if profile.alarms is not None else None

    def age_s(self, now_s: float) -> float | None:
        """Return for how many seconds the value has been here, or None without a value."""
        return None if self.heard_s is None else now_s - self.heard_s

    def is_outdated(self, frame: DataFrame, now_s: float) -> bool:
        """Tell whether a reading that did not come in its order is older than the one that is known.

        Its timestamp tells, but only while the known value is not stale: after a timestamp that lies far in the
        future no true reading would ever be newer.
        """
        if self.timestamp_ms is None or self.heard_s is None or frame.timestamp_ms > self.timestamp_ms:
            return False
        return now_s - self.heard_s <= self.timeout_s

    def take(self, frame: DataFrame, now_s: float) -> None:
        """Keep a reading as the last one."""
        self.value = frame.value
        self.attributes = frame.attributes
        self.timestamp_ms = frame.timestamp_ms
        self.flag = frame.flag
        self.heard_s = now_s
        if self.alarm is not None:
            self.alarm.update(frame.value)

    def status(self, node: NodeRecord | None, now_s: float) -> Status:
        """Judge the last value, given the node that publishes it."""
        if self._is_current(node, now_s):
            return Status.OK if self.alarm is None else _STATUS_OF_LEVEL[self.alarm.level]
        if node is not None and node.heard_s is not None and node.is_gone(now_s):
            return Status.GONE
        if node is not None and node.active is False:
            return Status.HALTED
        return Status.UNHEARD if self.heard_s is None else Status.STALE

    def _is_current(self, node: NodeRecord | None, now_s: float) -> bool:
        """Tell whether the value is one that a reading showed within the timeout, and after its node was halted.

        A halted node that is set sends a reading, and one that was started again sends them although nobody may
        have heard it say so.
        """
        if self.heard_s is None or now_s - self.heard_s > self.timeout_s:
            return False
        return node is None or not node.halted_after(self.heard_s)


def describe_start(frame: ControlFrame, now: Instant) -> str:
    """Say how far a starting node's clock is from ours: all that is known of it before a ping."""
    ahead_s = (frame.timestamp_ms - now.wall_ms) / 1000
    return f"clock {ahead_s:+.1f} s from ours" if abs(ahead_s) >= 1 else "clock agrees within 1 s"
