"""The one list of what the operator can do: bindings, key bar, palette and help are made from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Part(StrEnum):
    """A part of the screen that can have the focus; EVERYWHERE is all of them."""

    EVERYWHERE = "everywhere"
    TABLE = "sensors"
    DETAIL = "detail"
    EVENTS = "events"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do. `name` is the screen's method `action_<name>`, with its argument if it has one.

    `keys` are Textual's names for them, `shown` is how the first is written, `word` stands in the key bar (empty:
    only in the help), `armed` actions exist only while commands are armed, those `at_once` are carried out before
    the next key is looked at.
    """

    name: str
    keys: str
    shown: str
    word: str
    help: str
    part: Part = Part.EVERYWHERE
    armed: bool = False
    palette: bool = True
    at_once: bool = False

    @property
    def method(self) -> str:
        """The name of the method that carries the action out."""
        return f"action_{self.name.partition('(')[0]}"


# In the order of importance: where the key bar has too little room it leaves out the last.
ACTIONS: Final = (
    Action("help", "question_mark,f1", "?", "help", "Show the keys of the part that has the focus"),
    Action("quit", "q,ctrl+c", "q", "quit", "Leave the console"),
    Action(
        "filter", "slash", "/", "filter", "Show the rows that match: words, !word for what must not occur", at_once=True
    ),
    Action("ping", "p", "p", "ping", "Measure the round trip to the node under the cursor, or to the marked ones"),
    Action("freeze", "f", "f", "freeze", "Hold the view still while everything goes on being heard"),
    Action("start", "S", "S", "start", "Let the nodes send readings again", armed=True),
    Action("halt", "H", "H", "halt", "Let the nodes stop sending readings", armed=True),
    Action("reload", "C", "C", "reload", "Let the nodes read their configuration again", armed=True),
    Action("set", "A", "A", "set", "Set the value of a control sensor", armed=True),
    Action("step", "E", "E", "step", "Change the value of a control sensor by some amount", armed=True),
    Action("arm", "a", "a", "arm", "Allow commands, or make the console read-only again"),
    Action("next_alarm", "n", "n", "alarm", "Go to the next row on which somebody should look", Part.TABLE),
    Action("sort", "o", "o", "sort", "Sort by the next column", Part.TABLE),
    Action("zoom", "z", "z", "zoom", "Give the whole screen to the part that has the focus, or back"),
    Action("mark", "space", "space", "mark", "Mark the row for the next command", Part.TABLE),
    Action("command_palette", "ctrl+p", "^p", "palette", "Find an action by its name", palette=False),
    Action("export", "e", "e", "export", "Write the rows that are shown to a file, as CSV or as JSON lines"),
    Action("copy_value", "y", "y", "copy", "Copy the value under the cursor to the terminal's clipboard"),
    Action("theme", "t", "t", "theme", "Change to the next theme"),
    Action("previous_alarm", "N", "N", "", "Go back to the previous row on which somebody should look", Part.TABLE),
    Action("reverse", "O", "O", "", "Turn the order round", Part.TABLE),
    Action("group", "g", "g", "", "Show the sensors of a node together, or each by itself", Part.TABLE),
    Action("mark_all", "asterisk", "*", "", "Mark all rows that are shown, or none", Part.TABLE),
    Action("ping_all", "P", "P", "", "Ping every node"),
    Action("span(1)", "right_square_bracket", "]", "", "Let the chart show more time"),
    Action("span(-1)", "left_square_bracket", "[", "", "Let the chart show less time"),
    Action("panel('sensors')", "1", "1", "", "Go to the table of sensors"),
    Action("panel('detail')", "2", "2", "", "Show or hide everything about the row under the cursor"),
    Action("panel('events')", "3", "3", "", "Show or hide the event list"),
    Action("panel('control')", "4", "4", "", "Show or hide the commands and their answers"),
    Action("open", "enter", "enter", "", "Give the whole screen to the detail of the row", Part.TABLE, palette=False),
    Action("escape", "escape", "esc", "", "Back: end the zoom, the filter, the marks", palette=False),
    Action("focus_next", "tab", "tab", "", "Go to the next part", palette=False),
    Action("focus_previous", "shift+tab", "shift+tab", "", "Go to the previous part", palette=False),
    Action("cursor(-1)", "up,k", "up", "", "Up a row", Part.TABLE, palette=False),
    Action("cursor(1)", "down,j", "down", "", "Down a row", Part.TABLE, palette=False),
    Action("page(-1)", "pageup,ctrl+b", "pgup", "", "Up a page", Part.TABLE, palette=False),
    Action("page(1)", "pagedown,ctrl+f", "pgdn", "", "Down a page", Part.TABLE, palette=False),
    Action("edge(-1)", "home", "home", "", "To the first row", Part.TABLE, palette=False),
    Action("edge(1)", "end,G", "end", "", "To the last row", Part.TABLE, palette=False),
    Action("follow", "end,G", "end", "follow", "To the newest event, and stay there", Part.EVENTS, palette=False),
)


def actions_of(part: Part, *, armed: bool) -> Iterator[Action]:
    """Go through what can be done while a part has the focus, the part's own actions first."""
    possible = [action for action in ACTIONS if action.part in {part, Part.EVERYWHERE} and (armed or not action.armed)]
    return iter(sorted(possible, key=lambda action: action.part is Part.EVERYWHERE))


def bar_of(part: Part, *, armed: bool) -> list[Action]:
    """Return what the key bar names, the most important first."""
    return [
        action
        for action in ACTIONS
        if action.word and action.part in {part, Part.EVERYWHERE} and (armed or not action.armed)
    ]
