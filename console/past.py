"""What a store on this computer knows of a sensor's past, for its chart."""

import asyncio
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Final

from config.model import Configuration
from console.traces import Point, number_of
from protocol.readings import Reading
from storage.sqlite import SqliteOptions, open_for_reading
from storage.store import History, StoreError

MAX_READINGS: Final = 25_000
"""Readings that are asked for at once, about 5 MiB while they are looked at: six hours at one a second."""

MAX_POINTS: Final = 2_000
"""Points that a chart is given: more than any terminal has dots in a row."""


class Past:
    """The history of a configuration's SQLite node, read in a thread of its own; empty when there is none here.

    A store that fails is asked no more; `trouble` says why, and charts show what was heard.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.trouble = ""
        self._paths = _databases(configuration)
        self._store: History | None = None
        self._thread = ThreadPoolExecutor(1, "jph-history") if self._paths else None

    async def points(self, codifier: str, since_ms: float, until_ms: float) -> list[Point]:
        """Return what is stored of a sensor, oldest first, as points of a chart."""
        if self._thread is None:
            return []
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, self._read, codifier, int(since_ms), int(until_ms)
        )

    async def close(self) -> None:
        """Let go of the file; closing twice is harmless."""
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
            self._thread.shutdown()
            self._thread = None

    def _read(self, codifier: str, since_ms: int, until_ms: int) -> list[Point]:
        path = next((path for path in self._paths if path.exists()), None)
        if path is None or self.trouble:
            return []
        try:
            self._store = self._store or open_for_reading(path)
            readings = self._store.history(codifier, since_ms, until_ms, MAX_READINGS)
        except StoreError as error:
            self.trouble = error.message
            return []
        return thinned(points_of(readings))

    def _close(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None


def _databases(configuration: Configuration) -> list[Path]:
    return [
        Path(node.options.path).expanduser()
        for node in configuration.nodes.values()
        if isinstance(node.options, SqliteOptions)
    ]


def points_of(readings: Sequence[Reading]) -> list[Point]:
    """Turn readings into points; text and NaN have no place in a chart."""
    return [
        Point(reading.timestamp_ms, number) for reading in readings if (number := number_of(reading.value)) is not None
    ]


def thinned(points: Sequence[Point]) -> list[Point]:
    """Keep at most MAX_POINTS: of each stretch the lowest and the highest, so that no peak is lost."""
    stretch = math.ceil(2 * len(points) / MAX_POINTS)
    if stretch <= 2:
        return list(points)
    kept: list[Point] = []
    for first in range(0, len(points), stretch):
        part = points[first : first + stretch]
        ends = {min(part, key=_value), max(part, key=_value)}
        kept.extend(sorted(ends))
    return kept


def with_gaps(points: Sequence[Point], longest_s: float) -> list[Point]:
    """Put a gap between points that are further apart than a sensor may be silent."""
    if not points:
        return []
    result = [points[0]]
    for before, point in pairwise(points):
        if point.at_ms - before.at_ms > longest_s * 1000:
            result.append(Point(before.at_ms, math.nan))
        result.append(point)
    return result


def _value(point: Point) -> float:
    return point.value
