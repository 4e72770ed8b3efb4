"""How long one sensor's agent is waited for."""

import pytest

from protocol.patience import ANSWER_S, MAX_RANGES, RETRY_AFTER_S, SILENT_S, WAIT_S, Patience


@pytest.fixture
def patience() -> Patience:
    return Patience(lambda: 0.0)


def fail(patience: Patience, times: int, now_s: float = 100.0) -> float:
    """Ask as soon as it is allowed, in vain; returns when the last request was given up."""
    for _ in range(times):
        asked_s = max(now_s, patience.not_before_s)
        now_s = asked_s + ANSWER_S
        patience.unanswered(asked_s, now_s)
    return now_s


def test_at_first_many_requests_may_be_sent_at_once(patience: Patience) -> None:
    assert patience.not_before_s < 0
    assert patience.ranges == MAX_RANGES


def test_each_failure_halves_what_is_asked_at_once_but_for_one(patience: Patience) -> None:
    allowed = []
    for _ in range(6):
        fail(patience, 1)
        allowed.append(patience.ranges)
    assert allowed == [8, 4, 2, 1, 1, 1]


def test_the_first_failures_are_repeated_without_a_pause(patience: Patience) -> None:
    patience.unanswered(100.0, 100.0 + ANSWER_S)
    assert patience.not_before_s == pytest.approx(100.0 + ANSWER_S)


def test_the_pause_after_many_failures_is_the_longest(patience: Patience) -> None:
    given_up_s = fail(patience, 2 * len(RETRY_AFTER_S))
    assert patience.not_before_s == pytest.approx(given_up_s - ANSWER_S + RETRY_AFTER_S[-1])


def test_requests_that_were_under_way_together_fail_once(patience: Patience) -> None:
    for index in range(5):
        patience.unanswered(100.0 + index / 100, 100.0 + index / 100 + ANSWER_S)
    assert patience.failures == 1


def test_a_request_is_no_failure_when_anything_was_answered_since(patience: Patience) -> None:
    patience.answered(100.1)
    patience.unanswered(100.0, 100.2)
    assert patience.failures == 0


def test_an_answer_ends_the_pause(patience: Patience) -> None:
    now_s = fail(patience, 20)
    patience.answered(now_s)
    assert (patience.failures, patience.not_before_s < 0) == (0, True)


def test_a_sensor_that_is_heard_after_a_silence_ends_the_pause(patience: Patience) -> None:
    patience.heard(100.0)
    now_s = fail(patience, 20)
    assert patience.heard(now_s + SILENT_S) is True
    assert patience.failures == 0


def test_a_sensor_that_is_heard_all_the_time_does_not(patience: Patience) -> None:
    patience.heard(100.0)
    fail(patience, 3)
    assert patience.heard(100.0 + SILENT_S / 2) is False
    assert patience.failures == 3


def test_waiting_is_longer_by_up_to_half() -> None:
    assert Patience(lambda: 1.0).late_until_s(100.0) == pytest.approx(100.0 + WAIT_S * 1.5)
    assert Patience(lambda: 0.0).late_until_s(100.0) == pytest.approx(100.0 + WAIT_S)
