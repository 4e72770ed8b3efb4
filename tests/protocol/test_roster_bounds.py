"""Whatever can be decoded: a roster and a node's life raise nothing, and their memory stays within its bounds."""

import itertools
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from protocol.alarms import Alarms, Condition
from protocol.codifiers import EVERYBODY
from protocol.errors import DecodeError
from protocol.events import Event
from protocol.frames import CONTROL_FLAGS, Bus, ControlFrame, DataFrame, Flag, Frame, decode, encode
from protocol.instants import Instant
from protocol.life import Life
from protocol.members import NodeRecord, SensorRecord, Status
from protocol.profiles import NodeProfile, SensorProfile
from protocol.roster import MAX_PINGS_TO_UNKNOWN, MAX_UNEXPECTED, Roster
from protocol.roundtrips import KEPT_ROUND_TRIPS, MAX_OUTSTANDING, OFFSET_SAMPLES
from protocol.tracking import MAX_GAPS
from tests.protocol.listening import HERE, THERE, WALL_MS, Listener
from tests.protocol.strategies import CODIFIERS, FRAMES, SEQUENCES, TIMESTAMPS_MS

PRINTABLE = [chr(code) for code in range(0x21, 0x7F)]
ALL_CODIFIERS = [first + second for first, second in itertools.product(PRINTABLE, repeat=2)]
NOW = Instant(100.0, WALL_MS)


def reading_of(codifier: str, sequence: int = 7) -> DataFrame:
    return DataFrame(sequence, int(WALL_MS), Flag.INTEGER, codifier, EVERYBODY, 42)


def alive(codifier: str) -> ControlFrame:
    return ControlFrame(7, int(WALL_MS), Flag.ALIVE, codifier, EVERYBODY, WALL_MS, True)


def flood(roster: Roster) -> None:
    for codifier in ALL_CODIFIERS:
        roster.hear(reading_of(codifier), HERE, NOW)
        roster.hear(alive(codifier), HERE, NOW)


def records(roster: Roster) -> Iterator[NodeRecord | SensorRecord]:
    yield from roster.nodes.values()
    yield from roster.sensors.values()


# Floods


def test_of_a_flood_of_all_codifiers_only_so_many_are_kept_and_the_rest_is_counted() -> None:
    roster = Roster()
    flood(roster)
    assert len(list(records(roster))) == MAX_UNEXPECTED
    assert roster.refused == 2 * len(ALL_CODIFIERS) - MAX_UNEXPECTED


def test_what_is_configured_gets_in_during_a_flood() -> None:
    roster = Roster([NodeProfile("~~")], [SensorProfile("~~", "~~"), SensorProfile("~}", "~~")])
    flood(roster)
    assert roster.sensors["~}"].value == 42
    assert roster.status("~~", NOW.monotonic_s) is Status.OK
    assert not roster.nodes["~~"].is_gone(NOW.monotonic_s)


def test_what_is_configured_after_a_flood_gets_in_too() -> None:
    roster = Roster()
    flood(roster)
    roster.expect([NodeProfile("~~")], [SensorProfile("~~", "~~")])
    roster.hear(reading_of("~~"), HERE, NOW)
    assert roster.status("~~", NOW.monotonic_s) is Status.OK


def test_what_is_configured_takes_no_room_from_what_is_not() -> None:
    codifiers = [name for name in ALL_CODIFIERS if name != EVERYBODY][:3000]
    roster = Roster()
    for codifier in codifiers[:MAX_UNEXPECTED]:
        roster.hear(reading_of(codifier), HERE, NOW)
    roster.expect([], [SensorProfile(codifier, codifier) for codifier in codifiers[:MAX_UNEXPECTED]])
    roster.hear(reading_of(codifiers[-1]), HERE, NOW)
    assert roster.sensors[codifiers[-1]].value == 42


def test_everybody_is_nobody() -> None:
    roster = Roster()
    roster.hear(reading_of(EVERYBODY), HERE, NOW)
    roster.hear(alive(EVERYBODY), HERE, NOW)
    assert list(records(roster)) == []
    assert roster.refused == 2


def test_pings_that_nobody_answers_take_bounded_room() -> None:
    roster = Roster([NodeProfile("C1")])
    for number in range(10_000):
        for codifier in ("C1", EVERYBODY, "X9"):
            roster.pinged(codifier, float(number), NOW)
    assert len(roster.nodes["C1"].round_trips._outstanding) == MAX_OUTSTANDING
    assert len(roster._pings_to_unknown) == MAX_PINGS_TO_UNKNOWN


# Anything


@given(st.lists(st.tuples(FRAMES, st.sampled_from([HERE, THERE])), max_size=30))
def test_no_frames_raise_anything_in_a_roster_or_in_a_life(heard: list[tuple[Frame, tuple[str, int]]]) -> None:
    roster, life = Roster(), Life("C1", 60.0, 500)
    life.start(NOW)
    for frame, sender in heard:
        decoded = decode(frame.bus, encode(frame))
        roster.hear(decoded, sender, NOW)
        if isinstance(decoded, ControlFrame):
            life.hear(decoded, sender, NOW)
            life.hear(decoded._replace(source="C1"), sender, NOW)
    roster.tick(NOW)


@given(st.lists(st.tuples(st.sampled_from(Bus), st.binary(min_size=20, max_size=60)), max_size=30))
def test_no_datagrams_raise_anything_in_a_roster(datagrams: list[tuple[Bus, bytes]]) -> None:
    roster = Roster()
    refused = 0
    for bus, datagram in datagrams:
        try:
            roster.hear(decode(bus, datagram), HERE, NOW)
        except DecodeError as error:
            roster.bad_datagrams.count(error, HERE)
            refused += 1
    assert roster.bad_datagrams.total == refused


class AnyNetwork(RuleBasedStateMachine):
    """A listener on a network where anything is said, few names are used, and any clock may step."""

    def __init__(self) -> None:
        super().__init__()
        alarms = Alarms(Condition(">", 70), Condition("==", 0), hits=2)
        self.listener = Listener(
            [NodeProfile("C1", 60.0), NodeProfile("CC", operator=True)],
            [SensorProfile("C1", "C1", 20.0, alarms), SensorProfile("F2", "C1")],
        )
        self.events: list[Event] = []

    @rule(frame=FRAMES, source=st.sampled_from(["C1", "F2", "CC", "X9"]), sender=st.sampled_from([HERE, THERE]))
    def hear(self, frame: Frame, source: str, sender: tuple[str, int]) -> None:
        for _ in range(2):
            self.events = self.listener.hears(frame._replace(source=source), sender)

    @rule(value=st.floats(width=32))
    def read_any_float(self, value: float) -> None:
        self.events = self.listener.reads_float(value)

    @rule(sequence=SEQUENCES, timestamp_ms=TIMESTAMPS_MS, codifier=st.sampled_from(["C1", "F2", "X9"]))
    def read(self, sequence: int, timestamp_ms: int, codifier: str) -> None:
        self.events = self.listener.reads(20, codifier, sequence=sequence, timestamp_ms=timestamp_ms)
        self.events += self.listener.announces(sequence, codifier)

    @rule(count=st.integers(1, 300), stride=st.integers(1, 3))
    def read_with_gaps(self, count: int, stride: int) -> None:
        for index in range(count):
            self.listener.reads(index, sequence=1000 + index * stride)

    @rule(flag=st.sampled_from(sorted(CONTROL_FLAGS)), sequence=st.integers(0, 20), active=st.booleans())
    def say(self, flag: Flag, sequence: int, active: bool) -> None:  # noqa: FBT001 - hypothesis gives it
        self.events = self.listener.says(flag, sequence=sequence, active=active, destination="CC")

    @rule(codifiers=st.lists(CODIFIERS, max_size=50))
    def many_appear(self, codifiers: list[str]) -> None:
        for codifier in codifiers:
            self.events = self.listener.says(Flag.NEW, source=codifier)

    @rule(codifier=st.sampled_from(["C1", "X9", EVERYBODY]), number=st.floats(allow_nan=False, allow_infinity=False))
    def ping(self, codifier: str, number: float) -> None:
        self.listener.roster.pinged(codifier, number, self.listener.now)
        self.events = self.listener.says(Flag.PONG, number, "C1", "CC")

    @rule(seconds=st.floats(0, 500), step_s=st.just(0.0) | st.floats(-4000, 4000))
    def time_passes(self, seconds: float, step_s: float) -> None:
        self.listener.wait(seconds)
        self.listener.step_wall_clock(step_s)
        self.events = self.listener.tick()

    @invariant()
    def nothing_is_counted_below_zero(self) -> None:
        for record in records(self.listener.roster):
            assert min(record.tracker.missing, record.tracker.received, record.tracker.duplicates) >= 0
            assert 0 <= record.tracker.loss() <= 1

    @invariant()
    def what_is_kept_of_each_is_bounded(self) -> None:
        for record in records(self.listener.roster):
            assert len(record.tracker._gaps) <= MAX_GAPS
        for node in self.listener.roster.nodes.values():
            assert len(node.round_trips._outstanding) <= MAX_OUTSTANDING
            assert len(node.round_trips._recent or ()) <= KEPT_ROUND_TRIPS
            assert len(node.round_trips._offsets) <= OFFSET_SAMPLES

    @invariant()
    def the_unexpected_are_bounded(self) -> None:
        expected = {"C1", "CC", "F2"}
        unexpected = [record for record in records(self.listener.roster) if record.codifier not in expected]
        assert len(unexpected) <= MAX_UNEXPECTED

    @invariant()
    def no_age_is_below_zero(self) -> None:
        for sensor in self.listener.roster.sensors.values():
            age_s = sensor.age_s(self.listener.now.monotonic_s)
            assert age_s is None or age_s >= 0

    @invariant()
    def a_sensor_with_a_good_status_has_a_value(self) -> None:
        for codifier, sensor in self.listener.roster.sensors.items():
            if self.listener.status(codifier) in {Status.OK, Status.WARNING, Status.CRITICAL}:
                assert sensor.value is not None

    @invariant()
    def every_event_can_be_shown(self) -> None:
        for event in self.events:
            assert event.codifier
            assert event.detail.isprintable()


TestAnyNetwork = AnyNetwork.TestCase
TestAnyNetwork.settings = settings(max_examples=60, stateful_step_count=25)
