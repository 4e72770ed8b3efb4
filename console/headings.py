"""The heading of each part: its number, its name, and what is to be known of it as a whole."""

from console import figures
from console.figures import duration
from console.lines import Ground, Ink, Line, Span, spread
from console.model import Model
from console.ordering import SORTS
from console.symbols import Symbols
from console.words import visible


def _ground(*, focused: bool) -> Ground:
    return Ground.FOCUSED if focused else Ground.HEADING


def _name(number: int, name: str) -> list[Span]:
    return [Span(f" {number} ", Ink.KEY), Span(name, Ink.STRONG)]


def table_heading(model: Model, width: int, symbols: Symbols, *, focused: bool) -> Line:
    """Say which rows are shown, in which order, and where the cursor is."""
    shown = model.shown
    total = len(model.world.sensors)
    count = f"{shown} of {total}" if shown != total else f"{total}"
    spans = [*_name(1, "sensors"), Span(f" {count}", Ink.DIM)]
    if model.filter_text:
        spans += [Span("  filter ", Ink.DIM), Span(visible(model.filter_text), Ink.ACCENT)]
    if model.wish.sort:
        arrow = symbols.down if model.wish.reverse else symbols.up
        spans += [Span("  by ", Ink.DIM), Span(f"{SORTS[model.wish.sort].name} {arrow}", Ink.ACCENT)]
    if model.marks:
        spans += [Span(f"  {len(model.marks)} marked", Ink.ACCENT)]
    place = f"{model.position + 1}/{len(model.keys)} " if model.keys else ""
    return spread(spans, [Span(place, Ink.DIM)], width, _ground(focused=focused))


def detail_heading(model: Model, width: int, *, focused: bool) -> Line:
    """Name the row, and how much time its chart shows."""
    cursor = model.cursor
    name = [Span(f" {cursor.codifier}", Ink.DIM)] if cursor else []
    span = Span(f"[ {duration(model.span_s)} ] ", Ink.DIM)
    return spread([*_name(2, "detail"), *name], [span], width, _ground(focused=focused))


def events_heading(model: Model, unseen: int, width: int, symbols: Symbols, *, focused: bool) -> Line:
    """Count the events, and those that came below what is seen."""
    spans = [*_name(3, "events"), Span(f" {figures.count(model.world.event_count)}", Ink.DIM)]
    below = [Span(f"+{figures.count(unseen)} {symbols.down} ", Ink.ACCENT)] if unseen else []
    return spread(spans, below, width, _ground(focused=focused))


def control_heading(model: Model, width: int, *, focused: bool) -> Line:
    """Say whether commands are armed."""
    state = Span("armed ", Ink.WARNING) if model.armed else Span("read-only ", Ink.DIM)
    ground = _ground(focused=focused)
    return spread(_name(4, "control"), [state], width, Ground.ARMED if model.armed and not focused else ground)
