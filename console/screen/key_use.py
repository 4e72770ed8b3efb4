"""Who tags with which key: what an operator has to know while a network changes its key, or begins to use tags."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from console.screen.lines import Ink
from console.screen.observer import BusFacts, NodeRow, NodeState
from console.words import listed
from protocol.events import Event, EventKind
from protocol.instants import Instant
from protocol.members import TOLD_AGAIN_AFTER_S

MOST_NAMED: Final = 8
"""Nodes that an event names; of the others it tells how many there are."""

_PRESENT: Final = frozenset({NodeState.ALIVE, NodeState.HALTED})


class Remark(NamedTuple):
    """What is said of a node's tags."""

    words: str
    ink: Ink


def key_fact(node: NodeRow, bus: BusFacts, unsigned: Collection[str]) -> Remark | None:
    """Say with which key a node tags; None where nobody looks at tags, or before it was heard.

    `unsigned` are the codifiers that need no tag.
    """
    if not bus.keys or node.key_id is None:
        return None
    if node.key_id == 0:
        return Remark("unsigned", Ink.TEXT if node.codifier in unsigned else Ink.WARNING)
    if node.key_id not in bus.keys:
        return Remark(f"key {node.key_id}, not known here", Ink.WARNING)
    return Remark(f"key {node.key_id}", Ink.TEXT if node.key_id == bus.keys[-1] else Ink.WARNING)


def key_remark(node: NodeRow, bus: BusFacts, unsigned: Collection[str]) -> Remark | None:
    """Say the same in a node's row, where only what somebody has to mend has room."""
    fact = key_fact(node, bus, unsigned)
    return fact if fact is not None and fact.ink is Ink.WARNING else None


class KeyUse:
    """Tells, once a minute at most, how far a change of the key has come and who is unsigned, but for `unsigned`."""

    def __init__(self, unsigned: Collection[str]) -> None:
        self._unsigned = unsigned
        self._told: list[str] = []
        self._looked_s: float | None = None

    def news(self, now: Instant, bus: BusFacts, nodes: Mapping[str, NodeRow]) -> Iterator[Event]:
        """Go through what is to be told now."""
        if self._looked_s is not None and now.monotonic_s - self._looked_s < TOLD_AGAIN_AFTER_S:
            return
        self._looked_s = now.monotonic_s
        lines = list(self._lines(bus, [nodes[name] for name in sorted(nodes) if nodes[name].state in _PRESENT]))
        for line in lines:
            if line not in self._told:
                yield Event(now.wall_ms, EventKind.KEYS, "", line)
        self._told = lines

    def _lines(self, bus: BusFacts, present: list[NodeRow]) -> Iterator[str]:
        for key_id in bus.keys[:-1]:
            behind = [row.codifier for row in present if row.key_id == key_id]
            yield _still(behind, key_id)
        without = [row.codifier for row in present if row.key_id == 0 and row.codifier not in self._unsigned]
        if bus.keys and without:
            yield f"{_counted(without)} unsigned: {listed(without, MOST_NAMED)}"


def _counted(codifiers: list[str]) -> str:
    return "1 node" if len(codifiers) == 1 else f"{len(codifiers)} nodes"


def _still(behind: list[str], key_id: int) -> str:
    if not behind:
        return f"nobody tags with key {key_id} any more"
    tag = "tags" if len(behind) == 1 else "tag"
    return f"{_counted(behind)} still {tag} with key {key_id}: {listed(behind, MOST_NAMED)}"
