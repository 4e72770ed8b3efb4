"""The title line: which network, how it is, and what time it is; and the banners under it."""

from collections.abc import Iterator
from typing import Final

from console.screen import figures
from console.screen.lines import Ground, Ink, Line, Span, line, spread
from console.screen.model import Model
from console.screen.symbols import STATUS_INKS, Symbols
from console.words import clock_time, visible
from protocol.members import Status

_COUNTED: Final = (Status.OK, Status.WARNING, Status.CRITICAL, Status.STALE, Status.HALTED, Status.GONE, Status.UNHEARD)
_ALWAYS: Final = frozenset({Status.OK, Status.WARNING, Status.CRITICAL, Status.STALE, Status.GONE})


def draw_title(model: Model, codifier: str, width: int, symbols: Symbols) -> Line:
    """Draw as much of the title as fits: all counts, or those that are not zero, at last without their words."""
    drawings = list(_drawings(model, codifier, symbols))
    fitting = ((left, right) for left, right in drawings if line(left).width + line(right).width + 2 <= width)
    left, right = next(fitting, drawings[-1])
    return spread(left, right, width, Ground.ARMED if model.armed else Ground.TITLE)


def _drawings(model: Model, codifier: str, symbols: Symbols) -> Iterator[tuple[list[Span], list[Span]]]:
    """Go through the ways to draw the title, the longest first."""
    name = [Span(" jph ", Ink.ACCENT), *_network(model)]
    place = [Span(f" {visible(interface(model))}  as {codifier} ", Ink.DIM)]
    armed = [Span(" CONTROL ", Ink.WARNING)] if model.armed else []
    words, told, few = (
        _counts(model, symbols, words=w, zeros=z) for w, z in ((True, True), (True, False), (False, False))
    )
    clock = clock_time(model.live.now.wall_ms)[:8]
    flow = [Span(f"{figures.rate(model.live.readings_per_s)}/s", Ink.STRONG), Span(" readings  ", Ink.DIM)]
    short_flow = [Span(f"{figures.rate(model.live.readings_per_s)}/s  ", Ink.DIM)]
    losses, attack = _losses(model), _unbelieved(model)
    time = [Span(f"{clock} ", Ink.STRONG)]
    yield [*name, *place, *armed, *words], [*flow, *losses, *time]
    yield [*name, *place, *armed, *told], [*flow, *losses, *time]
    yield [*name, *place, *armed, *told], [*short_flow, *losses, *time]
    yield [*name, *armed, *told], [*short_flow, *losses, *time]
    yield [*name, *armed, *told], [*short_flow, *attack, *time]
    yield [*name, *armed, *few], [*short_flow, *attack, *time]
    yield [*name, *armed, *few], [*attack, *time]
    yield [Span(" jph ", Ink.ACCENT), *armed, *few], time


def _network(model: Model) -> list[Span]:
    """Name the network, unless it has the program's own name: one in a folder `jph` would stand there twice."""
    name = visible(model.catalogue.network_name)
    return [Span(f" {name} ", Ink.STRONG)] if name not in {"", "jph"} else []


def interface(model: Model) -> str:
    """Return the part of the bus's description that names the interface."""
    return model.live.bus.description.partition(" (")[0].partition(",")[0]


def _counts(model: Model, symbols: Symbols, *, words: bool, zeros: bool) -> list[Span]:
    counts = model.world.counts
    spans: list[Span] = []
    for status in _COUNTED:
        count = counts[status]
        if count or (zeros and status in _ALWAYS):
            text = f" {symbols.statuses[status]} {count}" + (f" {status} " if words else " ")
            spans.append(Span(text, STATUS_INKS[status] if count else Ink.FAINT))
    return spans


def _losses(model: Model) -> list[Span]:
    """Tell what did not arrive as it should: always what the kernel dropped, the rest when there was any."""
    bus = model.live.bus
    spans = [Span(f"{figures.count(bus.kernel_dropped)} dropped  ", Ink.CRITICAL if bus.kernel_dropped else Ink.DIM)]
    if bus.bad_datagrams:
        spans.append(Span(f"{figures.count(bus.bad_datagrams)} bad  ", Ink.WARNING))
    spans += _unbelieved(model)
    if bus.refused:
        spans.append(Span(f"{figures.count(bus.refused)} beyond room  ", Ink.WARNING))
    return spans


def _unbelieved(model: Model) -> list[Span]:
    """Count the frames that are not believed: somebody forges some, or a program has the wrong keys."""
    count = model.live.bus.unbelieved
    return [Span(f"{figures.count(count)} refused  ", Ink.CRITICAL)] if count else []


def draw_banner(model: Model, width: int, symbols: Symbols) -> Line | None:
    """Draw what the operator must not overlook: a bus that does not work, a view that holds still."""
    trouble = model.live.bus.trouble
    if trouble:
        words = f" {symbols.statuses[Status.CRITICAL]} the buses do not work: {visible(trouble)}"
        return spread([Span(words, Ink.CRITICAL)], [], width, Ground.NOTICE)
    if model.freeze:
        seconds, readings = model.behind()
        words = f" FROZEN for {figures.duration(seconds)}: the view is {figures.count(readings)} readings behind"
        return spread([Span(words, Ink.STRONG)], [Span("f lets it go on ", Ink.DIM)], width, Ground.NOTICE)
    return None
