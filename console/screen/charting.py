"""Where the points of the selected sensor's chart come from: a store, then the agent's ring, then what was heard."""

import asyncio
import math
from typing import Final, NamedTuple

from console.screen.link import Link
from console.screen.observer import NodeRow, SensorRow
from console.screen.past import Past
from console.screen.traces import Point, joined
from console.screen.world import World

AGREEING_CLOCKS_MS: Final = 1_000
"""Stored times are those of the sensor's clock; only a clock that is further off than this is corrected."""

QUICK_S: Final = 0.2
"""A store that answers so soon is waited for; another one draws its part when it is there."""


class Wish(NamedTuple):
    """Which chart: the sensor, and how much time it shows."""

    codifier: str
    span_s: float


class Chart:
    """The points of one sensor at a time. `follow` is called with each frame, and asks no more than it must.

    The store has the older part. For what it lacks, after its newest reading or all, the sensor's agent is asked.
    """

    def __init__(self, link: Link, past: Past) -> None:
        self._link = link
        self._past = past
        self._wish = Wish("", 0.0)
        self._row: SensorRow | None = None
        self._reading: asyncio.Task[list[Point]] | None = None
        self._stored: list[Point] = []
        self._since_ms: float | None = None  # from then on the agent is asked; None until the store has answered
        self.points: list[Point] = []

    async def follow(self, row: SensorRow | None, span_s: float, world: World) -> bool:
        """Bring the points up to date; returns whether they have changed."""
        if row is None:
            return self._clear()
        wish = Wish(row.codifier, span_s)
        if wish != self._wish:
            await self._begin(wish, row, world)
        elif row is self._row and not self._has_read():
            return False
        if wish == self._wish:
            self._take_stored(world.now.wall_ms - span_s * 1000)
            heard = await self._link.points(row.codifier, self._since_ms)
        if wish != self._wish:
            return False  # another row was selected meanwhile, and has its own points by now
        self._row = row
        shown = [point for point in heard if point.at_ms <= world.now.wall_ms]
        self.points = joined(self._stored, shown, row.timeout_s or math.inf)
        return True

    def close(self) -> None:
        """Wait for the store no more; closing twice is harmless."""
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _clear(self) -> bool:
        changed = bool(self.points)
        self.close()
        self._wish, self._row, self.points = Wish("", 0.0), None, []
        return changed

    async def _begin(self, wish: Wish, row: SensorRow, world: World) -> None:
        self.close()
        self._wish, self._row, self._stored, self._since_ms, self.points = wish, None, [], None, []
        self._reading = asyncio.create_task(self._from_past(row, wish.span_s, world), name="chart's past")
        await asyncio.wait([self._reading], timeout=QUICK_S)

    def _has_read(self) -> bool:
        return self._reading is not None and self._reading.done()

    def _take_stored(self, begin_ms: float) -> None:
        """Take what the store had, once: the agent is asked for what came later."""
        if self._reading is not None and self._reading.done():
            self._stored = self._reading.result()
            self._since_ms = self._stored[-1].at_ms if self._stored else begin_ms
            self._reading = None

    async def _from_past(self, row: SensorRow, span_s: float, world: World) -> list[Point]:
        ahead_ms = _ahead_ms(world.nodes.get(row.node))
        now_ms = world.now.wall_ms
        since_ms, until_ms = now_ms + ahead_ms - span_s * 1000, now_ms + ahead_ms
        points = await self._past.points(row.codifier, since_ms, until_ms, row.timeout_s or math.inf)
        return [Point(point.at_ms - ahead_ms, point.value) for point in points]


def _ahead_ms(node: NodeRow | None) -> float:
    offset_ms = node.offset_ms if node and node.offset_ms is not None else 0.0
    return offset_ms if abs(offset_ms) > AGREEING_CLOCKS_MS else 0.0
