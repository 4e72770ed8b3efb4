"""The help screen: every key that works where the focus is, and what the signs mean."""

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from console.keys import Action, Part, actions_of
from console.symbols import Symbols
from protocol.members import Status

_MEANINGS = {
    Status.OK: "its last value is fresh and within its limits",
    Status.WARNING: "its value has crossed the limit of a warning",
    Status.CRITICAL: "its value has crossed the limit of an alarm",
    Status.STALE: "no value for longer than its timeout",
    Status.HALTED: "its node was told to send no readings",
    Status.GONE: "its node is silent, or has left",
    Status.UNHEARD: "nothing was heard of it since the console was opened",
}


class HelpScreen(ModalScreen[None]):
    """Keys and signs."""

    CSS: ClassVar[str] = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen:ansi { background: ansi_default; }
    HelpScreen > VerticalScroll {
        width: 84; max-width: 96%; height: auto; max-height: 92%; padding: 1 2;
        background: $panel; border: round $accent; scrollbar-size-vertical: 1;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q,enter", "dismiss", "Close", show=False),
    ]

    def __init__(self, part: Part, symbols: Symbols, *, armed: bool) -> None:
        super().__init__()
        self._text = help_text(part, symbols, armed=armed)
        self._title = f"Keys while the focus is on: {part}"

    def compose(self) -> ComposeResult:
        """Lay the text out."""
        with VerticalScroll() as box:
            box.border_title = Content(self._title)
            box.border_subtitle = Content("esc closes")
            yield Static(Content(self._text))


def help_text(part: Part, symbols: Symbols, *, armed: bool) -> str:
    """Write the help: the keys of this part, those that work everywhere, and what the signs mean."""
    return "\n".join(_lines(part, symbols, armed=armed))


def _lines(part: Part, symbols: Symbols, *, armed: bool) -> Iterator[str]:
    actions = list(actions_of(part, armed=armed))
    own = [action for action in actions if action.part is part]
    if own:
        yield f"In the part “{part}”"
        yield from map(_key_line, own)
        yield ""
    yield "Everywhere"
    yield from (_key_line(action) for action in actions if action.part is Part.EVERYWHERE)
    if not armed:
        yield ""
        yield "Commands (S start, H halt, C reload, A set, E step) exist once a has armed them."
    yield ""
    yield "Signs"
    for status, meaning in _MEANINGS.items():
        yield f"  {symbols.statuses[status]} {status:<9} {meaning}"


def _key_line(action: Action) -> str:
    return f"  {action.shown:<10} {action.help}"
