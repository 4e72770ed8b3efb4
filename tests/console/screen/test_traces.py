import math
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from console.screen.traces import MAX_POINTS, TRACE_POINTS, Point, Trace, joined, number_of, thinned, with_gaps
from protocol.readings import Value
from protocol.sequences import MODULUS


def trace_of(count: int) -> Trace:
    trace = Trace()
    for number in range(count):
        trace.add(number * 1000.0, float(number), number)
    return trace


@given(st.integers(0, 3 * TRACE_POINTS), st.integers(1, 40))
def test_the_tail_is_the_newest_values_oldest_first(added: int, count: int) -> None:
    expected = tuple(float(number) for number in range(added))[-min(count, TRACE_POINTS) :]
    assert trace_of(added).tail(count) == expected


@given(st.integers(0, 3 * TRACE_POINTS))
def test_a_trace_keeps_the_newest_points_and_no_more_than_its_bound(added: int) -> None:
    points = trace_of(added).points()
    assert points == [Point(number * 1000.0, float(number)) for number in range(added)][-TRACE_POINTS:]


def values_of(points: Sequence[Point]) -> list[float | None]:
    """Return the values of points, None for a gap."""
    return [None if math.isnan(point.value) else point.value for point in points]


@given(st.permutations(range(12)), st.integers(0, MODULUS - 1))
def test_the_order_in_which_readings_come_makes_no_difference(order: list[int], first: int) -> None:
    trace = Trace()
    for number in order:
        trace.add(number * 1000.0, float(number), (first + number) % MODULUS)
    assert trace.points() == [Point(number * 1000.0, float(number)) for number in range(12)]
    assert trace.tail(3) == (9.0, 10.0, 11.0)


def test_a_missing_reading_is_a_gap_until_it_comes() -> None:
    trace = Trace()
    trace.add(1_000.0, 1.0, 1)
    trace.add(3_000.0, 3.0, 3)
    assert values_of(trace.points()) == [1.0, None, 3.0]
    assert [math.isnan(value) for value in trace.tail(3)] == [False, True, False]
    trace.add(2_000.0, 2.0, 2)
    assert values_of(trace.points()) == [1.0, 2.0, 3.0]
    assert trace.tail(3) == (1.0, 2.0, 3.0)


def test_a_reading_that_comes_twice_is_one_point() -> None:
    trace = Trace()
    trace.add(1_000.0, 1.0, 1)
    trace.add(1_500.0, 1.0, 1)
    assert trace.points() == [Point(1_000.0, 1.0)]


def test_what_is_older_than_there_is_room_for_is_left_out() -> None:
    trace = trace_of(TRACE_POINTS + 10)
    trace.add(5_000.0, 5.0, 5)
    assert trace.points()[0] == Point(10_000.0, 10.0)


def test_a_numbering_that_begins_anew_is_after_the_old_one() -> None:
    trace = Trace()
    trace.add(1_000.0, 1.0, 5_000)
    trace.add(2_000.0, 2.0, 4_990, anew=True)
    trace.add(3_000.0, 3.0, 4_991)
    trace.add(4_000.0, 4.0, 2_000_000_000)
    assert values_of(trace.points()) == [1.0, None, 2.0, 3.0, None, 4.0]


def test_text_among_numbers_is_no_missing_reading() -> None:
    trace = Trace()
    for sequence, value in enumerate([None, 1.0, None, 2.0]):
        trace.add(sequence * 1_000.0, value, sequence)
    assert values_of(trace.points()) == [1.0, 2.0]
    assert trace.tail(5) == (1.0, 2.0)


def test_a_clock_that_does_not_agree_changes_no_order() -> None:
    trace = Trace()
    trace.add(1_000.0, 1.0, 1)
    trace.add(3_000.0, 3.0, 3)
    trace.add(9_000.0, 2.0, 2)
    assert trace.points()[1] == Point(3_000.0, 2.0)


def test_between_what_is_stored_and_what_was_heard_a_long_silence_is_a_gap() -> None:
    points = joined([Point(1_000.0, 1.0)], [Point(60_000.0, 2.0)], longest_s=20.0)
    assert values_of(points) == [1.0, None, 2.0]


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
