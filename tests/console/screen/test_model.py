import pytest

from agent.orders import Answer
from console.screen.model import MAX_ANSWERS, SPANS_S, Given, Model
from console.screen.ordering import SORTS, Key
from protocol.commands import Code
from protocol.frames import Flag
from tests.console.screen.feeding import Feed

VALUE = next(index for index, sort in enumerate(SORTS) if sort.name == "value")


def test_the_cursor_begins_at_the_first_row(model: Model) -> None:
    assert model.cursor == Key("C1")
    assert model.position == 0


def test_the_cursor_does_not_leave_the_table(model: Model) -> None:
    model.move(-5)
    assert model.position == 0
    model.move(500)
    assert model.position == len(model.keys) - 1


def test_the_cursor_stays_on_its_sensor_when_rows_change_places(model: Model) -> None:
    model.move(1)
    assert model.cursor == Key("C2")
    model.sort_by(VALUE)
    assert model.cursor == Key("C2")
    assert model.position != 1


def test_the_cursor_stays_near_when_its_row_is_filtered_away(model: Model) -> None:
    model.move(1)
    model.set_filter("!kitchen")
    assert model.cursor == model.keys[1]


def test_without_rows_there_is_nothing_under_the_cursor(model: Model) -> None:
    model.set_filter("nobody has this")
    assert model.cursor is None
    assert (model.selected, model.selected_node, model.targets()) == (None, None, [])
    model.move(1)
    model.toggle_mark()
    assert not model.move_to_alarm()
    model.set_filter("")
    assert model.cursor is not None


def test_sorting_by_the_same_column_again_turns_the_order_round(model: Model) -> None:
    model.sort_by(VALUE)
    model.sort_by(VALUE)
    assert (model.wish.sort, model.wish.reverse) == (VALUE, True)


def test_another_column_begins_with_its_own_order(model: Model) -> None:
    model.sort_by(VALUE)
    model.reverse()
    model.sort_next()
    assert (model.wish.sort, model.wish.reverse) == (VALUE + 1, False)


def test_after_the_last_column_comes_the_first(model: Model) -> None:
    for _ in SORTS:
        model.sort_next()
    assert model.wish.sort == 0


def test_rows_that_move_by_themselves_change_places_once_a_second_at_most(model: Model, feed: Feed) -> None:
    model.toggle_groups()
    model.sort_by(VALUE)
    assert model.keys[-2] == Key("C2")
    feed.reading("C2", 1.0)
    feed.wait(0.5)
    model.apply(feed.batch())
    assert model.keys[-2] == Key("C2")
    feed.wait(0.6)
    model.apply(feed.batch())
    assert model.keys[0] == Key("C2")


def test_a_new_sensor_is_shown_at_once(model: Model, feed: Feed) -> None:
    feed.reading("X9", 1.0)
    model.apply(feed.batch())
    assert Key("X9") in model.keys


def test_the_next_alarm_is_found_and_after_the_last_the_first(model: Model) -> None:
    assert model.move_to_alarm()
    assert model.cursor == Key("C2")
    model.move_to(len(model.keys) - 1)
    assert model.move_to_alarm()
    assert model.cursor == Key("C2")
    assert model.move_to_alarm(-1)
    assert model.cursor == Key("C2")


def test_a_frozen_view_holds_still_while_everything_goes_on(model: Model, feed: Feed) -> None:
    model.toggle_freeze()
    feed.wait(3.0)
    feed.reading("C1", 99.0)
    feed.reading("X9", 1.0)
    model.apply(feed.batch())
    assert model.world.sensors["C1"].value == 50.4
    assert Key("X9") not in model.keys
    assert model.live.sensors["C1"].value == 99.0
    seconds, readings = model.behind()
    assert seconds == pytest.approx(3.0)
    assert readings == 2


def test_a_view_that_goes_on_shows_what_has_happened_meanwhile(model: Model, feed: Feed) -> None:
    model.toggle_freeze()
    feed.reading("C1", 99.0)
    model.apply(feed.batch())
    model.toggle_freeze()
    assert model.world.sensors["C1"].value == 99.0
    assert model.behind() == (0.0, 0)


def test_a_frozen_view_can_still_be_filtered_and_sorted(model: Model, feed: Feed) -> None:
    model.toggle_freeze()
    model.set_filter("room")
    feed.reading("F1", 1.0)
    model.apply(feed.batch())
    assert [key.codifier for key in model.keys if not key.is_node] == ["F1", "F2"]


def test_a_command_goes_to_the_node_under_the_cursor(model: Model) -> None:
    assert model.targets() == ["C1"]


def test_a_command_on_a_proxy_goes_to_the_node_that_publishes_it(model: Model) -> None:
    model.move_to(model.keys.index(Key("F2")))
    assert model.targets() == ["F1"]


def test_a_command_goes_to_the_marked_rows_each_node_once(model: Model) -> None:
    for key in (Key("F2"), Key("F1"), Key("C2")):
        model.move_to(model.keys.index(key))
        model.toggle_mark()
    assert model.targets() == ["C2", "F1"]


def test_a_mark_can_be_taken_away(model: Model) -> None:
    model.toggle_mark()
    model.toggle_mark()
    assert not model.marks


def test_marking_all_marks_what_is_shown_and_again_takes_all_marks_away(model: Model) -> None:
    model.set_filter("room")
    model.mark_all()
    assert model.targets() == ["F1"]
    model.mark_all()
    assert not model.marks


def test_an_answer_takes_the_place_of_its_command(model: Model) -> None:
    command = Given(1.0, Flag.HALT, "C1")
    model.note(command)
    model.note(command._replace(answer=Answer("C1", Code.TAKEN, acknowledged=True, elapsed_ms=1.0, attempts=1)))
    assert len(model.given) == 1
    assert model.given[0].answer is not None


def test_answers_are_bounded(model: Model) -> None:
    for number in range(MAX_ANSWERS + 10):
        model.note(Given(float(number), Flag.HALT, "C1"))
    assert len(model.given) == MAX_ANSWERS


def test_a_row_under_a_heading_knows_it(model: Model) -> None:
    assert [key.codifier for key in model.keys if model.is_member(key)] == ["F1", "F2"]
    assert model.is_last_member(Key("F2"))
    assert not model.is_last_member(Key("F1"))
    assert model.is_lonely(Key("CC", is_node=True))
    assert not model.is_lonely(Key("F1", is_node=True))


def test_a_chart_shows_no_less_than_the_least_and_no_more_than_the_most(model: Model) -> None:
    for _ in range(10):
        model.change_span(1)
    assert model.span_s == SPANS_S[-1]
    for _ in range(10):
        model.change_span(-1)
    assert model.span_s == SPANS_S[0]
