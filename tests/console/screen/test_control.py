import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.orders import Answer
from console.screen.catalogue import Catalogue
from console.screen.control import (
    BY_ACTION,
    COMMANDS,
    MOST_NAMED,
    Order,
    describe_target,
    describe_targets,
    describe_values,
    draw_control,
    order_words,
    outcome,
    parse_number,
    unfit,
)
from console.screen.lines import Ink
from console.screen.model import Given
from console.screen.symbols import UNICODE
from protocol import frames
from protocol.commands import Code
from protocol.frames import Flag
from tests.console.screen.feeding import Feed, lively, model_of, small_network

CATALOGUE = Catalogue(small_network())
KEYS = [("S", "start"), ("H", "halt"), ("C", "reload"), ("A", "set"), ("E", "step")]


def order(action: str, *targets: str) -> Order:
    return Order(BY_ACTION[action], targets)


def test_every_command_of_the_wire_can_be_given() -> None:
    assert {command.flag for command in COMMANDS} == frames.COMMANDS


def test_a_single_target_is_named_in_the_title() -> None:
    assert order("halt", "C1").title == "Halt C1"
    assert order("halt", "C1").typed == ""


def test_many_targets_are_counted_and_must_be_typed() -> None:
    assert order("halt", "C1", "C2").title == "Halt 2 nodes"
    assert order("halt", "C1", "C2").typed == "halt 2"


def test_a_target_is_told_with_everything_that_it_concerns() -> None:
    assert describe_target("F1", CATALOGUE) == "F1 Room temperature (sends F1, F2)"
    assert describe_target("FK", CATALOGUE) == "FK Fan"
    assert describe_target("X9", CATALOGUE) == "X9 (not in the configuration)"


def test_very_many_targets_are_not_all_named() -> None:
    targets = [f"{number:02}" for number in range(MOST_NAMED + 5)]
    lines = describe_targets(order("halt", *targets), CATALOGUE)
    assert len(lines) == MOST_NAMED + 1
    assert lines[-1] == "and 5 more"


def test_who_cannot_be_set_is_told_beforehand() -> None:
    assert unfit(order("set", "C1", "FK", "X9"), CATALOGUE) == ["C1"]
    assert unfit(order("halt", "C1"), CATALOGUE) == []


def test_who_sets_a_value_is_told_the_present_one_its_unit_and_its_range() -> None:
    world = model_of(lively(Feed())).world
    assert describe_values(order("set", "FK"), CATALOGUE, world) == ["now 30 %, takes 0 to 100 in steps of 0.5 %"]
    assert describe_values(order("step", "FK", "C1"), CATALOGUE, world) == [
        "FK: now 30 %, takes 0 to 100 in steps of 0.5 %",
        "C1: now 50.4 °C",
    ]
    assert describe_values(order("halt", "FK"), CATALOGUE, world) == []


def test_a_value_that_may_hold_no_more_is_told_with_its_status() -> None:
    feed = lively(Feed())
    feed.wait(30.0)
    world = model_of(feed).world
    assert describe_values(order("set", "C1"), CATALOGUE, world) == ["now 50.4 °C (stale)"]


def test_a_value_that_nobody_heard_is_no_value() -> None:
    world = model_of(Feed()).world
    assert describe_values(order("set", "C1"), CATALOGUE, world) == ["its value was not heard yet"]
    assert describe_values(order("set", "X9"), CATALOGUE, world) == ["its value was not heard yet"]


@pytest.mark.parametrize(
    ("text", "number"),
    [("80", 80.0), (" -2,5 ", -2.5), ("1e3", 1000.0), ("", None), ("warm", None), ("nan", None), ("inf", None)],
)
def test_only_finite_numbers_can_be_sent(text: str, number: float | None) -> None:
    assert parse_number(text) == number


@given(st.text())
def test_any_text_is_a_number_or_none(text: str) -> None:
    parse_number(text)


@pytest.mark.parametrize(
    ("answer", "words", "ink"),
    [
        (None, "waiting for the answer", Ink.DIM),
        (Answer("FK", Code.TAKEN, True, 1.25, 1), "taken, 1.25ms, 1 attempt", Ink.OK),
        (Answer("FK", Code.TAKEN, False, 612.0, 3), "taken, 612ms, 3 attempts, seen not confirmed", Ink.OK),
        (Answer("FK", None, False, 8_000.0, 6), "no answer after 6 attempts in 8.0 s", Ink.CRITICAL),
    ],
)
def test_how_a_command_ended_is_told_with_time_and_attempts(answer: Answer | None, words: str, ink: Ink) -> None:
    assert outcome(Given(0.0, Flag.SET, "FK", 80.0, answer)) == (words, ink)


def test_a_refusal_is_told_with_its_reason() -> None:
    words, ink = outcome(Given(0.0, Flag.SET, "C1", 1.0, Answer("C1", Code.NOT_A_CONTROL_SENSOR, True, 1.0, 1)))
    assert "no control sensor" in words
    assert ink is Ink.WARNING


def test_a_given_command_is_written_as_on_the_command_line() -> None:
    assert order_words(Given(0.0, Flag.SET, "FK", 80.0)) == "set FK 80"
    assert order_words(Given(0.0, Flag.HALT, "C1")) == "halt C1"


def test_a_read_only_panel_names_no_command() -> None:
    text = "\n".join(line.text for line in draw_control(model_of(lively(Feed())), KEYS, 60, 5, UNICODE))
    assert "read-only" in text
    assert "halt" not in text


def test_an_armed_panel_names_target_keys_and_the_last_answers() -> None:
    model = model_of(lively(Feed()))
    model.armed = True
    model.note(Given(0.0, Flag.HALT, "C2"))
    model.note(Given(1.0, Flag.SET, "FK", 80.0, Answer("FK", Code.TAKEN, True, 1.25, 1)))
    lines = [line.text for line in draw_control(model, KEYS, 60, 5, UNICODE)]
    assert lines[0].strip() == "to C1 kastpi CPU"
    assert "H halt" in lines[1]
    assert "set FK 80  taken, 1.25ms, 1 attempt" in lines[2]
    assert "halt C2  waiting for the answer" in lines[3]


def test_the_panel_is_never_higher_or_wider_than_it_may_be() -> None:
    model = model_of(lively(Feed()))
    model.armed = True
    model.mark_all()
    for number in range(50):
        model.note(Given(float(number), Flag.HALT, "C2"))
    lines = draw_control(model, KEYS, 40, 6, UNICODE)
    assert len(lines) == 6
    assert all(line.width <= 40 for line in lines)


def test_a_command_without_a_key_says_who_could_give_it_and_no_time() -> None:
    answer = Answer("FK", Code.NOT_AUTHORISED, False, 0.0, 0, by="ZR", hint="CK may: --as CK")
    words, ink = outcome(Given(0.0, Flag.SET, "FK", 80.0, answer))
    assert (words, ink) == ("ZR has no key to command FK; CK may: --as CK", Ink.WARNING)
