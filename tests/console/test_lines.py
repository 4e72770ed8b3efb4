import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.lines import EMPTY, Ground, Ink, Line, Span, cell, changed_width, clip, cut, line, spread

ANY_TEXT = st.text(max_size=60)
SPANS = st.lists(st.builds(Span, st.text(string.ascii_letters + " ", max_size=12), st.sampled_from(Ink)), max_size=6)


@given(text=ANY_TEXT, width=st.integers(0, 40), right=st.booleans())
def test_a_cell_is_exactly_as_wide_as_asked_for_whatever_is_in_it(*, text: str, width: int, right: bool) -> None:
    assert cell_len(cell(text, width, right=right)) == width


@given(ANY_TEXT, st.integers(0, 40))
def test_a_cell_never_holds_what_could_move_the_cursor(text: str, width: int) -> None:
    assert cell(text, width).isprintable()


def test_control_characters_are_shown_escaped() -> None:
    assert cell("a\x1b[31mb\n", 20).rstrip() == r"a\x1b[31mb\n"


def test_what_looks_like_markup_stays_text() -> None:
    assert cell("[bold]x[/]", 12) == "[bold]x[/]  "


def test_a_cell_is_aligned_left_unless_right_is_asked_for() -> None:
    assert (cell("ab", 4), cell("ab", 4, right=True)) == ("ab  ", "  ab")


def test_what_is_cut_ends_with_the_ellipsis() -> None:
    assert cell("temperature", 5, ellipsis="…") == "temp…"


def test_a_wide_character_is_not_cut_in_half() -> None:
    assert cut("温度温度", 4, "…") == "温 …"


def test_spans_of_one_ink_become_one() -> None:
    assert line([Span("a"), Span("b"), Span("c", Ink.DIM)]).spans == (Span("ab"), Span("c", Ink.DIM))


def test_blanks_take_the_ink_of_their_neighbour_since_nobody_sees_it() -> None:
    joined = line([Span("  ", Ink.FAINT), Span("a", Ink.OK), Span(" ", Ink.DIM), Span("b", Ink.OK)])
    assert joined.spans == (Span("  a b", Ink.OK),)


@given(SPANS)
def test_joining_spans_changes_no_text(spans: list[Span]) -> None:
    assert line(spans).text == "".join(span.text for span in spans)


@given(SPANS, st.integers(0, 30))
def test_a_clipped_line_has_no_more_than_its_width(spans: list[Span], width: int) -> None:
    clipped = clip(line(spans), width)
    assert clipped.width <= width
    assert line(spans).text.startswith(clipped.text)


@given(SPANS, SPANS, st.integers(1, 60))
def test_a_spread_line_fills_its_width_exactly(left: list[Span], right: list[Span], width: int) -> None:
    assert spread(left, right, width).width == width


def test_the_right_end_of_a_spread_line_stays_when_there_is_no_room_for_both() -> None:
    assert spread([Span("long beginning")], [Span("12/40")], 12).text == "long b 12/40"


def test_equal_lines_need_no_painting() -> None:
    assert changed_width(line([Span("a")]), line([Span("a")]), 80) == 0


def test_a_line_is_painted_up_to_its_last_change() -> None:
    before = line([Span("21.3", Ink.STRONG), Span(" °C", Ink.DIM), Span(" room temperature")])
    after = line([Span("21.4", Ink.STRONG), Span(" °C", Ink.DIM), Span(" room temperature")])
    assert changed_width(before, after, 80) == 4


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (line([Span("abc")]), line([Span("abc")], Ground.CURSOR)),
        (line([Span("abc")]), line([Span("ab")])),
        (EMPTY, line([Span("abc")])),
    ],
    ids=["another ground", "shorter", "nothing before"],
)
def test_a_line_is_painted_wholly_when_its_end_may_have_changed(before: Line, after: Line) -> None:
    assert changed_width(before, after, 80) == 80


@given(SPANS, SPANS)
def test_beyond_the_changed_width_two_lines_are_the_same(one: list[Span], other: list[Span]) -> None:
    before, after = line(one), line(other)
    if before.width == after.width:
        changed = changed_width(before, after, 200)
        assert before.text[changed:] == after.text[changed:]
