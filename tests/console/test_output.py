"""Tables and lines for people, JSON for programs."""

import io
import json
import math

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.output import Column, Output, json_line, plain, status_span

COLUMNS = (Column("name"), Column("value", right=True), Column("unit"))


def printed(rows: list[list[str | tuple[str, str]]]) -> list[str]:
    """Return the lines of a table that is printed where there is no terminal."""
    stream = io.StringIO()
    Output(stream, {}).table(COLUMNS, rows)
    return stream.getvalue().splitlines()


def test_cells_stand_under_their_headings() -> None:
    assert printed([["a", "1", "m"], ["long name", "1000", "m"]]) == [
        "name       value  unit",
        "a              1  m",
        "long name   1000  m",
    ]


def test_nothing_follows_the_last_cell() -> None:
    assert not any(line.endswith(" ") for line in printed([["a", "1", ""]])[:1])


def test_wide_characters_take_two_columns() -> None:
    _, wide, narrow = printed([["温度", "1", "m"], ["abcd", "1", "m"]])
    assert cell_len(wide) == cell_len(narrow) == len(narrow)


@given(st.lists(st.lists(st.text(), min_size=3, max_size=3), max_size=5))
def test_a_table_has_one_printable_line_for_each_row_whatever_it_holds(rows: list[list[str]]) -> None:
    lines = printed([[*row] for row in rows])
    assert len(lines) == len(rows) + 1
    assert all(line.isprintable() for line in lines)


def test_where_there_are_no_colours_a_style_changes_nothing() -> None:
    stream = io.StringIO()
    Output(stream, {}).line("a ", ("b", "bold red"), " c")
    assert stream.getvalue() == "a b c\n"


def test_markup_is_text() -> None:
    assert plain(("[bold]x[/bold]", "red")) == "[bold]x[/bold]"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON))
def test_a_line_of_json_is_printable_and_reads_back(document: dict[str, object]) -> None:
    line = json_line(document)
    assert line.isprintable()
    assert json.loads(line, parse_constant=_refuse) == _finite(document)


def test_letters_of_any_language_stay_readable_in_json() -> None:
    assert json_line({"unit": "°C 温度"}) == '{"unit": "°C 温度"}'


def test_what_is_no_finite_number_is_null() -> None:
    assert json_line({"value": math.nan, "more": [math.inf]}) == '{"value": null, "more": [null]}'


def test_every_status_has_a_colour_and_its_word() -> None:
    assert status_span("critical") == ("critical", "bold red")
    assert status_span("never heard of") == ("never heard of", "")


def _refuse(name: str) -> None:
    raise AssertionError(name)


def _finite(tree: object) -> object:
    if isinstance(tree, float) and not math.isfinite(tree):
        return None
    if isinstance(tree, list):
        return [_finite(one) for one in tree]
    if isinstance(tree, dict):
        return {key: _finite(one) for key, one in tree.items()}
    return tree
