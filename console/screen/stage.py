"""The stage on which the console plays: its parts, their places, and the frames in which they are drawn.

    BusThread -> Batch (4 a second) -> Model -> lines -> panels -> terminal

One timer drives everything that changes by itself. What the operator does is in console/screen/app.py.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from textual.app import App, ComposeResult
from textual.containers import Container, Vertical
from textual.events import DescendantFocus, Resize
from textual.widgets import Input, Static

from config.model import Configuration
from console.screen.catalogue import Catalogue
from console.screen.charting import Chart
from console.screen.control import draw_control
from console.screen.detail import draw_detail
from console.screen.eventlist import EventList
from console.screen.headings import control_heading, detail_heading, events_heading, table_heading
from console.screen.keybar import Place, draw_keybar
from console.screen.keys import ACTIONS, Part, bar_of
from console.screen.layout import LEAST_HEIGHT, LEAST_WIDTH, Layout, Panels, lay_out
from console.screen.link import Link
from console.screen.model import Model
from console.screen.painter import Painter
from console.screen.panels import Bar, Resized, Sheet
from console.screen.past import Past
from console.screen.symbols import Symbols
from console.screen.table import Table
from console.screen.terminal import PatientDriver
from console.screen.themes import LOOKS, Look
from console.screen.title import draw_banner, draw_title
from console.screen.totals import Totals
from protocol.errors import JphError
from protocol.instants import Instant

FRAMES_PER_S: Final = 4.0
ENDING_SIGNALS: Final = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)  # SIGHUP comes when a connection is cut
HUNG_UP: Final = 128 + signal.SIGHUP  # the exit code of a program whose terminal was taken away
BARS: Final = (
    "title",
    "banner",
    "table-heading",
    "columns",
    "detail-heading",
    "control-heading",
    "events-heading",
    "keys",
)
_PARTS: Final = {"table": Part.TABLE, "detail": Part.DETAIL, "events": Part.EVENTS, "control": Part.CONTROL}
_WIDGETS: Final = {part: name for name, part in _PARTS.items()}

Work = Callable[[], Awaitable[object]]


class Focusable(Sheet, can_focus=True):
    """A part that can have the focus, to be scrolled and to be zoomed."""


class Stage(App[None]):
    """The screen without anything that could be done on it.

    `link` is the way to the buses, `look` the theme to begin with, `looks` are those that can be changed to;
    `frames_per_s` of 0 leaves the frames to a test.
    """

    TITLE = "jph"
    CSS_PATH = "console.tcss"

    def __init__(  # noqa: PLR0913 - what differs between terminals, tests and pictures
        self,
        configuration: Configuration,
        link: Link,
        *,
        look: Look,
        symbols: Symbols,
        looks: Sequence[Look] = tuple(LOOKS.values()),
        armed: bool = False,
        frames_per_s: float = FRAMES_PER_S,
    ) -> None:
        # Textual decides here whether it may send 24-bit colours, so the theme's word must be in before.
        super().__init__(driver_class=PatientDriver, ansi_color=True if look.theme.ansi else None)
        self.looks = {known.name: known for known in (look, *looks)}
        for known in self.looks.values():
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
        self.totals = Totals(self.past)
        self.terminal: PatientDriver | None = None
        self.failure: JphError | None = None
        self.panels = Panels()
        self.layout_now = Layout()
        self._frames_per_s = frames_per_s
        self.bar_places: list[Place] = []
        self.bars = {name: Bar(self.painter, id=name) for name in BARS}
        self.table = Table(self.painter, self.model, symbols)
        self.events = EventList(self.painter, self.model, symbols)
        self.detail = Focusable(self.painter, id="detail")
        self.control = Focusable(self.painter, id="control")

    def compose(self) -> ComposeResult:
        """Put the parts in their places."""
        bars = self.bars
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
            self.begin(self._frames, "frames")

    async def on_unmount(self) -> None:
        """Let go of the history."""
        self.chart.close()
        self.totals.close()
        await self.past.close()

    def begin(self, work: Work, name: str, *, exclusive: bool = False) -> None:
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
            self.totals.follow(self.model.live.now)
            self.model.ledger = self.totals.ledger
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
        width, model, bars = self.size.width, self.model, self.bars
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
        keys, self.bar_places = draw_keybar(bar_of(part, armed=model.armed), width)
        bars["keys"].show(keys)

    def _draw_side(self) -> None:
        model, part = self.model, self.focused_part
        if self.layout_now.shows(Part.DETAIL):
            width, height = self.detail.inner_width, self.detail.inner_height
            self.detail.show(draw_detail(model, self.chart.points, width, height, self.symbols))
            heading, hidden = self.bars["detail-heading"], self.detail.hidden_below
            focused = part is Part.DETAIL
            heading.show(detail_heading(model, hidden, heading.size.width, self.symbols, focused=focused))
        if self.layout_now.shows(Part.CONTROL):
            heading = self.bars["control-heading"]
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
            widget.display = self.bars[f"{_WIDGETS[part]}-heading"].display = layout.shows(part)
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

    # The selected sensor ----------------------------------------------------------------------------------------

    def draw_chart(self) -> None:
        """Draw at once, and again when the points of the selected sensor are there."""
        self.draw()
        self.begin(self._chart_arrives, "chart", exclusive=True)

    async def _chart_arrives(self) -> None:
        await self._follow_chart()
        self.draw()

    # The end ----------------------------------------------------------------------------------------------------

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
