"""The token bucket: at most `burst` at once and `per_second` on average, whatever its clock does."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.rates import MAX_SHARING, FairLimit, RateLimit

STEPS_S = st.lists(st.floats(0, 3) | st.just(0.0), max_size=200)


def allowed(limit: RateLimit, times_s: list[float]) -> int:
    return sum(limit.allows(time_s) for time_s in times_s)


def test_at_once_it_allows_the_burst_and_no_more() -> None:
    limit = RateLimit(per_second=5, burst=3)
    assert [limit.allows(7.0) for _ in range(5)] == [True, True, True, False, False]


def test_what_it_refuses_is_counted() -> None:
    limit = RateLimit(per_second=5, burst=3)
    allowed(limit, [7.0] * 10)
    assert limit.refused == 7


def test_a_full_bucket_holds_no_more_than_the_burst_after_a_day() -> None:
    limit = RateLimit(per_second=5, burst=3)
    allowed(limit, [0.0] * 3)
    assert allowed(limit, [86_400.0] * 10) == 3


def test_a_token_comes_back_after_its_share_of_a_second() -> None:
    limit = RateLimit(per_second=5, burst=1)
    assert [limit.allows(time_s) for time_s in (0.0, 0.1, 0.25, 0.3)] == [True, False, True, False]


def test_a_demand_below_the_rate_is_never_refused() -> None:
    limit = RateLimit(per_second=50, burst=1)
    assert allowed(limit, [index / 40 for index in range(400)]) == 400


def test_while_time_stands_still_nothing_comes_back() -> None:
    limit = RateLimit(per_second=50, burst=2)
    assert allowed(limit, [5.0] * 1000) == 2


def test_a_clock_that_jumps_back_takes_no_token_away() -> None:
    limit = RateLimit(per_second=5, burst=3)
    limit.allows(3600.0)
    assert allowed(limit, [0.0, 0.0]) == 2


def test_after_a_jump_back_tokens_flow_on_at_once() -> None:
    limit = RateLimit(per_second=5, burst=1)
    limit.allows(3600.0)
    assert [limit.allows(time_s) for time_s in (0.0, 0.25)] == [False, True]


@given(st.floats(0.1, 100), st.integers(1, 20), STEPS_S)
def test_in_any_time_it_allows_the_burst_and_the_rate_and_no_more(
    per_second: float, burst: int, steps_s: list[float]
) -> None:
    limit, now_s, passed = RateLimit(per_second, burst), 1000.0, 0
    for step_s in steps_s:
        now_s += step_s
        passed += limit.allows(now_s)
    assert passed <= burst + sum(steps_s) * per_second + 1e-6


@given(st.lists(st.floats(0, 1e9), max_size=100))
def test_a_clock_that_jumps_about_never_gives_more_than_its_steps_forward(times_s: list[float]) -> None:
    limit = RateLimit(per_second=1, burst=2)
    forward_s = sum(max(0.0, later - earlier) for earlier, later in itertools.pairwise(times_s))
    passed = allowed(limit, times_s)
    assert passed <= 2 + forward_s
    assert passed + limit.refused == len(times_s)


@pytest.mark.parametrize("jump_s", [-1e9, 0.0, 1e9])
def test_no_jump_keeps_it_closed_for_longer_than_the_rate_says(jump_s: float) -> None:
    limit = RateLimit(per_second=2, burst=1)
    limit.allows(1e6)
    limit.allows(1e6 + jump_s)
    assert limit.allows(1e6 + jump_s + 0.5)


def test_one_sender_gets_half_of_what_many_share_and_at_once_all_of_it() -> None:
    limit = FairLimit(per_second=10)
    assert sum(limit.allows("a", 7.0) for _ in range(100)) == 10
    assert sum(limit.allows("a", 7.0 + index / 100) for index in range(1, 1001)) == 50
    assert [sum(limit.allows(name, 17.0) for _ in range(100)) for name in ("a", "b", "c")] == [0, 9, 0]
    assert limit.refused == 90 + 950 + 100 + 91 + 100


def test_what_many_share_is_bounded_however_many_they_are() -> None:
    limit = FairLimit(per_second=10)
    assert sum(limit.allows(number, 7.0) for number in range(1000)) == 10
    assert sum(limit.allows(number, 8.0) for number in range(1000)) == 10
    assert len(limit._each) == MAX_SHARING
