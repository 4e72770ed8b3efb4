"""The last line: the keys that work now."""

from typing import NamedTuple

from console.screen.keys import Action
from console.screen.lines import Ground, Ink, Line, Span, line


class Place(NamedTuple):
    """Where an action stands in the key bar: from cell `begin` to before `end`."""

    begin: int
    end: int
    action: Action


def draw_keybar(actions: list[Action], width: int) -> tuple[Line, list[Place]]:
    """Draw as many keys as fit, and tell where each is so that it can be clicked."""
    spans: list[Span] = []
    places: list[Place] = []
    x = 0
    for action in actions:
        length = len(action.shown) + len(action.word) + 3
        if x + length > width:
            break
        spans += [Span(f" {action.shown}", Ink.KEY), Span(f" {action.word} ", Ink.DIM)]
        places.append(Place(x, x + length, action))
        x += length
    return line(spans, Ground.TITLE), places
