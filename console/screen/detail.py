"""Everything that is known of the row under the cursor: its value large, its chart, then the facts."""

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from console.screen import figures
from console.screen.catalogue import Entry
from console.screen.chart import LEAST_HEIGHT, Threshold, draw_chart, frame_at
from console.screen.key_use import key_fact
from console.screen.lines import EMPTY, Ink, Line, Span, cell, clip, line, spread
from console.screen.model import Model
from console.screen.observer import NodeRow, NodeState, SensorRow
from console.screen.rows import CLOCK_IS_OFF_MS, NODE_STATUSES
from console.screen.symbols import STATUS_INKS, Symbols
from console.screen.totals import HOURS
from console.screen.traces import Point
from console.tallies import NOT_LOST, parts_of
from console.words import clock_time, date_and_time, visible
from protocol.accounts import Account

LABEL: Final = 12
CHART_LINES: Final = range(6, 17)
"""A chart is at least and at most so high; facts that find no room under it can be scrolled to."""

MOST_FACT_LINES: Final = 4  # a text from the network may be 1,100 characters long
MAX_ATTRIBUTES: Final = 40  # lines; a frame has room for several hundred attributes

Fact = tuple[str, str, Ink]


def draw_detail(model: Model, points: Sequence[Point], width: int, height: int, symbols: Symbols) -> list[Line]:
    """Draw the panel: as long as what is known, which may be more than its height."""
    if model.cursor is None:
        return [line([Span(" nothing was heard yet", Ink.DIM)])]
    row, node = model.selected, model.selected_node
    facts = [fact_line for fact in _facts(model, row, node, symbols) for fact_line in _fact_lines(fact, width)]
    head = _head(model, row, width, symbols)
    chart_height = _chart_height(height - len(head), len(facts))
    chart = _chart(model, points, (width, chart_height), symbols)
    return [*head, *chart, *facts]


def _chart_height(room: int, facts: int) -> int:
    """Return the lines of the chart: what the facts leave, within CHART_LINES; in a low panel all, facts are below."""
    height = min(max(room - facts - 1, CHART_LINES.start), CHART_LINES.stop - 1, room - 1)
    return height if height >= LEAST_HEIGHT else 0


def _head(model: Model, row: SensorRow | None, width: int, symbols: Symbols) -> list[Line]:
    if row is None or model.cursor is None:
        return []
    entry = model.catalogue[row.codifier]
    since_s = (model.world.now.wall_ms - row.status_since_ms) / 1000
    status = f"{symbols.statuses[row.status]} {row.status}"
    name = [Span(f" {row.codifier} ", Ink.STRONG), Span(f" {visible(entry.name or entry.node)}", Ink.TEXT)]
    state = [Span(status, STATUS_INKS[row.status]), Span(f" for {figures.duration(since_s)} ", Ink.DIM)]
    value = Span(f" {figures.value_text(row.value)}", STATUS_INKS[row.status] if row.value is not None else Ink.DIM)
    return [
        spread(name, state, width),
        spread([value, Span(f" {visible(entry.unit)}", Ink.DIM)], [Span(_age(model, row), Ink.DIM)], width),
    ]


def _age(model: Model, row: SensorRow) -> str:
    if row.heard_s is None:
        return "never heard "
    age = figures.age(model.world.now.monotonic_s - row.heard_s)
    return "heard just now " if age == "now" else f"heard {age} ago "


def _chart(model: Model, points: Sequence[Point], size: tuple[int, int], symbols: Symbols) -> list[Line]:
    row, (width, height) = model.selected, size
    if row is None or isinstance(row.value, str) or height < LEAST_HEIGHT:
        return [EMPTY]
    frame = frame_at(model.world.now.wall_ms, model.span_s, width - 1, height, symbols.raster.columns)
    return [*draw_chart(points, frame, symbols, thresholds(model.catalogue[row.codifier])), EMPTY]


def thresholds(entry: Entry) -> list[Threshold]:
    """Return where the alarms of a sensor begin."""
    alarms = entry.alarms
    conditions = ((alarms.warning, Ink.WARNING), (alarms.critical, Ink.CRITICAL)) if alarms else ()
    return [Threshold(condition.threshold, ink) for condition, ink in conditions if condition is not None]


def _fact_lines(fact: Fact, width: int) -> list[Line]:
    """Draw a fact beside its label, on as many lines as it takes."""
    label, words, ink = fact
    room = max(1, width - LABEL - 2)
    texts = textwrap.wrap(visible(words), room)[:MOST_FACT_LINES] or [""]
    labels = [label] + [""] * (len(texts) - 1)
    return [
        clip(line([Span(f" {cell(name, LABEL - 1)} ", Ink.DIM), Span(text, ink)]), width)
        for name, text in zip(labels, texts, strict=True)
    ]


def _facts(model: Model, row: SensorRow | None, node: NodeRow | None, symbols: Symbols) -> Iterator[Fact]:
    if row is not None:
        yield from _sensor_facts(model, row, symbols)
    if node is not None:
        yield from _node_facts(model, node, symbols)
    if row is not None and row.attributes:
        yield from _attributes(row)


def _sensor_facts(model: Model, row: SensorRow, symbols: Symbols) -> Iterator[Fact]:
    entry = model.catalogue[row.codifier]
    dot = f" {symbols.dot} "
    if entry.description:
        yield "", entry.description, Ink.TEXT
    if isinstance(row.value, str):
        yield "text", row.value, Ink.TEXT
    if row.timestamp_ms is not None:
        yield "measured", f"{date_and_time(row.timestamp_ms)} (its clock)", Ink.TEXT
    yield "stale after", figures.duration(row.timeout_s) + _interval(entry, dot), Ink.TEXT
    if entry.alarms is not None:
        yield "alarms", _alarms(entry, dot), Ink.TEXT
    yield "readings", _readings(row, dot), Ink.WARNING if row.lost or row.bad else Ink.TEXT
    yield "network", _network(row, dot), Ink.WARNING if row.missing else Ink.TEXT
    if (stored := model.ledger.accounts.get(row.codifier)) is not None:
        yield "stored", _stored(stored, dot), Ink.WARNING if _named_losses(stored) else Ink.TEXT
        yield "", f"{model.ledger.place}, last {HOURS} h", Ink.DIM
    if model.ledger.trouble:
        yield "stored", f"not known: {model.ledger.trouble}", Ink.WARNING
    if row.last_sequence is not None:
        kind = f"{dot}flag {row.flag}" if row.flag else ""
        again = f"{dot}begun anew {row.renumbered} times" if row.renumbered else ""
        yield "numbering", f"at {row.last_sequence}{kind}{again}", Ink.TEXT


def _interval(entry: Entry, dot: str) -> str:
    return f"{dot}every {figures.duration(entry.interval_s)}" if entry.interval_s and entry.interval_s >= 1 else ""


def _alarms(entry: Entry, dot: str) -> str:
    alarms = entry.alarms
    if alarms is None:
        return ""
    parts = [
        f"{name} {condition}"
        for name, condition in (("warning", alarms.warning), ("critical", alarms.critical))
        if condition
    ]
    parts += [f"hysteresis {alarms.hysteresis:g}"] if alarms.hysteresis else []
    parts += [f"after {alarms.hits} readings"] if alarms.hits > 1 else []
    return dot.join(parts)


def _readings(row: SensorRow, dot: str) -> str:
    """Tell what became of what was sent since the console was opened."""
    account = row.account or Account(row.codifier, 0)
    always = (("heard", account.heard), ("missing", account.pending))
    others = (("repaired", account.repaired), ("unavailable", account.unavailable), ("not finite", row.bad))
    return dot.join([*_counted(always), *_counted(entry for entry in others if entry[1])])


def _network(row: SensorRow, dot: str) -> str:
    """Tell what the network did to the readings, whether they were had in the end or not."""
    others = (("late", row.late), ("doubled", row.duplicates))
    lost = f"lost {figures.count(row.missing)} ({figures.percent(row.loss)})"
    return dot.join([lost, *_counted(entry for entry in others if entry[1])])


def _stored(account: Account, dot: str) -> str:
    """Tell what became of what was sent, of which the store has an account."""
    parts = [(_PART_NAMES.get(name, name), count) for name, count in parts_of(account).items() if name != "stored"]
    of_all = f"{figures.count(account.stored)} of {figures.count(account.sent)}"
    return dot.join([of_all, *_counted(entry for entry in parts if entry[1])])


_PART_NAMES: Final = {"not_kept": "not kept", "too_many_holes": "given up", "pending": "missing"}


def _named_losses(account: Account) -> int:
    return sum(count for name, count in parts_of(account).items() if name not in NOT_LOST)


def _counted(entries: Iterable[tuple[str, int]]) -> list[str]:
    return [f"{figures.count(number)} {name}" for name, number in entries]


def _node_facts(model: Model, node: NodeRow, symbols: Symbols) -> Iterator[Fact]:
    entry = model.catalogue[node.codifier]
    dot = f" {symbols.dot} "
    status = NODE_STATUSES[node.state]
    place = dot.join(part for part in (entry.driver, entry.host) if part) or "not in the configuration"
    yield (
        "node",
        f"{symbols.statuses[status]} {node.codifier} {node.state}{dot}{place}",
        STATUS_INKS[status] if node.state is not NodeState.ALIVE else Ink.TEXT,
    )
    for said in node.troubles:
        yield "trouble", said.text, Ink.CRITICAL
    yield from _who_speaks(model, node)
    if node.round_trips.sent:
        yield from _round_trips(node, dot)
    if node.offset_ms is not None:
        yield (
            "clock",
            f"{figures.offset(node.offset_ms)} from ours",
            Ink.WARNING if abs(node.offset_ms) >= CLOCK_IS_OFF_MS else Ink.TEXT,
        )
    if node.started_wall_ms is not None:
        again = f"{dot}{node.starts} times since the console was opened" if node.starts > 1 else ""
        yield "started", clock_time(node.started_wall_ms)[:8] + again, Ink.TEXT
    if node.config_time_ms:
        yield "configured", date_and_time(node.config_time_ms)[:19], Ink.TEXT
    if node.spool_kib is not None:
        yield "spool", f"writes {figures.count(node.spool_kib)} KiB a day", Ink.TEXT
    sensors = model.catalogue.published_by(node.codifier)
    if len(sensors) > 1:
        yield "publishes", " ".join(sensors), Ink.TEXT
    frames = f"{figures.count(node.received)} frames heard{dot}{figures.count(node.missing)} missing"
    yield "control", frames + (f"{dot}confirms commands" if node.acknowledges else ""), Ink.TEXT


def _who_speaks(model: Model, node: NodeRow) -> Iterator[Fact]:
    """Say from where a node speaks, and what proves that it is the one."""
    if node.sender:
        yield "address", f"{node.sender[0]} port {node.sender[1]}", Ink.TEXT
    if node.rivals and node.former_sender:
        yield "duplicate", f"also at {node.former_sender[0]} port {node.former_sender[1]}", Ink.CRITICAL
    if (tags := key_fact(node, model.world.bus, model.catalogue.unsigned)) is not None:
        yield "tags", *tags


def _round_trips(node: NodeRow, dot: str) -> Iterator[Fact]:
    trips = node.round_trips
    unanswered = trips.sent - trips.received
    if trips.median is not None:
        names = (
            ("last", node.round_trip_ms),
            ("min", trips.min),
            ("median", trips.median),
            ("p99", trips.p99),
            ("max", trips.max),
        )
        yield "round trip", dot.join(f"{name} {figures.milliseconds(ms)}" for name, ms in names), Ink.TEXT
    yield "pings", f"{trips.received} of {trips.sent} answered", Ink.WARNING if unanswered > 1 else Ink.TEXT


def _attributes(row: SensorRow) -> Iterator[Fact]:
    attributes = row.attributes or {}
    for name, value in list(attributes.items())[:MAX_ATTRIBUTES]:
        yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), Ink.ACCENT
    if len(attributes) > MAX_ATTRIBUTES:
        yield "", f"and {len(attributes) - MAX_ATTRIBUTES} more", Ink.DIM
