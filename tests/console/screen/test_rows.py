import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from console.screen.lines import Ground, Ink, Line
from console.screen.model import Model
from console.screen.ordering import SORTS, Key
from console.screen.rows import Columns, columns_for, draw_row, heading_row, row_text, sort_at
from console.screen.symbols import ASCII, UNICODE
from protocol.frames import Flag
from protocol.readings import Value
from protocol.troubles import Trouble
from tests.console.screen.feeding import Feed, model_of

WIDE = columns_for(130)


def drawn(model: Model, codifier: str, columns: Columns = WIDE, *, is_node: bool = False) -> Line:
    return draw_row(model, Key(codifier, is_node=is_node), columns, UNICODE)


def ink_of(line: Line, text: str) -> Ink:
    return next(span.ink for span in line.spans if text in span.text)


def test_a_row_tells_status_value_age_trend_loss_round_trip_and_name(model: Model) -> None:
    assert drawn(model, "C1").text == (
        "   ● ok       C1      50.4    °C      now ▁▁▂▂▃▃▄▄▅▅▆▆▇▇██    0%        0.42ms  kastpi CPU"
    )


def test_a_state_is_told_by_glyph_word_and_ink(model: Model) -> None:
    line = drawn(model, "C2")
    assert "▲ warning" in line.text
    assert ink_of(line, "warning") is Ink.WARNING
    assert ink_of(line, "74.5") is Ink.WARNING


def test_lost_readings_are_seen(model: Model) -> None:
    line = drawn(model, "F2")
    assert "4.8%" in line.text
    assert ink_of(line, "4.8%") is Ink.WARNING


def test_readings_that_are_not_had_even_when_asked_for_are_counted_until_they_come(model: Model, feed: Feed) -> None:
    assert ink_of(drawn(model, "F2"), "    1") is Ink.WARNING
    feed.wait(0.1)
    for back in range(1, 21):
        feed.answer("F2", 40, back, 1.0)
    model.apply(feed.batch())
    assert drawn(model, "F2").text.split().count("1") == 0
    assert "4.8%" in drawn(model, "F2").text


def test_a_node_with_several_sensors_is_told_once_for_all(model: Model) -> None:
    heading = drawn(model, "F1", is_node=True)
    assert heading.text.split() == [
        "▾",
        "●",
        "alive",
        "F1",
        "Room",
        "temperature",
        "12.5ms",
        "clock",
        "+5.8",
        "ms",
        "dht",
        "on",
        "kastpi",
    ]
    assert heading.ground is Ground.NODE
    assert "12.5ms" not in drawn(model, "F1").text
    assert drawn(model, "F1").text.startswith(" │ ●")
    assert drawn(model, "F2").text.startswith(" └ ●")


def test_a_node_that_was_never_heard_says_so(model: Model) -> None:
    assert drawn(model, "CC", is_node=True).text.split()[:3] == ["·", "unheard", "CC"]


def test_a_doubled_node_is_told_before_all_else(model: Model, feed: Feed) -> None:
    for port in (4201, 4202, 4201):
        feed.control(Flag.ALIVE, "F1", sender=("10.0.0.2", port))
    model.apply(feed.batch())
    assert "duplicate" in drawn(model, "F1", is_node=True).text


def test_the_row_under_the_cursor_lies_on_another_ground(model: Model) -> None:
    assert drawn(model, "C1").ground is Ground.CURSOR
    assert drawn(model, "C2").ground is Ground.PLAIN


def test_a_marked_row_has_a_mark(model: Model) -> None:
    model.toggle_mark()
    assert drawn(model, "C1").text.startswith("✓")


def test_a_sensor_that_was_never_heard_has_no_value_no_age_and_no_loss() -> None:
    assert drawn(model_of(Feed()), "C1").text.split() == ["·", "unheard", "C1", "-", "°C", "-", "kastpi", "CPU"]


def test_text_from_the_bus_can_neither_move_the_cursor_nor_widen_the_row(model: Model, feed: Feed) -> None:
    feed.reading("C1", "\x1b[2J[red]" + "x" * 500)
    model.apply(feed.batch())
    text = drawn(model, "C1").text
    assert text.isprintable()
    assert r"\x1b[2J[red…" in text
    assert text.endswith("kastpi CPU")


@given(st.text(max_size=30) | st.floats(allow_nan=False) | st.integers(), st.integers(20, 250))
def test_any_value_leaves_the_columns_where_they_are(value: Value, width: int) -> None:
    feed = Feed()
    feed.reading("C1", "x")
    model = model_of(feed)
    model.world.sensors["C1"] = model.world.sensors["C1"]._replace(value=value)
    columns = columns_for(width)
    line = drawn(model, "C1", columns)
    assert line.width <= width
    if columns.name >= len("kastpi CPU"):
        assert cell_len(line.text.removesuffix("kastpi CPU")) == columns.before_name


@pytest.mark.parametrize("width", range(40, 251, 7))
def test_headings_stand_above_their_columns(model: Model, width: int) -> None:
    columns = columns_for(width)
    heading, row = heading_row(model, columns, UNICODE).text, drawn(model, "C1", columns).text
    assert heading.index("ID") == row.index("C1")
    assert heading.index("NAME") == row.index("kastpi")
    assert heading.index("VALUE") + len("VALUE") == row.index("50.4") + len("50.4   ")


def test_narrow_tables_leave_out_what_can_be_seen_in_the_detail() -> None:
    assert columns_for(130).spark == 16
    assert columns_for(79).round_trip == 0
    assert columns_for(60).spark == 0
    assert all(columns_for(width).name > 10 for width in range(48, 251))


def test_the_column_that_sorts_says_so(model: Model) -> None:
    value = next(index for index, sort in enumerate(SORTS) if sort.name == "value")
    model.sort_by(value)
    assert "VALUE↑" in heading_row(model, WIDE, UNICODE).text
    model.sort_by(value)
    assert "VALUE↓" in heading_row(model, WIDE, UNICODE).text


@pytest.mark.parametrize(
    ("title", "sort"), [("STATUS", "status"), ("ID", "codifier"), ("VALUE", "value"), ("RTT", "round trip")]
)
def test_a_click_on_a_heading_sorts_by_its_column(model: Model, title: str, sort: str) -> None:
    x = heading_row(model, WIDE, UNICODE).text.index(title)
    index = sort_at(x, WIDE)
    assert index is not None
    assert SORTS[index].name == sort


def test_a_click_on_the_unit_sorts_by_nothing(model: Model) -> None:
    assert sort_at(heading_row(model, WIDE, UNICODE).text.index("UNIT"), WIDE) is None


def test_a_plain_terminal_gets_plain_characters(model: Model) -> None:
    for key in model.keys:
        text = draw_row(model, key, columns_for(80), ASCII).text
        assert text.replace("°", "").isascii()


def test_a_copy_of_a_row_is_its_exact_value_with_the_unit(model: Model, feed: Feed) -> None:
    feed.reading("C1", 21.123456789)
    model.apply(feed.batch())
    assert row_text(model, Key("C1")) == "21.123456789 °C"
    assert row_text(model, Key("CC", is_node=True)) == ""


def test_what_is_wrong_with_a_node_is_told_in_its_row_before_all_else(model: Model, feed: Feed) -> None:
    feed.diagnosis("F1", Trouble.DRIVER_HANGING, 1)
    model.apply(feed.batch())
    assert "driver hanging  clock" in drawn(model, "F1", is_node=True).text
    assert "driver hanging" not in drawn(model, "F1").text


def test_a_node_with_one_sensor_tells_it_in_the_row_of_that_sensor(model: Model, feed: Feed) -> None:
    feed.diagnosis("C1", Trouble.DRIVER_QUARANTINED, 5)
    model.apply(feed.batch())
    assert drawn(model, "C1").text.endswith("  driver quarantined  kastpi CPU")
    feed.diagnosis("C1", Trouble.OVER, Trouble.DRIVER_QUARANTINED)
    model.apply(feed.batch())
    assert "driver" not in drawn(model, "C1").text


def test_somebody_should_look_at_a_node_that_is_in_trouble(model: Model, feed: Feed) -> None:
    assert not model.is_alarming(Key("C1"))
    feed.diagnosis("C1", Trouble.DRIVER_QUARANTINED, 5)
    model.apply(feed.batch())
    assert model.is_alarming(Key("C1"))
