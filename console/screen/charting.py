"""Where the points of the selected sensor's chart come from: the store on this computer, then what was heard."""

import math
from typing import Final, NamedTuple

from console.screen.link import Link
from console.screen.observer import NodeRow, SensorRow
from console.screen.past import Past
from console.screen.traces import Point, joined
from console.screen.world import World

AGREEING_CLOCKS_MS: Final = 1_000
"""Stored times are those of the sensor's clock; only a clock that is further off than this is corrected."""


class Wish(NamedTuple):
    """Which chart: the sensor, and how much time it shows."""

    codifier: str
    span_s: float


class Chart:
    """The points of one sensor at a time. `follow` is called with each frame, and asks no more than it must."""

    def __init__(self, link: Link, past: Past) -> None:
        self._link = link
        self._past = past
        self._wish = Wish("", 0.0)
        self._row: SensorRow | None = None
        self._stored: list[Point] = []
        self._heard: list[Point] = []
        self.points: list[Point] = []

    async def follow(self, row: SensorRow | None, span_s: float, world: World) -> bool:
        """Bring the points up to date; returns whether they have changed."""
        if row is None:
            return self._clear()
        wish = Wish(row.codifier, span_s)
        if wish == self._wish and row is self._row:
            return False
        renewed = wish != self._wish
        self._wish, self._row = wish, row
        if renewed:
            self._stored = await self._from_past(row, span_s, world)
        heard = await self._link.points(row.codifier)
        if wish != self._wish:
            return False  # another row was selected meanwhile, and has its own points by now
        self._heard = [point for point in heard if point.at_ms <= world.now.wall_ms]
        self.points = joined(self._stored, self._heard)
        return True

    def _clear(self) -> bool:
        changed = bool(self.points)
        self._wish, self._row, self.points = Wish("", 0.0), None, []
        return changed

    async def _from_past(self, row: SensorRow, span_s: float, world: World) -> list[Point]:
        self.points = []
        ahead_ms = _ahead_ms(world.nodes.get(row.node))
        now_ms = world.now.wall_ms
        since_ms, until_ms = now_ms + ahead_ms - span_s * 1000, now_ms + ahead_ms
        points = await self._past.points(row.codifier, since_ms, until_ms, row.timeout_s or math.inf)
        return [Point(point.at_ms - ahead_ms, point.value) for point in points]


def _ahead_ms(node: NodeRow | None) -> float:
    offset_ms = node.offset_ms if node and node.offset_ms is not None else 0.0
    return offset_ms if abs(offset_ms) > AGREEING_CLOCKS_MS else 0.0
