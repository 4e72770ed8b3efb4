import math

from hypothesis import given
from hypothesis import strategies as st

from console.screen.traces import MAX_POINTS, TRACE_POINTS, Point, Trace, joined, number_of, thinned, with_gaps
from protocol.readings import Value


def trace_of(count: int) -> Trace:
    trace = Trace()
    for number in range(count):
        trace.add(number * 1000.0, float(number))
    return trace


@given(st.integers(0, 3 * TRACE_POINTS), st.integers(1, 40))
def test_the_tail_is_the_newest_values_oldest_first(added: int, count: int) -> None:
    expected = tuple(float(number) for number in range(added))[-min(count, TRACE_POINTS) :]
    assert trace_of(added).tail(count) == expected


@given(st.integers(0, 3 * TRACE_POINTS))
def test_a_trace_keeps_the_newest_points_and_no_more_than_its_bound(added: int) -> None:
    points = trace_of(added).points()
    assert points == [Point(number * 1000.0, float(number)) for number in range(added)][-TRACE_POINTS:]


def test_what_was_heard_counts_where_it_overlaps_with_what_is_stored() -> None:
    stored = [Point(1.0, 10.0), Point(2.0, 20.0), Point(3.0, 30.0)]
    heard = [Point(2.5, 25.0), Point(3.5, 35.0)]
    assert joined(stored, heard) == [Point(1.0, 10.0), Point(2.0, 20.0), Point(2.5, 25.0), Point(3.5, 35.0)]


def test_without_anything_heard_all_that_is_stored_is_shown() -> None:
    assert joined([Point(1.0, 10.0)], []) == [Point(1.0, 10.0)]


@given(st.floats() | st.integers() | st.text())
def test_what_a_chart_shows_is_finite(value: Value) -> None:
    number = number_of(value)
    assert number is None or math.isfinite(number)


def test_text_and_numbers_beyond_all_floats_are_not_charted() -> None:
    assert [number_of(value) for value in ("21", 10**400, 1.7e308, math.nan, 7)] == [None, None, None, None, 7.0]


@given(st.lists(st.floats(-1e6, 1e6), max_size=3 * MAX_POINTS))
def test_thinning_keeps_the_peaks_and_the_order(values: list[float]) -> None:
    points = [Point(float(number), value) for number, value in enumerate(values)]
    thin = thinned(points)
    assert len(thin) <= MAX_POINTS + 2
    assert thin == sorted(thin)
    assert set(thin) <= set(points)
    if values:
        kept = [point.value for point in thin]
        assert (min(kept), max(kept)) == (min(values), max(values))


def test_what_is_further_apart_than_a_sensor_may_be_silent_is_a_gap() -> None:
    result = with_gaps([Point(0, 1.0), Point(5_000, 2.0), Point(60_000, 3.0)], longest_s=20.0)
    assert [point.at_ms for point in result] == [0, 5_000, 5_000, 60_000]
    assert math.isnan(result[2].value)
    assert with_gaps([], 20.0) == []


def test_thinning_keeps_the_gaps() -> None:
    count = 5 * MAX_POINTS
    points = [Point(float(number), math.nan if number == count // 2 else 1.0) for number in range(count)]
    assert [point.at_ms for point in thinned(points) if math.isnan(point.value)] == [count / 2]
