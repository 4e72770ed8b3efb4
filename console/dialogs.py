"""Dialogs: what is about to happen and to whom. The focus is on Cancel, or on what has to be typed."""

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from console.catalogue import Catalogue
from console.control import Order, describe_targets, parse_number, unfit

_CSS = """
Dialog { align: center middle; background: $background 60%; }
Dialog:ansi { background: ansi_default; }
Dialog > Vertical {
    width: 62; max-width: 96%; height: auto; max-height: 90%; padding: 1 2;
    background: $panel; border: round $accent;
}
Dialog.-danger > Vertical { border: round $error; }
Dialog .targets { color: $foreground; margin: 1 0 0 0; }
Dialog .effect { margin: 1 0 0 0; }
Dialog .warning { color: $warning; margin: 1 0 0 0; }
Dialog Input { margin: 1 0 0 0; }
Dialog .error { color: $error; height: auto; }
Dialog Horizontal { height: auto; align: right middle; margin: 1 0 0 0; }
Dialog Button { margin: 0 0 0 2; min-width: 12; }
"""


class Dialog(ModalScreen[str | None]):
    """Something to confirm, with at most one thing to type. Gives what was typed, or None when it was cancelled."""

    CSS: ClassVar[str] = _CSS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(  # noqa: PLR0913 - a dialog's parts
        self,
        title: str,
        confirm: str,
        texts: Iterable[tuple[str, str]],
        *,
        field: str | None = None,
        initial: str = "",
        check: Callable[[str], str] = lambda _: "",
        danger: bool = False,
    ) -> None:
        """Ask. `texts` are (class, text); `field` is what is to be typed, `check` says what is wrong with it."""
        super().__init__(classes="-danger" if danger else "")
        self._title = title
        self._confirm = confirm
        self._texts = tuple(texts)
        self._field = field
        self._initial = initial
        self._check = check
        self._danger = danger

    def compose(self) -> ComposeResult:
        """Lay the dialog out."""
        with Vertical() as box:
            box.border_title = Content(self._title)
            for classes, text in self._texts:
                yield Static(Content(text), classes=classes)
            if self._field is not None:
                yield Input(self._initial, placeholder=self._field, id="field")
                yield Static("", classes="error", id="error")
            with Horizontal():
                yield Button("Cancel", id="cancel")
                yield Button(Content(self._confirm), variant="error" if self._danger else "primary", id="confirm")

    def on_mount(self) -> None:
        """Put the focus where no careless key does harm."""
        if self._field is None:
            self.query_one("#cancel").focus()
        else:
            field = self.query_one(Input)
            field.cursor_blink = False
            field.focus()

    def on_input_submitted(self) -> None:
        """Take Enter in the field as confirmation: what was typed says that it is meant."""
        self._try_to_confirm()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Confirm or cancel."""
        event.stop()
        if event.button.id == "confirm":
            self._try_to_confirm()
        else:
            self.action_cancel()

    def action_cancel(self) -> None:
        """Close without doing anything."""
        self.dismiss(None)

    def _try_to_confirm(self) -> None:
        typed = "" if self._field is None else self.query_one(Input).value
        wrong = self._check(typed)
        if wrong:
            self.query_one("#error", Static).update(Content(wrong))
        else:
            self.dismiss(typed)


def order_dialog(order: Order, catalogue: Catalogue) -> Dialog:
    """Ask whether an order is meant; with many targets the operator has to type it."""
    unable = unfit(order, catalogue)
    texts = [("targets", "\n".join(describe_targets(order, catalogue))), ("effect", f"It {order.command.effect}.")]
    if len(order.targets) > 1:
        texts[1] = ("effect", f"Each {order.command.effect}.")
    if unable:
        texts.append(("warning", f"No control sensor, will refuse: {' '.join(unable)}"))
    if order.command.asks:
        return _number_dialog(order, texts)
    if order.typed:
        texts.append(("effect", f"Type “{order.typed}” to confirm."))
    return Dialog(
        order.title,
        order.command.word,
        texts,
        field=order.typed or None,
        check=lambda typed: wrongly_typed(order, typed),
        danger=True,
    )


def _number_dialog(order: Order, texts: Sequence[tuple[str, str]]) -> Dialog:
    many = [("effect", f"Type the {order.command.asks} and the number of nodes: 80 {len(order.targets)}")]
    return Dialog(
        order.title,
        order.command.word,
        [*texts, *(many if len(order.targets) > 1 else [])],
        field=order.command.asks,
        check=lambda typed: wrong_number(order, typed),
        danger=True,
    )


def wrongly_typed(order: Order, typed: str) -> str:
    """Say what is wrong with a typed confirmation; empty when it is as it should be."""
    return "" if typed.split() == order.typed.split() else f"Type exactly: {order.typed}"


def wrong_number(order: Order, typed: str) -> str:
    """Say what is wrong with a typed number, and the count of nodes after it when there are many."""
    words = typed.split()
    if not words or parse_number(words[0]) is None:
        return "A number is needed, such as 80 or -2.5"
    expected = [] if len(order.targets) == 1 else [str(len(order.targets))]
    return "" if words[1:] == expected else f"After the number type: {' '.join(expected) or 'nothing'}"
