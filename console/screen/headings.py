"""The heading of each part: its name, what is to be known of it as a whole, and what its number does."""

from console.screen import figures
from console.screen.figures import duration
from console.screen.keys import Part
from console.screen.lines import Ground, Ink, Line, Span, spread
from console.screen.model import Model
from console.screen.ordering import SORTS
from console.screen.symbols import Symbols
from console.words import visible


def _ground(*, focused: bool) -> Ground:
    return Ground.FOCUSED if focused else Ground.HEADING


def _name(part: Part) -> list[Span]:
    return [Span(f" {part}", Ink.STRONG)]


def _key(number: int, word: str) -> list[Span]:
    """Say what the number of a part does: the table can be gone to, the others are hidden."""
    return [Span(f" {number}", Ink.KEY), Span(f" {word} ", Ink.DIM)]


def table_heading(model: Model, width: int, symbols: Symbols, *, focused: bool) -> Line:
    """Say which rows are shown, in which order, and where the cursor is."""
    shown = model.shown
    total = len(model.world.sensors)
    count = f"{shown} of {total}" if shown != total else f"{total}"
    spans = [*_name(Part.TABLE), Span(f" {count}", Ink.DIM)]
    if model.filter_text:
        spans += [Span("  filter ", Ink.DIM), Span(visible(model.filter_text), Ink.ACCENT)]
    if model.wish.sort:
        arrow = symbols.down if model.wish.reverse else symbols.up
        spans += [Span("  by ", Ink.DIM), Span(f"{SORTS[model.wish.sort].name} {arrow}", Ink.ACCENT)]
    if model.marks:
        spans += [Span(f"  {len(model.marks)} marked", Ink.ACCENT)]
    place = f"{model.position + 1}/{len(model.keys)} " if model.keys else ""
    key = [] if focused else _key(1, "goes here")
    return spread(spans, [Span(place, Ink.DIM), *key], width, _ground(focused=focused))


def detail_heading(model: Model, hidden: int, width: int, symbols: Symbols, *, focused: bool) -> Line:
    """Name the row, how much time its chart shows, and how many lines are below what is seen."""
    cursor = model.cursor
    name = [Span(f" {cursor.codifier}", Ink.DIM)] if cursor else []
    below = [Span(f"+{hidden} {symbols.down} ", Ink.ACCENT)] if hidden else []
    span = Span(f"[ {duration(model.span_s)} ] ", Ink.DIM)
    return spread([*_name(Part.DETAIL), *name], [*below, span, *_key(2, "hides")], width, _ground(focused=focused))


def events_heading(model: Model, unseen: int, width: int, symbols: Symbols, *, focused: bool) -> Line:
    """Count the events, and those that came below what is seen."""
    spans = [*_name(Part.EVENTS), Span(f" {figures.count(model.world.event_count)}", Ink.DIM)]
    below = [Span(f"+{figures.count(unseen)} {symbols.down} ", Ink.ACCENT)] if unseen else []
    return spread(spans, [*below, *_key(3, "hides")], width, _ground(focused=focused))


def control_heading(model: Model, width: int, *, focused: bool) -> Line:
    """Say whether commands are armed."""
    state = Span("armed ", Ink.WARNING) if model.armed else Span("read-only ", Ink.DIM)
    ground = Ground.ARMED if model.armed and not focused else _ground(focused=focused)
    return spread(_name(Part.CONTROL), [state, *_key(4, "hides")], width, ground)
