from typing import ClassVar

from textual.binding import Binding, BindingType

from console.events import draw_event
from console.keys import ACTIONS, Part
from console.lines import EMPTY, Line
from console.model import Model
from console.painter import Painter
from console.panels import Panel
from console.symbols import Symbols


class EventList(Panel, can_focus=True):
    """What happened, newest last. At the end it follows; scrolled back, it stays and counts what came since."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(action.keys, f"app.{action.name}", show=False) for action in ACTIONS if action.part is Part.EVENTS
    ]

    def __init__(self, painter: Painter, model: Model, symbols: Symbols) -> None:
        super().__init__(painter, id="events")
        self.model = model
        self.symbols = symbols
        self._first = 0  # the number of the first event in the list, counted since the console was opened
        self.following = True
        self._seen = 0  # how many events there were when the end was seen last

    @property
    def unseen(self) -> int:
        """How many events came since the end was seen."""
        return 0 if self.following else self.model.world.event_count - self._seen

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow the newest event as long as it is in view."""
        super().watch_scroll_y(old_value, new_value)
        self.following = new_value >= self.max_scroll_y

    def line_at(self, index: int, width: int) -> Line:
        """Draw an event."""
        events = self.model.world.events
        if index >= len(events):
            return EMPTY
        return draw_event(events[index], self.model.catalogue, width, self.symbols)

    def show(self) -> None:
        """Show the events as they are now: stay at the end, or at the events in view."""
        world = self.model.world
        first = world.event_count - len(world.events)
        gone, self._first = first - self._first, first
        following = self.following
        self.resize_to(len(world.events))
        if following:
            self.follow()
            return
        if gone:
            self.scroll_to(y=max(0, self.scroll_offset.y - gone), animate=False)
        self.paint()

    def follow(self) -> None:
        """Go to the newest event and stay there."""
        self.following = True
        self._seen = self.model.world.event_count
        self.scroll_to(y=self.max_scroll_y, animate=False, force=True)
        self.paint()
