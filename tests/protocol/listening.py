"""A roster on a network of the test's making: the test decides what is heard, from where and when."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from protocol.events import Event, EventKind
from protocol.frames import Bus, ControlFrame, DataFrame, Flag, Frame, decode, encode, reading_frame
from protocol.instants import Instant
from protocol.members import NodeRecord, Sender, SensorRecord, Status
from protocol.profiles import NodeProfile, SensorProfile
from protocol.readings import Attributes, Reading, Value
from protocol.roster import Roster
from protocol.sequences import MODULUS, after

WALL_MS: Final = 1795334500000.0
CONFIG_MS: Final = WALL_MS - 60_000
HERE: Final[Sender] = ("10.0.0.1", 40001)
THERE: Final[Sender] = ("10.0.0.2", 40002)


class Listener:
    """Feeds frames to a roster as datagrams that were sent just now, and numbers them unless the test does."""

    def __init__(self, nodes: Iterable[NodeProfile] = (), sensors: Iterable[SensorProfile] = ()) -> None:
        self.roster = Roster(nodes, sensors)
        self.now = Instant(100.0, WALL_MS)
        self._next: defaultdict[tuple[Bus, str], int] = defaultdict(lambda: 500)

    def wait(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self.now = Instant(self.now.monotonic_s + seconds, self.now.wall_ms + seconds * 1000)

    def step_wall_clock(self, seconds: float) -> None:
        """Put this computer's wall clock forward, or back."""
        self.now = Instant(self.now.monotonic_s, self.now.wall_ms + seconds * 1000)

    def lose(self, codifier: str, bus: Bus = Bus.DATA) -> None:
        """Let a frame of `codifier` be sent that nobody hears."""
        self._number(bus, codifier, None)

    def reads(
        self,
        value: Value = 21.5,
        codifier: str = "C1",
        *,
        sequence: int | None = None,
        timestamp_ms: int | None = None,
        attributes: Attributes | None = None,
    ) -> list[Event]:
        """Hear a reading."""
        number = self._number(Bus.DATA, codifier, sequence)
        return self.hears(reading_frame(Reading(codifier, self._stamp(timestamp_ms), number, value, attributes)))

    def reads_float(self, value: float, codifier: str = "C1") -> list[Event]:
        """Hear a reading under the flag `f`, which can also carry what is no number."""
        number = self._number(Bus.DATA, codifier, None)
        return self.hears(DataFrame(number, self._stamp(None), Flag.FLOAT, codifier, "@@", value))

    def announces(self, sequence: int, codifier: str = "C1", *, timestamp_ms: int | None = None) -> list[Event]:
        """Hear that the numbering of a sensor continues after `sequence`."""
        self._next[Bus.DATA, codifier] = after(sequence)
        return self.hears(
            DataFrame(sequence, self._stamp(timestamp_ms), Flag.NUMBERING, codifier, "@@", sequence % MODULUS)
        )

    def says(
        self,
        flag: Flag,
        number: float = CONFIG_MS,
        source: str = "C1",
        destination: str = "@@",
        *,
        active: bool = True,
        sequence: int | None = None,
        timestamp_ms: int | None = None,
        sender: Sender = HERE,
    ) -> list[Event]:
        """Hear a frame of the control bus."""
        own_number = self._number(Bus.CONTROL, source, sequence)
        stamp_ms = self._stamp(timestamp_ms)
        return self.hears(ControlFrame(own_number, stamp_ms, flag, source, destination, number, active), sender)

    def hears(self, frame: Frame, sender: Sender = HERE) -> list[Event]:
        """Hear a frame as the datagram that it is on the wire."""
        return list(self.roster.hear(decode(frame.bus, encode(frame)), sender, self.now))

    def tick(self) -> list[Event]:
        """Return what changed by the mere passing of time."""
        return list(self.roster.tick(self.now))

    def node(self, codifier: str = "C1") -> NodeRecord:
        """Return what is known of a node."""
        return self.roster.nodes[codifier]

    def sensor(self, codifier: str = "C1") -> SensorRecord:
        """Return what is known of a sensor."""
        return self.roster.sensors[codifier]

    def status(self, codifier: str = "C1") -> Status:
        """Judge a sensor now."""
        return self.roster.status(codifier, self.now.monotonic_s)

    def _number(self, bus: Bus, codifier: str, sequence: int | None) -> int:
        number = self._next[bus, codifier] if sequence is None else sequence
        self._next[bus, codifier] = after(number)
        return number

    def _stamp(self, timestamp_ms: int | None) -> int:
        return int(self.now.wall_ms) if timestamp_ms is None else timestamp_ms


def configured(keepalive_s: float = 60.0, timeout_s: float = 20.0) -> Listener:
    """Return a listener whose configuration names the node C1 with its sensor and a proxy F2."""
    return Listener(
        [NodeProfile("C1", keepalive_s)],
        [SensorProfile("C1", "C1", timeout_s), SensorProfile("F2", "C1", timeout_s)],
    )


def kinds(events: Iterable[Event]) -> list[EventKind]:
    """Return what kinds of events happened, in order."""
    return [event.kind for event in events]
