"""A chart of one sensor's history, drawn in characters.

    25 ┤              ⡠⠤⠒⠊⠉                 the axis has round numbers, so that it stays when values move a little
       │┈┈┈┈┈┈┈┈┈┈┈⡔⠁┈┈┈┈┈┈┈┈┈┈            a threshold of the sensor's alarms
    20 ┤⣀⡠⠤⠒⠒⠒     ⠁                        what is missing is a gap, not a line and not a zero
       ╵-5 min                  now

The pure part of the chart: points in, lines out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from console.figures import duration, nice_bounds, nice_step, value_text
from console.lines import Ink, Line, Span, line
from console.symbols import Raster, Symbols
from console.traces import Point

LABEL: Final = 8  # cells for the numbers of the axis
LEAST_HEIGHT: Final = 4  # lines below which there is no chart
LEAST_WIDTH: Final = 26
_LABEL_EVERY: Final = 4  # lines between two numbers of the axis


class Threshold(NamedTuple):
    """A value at which an alarm is raised, and the ink of that alarm."""

    value: float
    ink: Ink


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a chart lies: its span of time in ms and its size in cells."""

    since_ms: float
    until_ms: float
    width: int
    height: int

    @property
    def plot_width(self) -> int:
        """The cells to the right of the axis."""
        return max(0, self.width - LABEL - 2)

    @property
    def plot_height(self) -> int:
        """The lines above the times."""
        return max(0, self.height - 1)


def frame_at(now_ms: float, span_s: float, width: int, height: int, dots: int) -> Frame:
    """Place a chart so that its end moves by whole dots: between two steps nothing needs to be drawn again."""
    per_dot_ms = span_s * 1000 / max(1, (width - LABEL - 2) * dots)
    until_ms = math.ceil(now_ms / per_dot_ms) * per_dot_ms
    return Frame(until_ms - span_s * 1000, until_ms, width, height)


def draw_chart(
    points: Sequence[Point], frame: Frame, symbols: Symbols, thresholds: Sequence[Threshold] = ()
) -> list[Line]:
    """Draw the points inside the frame; without any, say so. Returns exactly `frame.height` lines."""
    if frame.height < LEAST_HEIGHT or frame.width < LEAST_WIDTH:
        return [line(())] * max(0, frame.height)
    shown = _inside(points, frame)
    known = [point.value for point in shown if not math.isnan(point.value)]
    if not known:
        return _empty(frame)
    low, high = nice_bounds(min(known), max(known))
    cells = _plot(shown, frame, low, high, symbols.raster)
    labels = _labels(low, high, frame.plot_height)
    marks = {_row(threshold.value, low, high, frame.plot_height): threshold.ink for threshold in thresholds}
    rows = [_draw_row(cells[row], labels.get(row, ""), marks.get(row), symbols) for row in range(frame.plot_height)]
    return [*rows, _times(frame)]


def _inside(points: Sequence[Point], frame: Frame) -> list[Point]:
    """Keep the points of the frame, and the one before it from which the line comes in."""
    first = next((index for index, point in enumerate(points) if point.at_ms >= frame.since_ms), len(points))
    return [point for point in points[max(0, first - 1) :] if point.at_ms <= frame.until_ms]


def _empty(frame: Frame) -> list[Line]:
    words = "no readings in this time"
    blank = [line(())] * frame.height
    blank[frame.height // 2] = line([Span(words.center(frame.width).rstrip(), Ink.DIM)])
    return blank


def _plot(points: Sequence[Point], frame: Frame, low: float, high: float, raster: Raster) -> list[str]:
    canvas = Canvas(frame.plot_width, frame.plot_height, raster)
    per_ms = (canvas.columns - 1) / (frame.until_ms - frame.since_ms)
    per_unit = (canvas.rows - 1) / (high - low)
    dots = [(round((point.at_ms - frame.since_ms) * per_ms), _dot_row(point.value, high, per_unit)) for point in points]
    for column, row in dots[:1] + dots[-1:]:
        canvas.dot(column, row)
    for begin, end in pairwise(dots):
        canvas.stroke(begin, end)
    return canvas.lines()


def _dot_row(value: float, high: float, per_unit: float) -> int | None:
    return None if math.isnan(value) else round((high - value) * per_unit)


Dot = tuple[int, int | None]


class Canvas:
    """Dots in a raster of characters; dots outside are ignored."""

    def __init__(self, width: int, height: int, raster: Raster) -> None:
        self._raster = raster
        self.columns = width * raster.columns
        self.rows = height * raster.rows
        self._patterns = [[0] * width for _ in range(height)]

    def dot(self, column: int, row: int | None) -> None:
        """Set one dot; a row of None is a gap."""
        if row is None or not (0 <= column < self.columns and 0 <= row < self.rows):
            return
        raster = self._raster
        bit = column % raster.columns * raster.rows + row % raster.rows
        self._patterns[row // raster.rows][column // raster.columns] |= 1 << bit

    def stroke(self, begin: Dot, end: Dot) -> None:
        """Draw the line from one dot to the next; towards a gap only the dot itself."""
        if begin[1] is None or end[1] is None:
            self.dot(*begin)
            self.dot(*end)
            return
        self._line(begin[0], begin[1], end[0], end[1])

    def lines(self) -> list[str]:
        """Return the rows of characters."""
        glyphs = self._raster.glyphs
        return ["".join(glyphs[pattern] for pattern in row) for row in self._patterns]

    def _line(self, x0: int, y0: int, x1: int, y1: int) -> None:
        steps = max(1, x1 - x0)
        before = y0
        for step in range(max(0, -x0), min(steps, self.columns - x0) + 1):
            row = y0 + round((y1 - y0) * step / steps) if x1 > x0 else y1
            low, high = sorted((before if step else row, row))
            for between in range(low, high + 1):
                self.dot(min(x0 + step, x1), between)
            before = row


def _row(value: float, low: float, high: float, height: int) -> int:
    """Return the line on which a value lies; outside the chart it is a line that is not drawn."""
    return math.floor((high - value) / (high - low) * height - 1e-9) if low < value <= high else -1


def _labels(low: float, high: float, height: int) -> dict[int, str]:
    """Choose round numbers for some lines of the axis: about _LABEL_EVERY lines apart, but two of them at least."""
    spread = high - low
    steps = (nice_step(spread / count) for count in range(max(1, height // _LABEL_EVERY), height + 1))
    step, values = next(((step, values) for step in steps if len(values := _multiples(step, low, high)) > 1), (1.0, []))
    return {round((high - value) / spread * (height - 1)): _label(value, step) for value in values}


def _multiples(step: float, low: float, high: float) -> list[float]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def _label(value: float, step: float) -> str:
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    text = f"{value:.{decimals}f}"
    return text if len(text) <= LABEL else value_text(value)[:LABEL]


def _draw_row(cells: str, label: str, threshold: Ink | None, symbols: Symbols) -> Line:
    axis = [Span(label.rjust(LABEL) + " ", Ink.DIM), Span(symbols.bar, Ink.FAINT)]
    if threshold is None:
        return line([*axis, Span(cells.rstrip(), Ink.CHART)])
    return line([*axis, *_through_threshold(cells, threshold, symbols.threshold)])


def _through_threshold(cells: str, ink: Ink, dash: str) -> list[Span]:
    return [Span(dash, ink) if character == " " else Span(character, Ink.CHART) for character in cells]


def _times(frame: Frame) -> Line:
    """Write how long ago the beginning was, under the beginning, and `now` under the end."""
    begin = f"-{duration((frame.until_ms - frame.since_ms) / 1000)}"
    middle = f"-{duration((frame.until_ms - frame.since_ms) / 2000)}"
    width = frame.plot_width
    text = begin.ljust(width // 2 - len(middle) // 2) + middle if width > 3 * len(begin) + 4 else begin
    return line([Span(" " * (LABEL + 2) + text.ljust(max(len(text), width - 3)) + "now", Ink.DIM)])
