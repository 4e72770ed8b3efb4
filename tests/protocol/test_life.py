"""The life of a node: start, keep-alive, pings and commands."""

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from protocol.commands import MAX_REMEMBERED, Code, pack_pair
from protocol.frames import COMMANDS, CONTROL_FLAGS, ControlFrame, Flag, encode
from protocol.freshness import Freshness
from protocol.instants import Instant
from protocol.life import (
    COMMANDS_PER_S,
    PONGS_PER_S,
    PROBE_S,
    Act,
    Action,
    Life,
    Settled,
    Stale,
    frames_of,
)
from protocol.members import Sender
from protocol.sequences import MODULUS
from tests.protocol.living import (
    ELSEWHERE,
    HERE,
    KEEPALIVE_S,
    WALL_MS,
    at,
    flags,
    incumbent,
    namesake,
    newcomer,
    said,
    tagged,
)
from tests.protocol.strategies import CODIFIERS, CONTROL_FRAMES

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
    answers = [life.hear(said(Flag.PING), ("10.0.0.2", port), at(5)) for port in range(300)]
    assert sum(map(len, answers)) == PONGS_PER_S == 50
    assert life.pongs.refused == 250


def test_a_flood_of_pings_is_answered_50_times_a_second() -> None:
    life = incumbent()
    senders = [("10.0.0.2", port) for port in range(7)]
    answers = [life.hear(said(Flag.PING), senders[index % 7], at(5 + index / 1000)) for index in range(10_000)]
    assert sum(map(len, answers)) == pytest.approx(PONGS_PER_S * 11, abs=len(senders))


def test_who_floods_a_node_with_pings_leaves_half_of_its_answers_to_the_others() -> None:
    life = incumbent()
    flood = [life.hear(said(Flag.PING), ELSEWHERE, at(5 + index / 1000)) for index in range(10_000)]
    assert sum(map(len, flood)) == pytest.approx(PONGS_PER_S + PONGS_PER_S / 2 * 10, abs=1)
    assert flags(life.hear(said(Flag.PING), HERE, at(15))) == [Flag.PONG]


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
    assert len(actions) - acts == pytest.approx(75, abs=1)


def test_a_flood_of_one_command_is_not_answered_at_its_own_rate() -> None:
    life, command = incumbent(), said(Flag.STEP)
    life.hear(command, ELSEWHERE, at(5))
    life.acted(command, Code.TAKEN, at(5))
    answers = [life.hear(command, ("10.0.0.2", port), at(5)) for port in range(1000)]
    assert sum(map(len, answers)) == COMMANDS_PER_S


def test_who_plays_commands_again_takes_nothing_away_from_those_that_are_new() -> None:
    life = incumbent()
    life.guard(Freshness(at(0)), [])
    old = [tagged(said(Flag.STEP, sequence=number, timestamp_ms=int(WALL_MS) - 1)) for number in range(1000)]
    actions = [action for command in old for action in life.hear(command, ELSEWHERE, at(5))]
    assert sum(isinstance(action, Stale) for action in actions) == life.stale == 1000
    assert len(frames_of(actions)) == COMMANDS_PER_S
    new = tagged(said(Flag.STEP, timestamp_ms=int(at(5).wall_ms)))
    assert life.hear(new, HERE, at(5)) == [Act(new)]


def test_who_forges_commands_leaves_half_of_the_answers_to_the_others() -> None:
    life = incumbent()
    moments = [at(5 + number / 1000) for number in range(10_000)]
    refusals = [life.refuse(said(Flag.STEP, sequence=number), ELSEWHERE, now) for number, now in enumerate(moments)]
    assert sum(map(len, refusals)) == pytest.approx(COMMANDS_PER_S + COMMANDS_PER_S / 2 * 10, abs=1)
    assert flags(life.refuse(said(Flag.STEP), HERE, at(15))) == [Flag.ACKNOWLEDGE]


def test_a_command_that_was_one_too_many_is_not_stale_when_it_is_repeated() -> None:
    life = incumbent()
    life.guard(Freshness(at(0)), [])
    commands = [tagged(said(Flag.STEP, sequence=number, timestamp_ms=int(at(5).wall_ms))) for number in range(51)]
    for command in commands:
        life.hear(command, ELSEWHERE, at(5))
    assert life.hear(commands[-1], ELSEWHERE, at(6)) == [Act(commands[-1])]


def test_a_newcomer_takes_no_commands_lest_the_incumbent_takes_them_too() -> None:
    life, command = newcomer(), said(Flag.STEP)
    assert life.hear(command, ELSEWHERE, at(0.9)) == []
    life.tick(at(PROBE_S))
    assert life.hear(command, ELSEWHERE, at(1.1)) == [Act(command)]


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
