"""The event list: what started, stopped, went stale, was doubled, was commanded and by whom; newest last."""

from collections.abc import Mapping
from typing import Final

from console.screen.catalogue import Catalogue
from console.screen.lines import Ink, Line, Span, cell, clip, line
from console.screen.symbols import STATUS_INKS, Symbols
from console.words import clock_time, visible
from protocol.events import Event, EventKind
from protocol.members import Status

_WORD: Final = 10  # cells of the longest kind

HEARD: Final = "heard"
"""The word of the event that counts how much was there when the console was opened."""

# The glyph of which status stands for a kind of event; a change of status has its own.
_GLYPHS: Final[Mapping[EventKind, Status]] = {
    EventKind.APPEARED: Status.OK,
    EventKind.STARTED: Status.OK,
    EventKind.RESUMED: Status.OK,
    EventKind.HALTED: Status.HALTED,
    EventKind.DUPLICATED: Status.CRITICAL,
    EventKind.BAD_VALUE: Status.WARNING,
    EventKind.TROUBLE: Status.CRITICAL,
    EventKind.RECOVERED: Status.OK,
    EventKind.RENUMBERED: Status.UNHEARD,
    EventKind.COMMANDED: Status.UNHEARD,
    EventKind.ANSWERED: Status.UNHEARD,
    EventKind.REFUSED: Status.CRITICAL,
    EventKind.KEYS: Status.UNHEARD,
}
_STATUSES: Final = {status.value: status for status in Status}
_INKS: Final[Mapping[EventKind, Ink]] = {EventKind.COMMANDED: Ink.ACCENT, EventKind.ANSWERED: Ink.ACCENT}


def draw_event(event: Event, catalogue: Catalogue, width: int, symbols: Symbols) -> Line:
    """Draw one event: when, what, to whom, and what else there is to say."""
    status = _status_of(event)
    ink = _INKS.get(event.kind, STATUS_INKS[status])
    name = catalogue[event.codifier].name
    words = visible(_words(event, symbols))
    who = f"  {cell(name, len(name)).strip()}" if name else ""
    spans = [
        Span(f" {clock_time(event.wall_ms)[:8]} ", Ink.DIM),
        Span(f"{symbols.statuses[status]} {_word(event).ljust(_WORD)} ", ink),
        Span(visible(event.codifier), Ink.STRONG),
        Span(f" {words}" if event.codifier and words else words, Ink.TEXT),
        Span(who, Ink.DIM),
    ]
    return clip(line(spans), width, symbols.ellipsis)


def _status_of(event: Event) -> Status:
    if event.kind is EventKind.STATUS:
        return _became(event) or Status.UNHEARD
    return _GLYPHS.get(event.kind, Status.UNHEARD)


def _became(event: Event) -> Status | None:
    """Return the status that a sensor has changed to: the last word of the detail."""
    word = event.detail.rpartition(" ")[2]
    return _STATUSES.get(word)


def _word(event: Event) -> str:
    became = _became(event) if event.kind is EventKind.STATUS else None
    counts = event.kind is EventKind.APPEARED and not event.codifier
    return HEARD if counts else str(became or event.kind)


def _words(event: Event, symbols: Symbols) -> str:
    if event.kind is EventKind.STATUS:
        before, arrow, _ = event.detail.partition(" -> ")
        return f"was {before}" if arrow else ""  # a first status is no change
    if event.kind is EventKind.COMMANDED:
        return f"{event.detail} {symbols.dot} by {event.by}"
    if event.kind is EventKind.ANSWERED:
        return f"{event.detail} {symbols.dot} to {event.by}"
    return event.detail
