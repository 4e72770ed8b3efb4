"""What a node said is wrong with it, as far as it may still be believed (docs/protocol.md, "Diagnosis")."""

import math
from collections.abc import Iterable
from typing import Final, NamedTuple

from protocol.troubles import MEASUREMENTS, Said, Trouble

MAX_SAID: Final = 32  # codes of one node, about 150 bytes each: twice as many as there are
AFTER_START_S: Final = 5.0  # what a node that started does not say again within its first seconds is over


class _Entry(NamedTuple):
    said: Said
    until_s: float


class Diagnosed:
    """What one node said and did not take back. Each entry holds until a moment, and longer when it is said again."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}

    def take(self, said: Said, until_s: float) -> tuple[list[Said], list[Said]]:
        """Take what a node says; return the troubles that begin with it, and those that end."""
        if said.code == Trouble.OVER:
            return [], self._forget([said.amount] if said.amount else list(self._entries))
        is_new = said.code not in self._entries
        if is_new and len(self._entries) >= MAX_SAID:
            return [], []
        self._entries[said.code] = _Entry(said, until_s)
        return ([said] if is_new and said.code not in MEASUREMENTS else []), []

    def expire(self, now_s: float) -> list[Said]:
        """Forget what was not said again in time; return the troubles among it."""
        return self._forget([code for code, entry in self._entries.items() if entry.until_s < now_s])

    def doubt(self, until_s: float) -> None:
        """Let nothing hold longer than until then, unless it is said again: the node started anew."""
        self._entries = {
            code: entry._replace(until_s=min(entry.until_s, until_s)) for code, entry in self._entries.items()
        }

    def troubles(self, now_s: float = -math.inf) -> tuple[Said, ...]:
        """Return what is wrong with the node, by code."""
        holding = sorted(entry.said for entry in self._entries.values() if entry.until_s >= now_s)
        return tuple(said for said in holding if said.code not in MEASUREMENTS)

    def measured(self, code: Trouble, now_s: float = -math.inf) -> int | None:
        """Return the amount of a measurement, None when the node did not say it."""
        entry = self._entries.get(code)
        return None if entry is None or entry.until_s < now_s else entry.said.amount

    def _forget(self, codes: Iterable[int]) -> list[Said]:
        over = [entry.said for code in codes if (entry := self._entries.pop(code, None)) is not None]
        return [said for said in over if said.code not in MEASUREMENTS]
