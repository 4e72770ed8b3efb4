"""The screen on which the network is seen and commanded: the stage, and what the operator does on it."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

from console.commander import Commander, summary
from console.control import BY_ACTION, Order, outcome, parse_number
from console.dialogs import Dialog, order_dialog
from console.export import ExportError, export
from console.help import HelpScreen
from console.keys import ACTIONS, Part
from console.layout import Panels
from console.model import Given
from console.panels import Bar
from console.rows import row_text, sort_at
from console.stage import Stage
from console.words import visible

_ARMED: Final = frozenset(action.name for action in ACTIONS if action.armed)
_AT_ONCE: Final = frozenset(action.name for action in ACTIONS if action.at_once)


class ConsoleApp(Stage):
    """The screen: what each key does. The keys themselves, their names and their help are in console/keys.py."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(action.keys, action.name, action.word or action.help, show=False, priority=action.at_once)
        for action in ACTIONS
        if action.part is Part.EVERYWHERE
    ]

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.commander = Commander(self.link, self.model, self.draw)

    # Parts ------------------------------------------------------------------------------------------------------

    def action_panel(self, name: str) -> None:
        """Show a part, or hide it when it is shown; the table is always there."""
        part = Part(name)
        if part is Part.TABLE:
            self.panels = Panels(self.panels.detail, self.panels.events, self.panels.control)
        else:
            self.panels = self.panels.toggled(part, shown=self.layout_now.shows(part))
        self.arrange()
        self.call_after_refresh(self.draw_chart)

    def action_zoom(self) -> None:
        """Give the whole screen to the part that has the focus, or back."""
        part = self.focused_part
        self.panels = self.panels.zooming(None if self.panels.zoomed or part is Part.EVERYWHERE else part)
        self.arrange()

    def action_open(self) -> None:
        """Give the whole screen to the detail of the row."""
        self.panels = self.panels.zooming(Part.DETAIL)
        self.arrange()
        self.focus_part(Part.DETAIL)
        self.draw_chart()

    def action_escape(self) -> None:
        """Go back: end the zoom, else the filter, else the marks."""
        if self.panels.zoomed:
            self.panels = self.panels.zooming(None)
            self.arrange()
            self.focus_part(Part.TABLE)
        elif self.focused is self.query_one("#filter") or self.model.filter_text:
            self._end_filter("")
        else:
            self.model.marks.clear()
        self.draw()

    # The table --------------------------------------------------------------------------------------------------

    def _moved(self) -> None:
        self.table.show_cursor()
        self.draw_chart()

    def action_cursor(self, rows: int) -> None:
        """Move the cursor by so many rows."""
        self.model.move(rows)
        self._moved()

    def action_page(self, pages: int) -> None:
        """Move the cursor by so many pages."""
        self.model.move(pages * max(1, self.table.inner_height - 1))
        self._moved()

    def action_edge(self, end: int) -> None:
        """Move the cursor to the first (-1) or last (1) row."""
        self.model.move_to(0 if end < 0 else len(self.model.keys) - 1)
        self._moved()

    def action_next_alarm(self) -> None:
        """Go to the next row on which somebody should look."""
        self._to_alarm(1)

    def action_previous_alarm(self) -> None:
        """Go to the previous row on which somebody should look."""
        self._to_alarm(-1)

    def _to_alarm(self, step: int) -> None:
        if not self.model.move_to_alarm(step):
            self.say("nothing needs a look")
        self._moved()

    def action_sort(self) -> None:
        """Sort by the next column."""
        self._reordered(self.model.sort_next)

    def action_reverse(self) -> None:
        """Turn the order round."""
        self._reordered(self.model.reverse)

    def action_group(self) -> None:
        """Show the sensors of a node together, or each by itself."""
        self._reordered(self.model.toggle_groups)

    def on_bar_clicked(self, event: Bar.Clicked) -> None:
        """Sort by the column, or press the key, that was clicked."""
        if event.bar.id == "columns":
            index = sort_at(event.x, self.table.columns)
            if index is not None:
                self._reordered(partial(self.model.sort_by, index))
        elif event.bar.id == "keys":
            self._press_at(event.x)

    def _reordered(self, change: Any) -> None:
        change()
        self._moved()

    def action_mark(self) -> None:
        """Mark the row, and go to the next one."""
        self.model.toggle_mark()
        self.action_cursor(1)

    def action_mark_all(self) -> None:
        """Mark all rows that are shown, or none."""
        self.model.mark_all()
        self.draw()

    def action_follow(self) -> None:
        """Go to the newest event, and stay there."""
        self.events.follow()
        self.draw()

    def action_freeze(self) -> None:
        """Hold the view still, or let it go on."""
        self.model.toggle_freeze()
        self.draw_chart()

    def action_span(self, step: int) -> None:
        """Let the chart show more or less time."""
        self.model.change_span(step)
        self.draw_chart()

    # Filter, export, copy, theme --------------------------------------------------------------------------------

    def action_filter(self) -> None:
        """Open the line in which the filter is typed."""
        field = self.query_one("#filter", Input)
        field.value = self.model.filter_text
        # Not with the next message, as Textual's own way is: the letters that follow are no commands.
        field.display = True
        self.screen.set_focus(field)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while it is typed."""
        if event.input.id == "filter" and event.value != self.model.filter_text:
            self._reordered(partial(self.model.set_filter, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter and go back to the table."""
        if event.input.id == "filter":
            self._end_filter(event.value)

    def _end_filter(self, text: str) -> None:
        self.model.set_filter(text)
        self.query_one("#filter", Input).display = False
        self.focus_part(Part.TABLE)
        self._moved()

    def action_copy_value(self) -> None:
        """Copy the value under the cursor to the terminal's clipboard (OSC 52)."""
        text = row_text(self.model, self.model.cursor) if self.model.cursor else ""
        if text:
            self.copy_to_clipboard(text)
        self.say(f"copied {text}" if text else "there is no value here")

    def action_export(self) -> None:
        """Ask for the file to which the rows that are shown are written."""
        texts = [("effect", f"{self.model.shown} rows; a name that ends in .jsonl makes JSON lines, any other CSV.")]
        ask = Dialog("Export", "Write", texts, field="file", initial="jph-sensors.csv")
        self.push_screen(ask, self._export)

    def _export(self, name: str | None) -> None:
        if not name:
            return
        try:
            count = export(self.model, Path(name).expanduser())
        except ExportError as error:
            self.say(str(error), wrong=True)
        else:
            self.say(f"{count} rows in {name}")

    def action_theme(self) -> None:
        """Change to the next theme."""
        names = list(self.looks)
        self.action_use_theme(names[(names.index(self.painter.look.name) + 1) % len(names)])

    def action_use_theme(self, name: str) -> None:
        """Change to a theme by its name."""
        self.painter.use(self.looks[name])
        self.theme = name
        for panel in (self.table, self.events, self.detail, self.control, *self.bars.values()):
            panel.refresh()
        self.say(f"{name}: {self.looks[name].summary}")

    # Commands ---------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let the keys of commands not exist while the console is read-only, and a slash be typed as text."""
        if action in _ARMED:
            return self.model.armed
        if action in _AT_ONCE:
            return self.focused_part is not Part.EVERYWHERE
        return super().check_action(action, parameters)

    def action_arm(self) -> None:
        """Allow commands, or make the console read-only again."""
        self.model.armed = not self.model.armed
        self.refresh_bindings()
        self.arrange()

    def action_ping(self) -> None:
        """Ping the nodes under the cursor or with marks."""
        self.begin(partial(self._ping, self.model.targets()), "ping")

    def action_ping_all(self) -> None:
        """Ping every node."""
        self.begin(partial(self._ping, ["@@"]), "ping")

    async def _ping(self, codifiers: list[str]) -> None:
        for codifier in codifiers:
            await self.link.ping(codifier)
        self.say(f"pinged {' '.join(codifiers[:8])}")

    def action_start(self) -> None:
        """Let the nodes send readings again."""
        self._ask("start")

    def action_halt(self) -> None:
        """Let the nodes stop sending readings."""
        self._ask("halt")

    def action_reload(self) -> None:
        """Let the nodes read their configuration again."""
        self._ask("reload")

    def action_set(self) -> None:
        """Set the value of a control sensor."""
        self._ask("set")

    def action_step(self) -> None:
        """Change the value of a control sensor by some amount."""
        self._ask("step")

    def _ask(self, action: str) -> None:
        targets = tuple(self.model.targets())
        if not targets:
            self.say("there is no row to command")
            return
        order = Order(BY_ACTION[action], targets)
        dialog = order_dialog(order, self.model.catalogue)
        self.push_screen(dialog, partial(self._give, order))

    def _give(self, order: Order, typed: str | None) -> None:
        if typed is None:
            return
        number = parse_number(typed.split()[0]) if order.command.asks else None
        self.begin(partial(self._carry_out, order, number), order.title)

    async def _carry_out(self, order: Order, number: float | None) -> None:
        answers = await self.commander.give(order, number)
        if len(answers) > 1:
            self.say(summary(order, answers), wrong=not all(answer.ok for answer in answers))
            return
        given = Given(0.0, order.command.flag, order.targets[0], number, answers[0])
        self.say(f"{order.title}: {outcome(given)[0]}", wrong=not answers[0].ok)

    # Help, palette, end -----------------------------------------------------------------------------------------

    def action_help(self) -> None:
        """Show the keys of the part that has the focus."""
        self.push_screen(HelpScreen(self.focused_part, self.symbols, armed=self.model.armed))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Offer in the palette what the keys offer, and the themes."""
        del screen
        for action in ACTIONS:
            if action.palette and (self.model.armed or not action.armed):
                title = f"{(action.word or action.help).capitalize()} ({action.shown})"
                yield SystemCommand(title, action.help, partial(self.run_action, f"app.{action.name}"))
        for look in self.looks.values():
            yield SystemCommand(f"Theme {look.name}", look.summary, partial(self.action_use_theme, look.name))

    def say(self, words: str, *, wrong: bool = False) -> None:
        """Tell the operator something that need not stay."""
        self.notify(
            visible(words), severity="warning" if wrong else "information", markup=False, timeout=6 if wrong else 3
        )

    def _press_at(self, x: int) -> None:
        for place in self.bar_places:
            if place.begin <= x < place.end:
                self.begin(partial(self.run_action, f"app.{place.action.name}"), place.action.name)
