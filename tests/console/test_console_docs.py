from pathlib import Path

import pytest

from console.keys import ACTIONS, Action
from console.layout import LEAST_HEIGHT, LEAST_WIDTH, WIDE
from console.symbols import SETS
from console.themes import LOOKS
from protocol.members import Status

PAGE = (Path(__file__).parents[2] / "docs" / "console.md").read_text("utf-8")


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_every_key_is_documented(action: Action) -> None:
    assert f"| `{action.shown}` | {action.help}" in PAGE


@pytest.mark.parametrize("status", Status)
def test_every_state_is_documented(status: Status) -> None:
    assert f"`{status}`" in PAGE


def test_every_theme_and_every_set_of_symbols_is_documented() -> None:
    assert all(f"| `{look.name}` | {look.summary} |" in PAGE for look in LOOKS.values())
    assert all(f"`{name}`" in PAGE for name in SETS)


def test_the_sizes_are_those_of_the_code() -> None:
    assert f"{LEAST_WIDTH}x{LEAST_HEIGHT}" in PAGE
    assert f"from {WIDE} columns on" in PAGE
