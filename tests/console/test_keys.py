from collections import Counter

import pytest

from console.control import COMMANDS
from console.help import help_text
from console.keybar import draw_keybar
from console.keys import ACTIONS, Part, actions_of, bar_of
from console.screen import ConsoleApp
from console.symbols import UNICODE


def test_every_action_can_be_carried_out() -> None:
    assert [action.name for action in ACTIONS if not hasattr(ConsoleApp, action.method)] == []


def test_every_action_of_the_screen_is_in_the_list() -> None:
    own = {name for name in vars(ConsoleApp) if name.startswith("action_")} - {"action_use_theme"}
    assert own <= {action.method for action in ACTIONS}


@pytest.mark.parametrize("part", Part)
def test_no_key_means_two_things_at_once(part: Part) -> None:
    keys = Counter(
        key for action in ACTIONS if action.part in {part, Part.EVERYWHERE} for key in action.keys.split(",")
    )
    assert [key for key, count in keys.items() if count > 1] == []


def test_the_keys_of_commands_are_the_flags_of_the_wire() -> None:
    keys = {action.name: action.keys for action in ACTIONS if action.armed}
    assert keys == {command.action: command.flag.value for command in COMMANDS}


@pytest.mark.parametrize("part", Part)
def test_commands_are_nowhere_while_the_console_is_read_only(part: Part) -> None:
    assert not [action for action in actions_of(part, armed=False) if action.armed]
    assert not [action for action in bar_of(part, armed=False) if action.armed]
    assert "Let the nodes stop" not in help_text(part, UNICODE, armed=False)


def test_the_help_has_every_key_of_the_part_and_every_sign() -> None:
    text = help_text(Part.TABLE, UNICODE, armed=True)
    for action in ACTIONS:
        if action.part in {Part.TABLE, Part.EVERYWHERE}:
            assert action.help in text
    assert "● ok" in text
    assert "◌ stale" in text


def test_the_help_of_a_part_has_no_keys_of_another() -> None:
    assert "Sort by the next column" not in help_text(Part.EVENTS, UNICODE, armed=False)


@pytest.mark.parametrize("width", [10, 60, 80, 250])
def test_the_key_bar_has_as_many_keys_as_fit_the_most_important_first(width: int) -> None:
    actions = bar_of(Part.TABLE, armed=True)
    line, places = draw_keybar(actions, width)
    assert line.width <= width
    assert [place.action for place in places] == actions[: len(places)]
    assert places[0].action.name == "help"


def test_a_click_on_the_key_bar_finds_its_action() -> None:
    line, places = draw_keybar(bar_of(Part.TABLE, armed=False), 120)
    for place in places:
        assert place.action.word in line.text[place.begin : place.end]
