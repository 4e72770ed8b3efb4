"""The rows of the table as lines: what changes often stands left, what never changes right.

▾ ● alive     F1 Room climate                                      0.41ms  clock +0.3 ms, dht on kastpi
│ ● ok        F1      21.4   °C      now  ▂▂▃▃▄▄▅▅▆▆      0%               Temperature
└ ▲ warning   F2      83     %       now  ▁▁▂▂▃▃▄▄▅▅      0%               Humidity
  ● ok        C1      48.3   °C       2s  ▄▄▄▅▅▄▄▄▃▃    0.2%     3  0.52ms  Processor
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from console.screen import figures
from console.screen.catalogue import Entry
from console.screen.key_use import key_remark
from console.screen.lines import Ground, Ink, Line, Span, cell, clip, line
from console.screen.model import Model
from console.screen.observer import NodeRow, NodeState, SensorRow
from console.screen.ordering import SORTS, Key
from console.screen.sparks import SPARK_POINTS, least_range, spark
from console.screen.symbols import STATUS_INKS, Symbols
from console.words import visible
from protocol.members import Status

LOSS_IS_GRAVE: Final = 0.05  # from this share on, loss is shown like a critical value

CLOCK_IS_OFF_MS: Final = 1_000.0  # from this offset on, a clock needs a look

_BEFORE_WORD: Final = 5  # mark, branch, a space, the status's glyph, a space
_STATUS_WORD: Final = 8
_CODIFIER: Final = 2
_AGE: Final = 4
_LOSS: Final = 5
_LOST: Final = 5
_ROUND_TRIP: Final = 7
_LEAST_NAME: Final = 14

NODE_STATUSES: Final = {
    NodeState.ALIVE: Status.OK,
    NodeState.HALTED: Status.HALTED,
    NodeState.GONE: Status.GONE,
    NodeState.UNHEARD: Status.UNHEARD,
}

_VALUE_INKS: Final = {Status.OK: Ink.STRONG, Status.WARNING: Ink.WARNING, Status.CRITICAL: Ink.CRITICAL}


@dataclass(frozen=True, slots=True)
class Columns:
    """The widths of the columns in cells; 0 for one that is left out."""

    width: int
    word: int = _STATUS_WORD
    unit: int = 6
    spark: int = SPARK_POINTS
    loss: int = _LOSS
    lost: int = _LOST
    round_trip: int = _ROUND_TRIP

    @property
    def before_name(self) -> int:
        """How many cells stand before the name."""
        shown = (self.word, self.unit, self.spark, self.loss, self.lost, self.round_trip)
        widths = (*shown, _CODIFIER, figures.VALUE, _AGE)
        return _BEFORE_WORD + sum(width + 1 for width in widths if width) + 1

    @property
    def name(self) -> int:
        """The cells that are left for the name."""
        return max(0, self.width - self.before_name)


# From the widest to the narrowest: the first that leaves room for a name is taken.
_CHOICES: Final[tuple[dict[str, int], ...]] = (
    {},
    {"lost": 0},
    {"lost": 0, "spark": 10},
    {"lost": 0, "spark": 8, "round_trip": 0},
    {"lost": 0, "spark": 8, "unit": 4, "round_trip": 0, "loss": 0},
    {"lost": 0, "spark": 0, "unit": 4, "round_trip": 0, "loss": 0},
    {"lost": 0, "word": 0, "spark": 0, "unit": 4, "round_trip": 0, "loss": 0},
)


@lru_cache(maxsize=16)  # widths of one session; asked for with each row
def columns_for(width: int) -> Columns:
    """Choose the columns that fit into a table of `width` cells."""
    choices = (Columns(width, **choice) for choice in _CHOICES)
    return next((choice for choice in choices if choice.name >= _LEAST_NAME), Columns(width, **_CHOICES[-1]))


# The headings in the order of the columns: the way to sort that each stands for, and whether it is right-aligned.
_HEADINGS: Final = (
    ("word", "STATUS", "status", False),
    ("codifier", "ID", "codifier", False),
    ("value", "VALUE", "value", True),
    ("unit", "UNIT", "", False),
    ("age", "AGE", "age", True),
    ("spark", "TREND", "", False),
    ("loss", "LOSS", "loss", True),
    ("lost", "LOST", "", True),
    ("round_trip", "RTT", "round trip", True),
    ("name", "NAME", "name", False),
)


def _widths(columns: Columns) -> dict[str, int]:
    return {
        "word": columns.word,
        "codifier": _CODIFIER,
        "value": figures.VALUE,
        "unit": columns.unit,
        "age": _AGE,
        "spark": columns.spark,
        "loss": columns.loss,
        "lost": columns.lost,
        "round_trip": columns.round_trip,
        "name": columns.name,
    }


def heading_row(model: Model, columns: Columns, symbols: Symbols) -> Line:
    """Draw the headings of the columns; the one that the rows are sorted by says so."""
    sorted_by = SORTS[model.wish.sort].name
    arrow = symbols.down if model.wish.reverse else symbols.up
    widths = _widths(columns)
    spans = [Span(" " * _BEFORE_WORD, Ink.DIM)]
    for column, title, sort, right in _HEADINGS:
        width = widths[column]
        if width:
            chosen = bool(sort) and sort == sorted_by
            title_there = f"{title}{arrow}" if chosen else title
            gap = "  " if column == "name" else " " if len(spans) > 1 else ""
            spans += [Span(gap), Span(cell(title_there, width, right=right), Ink.ACCENT if chosen else Ink.DIM)]
    return clip(line(spans), columns.width)


def sort_at(x: int, columns: Columns) -> int | None:
    """Return which way to sort a heading at cell `x` stands for, as an index into SORTS."""
    end = _BEFORE_WORD
    for column, _, sort, _ in _HEADINGS:
        width = _widths(columns)[column]
        end += width + 1 if width else 0
        if width and x < end:
            return next((index for index, known in enumerate(SORTS) if known.name == sort), None)
    return None


def draw_row(model: Model, key: Key, columns: Columns, symbols: Symbols) -> Line:
    """Draw one row of the table."""
    spans = _node_spans(model, key, columns, symbols) if key.is_node else _sensor_spans(model, key, columns, symbols)
    ground = Ground.CURSOR if key == model.cursor else Ground.NODE if _is_heading(model, key) else Ground.PLAIN
    return clip(line(spans, ground), columns.width, symbols.ellipsis)


def _is_heading(model: Model, key: Key) -> bool:
    return key.is_node and not model.is_lonely(key)


def _gutter(model: Model, key: Key, symbols: Symbols) -> list[Span]:
    """Three cells: the mark, the branch that ties a sensor to the heading of its node, and a space."""
    mark = symbols.mark if key in model.marks else " "
    if key.is_node:
        branch = symbols.open_group if _is_heading(model, key) else " "
    elif model.is_member(key):
        branch = symbols.last_member if model.is_last_member(key) else symbols.bar
    else:
        branch = " "
    return [Span(mark, Ink.ACCENT), Span(branch + " ", Ink.FAINT)]


def _status_span(status: Status, word: str, columns: Columns, symbols: Symbols) -> Span:
    text = f"{symbols.statuses[status]} {word.ljust(columns.word)}" if columns.word else symbols.statuses[status]
    return Span(text, STATUS_INKS[status])


def _sensor_spans(model: Model, key: Key, columns: Columns, symbols: Symbols) -> list[Span]:
    row = model.world.sensors[key.codifier]
    entry = model.catalogue[key.codifier]
    value_ink = _VALUE_INKS.get(row.status, Ink.DIM)
    age_s = None if row.heard_s is None else model.world.now.monotonic_s - row.heard_s
    unit = cell(entry.unit, columns.unit, ellipsis=symbols.ellipsis)
    return [
        *_gutter(model, key, symbols),
        _status_span(row.status, row.status, columns, symbols),
        Span(f" {row.codifier}", Ink.STRONG),
        Span(f" {_value(row, symbols)}", value_ink),
        Span(f" {unit} {cell(figures.age(age_s), _AGE, right=True)}", Ink.DIM),
        *_spark(row, entry, columns, symbols),
        *_loss(row, columns),
        *_lost(row, columns),
        *_round_trip(model, key, columns),
        Span("  "),
        *_troubles_of_node(model, key),
        Span(cell(entry.name, columns.name, ellipsis=symbols.ellipsis).rstrip(), _name_ink(row.status)),
    ]


def _troubles_of_node(model: Model, key: Key) -> list[Span]:
    """Say what is wrong with the node of a sensor, unless it stands under a heading that says it."""
    node = None if model.is_member(key) else model.world.nodes.get(model.node_of(key))
    if node is None:
        return []
    tags = key_remark(node, model.world.bus, model.catalogue.unsigned)
    remarks = [Span(f"{said.name}  ", Ink.CRITICAL) for said in node.troubles]
    return [*remarks, *([Span(f"{tags.words}  ", tags.ink)] if tags else [])]


def _name_ink(status: Status) -> Ink:
    return Ink.DIM if status in {Status.UNHEARD, Status.GONE, Status.HALTED} else Ink.TEXT


def _value(row: SensorRow, symbols: Symbols) -> str:
    return cell(figures.aligned(row.value), figures.VALUE, ellipsis=symbols.ellipsis)


def _spark(row: SensorRow, entry: Entry, columns: Columns, symbols: Symbols) -> list[Span]:
    if not columns.spark:
        return []
    least = least_range(entry.alarms)
    drawn = spark(row.spark, symbols.sparks, columns.spark, least) if row.spark else " " * columns.spark
    return [Span(f" {drawn}", Ink.SPARK)]


def _loss(row: SensorRow, columns: Columns) -> list[Span]:
    if not columns.loss:
        return []
    text = figures.percent(row.loss) if row.received else ""
    ink = Ink.DIM if not row.missing else Ink.WARNING if row.loss < LOSS_IS_GRAVE else Ink.CRITICAL
    return [Span(" " + text.rjust(columns.loss), ink)]


def _lost(row: SensorRow, columns: Columns) -> list[Span]:
    """Draw how many readings are lost for good, or still missing: nothing when all were had."""
    if not columns.lost:
        return []
    text = figures.few(row.lost) if row.lost else ""
    return [Span(" " + text.rjust(columns.lost), Ink.WARNING)]


def _round_trip(model: Model, key: Key, columns: Columns) -> list[Span]:
    """Draw the node's round trip, unless the row stands under a heading that has it."""
    if not columns.round_trip:
        return []
    node = None if model.is_member(key) else model.world.nodes.get(model.node_of(key))
    text = "" if node is None or node.round_trip_ms is None else figures.milliseconds(node.round_trip_ms)
    return [Span(" " + text.rjust(columns.round_trip), Ink.DIM)]


def _node_spans(model: Model, key: Key, columns: Columns, symbols: Symbols) -> list[Span]:
    node = model.world.nodes.get(key.codifier) or NodeRow(key.codifier, NodeState.UNHEARD)
    entry = model.catalogue[key.codifier]
    taken = (columns.word, columns.round_trip)  # cells of other columns that a node has itself
    room = columns.before_name - 10 - sum(width + 1 for width in taken if width)
    name = entry.name or ("not in the configuration" if not entry.configured else entry.driver)
    return [
        *_gutter(model, key, symbols),
        _status_span(NODE_STATUSES[node.state], node.state, columns, symbols),
        Span(f" {key.codifier}", Ink.STRONG),
        Span(f" {cell(name, room, ellipsis=symbols.ellipsis)}", Ink.TEXT if node.state is NodeState.ALIVE else Ink.DIM),
        *_round_trip(model, key, columns),
        Span("  "),
        *_node_remarks(model, node, entry, columns.name),
    ]


def _node_remarks(model: Model, node: NodeRow, entry: Entry, room: int) -> list[Span]:
    """Say what else is known of a node: as many whole remarks as have room, the gravest first."""
    remarks = [Span(said.name, Ink.CRITICAL) for said in node.troubles]
    remarks += [Span("duplicate", Ink.CRITICAL)] if node.rivals else []
    tags = key_remark(node, model.world.bus, model.catalogue.unsigned)
    remarks += [Span(tags.words, tags.ink)] if tags else []
    far_off = node.offset_ms is not None and abs(node.offset_ms) >= CLOCK_IS_OFF_MS
    clock = [Span(f"clock {figures.offset(node.offset_ms)}", Ink.WARNING if far_off else Ink.DIM)]
    place = [Span(visible(f"{entry.driver} on {entry.host}" if entry.host else entry.driver), Ink.DIM)]
    remarks += [*clock, *place] if node.offset_ms is not None else place
    kept: list[Span] = []
    for remark in remarks:
        room -= len(remark.text) + 2
        if room < -2:
            break
        kept += [remark, Span("  ")]
    return kept[:-1]


def row_text(model: Model, key: Key) -> str:
    """Return what a copy of a row is: the value with its unit."""
    row = model.world.sensors.get(key.codifier)
    if row is None or row.value is None:
        return ""
    unit = model.catalogue[key.codifier].unit
    return visible(f"{row.value} {unit}".rstrip())  # who pastes it must not paste a control character
