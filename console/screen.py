"""The screen on which the network is seen and commanded.

    BusThread -> Batch (4 a second) -> Model -> lines -> panels -> terminal

One timer drives everything that changes by itself; keys are answered at once.
"""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

from textual.app import App, ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.events import DescendantFocus, Resize
from textual.screen import Screen
from textual.widgets import Input, Static

from config.model import Configuration
from console.catalogue import Catalogue
from console.charting import Chart
from console.commander import Commander, summary
from console.control import BY_ACTION, Order, draw_control, outcome, parse_number
from console.detail import draw_detail
from console.dialogs import Dialog, order_dialog
from console.eventlist import EventList
from console.export import ExportError, export
from console.headings import control_heading, detail_heading, events_heading, table_heading
from console.help import HelpScreen
from console.keybar import Place, draw_keybar
from console.keys import ACTIONS, Part, bar_of
from console.layout import LEAST_HEIGHT, LEAST_WIDTH, Layout, Panels, lay_out
from console.link import Link
from console.model import Given, Model
from console.painter import Painter
from console.panels import Bar, Resized, Sheet
from console.past import Past
from console.rows import row_text, sort_at
from console.symbols import Symbols
from console.table import Table
from console.terminal import PatientDriver
from console.themes import LOOKS, Look
from console.title import draw_banner, draw_title
from console.words import visible
from protocol.errors import JphError
from protocol.instants import Instant

FRAMES_PER_S: Final = 4.0
ENDING_SIGNALS: Final = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)  # SIGHUP comes when a connection is cut
HUNG_UP: Final = 128 + signal.SIGHUP  # the exit code of a program whose terminal was taken away
_ARMED: Final = frozenset(action.name for action in ACTIONS if action.armed)
_AT_ONCE: Final = frozenset(action.name for action in ACTIONS if action.at_once)
_PARTS: Final = {"table": Part.TABLE, "detail": Part.DETAIL, "events": Part.EVENTS, "control": Part.CONTROL}
_WIDGETS: Final = {part: name for name, part in _PARTS.items()}


Work = Callable[[], Coroutine[None, None, object]]


class Focusable(Sheet, can_focus=True):
    """A part that can have the focus, to be scrolled and to be zoomed."""


class ConsoleApp(App[None]):
    """The screen. `link` is the way to the buses; `frames_per_s` of 0 leaves the frames to a test."""

    TITLE = "jph"
    CSS_PATH = "console.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(action.keys, action.name, action.word or action.help, show=False, priority=action.at_once)
        for action in ACTIONS
        if action.part is Part.EVERYWHERE
    ]

    def __init__(  # noqa: PLR0913 - what differs between terminals, tests and pictures
        self,
        configuration: Configuration,
        link: Link,
        *,
        look: Look,
        symbols: Symbols,
        armed: bool = False,
        frames_per_s: float = FRAMES_PER_S,
    ) -> None:
        # Textual decides here whether it may send 24-bit colours, so the theme's word must be in before.
        super().__init__(driver_class=PatientDriver, ansi_color=True if look.theme.ansi else None)
        for known in LOOKS.values():
            self.register_theme(known.theme)
        self.theme = look.name
        self.animation_level = "none"  # each step of an animation is a frame that a slow line has to carry
        self.painter = Painter(look)
        self.symbols = symbols
        self.link = link
        self.past = Past(configuration)
        self.model = Model(Catalogue(configuration), Instant(0.0, 0.0))
        self.model.armed = armed
        self.chart = Chart(link, self.past)
        self.commander = Commander(link, self.model, self.draw)
        self.terminal: PatientDriver | None = None
        self.failure: JphError | None = None
        self.panels = Panels()
        self.layout_now = Layout()
        self._frames_per_s = frames_per_s
        self._bar_places: list[Place] = []
        self._bars = {
            name: Bar(self.painter, clicked, id=name)
            for name, clicked in (
                ("title", None),
                ("banner", None),
                ("table-heading", None),
                ("columns", self._sort_at),
                ("detail-heading", None),
                ("control-heading", None),
                ("events-heading", None),
                ("keys", self._press_at),
            )
        }
        self.table = Table(self.painter, self.model, symbols)
        self.events = EventList(self.painter, self.model, symbols)
        self.detail = Focusable(self.painter, id="detail")
        self.control = Focusable(self.painter, id="control")

    def compose(self) -> ComposeResult:
        """Put the parts in their places."""
        bars = self._bars
        with Vertical(id="frame"):
            yield bars["title"]
            yield bars["banner"]
            with Container(id="upper"):
                with Vertical(id="main"):
                    yield bars["table-heading"]
                    yield bars["columns"]
                    yield self.table
                with Vertical(id="side"):
                    yield bars["detail-heading"]
                    yield self.detail
                    yield bars["control-heading"]
                    yield self.control
            with Vertical(id="lower"):
                yield bars["events-heading"]
                yield self.events
            yield Input(id="filter", compact=True, placeholder="words, !word for what must not occur")
            yield bars["keys"]
        yield Static(id="small", markup=False)

    async def on_mount(self) -> None:
        """Show what is known already, then begin with the frames."""
        self.query_one("#filter", Input).cursor_blink = False
        self.arrange()
        self.table.focus()
        if self._frames_per_s:
            self._begin(self._frames, "frames")

    async def on_unmount(self) -> None:
        """Let go of the history."""
        await self.past.close()

    def _begin(self, work: Work, name: str, *, exclusive: bool = False) -> None:
        """Begin what takes a while; what is `exclusive` takes the place of its forerunner of the same name."""
        self.run_worker(work, name=name, group=name, exclusive=exclusive)

    # What changes by itself ------------------------------------------------------------------------------------

    async def _frames(self) -> None:
        while True:
            try:
                await self.frame()
            except JphError as error:
                self.failure = error
                self.exit(return_code=1)
                return
            await asyncio.sleep(1 / self._frames_per_s)

    async def frame(self) -> None:
        """Take what has changed on the network and show it."""
        self.model.apply(await self.link.take())
        await self._follow_chart()
        self.draw()

    async def _follow_chart(self) -> None:
        if self.layout_now.shows(Part.DETAIL):
            await self.chart.follow(self.model.selected, self.model.span_s, self.model.world)

    def draw(self) -> None:
        """Draw everything that looks different now, unless the terminal has not read the last frame yet."""
        if not self.is_running or self.layout_now.too_small or (self.terminal and self.terminal.behind):
            return
        if self.terminal and self.terminal.must_repaint():
            self.refresh(layout=True)
        self._draw_bars()
        self.table.show()
        self.events.show()
        self._draw_side()

    def _draw_bars(self) -> None:
        width, model, bars = self.size.width, self.model, self._bars
        part = self.focused_part
        bars["title"].show(draw_title(model, self.link.codifier, width, self.symbols))
        banner = draw_banner(model, width, self.symbols)
        if bars["banner"].display != (banner is not None):
            bars["banner"].display = banner is not None
        if banner is not None:
            bars["banner"].show(banner)
        table = bars["table-heading"]
        table.show(table_heading(model, table.size.width, self.symbols, focused=part is Part.TABLE))
        bars["columns"].show(self.table.heading)
        events = bars["events-heading"]
        focused = part is Part.EVENTS
        events.show(events_heading(model, self.events.unseen, events.size.width, self.symbols, focused=focused))
        keys, self._bar_places = draw_keybar(bar_of(part, armed=model.armed), width)
        bars["keys"].show(keys)

    def _draw_side(self) -> None:
        model, part = self.model, self.focused_part
        if self.layout_now.shows(Part.DETAIL):
            heading = self._bars["detail-heading"]
            heading.show(detail_heading(model, heading.size.width, focused=part is Part.DETAIL))
            width, height = self.detail.inner_width, self.detail.inner_height
            self.detail.show(draw_detail(model, self.chart.points, width, height, self.symbols))
        if self.layout_now.shows(Part.CONTROL):
            heading = self._bars["control-heading"]
            heading.show(control_heading(model, heading.size.width, focused=part is Part.CONTROL))
            keys = [(action.shown, action.word) for action in ACTIONS if action.armed or action.name == "ping"]
            width, height = self.control.inner_width, self.control.inner_height
            self.control.show(draw_control(model, keys, width, height, self.symbols))

    # Layout and focus -------------------------------------------------------------------------------------------

    @property
    def focused_part(self) -> Part:
        """The part that has the focus; EVERYWHERE while it is in a dialog or in the filter."""
        return _PARTS.get((self.focused.id or "") if self.focused else "", Part.EVERYWHERE)

    def on_resize(self, event: Resize) -> None:
        """Divide the screen anew."""
        self.arrange(event.size.width, event.size.height)

    def on_resized(self, _: Resized) -> None:
        """Draw the parts in their new sizes."""
        self.draw()

    def on_descendant_focus(self, _: DescendantFocus) -> None:
        """Show where the focus is."""
        self.draw()

    def arrange(self, width: int | None = None, height: int | None = None) -> None:
        """Divide the screen as its size and the operator want it."""
        width, height = width or self.size.width, height or self.size.height
        layout = self.layout_now = lay_out(width, height, self.panels, armed=self.model.armed)
        self.screen.set_class(layout.too_small, "-small")
        self.query_one("#small", Static).update(too_small(width, height))
        if not layout.too_small:
            self._place_parts(layout)
            self._keep_focus()
            self.call_after_refresh(self.draw)

    def _place_parts(self, layout: Layout) -> None:
        upper, side, lower = (self.query_one(f"#{name}") for name in ("upper", "side", "lower"))
        zoomed = self.panels.zoomed is not None
        upper.styles.layout = "horizontal" if layout.side_by_side else "vertical"
        upper.display = bool(layout.parts - {Part.EVENTS})
        self.query_one("#main").display = layout.shows(Part.TABLE)
        side.display = layout.shows(Part.DETAIL) or layout.shows(Part.CONTROL)
        side.set_class(layout.side_by_side, "-beside")
        side.styles.width = layout.side_width or "1fr"
        side.styles.height = "1fr" if layout.side_by_side or zoomed else layout.side_height
        for part, height in ((Part.DETAIL, 0), (Part.CONTROL, layout.control_height)):
            widget = self.query_one(f"#{_WIDGETS[part]}")
            widget.display = self._bars[f"{_WIDGETS[part]}-heading"].display = layout.shows(part)
            widget.styles.height = height or "1fr"
        lower.display = layout.shows(Part.EVENTS)
        lower.styles.height = "1fr" if zoomed else layout.events_height + 1

    def _keep_focus(self) -> None:
        """Give the focus to a part that is seen."""
        part = self.focused_part
        if part is Part.EVERYWHERE or self.layout_now.shows(part):
            return
        self.focus_part(self.panels.zoomed or Part.TABLE)

    def focus_part(self, part: Part) -> None:
        """Give the focus to a part."""
        self.query_one(f"#{_WIDGETS[part]}").focus()

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

    def draw_chart(self) -> None:
        """Draw at once, and again when the points of the selected sensor are there."""
        self.draw()
        self._begin(self._chart_arrives, "chart", exclusive=True)

    async def _chart_arrives(self) -> None:
        await self._follow_chart()
        self.draw()

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

    def _sort_at(self, x: int) -> None:
        index = sort_at(x, self.table.columns)
        if index is not None:
            self._reordered(partial(self.model.sort_by, index))

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
        rows = sum(not key.is_node for key in self.model.keys)
        texts = [("effect", f"{rows} rows; a name that ends in .jsonl makes JSON lines, any other CSV.")]
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
        names = list(LOOKS)
        self.action_use_theme(names[(names.index(self.painter.look.name) + 1) % len(names)])

    def action_use_theme(self, name: str) -> None:
        """Change to a theme by its name."""
        self.painter.use(LOOKS[name])
        self.theme = name
        for panel in (self.table, self.events, self.detail, self.control, *self._bars.values()):
            panel.refresh()
        self.say(f"{name}: {LOOKS[name].summary}")

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
        self._begin(partial(self._ping, self.model.targets()), "ping")

    def action_ping_all(self) -> None:
        """Ping every node."""
        self._begin(partial(self._ping, ["@@"]), "ping")

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
        self._begin(partial(self._carry_out, order, number), order.title)

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
        for look in LOOKS.values():
            yield SystemCommand(f"Theme {look.name}", look.summary, partial(self.action_use_theme, look.name))

    def say(self, words: str, *, wrong: bool = False) -> None:
        """Tell the operator something that need not stay."""
        self.notify(
            visible(words), severity="warning" if wrong else "information", markup=False, timeout=6 if wrong else 3
        )

    def _press_at(self, x: int) -> None:
        for place in self._bar_places:
            if place.begin <= x < place.end:
                self._begin(partial(self.run_action, f"app.{place.action.name}"), place.action.name)

    def use_terminal(self, terminal: PatientDriver) -> None:
        """Take note of the driver in use, and end in order when a signal says so."""
        self.terminal = terminal
        for number in ENDING_SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, partial(self.exit, return_code=128 + number))

    def hang_up(self) -> None:
        """End: the terminal is gone."""
        self.exit(return_code=HUNG_UP)


def too_small(width: int, height: int) -> str:
    """Say what the console needs."""
    return f"This terminal has {width}x{height} cells;\nthe console needs {LEAST_WIDTH}x{LEAST_HEIGHT}.\n\nq quits"
