"""The live table: a thousand rows of which only the seen ones are drawn, and only the changed ones painted.

Measured on 2 cores with 1,000 sensors at 1 Hz on 200x50 cells: Textual's DataTable takes 22 to 95 % of a core, because
one changed cell draws every visible cell again; this table takes about 5 %.
"""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click

from console.keys import ACTIONS, Part
from console.lines import EMPTY, Line
from console.model import Model
from console.painter import Painter
from console.panels import Panel
from console.rows import Columns, columns_for, draw_row, heading_row
from console.symbols import Symbols


class Table(Panel, can_focus=True):
    """The rows of the model."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(action.keys, f"app.{action.name}", show=False) for action in ACTIONS if action.part is Part.TABLE
    ]

    def __init__(self, painter: Painter, model: Model, symbols: Symbols) -> None:
        super().__init__(painter, id="table")
        self.model = model
        self.symbols = symbols

    @property
    def columns(self) -> Columns:
        """The columns that fit."""
        return columns_for(self.inner_width)

    @property
    def heading(self) -> Line:
        """The headings of the columns."""
        return heading_row(self.model, self.columns, self.symbols)

    def line_at(self, index: int, width: int) -> Line:
        """Draw a row."""
        keys = self.model.keys
        return draw_row(self.model, keys[index], columns_for(width), self.symbols) if index < len(keys) else EMPTY

    def show(self) -> None:
        """Show the model as it is now."""
        self.resize_to(len(self.model.keys))
        self.paint()

    def show_cursor(self) -> None:
        """Scroll until the cursor is seen, with its node's heading when that is the row above."""
        position, first, height = self.model.position, self.scroll_offset.y, self.inner_height
        if position <= first:
            above = position > 0 and self.model.keys[position - 1].is_node
            self.scroll_to(y=position - above, animate=False, immediate=True)
        elif position >= first + height:
            self.scroll_to(y=position - height + 1, animate=False, immediate=True)
        self.paint()

    def on_click(self, event: Click) -> None:
        """Put the cursor where somebody clicks."""
        index = event.y + self.scroll_offset.y
        if index < len(self.model.keys):
            self.model.move_to(index)
            self.show_cursor()
