import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.chart import LABEL, Canvas, Frame, Threshold, draw_chart, frame_at
from console.lines import Ink
from console.symbols import ASCII, BLOCKS, SETS, UNICODE, Symbols
from console.traces import LARGEST, Point

FRAME = Frame(since_ms=0.0, until_ms=60_000.0, width=LABEL + 2 + 20, height=11)


def ramp(values: list[float], step_ms: float = 1_000.0) -> list[Point]:
    return [Point(number * step_ms, value) for number, value in enumerate(values)]


def plot(points: list[Point], symbols: Symbols = ASCII, frame: Frame = FRAME) -> list[str]:
    """Return the dots of a chart without its axes."""
    return [drawn.text[LABEL + 2 :].ljust(frame.plot_width) for drawn in draw_chart(points, frame, symbols)[:-1]]


def columns_with_dots(rows: list[str]) -> set[int]:
    return {x for row in rows for x, character in enumerate(row) if not character.isspace()}


@pytest.mark.parametrize("symbols", SETS.values(), ids=list(SETS))
def test_a_rising_value_rises_from_bottom_left_to_top_right(symbols: Symbols) -> None:
    rows = plot(ramp([float(number) for number in range(61)]), symbols)
    assert rows[-1][0] != " "
    assert rows[0].rstrip() != ""
    assert len(rows[0].rstrip()) == FRAME.plot_width


def test_values_between_two_points_are_joined_by_a_line() -> None:
    rows = plot([Point(0.0, 0.0), Point(60_000.0, 10.0)])
    assert columns_with_dots(rows) == set(range(20))


def test_what_is_missing_is_a_gap_not_a_line_and_not_a_zero() -> None:
    points = [
        Point(0.0, 5.0),
        Point(12_000.0, 5.0),
        Point(15_000.0, math.nan),
        Point(45_000.0, 5.0),
        Point(60_000.0, 5.0),
    ]
    seen = columns_with_dots(plot(points))
    assert seen == {0, 1, 2, 3, 4} | {14, 15, 16, 17, 18, 19}


def test_the_line_comes_in_from_the_point_before_the_beginning() -> None:
    rows = plot([Point(-30_000.0, 5.0), Point(30_000.0, 5.0)])
    assert 0 in columns_with_dots(rows)


def test_what_is_later_than_the_end_is_not_drawn() -> None:
    rows = plot([Point(0.0, 5.0), Point(30_000.0, 5.0), Point(90_000.0, 5.0)])
    assert max(columns_with_dots(rows)) < 12


def test_without_points_the_chart_says_so_and_keeps_its_size() -> None:
    lines = draw_chart([], FRAME, UNICODE)
    assert len(lines) == FRAME.height
    assert "no readings in this time" in "".join(line.text for line in lines)


def test_the_axis_has_round_numbers() -> None:
    labels = [drawn.text[:LABEL].strip() for drawn in draw_chart(ramp([19.3, 24.7] * 30), FRAME, ASCII)]
    assert [label for label in labels if label] == ["25", "20"]


@pytest.mark.parametrize("high", [30.1, 30.7, 31.0, 31.2, 33.0, 49.0])
def test_the_axis_has_two_numbers_at_least(high: float) -> None:
    labels = [drawn.text[:LABEL].strip() for drawn in draw_chart(ramp([30.0, high] * 30), FRAME, ASCII)]
    assert len([label for label in labels if label]) >= 2


def test_below_the_chart_stands_how_far_it_goes_back() -> None:
    times = draw_chart(ramp([1.0, 2.0]), FRAME, ASCII)[-1].text
    assert times.split() == ["-1", "min", "now"]


def test_a_threshold_inside_the_range_is_drawn_in_the_ink_of_its_alarm() -> None:
    lines = draw_chart(ramp([60.0, 80.0]), FRAME, UNICODE, [Threshold(70.0, Ink.WARNING)])
    marked = [index for index, drawn in enumerate(lines) if any(span.ink is Ink.WARNING for span in drawn.spans)]
    assert len(marked) == 1
    assert 3 <= marked[0] <= 6


def test_a_threshold_outside_the_range_is_not_drawn() -> None:
    lines = draw_chart(ramp([20.0, 21.0]), FRAME, UNICODE, [Threshold(70.0, Ink.WARNING)])
    assert not any(span.ink is Ink.WARNING for drawn in lines for span in drawn.spans)


def test_between_two_dots_of_time_the_chart_stays_where_it_is() -> None:
    frames = {frame_at(998_600.0 + ms, 300.0, 80, 10, dots=2) for ms in range(0, 2_100, 100)}
    assert len(frames) == 1


def test_the_end_of_a_chart_is_never_before_now() -> None:
    assert frame_at(1_000_123.0, 300.0, 80, 10, dots=2).until_ms >= 1_000_123.0


def test_too_small_a_frame_is_left_empty() -> None:
    assert [drawn.text for drawn in draw_chart(ramp([1.0, 2.0]), Frame(0.0, 1.0, 10, 3), ASCII)] == ["", "", ""]


POINTS = st.lists(
    st.builds(Point, st.floats(-1e5, 1e5), st.floats(-LARGEST, LARGEST) | st.just(math.nan)), max_size=30
).map(sorted)


@given(POINTS, st.integers(0, 90), st.integers(0, 20), st.sampled_from(list(SETS.values())))
def test_any_points_fit_into_any_frame(points: list[Point], width: int, height: int, symbols: Symbols) -> None:
    lines = draw_chart(points, Frame(0.0, 60_000.0, width, height), symbols)
    assert len(lines) == height
    assert all(drawn.width <= max(width, LABEL) for drawn in lines)


@given(st.integers(-50, 50), st.integers(-50, 50))
def test_dots_outside_the_canvas_are_ignored(column: int, row: int) -> None:
    canvas = Canvas(3, 2, ASCII.raster)
    canvas.dot(column, row)
    inside = 0 <= column < 3 and 0 <= row < 2
    assert "".join(canvas.lines()).count("*") == inside


def test_a_braille_character_has_its_dots_where_unicode_has_them() -> None:
    canvas = Canvas(1, 1, UNICODE.raster)
    canvas.dot(0, 0)
    canvas.dot(1, 3)
    assert canvas.lines() == ["\u2881"]


def test_half_blocks_show_two_dots_one_above_the_other() -> None:
    canvas = Canvas(3, 1, BLOCKS.raster)
    for column, row in ((0, 0), (1, 1), (2, 0), (2, 1)):
        canvas.dot(column, row)
    assert canvas.lines() == ["▀▄█"]
