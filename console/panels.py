"""Widgets that are lists of lines. Only lines that changed are sent to the terminal, and only up to the last change."""

from collections.abc import Sequence
from typing import ClassVar

from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from console.lines import EMPTY, Line, changed_width
from console.painter import Painter


class Resized(Message):
    """A panel or a bar has another size: its lines are to be drawn anew. One message stands for many."""

    def can_replace(self, message: Message) -> bool:
        """Let the newest of several stand for all."""
        return isinstance(message, Resized)


class Panel(ScrollView):
    """A list of lines of which only those that are seen are drawn.

    `line_at(index, width)` draws a line; `paint` compares what is seen with what was drawn last, and has the
    differences painted.
    """

    DEFAULT_CSS: ClassVar[str] = """
    Panel {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
    }
    """

    def __init__(self, painter: Painter, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.painter = painter
        self._drawn: dict[int, Line] = {}

    @property
    def count(self) -> int:
        """How many lines there are, seen or not."""
        return self.virtual_size.height

    @property
    def inner_width(self) -> int:
        """The cells that a line can take."""
        return self.scrollable_content_region.width

    @property
    def inner_height(self) -> int:
        """The lines that are seen at once."""
        return self.scrollable_content_region.height

    def line_at(self, index: int, width: int) -> Line:
        """Draw one line for so many cells."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Nothing to prepare: ScrollView's own method would lay out once more."""

    def on_resize(self) -> None:
        """Have the lines drawn in the new size."""
        self.paint_all()
        self.post_message(Resized())

    def resize_to(self, count: int) -> None:
        """Have so many lines from now on."""
        if count != self.virtual_size.height:
            self.virtual_size = Size(0, count)
            self.paint_all()

    def paint(self) -> None:
        """Have the lines painted that look different from when they were drawn last."""
        width, first = self.inner_width, self.scroll_offset.y
        seen: dict[int, Line] = {}
        for index in range(first, min(first + self.inner_height, self.count)):
            line = seen[index] = self.line_at(index, width)
            before = self._drawn.get(index)
            if before is None:
                self.refresh(Region(0, index - first, width, 1))
            elif changed := changed_width(before, line, width):
                self.refresh(Region(0, index - first, changed, 1))
        self._drawn = seen

    def paint_all(self) -> None:
        """Have everything painted again: another theme, another width."""
        self._drawn = {}
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return a seen line."""
        index, width = y + self.scroll_offset.y, self.inner_width
        line = self._drawn.get(index)
        if line is None:
            line = self._drawn[index] = self.line_at(index, width) if index < self.count else EMPTY
        return self.painter.strip(line, width)


class Sheet(Panel):
    """A panel whose lines are given to it."""

    def __init__(self, painter: Painter, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(painter, id=id)
        self.lines: Sequence[Line] = ()

    def show(self, lines: Sequence[Line]) -> None:
        """Show these lines."""
        self.lines = lines
        self.resize_to(len(lines))
        self.paint()

    def line_at(self, index: int, width: int) -> Line:  # noqa: ARG002 - they were drawn for their width
        """Return a line as it was given."""
        return self.lines[index] if index < len(self.lines) else EMPTY


class Bar(Widget):
    """A single line, such as a title; whoever clicks it is told by a message."""

    DEFAULT_CSS: ClassVar[str] = "Bar { height: 1; }"

    class Clicked(Message):
        """Somebody clicked cell `x` of a bar."""

        def __init__(self, bar: "Bar", x: int) -> None:
            super().__init__()
            self.bar = bar
            self.x = x

    def __init__(self, painter: Painter, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.painter = painter
        self.line = EMPTY

    def show(self, line: Line) -> None:
        """Show this line."""
        changed = changed_width(self.line, line, self.size.width)
        self.line = line
        if changed:
            self.refresh(Region(0, 0, changed, 1))

    def render_line(self, y: int) -> Strip:
        """Return the line."""
        return self.painter.strip(self.line if y == 0 else EMPTY, self.size.width)

    def on_resize(self) -> None:
        """Have the line drawn in the new width."""
        self.post_message(Resized())

    def on_click(self, event: Click) -> None:
        """Tell where."""
        self.post_message(self.Clicked(self, event.x))
        event.stop()
