import math
import statistics
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.readings import Value
from storage.rollups import numbers, summarise
from storage.store import Bucket, Span

finite = st.floats(allow_nan=False, allow_infinity=False)
plain = st.floats(-1e100, 1e100) | st.integers(-5, 5).map(float)


def of(*values: float) -> Bucket:
    bucket = summarise("C1", 600_000, values)
    assert bucket is not None
    return bucket


@given(st.lists(finite, min_size=1, max_size=50), st.randoms())
def test_any_order_gives_the_same_to_the_last_digit(values: list[float], random: Random) -> None:
    shuffled = random.sample(values, len(values))
    assert of(*shuffled) == of(*values)


@given(st.lists(plain, min_size=1, max_size=50))
def test_mean_median_and_deviation_are_those_of_exact_arithmetic(values: list[float]) -> None:
    exact = [Fraction(value) for value in values]
    bucket = of(*values)
    largest = max(map(abs, values))
    assert bucket.mean == pytest.approx(float(statistics.mean(exact)), rel=1e-15)
    assert bucket.median == pytest.approx(float(statistics.median(exact)), rel=1e-15)
    assert bucket.stdev == pytest.approx(statistics.pstdev(values), rel=1e-12, abs=largest * 1e-12)


@given(st.lists(finite, min_size=1, max_size=50))
def test_all_of_it_is_finite_and_lies_between_the_extremes(values: list[float]) -> None:
    bucket = of(*values)
    assert bucket.min <= bucket.mean <= bucket.max
    assert bucket.min <= bucket.median <= bucket.max
    assert math.isfinite(bucket.stdev)
    assert bucket.stdev >= 0
    assert (bucket.min, bucket.max, bucket.count) == (min(values), max(values), len(values))


@given(st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=30))
def test_a_mode_is_the_one_value_that_came_most_often(values: list[float]) -> None:
    modes = statistics.multimode(values)
    assert of(*values).mode == (modes[0] if len(modes) == 1 else None)


def test_nothing_gives_nothing() -> None:
    assert summarise("C1", 600_000, []) is None


def test_the_values_given_are_not_put_in_order() -> None:
    values = [3.0, 1.0, 2.0]
    summarise("C1", 600_000, values)
    assert values == [3.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([21.5, 3.0], [21.5, 3.0]),
        ([21, "on", 0.5, True], [21.0, 0.5, 1.0]),
        (["on"], []),
        ([2**70, 10**400, -(10**400)], [2.0**70]),
        ([], []),
    ],
)
def test_numbers_are_those_that_a_float_can_hold(values: list[Value], found: list[float]) -> None:
    assert numbers(values) == found


@pytest.mark.parametrize(
    ("span", "timestamp_ms", "end_ms"),
    [
        (Span.TEN_MINUTES, 0, 0),
        (Span.TEN_MINUTES, 1, 600_000),
        (Span.TEN_MINUTES, 600_000, 600_000),
        (Span.TEN_MINUTES, 600_001, 1_200_000),
        (Span.HOUR, 3_600_000, 3_600_000),
        (Span.HOUR, 3_600_001, 7_200_000),
    ],
)
def test_a_bucket_has_its_end_but_not_its_begin(span: Span, timestamp_ms: int, end_ms: int) -> None:
    assert span.end_ms(timestamp_ms) == end_ms
