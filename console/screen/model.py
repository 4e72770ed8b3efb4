"""The state of the screen, without Textual: what is known, what of it is shown, and where the cursor is."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from agent.orders import Answer
from console.screen.catalogue import Catalogue
from console.screen.news import News
from console.screen.observer import Batch, NodeRow, SensorRow
from console.screen.ordering import ALARMING, SORTS, Arrangement, Key, arrange, parse_filter
from console.screen.totals import Ledger
from console.screen.world import World
from protocol.frames import Flag
from protocol.instants import Instant

MAX_ANSWERS: Final = 200
"""Answers to commands that are kept, about 300 bytes each."""

REORDER_S: Final = 1.0
"""Rows that are sorted by what changes by itself change places at most so often: an eye must be able to follow."""

SPANS_S: Final = (60.0, 300.0, 900.0, 3_600.0, 21_600.0)
"""What a chart can show: 1, 5, 15 minutes, 1 and 6 hours."""


class Given(NamedTuple):
    """A command that was given, and its answer when it came. `number` is None for commands without one."""

    wall_ms: float
    flag: Flag
    codifier: str
    number: float | None = None
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Freeze:
    """A view that holds still: the world at that moment."""

    world: World
    since: Instant


class Model:
    """What is shown. `live` goes on with every batch; `world` is what the view shows, which may be frozen."""

    def __init__(self, catalogue: Catalogue, now: Instant) -> None:
        self.catalogue = catalogue
        self.live = World(now, news=News(catalogue.hits, catalogue.unsigned))
        self.freeze: Freeze | None = None
        self.wish = Arrangement()
        self.filter_text = ""
        self.keys: list[Key] = []
        self.shown = 0  # how many of the keys are sensors
        self.cursor: Key | None = None
        self.marks: set[Key] = set()
        self.armed = False
        self.given: deque[Given] = deque(maxlen=MAX_ANSWERS)
        self.span_s = SPANS_S[1]
        self.ledger = Ledger()
        self._positions: dict[Key, int] = {}
        self._ordered_s = now.monotonic_s
        self._known: tuple[int, int] = (0, 0)

    @property
    def world(self) -> World:
        """The world as the view shows it."""
        return self.freeze.world if self.freeze else self.live

    @property
    def position(self) -> int:
        """The row of the cursor; 0 without rows."""
        return self._positions.get(self.cursor, 0) if self.cursor else 0

    @property
    def selected(self) -> SensorRow | None:
        """The sensor under the cursor, or the own sensor of a node under it."""
        return self.world.sensors.get(self.cursor.codifier) if self.cursor else None

    @property
    def selected_node(self) -> NodeRow | None:
        """The node under the cursor, or the one that publishes the sensor under it."""
        return self.world.nodes.get(self.node_of(self.cursor)) if self.cursor else None

    def node_of(self, key: Key) -> str:
        """Return the codifier of the node that a row belongs to."""
        if key.is_node:
            return key.codifier
        row = self.world.sensors.get(key.codifier)
        return row.node if row else self.catalogue[key.codifier].node

    def apply(self, batch: Batch) -> None:
        """Take what has changed on the network."""
        self.live.apply(batch)
        if self.freeze is None:
            self._refresh_order()

    def toggle_freeze(self) -> None:
        """Hold the view still, or let it go on."""
        self.freeze = None if self.freeze else Freeze(self.live.still(), self.live.now)
        self.order()

    def behind(self) -> tuple[float, int]:
        """Return for how many seconds the view holds still, and how many readings came since."""
        if self.freeze is None:
            return 0.0, 0
        readings = self.live.bus.readings - self.freeze.world.bus.readings
        return self.live.now.monotonic_s - self.freeze.since.monotonic_s, readings

    def set_filter(self, text: str) -> None:
        """Show the rows that match."""
        self.filter_text = text
        self.wish = replace(self.wish, terms=parse_filter(text))
        self.order()

    def sort_by(self, index: int) -> None:
        """Sort another way; the same way again turns the order round."""
        same = index == self.wish.sort
        self.wish = replace(self.wish, sort=index, reverse=same and not self.wish.reverse)
        self.order()

    def sort_next(self) -> None:
        """Sort by the next column."""
        self.wish = replace(self.wish, sort=(self.wish.sort + 1) % len(SORTS), reverse=False)
        self.order()

    def reverse(self) -> None:
        """Turn the order round."""
        self.wish = replace(self.wish, reverse=not self.wish.reverse)
        self.order()

    def toggle_groups(self) -> None:
        """Show the sensors of a node together, or each by itself."""
        self.wish = replace(self.wish, grouped=not self.wish.grouped)
        self.order()

    def order(self) -> None:
        """Put the rows in their order; the cursor stays on its row, or where it was when its row is gone."""
        before = self.position
        self.keys = arrange(self.world, self.catalogue, self.wish)
        self.shown = sum(not key.is_node for key in self.keys)
        self._positions = {key: position for position, key in enumerate(self.keys)}
        self._ordered_s = self.live.now.monotonic_s
        self._known = (len(self.world.sensors), len(self.world.nodes))
        if self.cursor not in self._positions:
            self.cursor = self._nearby(before)

    def move(self, rows: int) -> None:
        """Move the cursor by so many rows, not beyond the ends."""
        self.move_to(self.position + rows)

    def move_to(self, position: int) -> None:
        """Move the cursor to a row, or to the end that is nearest."""
        if self.keys:
            self.cursor = self.keys[min(max(0, position), len(self.keys) - 1)]

    def move_to_sensor(self, codifier: str) -> bool:
        """Move the cursor to a sensor; returns whether it is shown."""
        position = self._positions.get(Key(codifier))
        if position is not None:
            self.move_to(position)
        return position is not None

    def move_to_alarm(self, step: int = 1) -> bool:
        """Move the cursor to the next (step 1) or previous (-1) row on which somebody should look."""
        count = len(self.keys)
        for distance in range(1, count + 1):
            position = (self.position + step * distance) % count
            if self.is_alarming(self.keys[position]):
                self.move_to(position)
                return True
        return False

    def is_member(self, key: Key) -> bool:
        """Tell whether a row stands under the heading of its node."""
        return not key.is_node and Key(self.node_of(key), is_node=True) in self._positions and self.wish.grouped

    def is_last_member(self, key: Key) -> bool:
        """Tell whether a row under a heading is the last one there."""
        after = self._positions.get(key, 0) + 1
        return (
            after >= len(self.keys) or self.keys[after].is_node or self.node_of(self.keys[after]) != self.node_of(key)
        )

    def is_lonely(self, key: Key) -> bool:
        """Tell whether a node's row is no heading: no sensor stands under it."""
        after = self._positions.get(key, 0) + 1
        return after >= len(self.keys) or self.keys[after].is_node or self.node_of(self.keys[after]) != key.codifier

    def is_alarming(self, key: Key) -> bool:
        """Tell whether somebody should look at a row."""
        node = None if self.is_member(key) else self.world.nodes.get(self.node_of(key))
        if node is not None and node.troubles:
            return True
        row = None if key.is_node else self.world.sensors.get(key.codifier)
        return row is not None and row.status in ALARMING

    def toggle_mark(self) -> None:
        """Mark the row of the cursor for the next command, or take the mark away."""
        if self.cursor is not None:
            self.marks ^= {self.cursor}

    def mark_all(self) -> None:
        """Mark all rows that are shown; take all marks away when they all have one."""
        shown = set(self.keys)
        self.marks = set() if self.marks >= shown else self.marks | shown

    def targets(self) -> list[str]:
        """Name the nodes that a command goes to: those of the marked rows, else that of the cursor."""
        keys: Sequence[Key] = sorted(self.marks, key=self._place) or ([self.cursor] if self.cursor else [])
        return list(dict.fromkeys(self.node_of(key) for key in keys))

    def note(self, given: Given) -> None:
        """Keep a command that was given; its answer takes the place of the command without one."""
        pending = given._replace(answer=None)
        if given.answer is not None and pending in self.given:
            self.given[self.given.index(pending)] = given
        else:
            self.given.append(given)

    def change_span(self, step: int) -> None:
        """Let charts show more (1) or less (-1) time."""
        self.span_s = SPANS_S[min(max(0, SPANS_S.index(self.span_s) + step), len(SPANS_S) - 1)]

    def _refresh_order(self) -> None:
        world = self.live
        due = world.now.monotonic_s - self._ordered_s >= REORDER_S
        if self._known != (len(world.sensors), len(world.nodes)) or (due and self._moves()):
            self.order()

    def _moves(self) -> bool:
        return SORTS[self.wish.sort].moving or bool(self.wish.terms)

    def _nearby(self, position: int) -> Key | None:
        return self.keys[min(position, len(self.keys) - 1)] if self.keys else None

    def _place(self, key: Key) -> tuple[int, Key]:
        return self._positions.get(key, len(self._positions)), key
