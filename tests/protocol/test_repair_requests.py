"""When a receiver asks for what is missing, for how much at once, and how it shares its requests among the sensors."""

import itertools

import pytest

from protocol.patience import ANSWER_S, MAX_RANGES, MAX_UNDER_WAY, RETRY_AFTER_S, SILENT_S, WAIT_S
from protocol.repair import CONSOLE_RANGES, MAX_REQUESTED
from tests.protocol.repairing import LONG_S, Receiver

NEVER = float("inf")
WAITED_S = 0.1


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


def times_asked(receiver: Receiver, count: int) -> list[float]:
    """Return when the next requests are sent, in seconds from now, if nobody answers."""
    began_s, times_s = receiver.now.monotonic_s, list[float]()
    while len(times_s) < count:
        receiver.wait(receiver.repairs.due_s - receiver.now.monotonic_s)
        if receiver.repairs.requests(receiver.now):
            times_s.append(receiver.now.monotonic_s - began_s)
    return times_s


# When


def test_nothing_is_due_while_nothing_is_missing(receiver: Receiver) -> None:
    receiver.hears(10, 11)
    assert receiver.repairs.due_s == NEVER


def test_the_first_request_waits_for_readings_that_are_only_late(receiver: Receiver) -> None:
    receiver.hears(10, 12)
    assert receiver.repairs.due_s == pytest.approx(receiver.now.monotonic_s + WAIT_S)
    assert receiver.asks() == []
    assert receiver.asks(after_s=WAIT_S) == [(11, 1)]


def test_while_an_answer_is_awaited_nothing_is_asked_again(receiver: Receiver) -> None:
    receiver.hears(10, 12)
    receiver.asks(after_s=WAIT_S)
    assert receiver.asks(after_s=ANSWER_S * 0.9) == []
    assert receiver.asks(after_s=ANSWER_S * 0.1) == [(11, 1)]


def test_what_is_not_answered_is_asked_for_less_and_less_often(receiver: Receiver) -> None:
    receiver.hears(10, 12)
    times_s = times_asked(receiver, len(RETRY_AFTER_S) + 3)
    pauses_s = [later - earlier for earlier, later in itertools.pairwise(times_s)]
    assert pauses_s == pytest.approx([*RETRY_AFTER_S, RETRY_AFTER_S[-1], RETRY_AFTER_S[-1]])


def test_pauses_grow_from_a_fifth_of_a_second_to_half_a_minute() -> None:
    assert (RETRY_AFTER_S[0], RETRY_AFTER_S[-1]) == (0.2, 30.0)
    assert list(RETRY_AFTER_S) == sorted(RETRY_AFTER_S)


def test_jitter_makes_pauses_longer_by_up_to_half() -> None:
    receiver = Receiver(jitter=1.0)
    receiver.hears(10, 12)
    first_s, *later_s = times_asked(receiver, 3)
    assert first_s == pytest.approx(WAIT_S * 1.5)
    assert later_s == pytest.approx([first_s + 0.3, first_s + 0.6])


def test_after_its_requests_nothing_is_due_at_the_same_moment(receiver: Receiver) -> None:
    for codifier in ("C1", "C2", "C3"):
        receiver.hears(0, 1000, codifier=codifier)
    for _ in range(30):
        receiver.repairs.requests(receiver.now)
        assert receiver.repairs.due_s > receiver.now.monotonic_s
        receiver.wait(receiver.repairs.due_s - receiver.now.monotonic_s)


def test_an_answer_begins_the_pauses_anew(receiver: Receiver) -> None:
    receiver.hears(10, 13)
    times_asked(receiver, 12)
    receiver.is_answered(11)
    assert times_asked(receiver, 3) == pytest.approx([0.05, 0.25, 0.45], abs=0.2)


def test_a_refusal_is_an_answer(receiver: Receiver) -> None:
    receiver.hears(10, 12, 14)
    times_asked(receiver, 12)
    receiver.is_refused(11, 1)
    assert times_asked(receiver, 1)[0] <= ANSWER_S


def test_a_sensor_that_comes_back_after_a_silence_is_asked_at_once(receiver: Receiver) -> None:
    receiver.hears(10, 12)
    times_asked(receiver, len(RETRY_AFTER_S))
    receiver.wait(SILENT_S)
    receiver.hears(13)
    assert receiver.asks() == [(11, 1)]


def test_a_sensor_that_goes_on_speaking_is_not_asked_more_often_for_that(receiver: Receiver) -> None:
    receiver.hears(10, 12)
    asked = 0
    for tenth in range(600):
        asked += len(receiver.asks(after_s=0.1))
        if tenth % 10 == 0:
            receiver.hears(13 + tenth // 10)
    assert asked <= 1 + sum(sum(RETRY_AFTER_S[:count]) < 60 for count in range(len(RETRY_AFTER_S)))


def test_what_is_put_off_is_not_lost(receiver: Receiver) -> None:
    receiver.hears(10, 12)
    receiver.wait(7 * 24 * 3600.0)
    assert receiver.asks() == [(11, 1)]
    assert receiver.is_answered(11) == [True]


# How much


def test_a_request_is_for_64_readings_at_most(receiver: Receiver) -> None:
    receiver.hears(0, 1 + MAX_REQUESTED + 6)
    assert MAX_REQUESTED == 64
    assert receiver.asks(after_s=WAIT_S) == [(1, 64), (65, 6)]


def test_of_a_long_silence_no_more_is_asked_for_at_once_than_an_agent_answers_soon(receiver: Receiver) -> None:
    receiver.hears(0, 10_000)
    assert receiver.asks(after_s=WAIT_S) == [(1, 64), (65, 64)]
    assert sum(count for _, count in [(1, 64), (65, 64)]) == MAX_UNDER_WAY


def test_the_next_range_is_asked_for_when_one_is_answered(receiver: Receiver) -> None:
    receiver.hears(0, 10_000)
    receiver.asks(after_s=WAIT_S)
    receiver.is_answered(*range(1, 65))
    assert receiver.asks() == [(129, 64)]


def test_single_readings_are_asked_for_side_by_side(receiver: Receiver) -> None:
    receiver.hears(*range(0, 100, 2))
    assert receiver.asks(after_s=WAIT_S) == [(1 + 2 * index, 1) for index in range(MAX_RANGES)]


def test_an_agent_that_does_not_answer_is_asked_for_less_and_less(receiver: Receiver) -> None:
    receiver.hears(*range(0, 100, 2))
    numbers = [len(receiver.asks(after_s=LONG_S)) for _ in range(7)]
    assert numbers == [16, 8, 4, 2, 1, 1, 1]


def test_what_an_answer_leaves_out_is_asked_for_before_the_rest(receiver: Receiver) -> None:
    receiver.hears(0, 10_000)
    receiver.asks(after_s=WAIT_S)
    receiver.is_answered(*(sequence for sequence in range(1, 65) if sequence not in (7, 8, 30)))
    assert receiver.asks(after_s=WAIT_S) == [(7, 2), (30, 1), (129, 64)]


def test_while_answers_come_the_rest_of_a_range_is_awaited(receiver: Receiver) -> None:
    receiver.hears(0, 65)
    receiver.asks(after_s=WAIT_S)
    for sequence in range(1, 65):
        receiver.wait(ANSWER_S * 0.9)
        receiver.is_answered(sequence)
        assert receiver.asks() == []
    assert receiver.missing() == []


def test_when_answers_stop_only_what_is_left_is_asked_for_again(receiver: Receiver) -> None:
    receiver.hears(0, 65)
    receiver.asks(after_s=WAIT_S)
    receiver.is_answered(*range(1, 41))
    assert receiver.asks(after_s=ANSWER_S) == [(41, 24)]


# For whom


def test_no_more_requests_are_under_way_than_the_program_may_have() -> None:
    receiver = Receiver(max_ranges=CONSOLE_RANGES)
    for codifier in ("C1", "C2", "C3"):
        receiver.hears(0, 10, codifier=codifier)
    assert receiver.asks_whom(after_s=WAIT_S) == ["C1", "C2"]
    assert receiver.asks_whom() == []


def test_the_next_one_is_asked_when_a_request_is_answered() -> None:
    receiver = Receiver(max_ranges=1)
    receiver.hears(0, 2, codifier="C1")
    receiver.hears(0, 2, codifier="C2")
    assert receiver.asks_whom(after_s=WAIT_S) == ["C1"]
    receiver.is_answered(1, codifier="C1")
    assert receiver.asks_whom() == ["C2"]


def test_sensors_are_asked_in_turn_however_much_they_miss() -> None:
    receiver = Receiver(max_ranges=3)
    receiver.hears(*range(0, 100, 2), codifier="C1")
    receiver.hears(0, 2, codifier="C2")
    assert receiver.asks_whom(after_s=WAIT_S) == ["C1", "C2", "C1"]


def test_whoever_was_asked_longest_ago_is_asked_first() -> None:
    receiver = Receiver(max_ranges=1)
    for codifier in ("C1", "C2", "C3"):
        receiver.hears(*range(0, 40, 2), codifier=codifier)
    whom = [receiver.asks_whom(after_s=LONG_S) for _ in range(6)]
    assert whom == [["C1"], ["C2"], ["C3"]] * 2


def test_agents_that_are_gone_do_not_keep_others_from_being_asked() -> None:
    receiver = Receiver(max_ranges=2)
    for codifier in ("X1", "X2", "X3", "X4"):
        receiver.hears(0, 2, codifier=codifier)
    times_asked(receiver, 60)
    receiver.hears(0, 2, codifier="C1")
    asked = [receiver.asks_whom(after_s=0.1) for _ in range(6)]
    assert any("C1" in whom for whom in asked)


def test_requests_are_counted(receiver: Receiver) -> None:
    receiver.hears(0, 2, 4)
    receiver.asks(after_s=WAIT_S)
    assert receiver.repairs.requested == 2
