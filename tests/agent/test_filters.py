"""What happens to a number between the driver and the bus."""

import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.filters import FilterChain
from config.model import Clamp, Delta, FilterStep
from protocol.readings import Value

numbers = st.floats(-1e6, 1e6)


def passed(steps: list[tuple[str, object]], values: list[float], every_s: float = 1.0) -> list[Value | None]:
    """Send values through a chain, one every `every_s` seconds."""
    chain = FilterChain([FilterStep(kind, argument) for kind, argument in steps])
    return [chain.apply(value, number * every_s) for number, value in enumerate(values)]


@pytest.mark.parametrize(
    ("kind", "argument", "values", "expected"),
    [
        ("scale", 0.001, [52582], [52.582]),
        ("offset", -0.5, [20.0, 21.0], [19.5, 20.5]),
        ("round", 1, [21.349, 21.35001], [21.3, 21.4]),
        ("clamp", Clamp(min=0, max=100), [-5, 50, 120], [0, 50, 100]),
        ("clamp", Clamp(min=0), [-5, 1e9], [0, 1e9]),
        ("clamp", Clamp(min=-20, max=120, drop=True), [-127, 20, 500], [None, 20, None]),
        ("median", 3, [20, 85, 21, 22, -1], [20, 52.5, 21, 22, 21]),
        ("moving_average", 2, [10, 20, 40], [10, 15, 30]),
        ("delta", Delta(by=0.5), [20, 20.4, 20.5, 20.6, 20.0], [20, None, 20.5, None, 20.0]),
        ("delta", Delta(percent=10), [100, 109, 110, 100, 99], [100, None, 110, None, 99]),
        ("delta", Delta(by=0), [1, 1, 2, 2], [1, None, 2, None]),
        ("delta", Delta(by=1, heartbeat_s=3), [5, 5, 5, 5, 5, 5, 5], [5, None, None, 5, None, None, 5]),
        ("throttle", 2.5, [1, 2, 3, 4, 5, 6, 7], [1, None, None, 4, None, None, 7]),
        ("skip_initial", 2, [85, 85, 21], [None, None, 21]),
    ],
)
def test_a_filter_passes(kind: str, argument: object, values: list[float], expected: list[float | None]) -> None:
    assert passed([(kind, argument)], values) == pytest.approx(expected)


def test_filters_work_in_the_order_of_the_configuration() -> None:
    assert passed([("scale", 2.0), ("offset", 1.0)], [10]) == [21]
    assert passed([("offset", 1.0), ("scale", 2.0)], [10]) == [22]


def test_what_a_filter_drops_does_not_reach_the_next() -> None:
    steps: list[tuple[str, object]] = [("clamp", Clamp(max=100, drop=True)), ("moving_average", 2)]
    assert passed(steps, [10, 500, 20]) == [10, None, 15]


def test_text_passes_untouched() -> None:
    chain = FilterChain([FilterStep("scale", 2.0), FilterStep("skip_initial", 5)])
    assert chain.apply("open", 0.0) == "open"


def test_two_sensors_do_not_share_a_filters_memory() -> None:
    step = FilterStep("median", 3)
    first, second = FilterChain([step]), FilterChain([step])
    first.apply(100.0, 0.0)
    assert second.apply(1.0, 0.0) == 1.0


@given(st.lists(numbers, min_size=1), st.integers(1, 9))
def test_a_moving_average_is_the_mean_of_the_last_values(values: list[float], window: int) -> None:
    last = values[-window:]
    assert passed([("moving_average", window)], values)[-1] == pytest.approx(statistics.fmean(last))


@given(st.lists(numbers, min_size=1), st.floats(0, 1e3))
def test_two_values_that_pass_a_delta_differ_by_it(values: list[float], by: float) -> None:
    kept = [value for value in passed([("delta", Delta(by=by))], values) if isinstance(value, float)]
    assert all(abs(one - other) >= by for one, other in pairwise(kept))


@given(st.lists(st.floats(0, 10), min_size=1), st.floats(0.1, 20))
def test_a_throttle_never_passes_twice_within_its_time(pauses: list[float], interval_s: float) -> None:
    chain, now_s, passed_s = FilterChain([FilterStep("throttle", interval_s)]), 0.0, list[float]()
    for pause in pauses:
        now_s += pause
        if chain.apply(1.0, now_s) is not None:
            passed_s.append(now_s)
    assert all(later - earlier >= interval_s for earlier, later in pairwise(passed_s))
