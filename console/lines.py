"""What the console draws: lines of text in named inks. No Textual here, so that every part can be drawn in a test.

Whatever was heard on the network or read from a file passes `cell` or `words.visible` on its way into a line, so
that it can neither move the cursor nor pretend to be markup.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size

from console.words import visible


class Ink(StrEnum):
    """What a piece of text means; a theme gives each ink its colour and weight."""

    TEXT = "text"
    DIM = "dim"
    FAINT = "faint"
    STRONG = "strong"
    ACCENT = "accent"
    KEY = "key"
    SPARK = "spark"
    CHART = "chart"
    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    STALE = "stale"
    HALTED = "halted"
    GONE = "gone"
    UNHEARD = "unheard"


class Ground(StrEnum):
    """What a line lies on; a theme gives each ground its background."""

    PLAIN = "plain"
    TITLE = "title"
    HEADING = "heading"
    FOCUSED = "focused"
    NODE = "node"
    CURSOR = "cursor"
    NOTICE = "notice"
    ARMED = "armed"


class Span(NamedTuple):
    """Text in one ink."""

    text: str
    ink: Ink = Ink.TEXT


class Line(NamedTuple):
    """One line; equal lines look equal, which is how a panel knows what to paint again."""

    spans: tuple[Span, ...] = ()
    ground: Ground = Ground.PLAIN

    @property
    def text(self) -> str:
        """The line's text without its inks."""
        return "".join(span.text for span in self.spans)

    @property
    def width(self) -> int:
        """How many cells of the terminal the line takes."""
        return sum(cell_len(span.text) for span in self.spans)

    def on(self, ground: Ground) -> "Line":
        """Return the same line on another ground."""
        return Line(self.spans, ground)


EMPTY: Final = Line()


def line(spans: Iterable[Span], ground: Ground = Ground.PLAIN) -> Line:
    """Make a line of as few spans as possible: each span costs the terminal a change of colours."""
    joined: list[Span] = []
    for span in spans:
        if not span.text:
            continue
        if joined and (joined[-1].ink is span.ink or span.text.isspace()):
            joined[-1] = Span(joined[-1].text + span.text, joined[-1].ink)
        elif joined and joined[-1].text.isspace():
            joined[-1] = Span(joined[-1].text + span.text, span.ink)
        else:
            joined.append(span)
    return Line(tuple(joined), ground)


def cell(text: str, width: int, *, right: bool = False, ellipsis: str = "") -> str:
    """Fit text of any origin into exactly `width` cells: made harmless, padded, or cut with an ellipsis."""
    harmless = visible(text)
    length = len(harmless) if harmless.isascii() else cell_len(harmless)
    if length > width:
        return cut(harmless, width, ellipsis)
    padding = " " * (width - length)
    return padding + harmless if right else harmless + padding


def cut(text: str, width: int, ellipsis: str = "") -> str:
    """Shorten text to `width` cells; the ellipsis at its end says that something was left out."""
    if width <= len(ellipsis):
        return set_cell_size(text, max(0, width))
    return set_cell_size(text, width - len(ellipsis)) + ellipsis


def spread(left: Iterable[Span], right: Iterable[Span], width: int, ground: Ground = Ground.PLAIN) -> Line:
    """Put spans at both ends of a line of `width` cells; the left ones give way when there is no room for both."""
    ending = line(right)
    room = max(0, width - ending.width - 1)
    beginning = clip(line(left), room)
    gap = Span(" " * max(0, width - beginning.width - ending.width))
    return clip(line((*beginning.spans, gap, *ending.spans), ground), width)


def clip(long: Line, width: int, ellipsis: str = "") -> Line:
    """Cut a line at `width` cells."""
    if long.width <= width:
        return long
    kept: list[Span] = []
    room = width
    for span in long.spans:
        length = cell_len(span.text)
        if length >= room:
            kept.append(Span(cut(span.text, room, ellipsis) if length > room else span.text, span.ink))
            break
        kept.append(span)
        room -= length
    return Line(tuple(kept), long.ground)


def common_tail(old: Line, new: Line) -> int:
    """Count the spans that two lines have in common at their ends: what needs no painting."""
    common = 0
    for one, other in zip(reversed(old.spans), reversed(new.spans), strict=False):
        if one != other:
            break
        common += 1
    return common


def changed_width(old: Line, new: Line, width: int) -> int:
    """Return up to which cell two lines differ; 0 when they look the same.

    A terminal is sent a line from its beginning up to there, so that what stands at its end and never changes
    costs nothing.
    """
    if old == new:
        return 0
    if old.ground is not new.ground:
        return width
    common = common_tail(old, new)
    tail = sum(cell_len(span.text) for span in new.spans[len(new.spans) - common :])
    same_length = old.width == new.width
    return min(width, new.width - tail) if same_length else width
