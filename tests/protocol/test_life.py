"""The life of a node: start, keep-alive, pings, commands, and other instances of the same codifier."""

import heapq
import math
from collections.abc import Iterable
from typing import Final, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from protocol.commands import MAX_REMEMBERED, Code, pack_pair
from protocol.frames import COMMANDS, CONTROL_FLAGS, ControlFrame, Flag, encode
from protocol.instants import Instant
from protocol.life import (
    COMMANDS_PER_S,
    PONGS_PER_S,
    PROBE_S,
    REMINDERS_PER_S,
    Act,
    Action,
    GiveWay,
    Life,
    Rival,
    Send,
    Settled,
    frames_of,
)
from protocol.members import Sender
from protocol.sequences import MODULUS
from tests.protocol.strategies import CODIFIERS, CONTROL_FRAMES

WALL_MS: Final = 1795334500000.0
KEEPALIVE_S: Final = 60.0
HERE: Final = ("10.0.0.1", 40001)
ELSEWHERE: Final = ("10.0.0.2", 40002)


def at(seconds: float, wall_ms: float | None = None) -> Instant:
    """`seconds` after the start, on both clocks unless the wall clock is said to have stepped."""
    return Instant(100.0 + seconds, WALL_MS + seconds * 1000 if wall_ms is None else wall_ms)


def newcomer(*, takeover: bool = False, first_sequence: int = 500) -> Life:
    life = Life("C1", KEEPALIVE_S, first_sequence, takeover=takeover)
    life.start(at(0))
    return life


def incumbent() -> Life:
    life = newcomer()
    life.tick(at(PROBE_S))
    return life


def said(  # noqa: PLR0917 - in the order of a frame's fields
    flag: Flag,
    source: str = "CC",
    destination: str = "C1",
    number: float = 0.0,
    sequence: int = 7,
    timestamp_ms: int = int(WALL_MS),
) -> ControlFrame:
    return ControlFrame(sequence, timestamp_ms, flag, source, destination, number, True)


def namesake(flag: Flag, config_time_ms: float = WALL_MS + 500, sequence: int = 90_000) -> ControlFrame:
    return said(flag, "C1", "@@", config_time_ms, sequence)


def flags(actions: Iterable[Action]) -> list[Flag]:
    return [frame.flag for frame in frames_of(actions)]


# Start and keep-alive


def test_a_node_announces_itself_with_its_config_time_to_everybody() -> None:
    life = Life("C1", KEEPALIVE_S, 500)
    (frame,) = frames_of(life.start(at(0)))
    assert frame == ControlFrame(500, int(WALL_MS), Flag.NEW, "C1", "@@", WALL_MS, True)


def test_a_node_may_start_without_sending_readings() -> None:
    (frame,) = frames_of(Life("C1", KEEPALIVE_S, 500).start(at(0), active=False))
    assert frame.active is False


def test_a_node_is_settled_when_nobody_answered_for_a_second_and_says_that_it_lives() -> None:
    life = newcomer()
    assert (life.settled, life.due_s) == (False, at(PROBE_S).monotonic_s)
    settled, alive = life.tick(at(PROBE_S))
    assert settled == Settled()
    assert flags([alive]) == [Flag.ALIVE]
    assert life.settled


def test_before_its_time_a_tick_does_nothing() -> None:
    assert newcomer().tick(at(PROBE_S - 0.001)) == []


def test_a_node_that_reads_nothing_keeps_saying_that_it_lives() -> None:
    life = incumbent()
    said_at_s = [second for second in range(200) if flags(life.tick(at(PROBE_S + second))) == [Flag.ALIVE]]
    assert said_at_s == [60, 120, 180]


def test_a_node_that_reads_need_not_say_that_it_lives() -> None:
    life = incumbent()
    for second in range(5, 600, 5):
        life.read(at(second))
        assert life.tick(at(second + 4.9)) == []


def test_after_its_last_reading_a_node_says_after_one_interval_that_it_lives() -> None:
    life = incumbent()
    life.read(at(30))
    assert life.tick(at(89.9)) == []
    assert flags(life.tick(at(90))) == [Flag.ALIVE]


def test_control_frames_are_numbered_one_by_one_and_zero_follows_the_largest_number() -> None:
    life = newcomer(first_sequence=MODULUS - 1)
    assert [frame.sequence for frame in frames_of(life.tick(at(PROBE_S)))] == [0]
    assert life.say(Flag.PING, "@@", 1.0, at(2)).sequence == 1


def test_a_reload_is_announced_with_a_new_config_time_and_the_next_sequence() -> None:
    (frame,) = frames_of(incumbent().reloaded(at(10)))
    assert (frame.flag, frame.sequence, frame.number) == (Flag.NEW, 502, WALL_MS + 10_000)


def test_a_node_that_leaves_says_that_no_more_readings_come() -> None:
    (frame,) = frames_of(incumbent().leave(at(10)))
    assert (frame.flag, frame.active) == (Flag.ALIVE, False)


def test_a_wall_clock_that_steps_an_hour_back_delays_no_keep_alive() -> None:
    life = incumbent()
    (frame,) = frames_of(life.tick(at(PROBE_S + KEEPALIVE_S, WALL_MS - 3_600_000)))
    assert (frame.flag, frame.timestamp_ms, frame.number) == (Flag.ALIVE, int(WALL_MS) - 3_600_000, WALL_MS)


# Pings


@pytest.mark.parametrize("destination", ["C1", "@@"])
def test_a_ping_is_answered_with_its_number_and_the_time(destination: str) -> None:
    (frame,) = frames_of(incumbent().hear(said(Flag.PING, "CC", destination, 123.25), ELSEWHERE, at(5)))
    assert (frame.flag, frame.destination, frame.number) == (Flag.PONG, "CC", 123.25)
    assert frame.timestamp_ms == at(5).wall_ms


@pytest.mark.parametrize("flag", sorted(CONTROL_FLAGS))
def test_what_is_said_to_another_node_is_left_alone(flag: Flag) -> None:
    assert incumbent().hear(said(flag, "CC", "C2"), ELSEWHERE, at(5)) == []


def test_pings_at_once_are_answered_50_times_and_the_rest_is_counted() -> None:
    life = incumbent()
    answers = [life.hear(said(Flag.PING), ELSEWHERE, at(5)) for _ in range(300)]
    assert sum(map(len, answers)) == PONGS_PER_S == 50
    assert life.pongs.refused == 250


def test_a_flood_of_pings_is_answered_50_times_a_second() -> None:
    life = incumbent()
    answers = [life.hear(said(Flag.PING), ELSEWHERE, at(5 + index / 1000)) for index in range(10_000)]
    assert sum(map(len, answers)) == pytest.approx(PONGS_PER_S * 11, abs=1)


# Commands


@pytest.mark.parametrize("flag", sorted(COMMANDS))
@pytest.mark.parametrize("destination", ["C1", "@@"])
def test_a_command_is_handed_on_to_be_carried_out(flag: Flag, destination: str) -> None:
    command = said(flag, destination=destination)
    assert incumbent().hear(command, ELSEWHERE, at(5)) == [Act(command)]


@pytest.mark.parametrize("flag", sorted(CONTROL_FLAGS - COMMANDS - {Flag.PING}))
def test_what_asks_for_nothing_is_not_answered(flag: Flag) -> None:
    assert incumbent().hear(said(flag), ELSEWHERE, at(5)) == []


@pytest.mark.parametrize("code", Code)
def test_the_answer_names_the_command_and_how_it_ended(code: Code) -> None:
    life, command = incumbent(), said(Flag.SET, sequence=4_000_000_000)
    life.hear(command, ELSEWHERE, at(5))
    (frame,) = frames_of(life.acted(command, code, at(5.1)))
    assert (frame.flag, frame.destination, frame.number) == (Flag.ACKNOWLEDGE, "CC", pack_pair(4_000_000_000, code))


@pytest.mark.parametrize(("flag", "active"), [(Flag.START, True), (Flag.HALT, False)])
def test_after_start_and_halt_a_node_tells_everybody_its_state(flag: Flag, active: bool) -> None:  # noqa: FBT001
    life = incumbent()
    life.set_active(active=active)
    _, alive = frames_of(life.acted(said(flag), Code.TAKEN, at(5)))
    assert (alive.flag, alive.destination, alive.active) == (Flag.ALIVE, "@@", active)


def test_after_a_reload_a_node_announces_itself() -> None:
    assert flags(incumbent().acted(said(Flag.RELOAD), Code.TAKEN, at(5))) == [Flag.ACKNOWLEDGE, Flag.NEW]


@pytest.mark.parametrize("flag", sorted(COMMANDS))
def test_a_refused_command_is_answered_and_nothing_else(flag: Flag) -> None:
    assert flags(incumbent().acted(said(flag), Code.DRIVER_FAILED, at(5))) == [Flag.ACKNOWLEDGE]


def test_a_repeated_command_gets_the_same_answer_and_is_not_carried_out_again() -> None:
    life, command = incumbent(), said(Flag.STEP, number=5.0)
    life.hear(command, ELSEWHERE, at(5))
    (first,) = frames_of(life.acted(command, Code.OUT_OF_RANGE, at(5.1)))
    (second,) = frames_of(life.hear(command, ELSEWHERE, at(5.2)))
    assert (second.flag, second.destination, second.number) == (first.flag, first.destination, first.number)


def test_a_command_that_is_repeated_while_it_is_under_way_is_answered_once() -> None:
    life, command = incumbent(), said(Flag.STEP, number=5.0)
    heard = [life.hear(command, ELSEWHERE, at(5 + after_s)) for after_s in (0, 0.2, 0.6, 1.4)]
    assert heard == [[Act(command)], [], [], []]
    assert flags(life.acted(command, Code.TAKEN, at(7))) == [Flag.ACKNOWLEDGE]


def test_a_repeated_halt_is_answered_without_telling_everybody_again() -> None:
    life, command = incumbent(), said(Flag.HALT)
    life.hear(command, ELSEWHERE, at(5))
    life.acted(command, Code.TAKEN, at(5.1))
    assert flags(life.hear(command, ELSEWHERE, at(5.2))) == [Flag.ACKNOWLEDGE]


def test_too_many_commands_at_once_are_refused_and_may_be_sent_again_later() -> None:
    life = incumbent()
    commands = [said(Flag.STEP, sequence=sequence) for sequence in range(60)]
    heard = [life.hear(command, ELSEWHERE, at(5)) for command in commands]
    assert [len(frames_of(actions)) for actions in heard] == [0] * 50 + [1] * 10
    (refusal,) = frames_of(heard[-1])
    assert refusal.number == pack_pair(59, Code.TOO_MANY)
    assert life.hear(commands[-1], ELSEWHERE, at(6)) == [Act(commands[-1])]


def test_a_flood_of_commands_is_neither_carried_out_nor_answered_at_its_own_rate() -> None:
    life = incumbent()
    actions = [
        action
        for sequence in range(10_000)
        for action in life.hear(said(Flag.STEP, sequence=sequence), ELSEWHERE, at(5 + sequence / 10_000))
    ]
    acts = sum(isinstance(action, Act) for action in actions)
    assert acts == pytest.approx(100, abs=1)
    assert len(actions) - acts == pytest.approx(100, abs=1)


def test_a_flood_of_one_command_is_not_answered_at_its_own_rate() -> None:
    life, command = incumbent(), said(Flag.STEP)
    life.hear(command, ELSEWHERE, at(5))
    life.acted(command, Code.TAKEN, at(5))
    answers = [life.hear(command, ELSEWHERE, at(5)) for _ in range(1000)]
    assert sum(map(len, answers)) == COMMANDS_PER_S


def test_a_newcomer_takes_no_commands_lest_the_incumbent_takes_them_too() -> None:
    life, command = newcomer(), said(Flag.STEP)
    assert life.hear(command, ELSEWHERE, at(0.9)) == []
    life.tick(at(PROBE_S))
    assert life.hear(command, ELSEWHERE, at(1.1)) == [Act(command)]


# Other instances


def test_an_incumbent_survives_a_newcomer_tells_it_that_it_is_there_and_reports_it() -> None:
    life = incumbent()
    rival, reminder = life.hear(namesake(Flag.NEW), ELSEWHERE, at(5))
    assert rival == Rival(ELSEWHERE)
    assert flags([reminder]) == [Flag.ALIVE]
    assert life.rivals == 1


@pytest.mark.parametrize("number", [0.0, WALL_MS - 1, WALL_MS, 1e300, math.nan, math.inf, -math.inf])
def test_an_incumbent_survives_whatever_number_is_forged(number: float) -> None:
    life = incumbent()
    actions = life.hear(namesake(Flag.NEW, number), ELSEWHERE, at(5))
    assert GiveWay(ELSEWHERE) not in actions
    assert life.settled


def test_an_incumbent_does_not_answer_a_rival_that_lives_too() -> None:
    assert incumbent().hear(namesake(Flag.ALIVE), ELSEWHERE, at(5)) == [Rival(ELSEWHERE)]


@pytest.mark.parametrize("flag", [Flag.NEW, Flag.ALIVE])
def test_a_flood_of_rivals_is_counted_but_answered_and_reported_5_times_a_second(flag: Flag) -> None:
    life = incumbent()
    actions = [
        action
        for index in range(10_000)
        for action in life.hear(namesake(flag, sequence=index), ELSEWHERE, at(5 + index / 1000))
    ]
    assert life.rivals == 10_000
    assert sum(isinstance(action, Rival) for action in actions) == pytest.approx(REMINDERS_PER_S * 11, abs=1)
    assert len(frames_of(actions)) == (pytest.approx(REMINDERS_PER_S * 11, abs=1) if flag is Flag.NEW else 0)


def test_own_frames_that_come_back_are_no_rival() -> None:
    life = Life("C1", KEEPALIVE_S, MODULUS - 2)
    own = frames_of([*life.start(at(0)), *life.tick(at(1)), *life.tick(at(61)), *life.reloaded(at(62))])
    assert [life.hear(frame, HERE, at(63)) for frame in own] == [[]] * 4
    assert life.rivals == 0


def test_own_frames_that_come_back_while_starting_are_no_incumbent() -> None:
    life = Life("C1", KEEPALIVE_S, 500)
    (own,) = frames_of(life.start(at(0)))
    assert life.hear(own, HERE, at(0.1)) == []
    assert [type(action) for action in life.tick(at(PROBE_S))] == [Settled, Send]


def test_a_frame_of_before_a_reload_that_comes_back_after_it_is_no_rival() -> None:
    life = incumbent()
    (before,) = frames_of(life.tick(at(61)))
    life.reloaded(at(61))
    assert life.hear(before, HERE, at(61)) == []


def test_a_rival_on_this_very_computer_is_one_all_the_same() -> None:
    assert Rival(HERE) in incumbent().hear(namesake(Flag.NEW), HERE, at(5))


@pytest.mark.parametrize("config_time_ms", [0.0, WALL_MS - 5e6, WALL_MS, WALL_MS + 5e6])
def test_a_newcomer_gives_way_to_an_incumbent_whatever_its_clock_says(config_time_ms: float) -> None:
    life = newcomer()
    assert life.hear(namesake(Flag.ALIVE, config_time_ms), ELSEWHERE, at(0.5)) == [GiveWay(ELSEWHERE)]


def test_a_node_that_gave_way_has_nothing_more_to_do_or_to_say() -> None:
    life = newcomer()
    life.hear(namesake(Flag.ALIVE), ELSEWHERE, at(0.5))
    assert [life.hear(said(flag), ELSEWHERE, at(0.6)) for flag in sorted(CONTROL_FLAGS)] == [[]] * len(CONTROL_FLAGS)
    assert life.hear(namesake(Flag.NEW), ELSEWHERE, at(0.6)) == []
    assert life.tick(at(1000)) == []
    assert (life.settled, life.due_s) == (False, math.inf)


def test_a_takeover_starts_although_an_incumbent_answers() -> None:
    life = newcomer(takeover=True)
    assert life.hear(namesake(Flag.ALIVE), ELSEWHERE, at(0.5)) == []
    assert life.tick(at(PROBE_S))[0] == Settled()


def test_a_takeover_tells_other_newcomers_that_it_is_there() -> None:
    life = newcomer(takeover=True)
    assert flags(life.hear(namesake(Flag.NEW, WALL_MS - 500), ELSEWHERE, at(0.5))) == [Flag.ALIVE]


@pytest.mark.parametrize("flag", sorted(CONTROL_FLAGS - {Flag.NEW, Flag.ALIVE}))
def test_other_frames_of_a_namesake_say_nothing(flag: Flag) -> None:
    assert newcomer().hear(namesake(flag), ELSEWHERE, at(0.5)) == []


def test_of_two_newcomers_the_later_one_gives_way_and_the_earlier_one_tells_it() -> None:
    later, earlier = namesake(Flag.NEW, WALL_MS + 1), namesake(Flag.NEW, WALL_MS - 1)
    assert flags(newcomer().hear(later, ELSEWHERE, at(0.1))) == [Flag.ALIVE]
    assert newcomer().hear(earlier, ELSEWHERE, at(0.1)) == [GiveWay(ELSEWHERE)]


def test_of_two_newcomers_of_the_same_millisecond_the_smaller_sequence_stays() -> None:
    larger, smaller = namesake(Flag.NEW, WALL_MS, 90_000), namesake(Flag.NEW, WALL_MS, 499)
    assert flags(newcomer().hear(larger, ELSEWHERE, at(0.1))) == [Flag.ALIVE]
    assert newcomer().hear(smaller, ELSEWHERE, at(0.1)) == [GiveWay(ELSEWHERE)]


class Start(NamedTuple):
    """One instance: when it starts, how far its clock is off, and how long its frames are under way."""

    at_s: float
    clock_s: float
    latency_s: float
    sequence: int


FIRST_SEQUENCES = st.integers(0, MODULUS // 1000 - 1).map(lambda index: 1000 * index)  # random ones are never near
STARTS = st.builds(Start, st.floats(0, 2), st.floats(-5, 5), st.floats(0, 0.3), FIRST_SEQUENCES)


def several(smallest: int, largest: int) -> st.SearchStrategy[list[Start]]:
    return st.lists(STARTS, min_size=smallest, max_size=largest, unique_by=lambda start: start.sequence)


def at_other_milliseconds(starts: list[Start]) -> list[Start]:
    return [start._replace(at_s=start.at_s + index / 500) for index, start in enumerate(starts)]


def survivors(starts: list[Start]) -> int:
    """Start instances of one codifier on a network that loses nothing; return how many run after 20 s."""
    lives: dict[int, Life] = {}
    events: list[tuple[float, int, int, ControlFrame | None]] = []
    order = iter(range(1_000_000))

    def do(instance: int, now_s: float, actions: list[Action]) -> None:
        if any(isinstance(action, GiveWay) for action in actions):
            del lives[instance]
            return
        for frame in frames_of(actions):
            arrival_s = now_s + starts[instance].latency_s
            for other in range(len(starts)):
                heapq.heappush(events, (arrival_s, next(order), other, frame))
        heapq.heappush(events, (lives[instance].due_s, next(order), instance, None))

    for instance, start in enumerate(starts):
        heapq.heappush(events, (start.at_s, next(order), ~instance, None))
    while events and events[0][0] < 20:
        now_s, _, instance, frame = heapq.heappop(events)
        index = instance if instance >= 0 else ~instance
        now = Instant(now_s, WALL_MS + (now_s + starts[index].clock_s) * 1000)
        if instance < 0:
            lives[index] = Life("C1", KEEPALIVE_S, starts[index].sequence)
            do(index, now_s, lives[index].start(now))
        elif index in lives:
            life = lives[index]
            do(index, now_s, life.tick(now) if frame is None else life.hear(frame, ELSEWHERE, now))
    return len(lives)


@given(several(2, 2))
def test_of_two_newcomers_exactly_one_stays_whenever_they_start_and_whatever_their_clocks_say(
    starts: list[Start],
) -> None:
    assert survivors(starts) == 1


@given(several(3, 5))
def test_of_many_newcomers_never_two_stay(starts: list[Start]) -> None:
    assert survivors(starts) <= 1


@given(several(3, 5))
def test_of_many_newcomers_whose_clocks_agree_exactly_one_stays(starts: list[Start]) -> None:
    assert survivors([start._replace(clock_s=0.0) for start in at_other_milliseconds(starts)]) == 1


def test_an_earlier_newcomer_heeds_no_later_one_that_answers_one_that_is_later_still() -> None:
    life = newcomer()
    life.hear(namesake(Flag.NEW, WALL_MS + 1, 90_000), ELSEWHERE, at(0.1))
    assert life.hear(namesake(Flag.ALIVE, WALL_MS + 1, 90_001), ELSEWHERE, at(0.2)) == []


def test_an_incumbent_is_heeded_also_when_its_config_time_is_a_later_newcomers_too() -> None:
    life = newcomer()
    life.hear(namesake(Flag.NEW, WALL_MS + 1, 90_000), ELSEWHERE, at(0.1))
    assert life.hear(namesake(Flag.ALIVE, WALL_MS + 1, 5_000_000), HERE, at(0.2)) == [GiveWay(HERE)]


def test_a_newcomer_remembers_a_bounded_number_of_later_ones() -> None:
    life = newcomer()
    for later in range(10_000):
        life.hear(namesake(Flag.NEW, WALL_MS + later), ELSEWHERE, at(0.5))
    assert len(life._followers) == 64


@given(st.sets(st.floats(-5, 5), min_size=2, max_size=6))
def test_of_many_newcomers_at_the_same_moment_exactly_one_stays(clocks_s: set[float]) -> None:
    assert survivors([Start(0.0, clock_s, 0.001, index) for index, clock_s in enumerate(sorted(clocks_s))]) == 1


# Anything


class AnyFrames(RuleBasedStateMachine):
    """A node that hears anything, at any time, from anybody."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Life("C1", KEEPALIVE_S, 500)
        self.now = at(0)
        self.actions = self.life.start(self.now)
        self.under_way: list[ControlFrame] = []
        self.acted: list[ControlFrame] = []

    def take(self, actions: list[Action]) -> None:
        self.actions = actions
        self.under_way += [action.command for action in actions if isinstance(action, Act)]
        self.acted += [action.command for action in actions if isinstance(action, Act)]

    @rule(seconds=st.floats(0, 100), step_ms=st.just(0.0) | st.floats(-4e6, 4e6))
    def time_passes(self, seconds: float, step_ms: float) -> None:
        self.now = Instant(self.now.monotonic_s + seconds, max(0.0, self.now.wall_ms + seconds * 1000 + step_ms))
        self.take(self.life.tick(self.now))

    @rule(frame=CONTROL_FRAMES, source=CODIFIERS | st.just("C1"), destination=st.sampled_from(["C1", "@@", "C2"]))
    def hears(self, frame: ControlFrame, source: str, destination: str) -> None:
        frame = frame._replace(source=source, destination=destination)
        for _ in range(2):
            self.take(self.life.hear(frame, ELSEWHERE, self.now))

    @rule(number=st.floats(), flag=st.sampled_from(sorted(CONTROL_FLAGS)))
    def hears_numbers_that_no_frame_should_hold(self, number: float, flag: Flag) -> None:
        for source in ("C1", "CC"):
            self.take(self.life.hear(said(flag, source, number=number), ELSEWHERE, self.now))

    @rule(sender=st.tuples(st.ip_addresses().map(str), st.integers(0, 65535)), config_time_ms=st.floats())
    def meets_a_namesake(self, sender: Sender, config_time_ms: float) -> None:
        self.take(self.life.hear(namesake(Flag.NEW, config_time_ms), sender, self.now))

    @rule(code=st.sampled_from(Code))
    def finishes_what_is_under_way(self, code: Code) -> None:
        under_way, self.under_way = self.under_way, []
        for command in under_way:
            self.take(self.life.acted(command, code, self.now))

    @invariant()
    def what_it_says_can_be_sent_and_names_it(self) -> None:
        for frame in frames_of(self.actions):
            if math.isfinite(frame.number):
                encode(frame)
            assert frame.source == "C1"

    @invariant()
    def nothing_is_carried_out_twice(self) -> None:
        identities = [(command.source, command.sequence, command.timestamp_ms) for command in self.acted]
        assert len(identities) == len(set(identities)) <= MAX_REMEMBERED

    @invariant()
    def it_remembers_no_more_than_it_may(self) -> None:
        assert len(self.life._memory._codes) <= MAX_REMEMBERED


TestAnyFrames = AnyFrames.TestCase
TestAnyFrames.settings = settings(max_examples=60, stateful_step_count=25)
