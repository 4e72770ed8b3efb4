"""Other instances of a node: forged ones, incumbents, newcomers, and its own frames that come back."""

import heapq
import math
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.frames import CONTROL_FLAGS, ControlFrame, Flag
from protocol.instants import Instant
from protocol.life import PROBE_S, REMINDERS_PER_S, Action, GiveWay, Life, Rival, Send, Settled, frames_of
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


def asks(life: Life, flag: Flag = Flag.ALIVE, config_time_ms: float = WALL_MS - 500) -> ControlFrame:
    """Let a newcomer hear a namesake whose tag is genuine, and return what it says to that."""
    (asked,) = frames_of(life.hear(tagged(namesake(flag, config_time_ms)), ELSEWHERE, at(0.1)))
    return asked


def answer(asked: ControlFrame) -> ControlFrame:
    """Let an incumbent answer."""
    life = newcomer(first_sequence=7)
    life.tick(at(PROBE_S))
    (answered,) = frames_of(life.hear(tagged(asked), HERE, at(5)))
    return answered


@pytest.mark.parametrize("flag", [Flag.NEW, Flag.ALIVE])
def test_a_tagged_namesake_may_have_been_recorded_so_it_is_asked_whether_it_is_there(flag: Flag) -> None:
    life = newcomer()
    asked = asks(life, flag)
    assert (asked.flag, asked.source, asked.destination, asked.number) == (Flag.PING, "C1", "C1", 500.0)
    actions = life.tick(at(PROBE_S))
    assert actions[0] == Settled()


def test_a_newcomer_gives_way_to_who_answers_from_where_it_answers() -> None:
    life = newcomer()
    answered = answer(asks(life))
    assert (answered.flag, answered.destination) == (Flag.PONG, "C1")
    assert life.hear(tagged(answered), ELSEWHERE, at(0.2)) == [GiveWay(ELSEWHERE)]
    assert (life.settled, life.due_s) == (False, math.inf)


def test_it_asks_again_and_again_until_the_end_of_its_first_second() -> None:
    life = newcomer()
    asks(life)
    assert life.hear(tagged(namesake(Flag.ALIVE)), ELSEWHERE, at(0.15)) == []
    moments = []
    while life.due_s < at(PROBE_S).monotonic_s:
        moments.append(life.due_s - at(0).monotonic_s)
        assert flags(life.tick(Instant(life.due_s, WALL_MS))) == [Flag.PING]
    assert moments == pytest.approx([0.3, 0.5, 0.7, 0.9])


def test_an_answer_to_somebody_else_s_question_shows_nothing() -> None:
    life = newcomer()
    answered = answer(asks(newcomer(first_sequence=501)))
    assert life.hear(tagged(answered), ELSEWHERE, at(0.1)) == []
    asks(life)
    assert life.hear(tagged(answered), ELSEWHERE, at(0.2)) == []
    assert life.tick(at(PROBE_S))[0] == Settled()


def test_an_answer_that_comes_too_late_changes_nothing() -> None:
    life = newcomer()
    answered = answer(asks(life))
    life.tick(at(PROBE_S))
    assert life.hear(tagged(answered), ELSEWHERE, at(PROBE_S)) == []


def test_who_sends_a_newcomer_its_own_question_back_gets_no_answer() -> None:
    life = newcomer()
    asked = asks(life)
    assert life.hear(tagged(asked), ELSEWHERE, at(0.2)) == []
    life.tick(at(PROBE_S))
    assert life.hear(tagged(asked), ELSEWHERE, at(2)) == []


def test_of_two_newcomers_the_earlier_one_answers_before_its_own_first_second_is_over() -> None:
    later = Life("C1", KEEPALIVE_S, 900)
    later.start(at(0.1))
    earlier = newcomer()
    (reminder,) = frames_of(earlier.hear(tagged(namesake(Flag.NEW, WALL_MS + 100)), ELSEWHERE, at(0.1)))
    (asked,) = frames_of(later.hear(tagged(reminder), HERE, at(0.2)))
    (answered,) = frames_of(earlier.hear(tagged(asked), ELSEWHERE, at(0.3)))
    assert later.hear(tagged(answered), HERE, at(0.4)) == [GiveWay(HERE)]
    assert earlier.tick(at(PROBE_S))[0] == Settled()


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
