"""Which rows the table shows, and in which order: filter, sort, group. Pure functions over the world."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from console.catalogue import Catalogue, Entry
from console.observer import SensorRow
from console.world import World
from protocol.members import Status

SEVERITY: Final = {
    Status.CRITICAL: 0,
    Status.WARNING: 1,
    Status.STALE: 2,
    Status.GONE: 3,
    Status.HALTED: 4,
    Status.UNHEARD: 5,
    Status.OK: 6,
}

ALARMING: Final = frozenset({Status.CRITICAL, Status.WARNING, Status.STALE, Status.GONE})
"""Statuses on which somebody should look."""


class Key(NamedTuple):
    """What a row of the table stands for: a sensor, or a node (its heading, or a node without sensors)."""

    codifier: str
    is_node: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a filter; `inverse` when it must not occur."""

    text: str
    inverse: bool = False


def parse_filter(text: str) -> tuple[Term, ...]:
    """Read a filter: words that must all occur, each with `!` before it when it must not."""
    words = (word for word in text.casefold().split() if word.strip("!"))
    return tuple(Term(word.lstrip("!"), word.startswith("!")) for word in words)


def matches(terms: Iterable[Term], haystack: str) -> bool:
    """Tell whether what can be said of a row satisfies a filter."""
    return all((term.text in haystack) is not term.inverse for term in terms)


def haystack(row: SensorRow, entry: Entry) -> str:
    """Put together what a filter looks at: codifier, name, unit, status, node, host, driver."""
    parts = (row.codifier, entry.name, entry.unit, row.status, row.node, entry.host, entry.driver)
    return "\n".join(parts).casefold()


class Sort(NamedTuple):
    """A way to sort. `key` gives what is compared; rows for which it is None come last either way."""

    name: str
    key: Callable[[SensorRow, Entry, World], Any]
    moving: bool = False  # the order changes by itself, without a new row


def _number(row: SensorRow, _entry: Entry, _world: World) -> float | None:
    return None if row.value is None or isinstance(row.value, str) else row.value


def _age(row: SensorRow, _entry: Entry, _world: World) -> float | None:
    return None if row.heard_s is None else -row.heard_s


def _round_trip(row: SensorRow, _entry: Entry, world: World) -> float | None:
    node = world.nodes.get(row.node)
    return None if node is None else node.round_trip_ms


def natural(text: str) -> tuple[Any, ...]:
    """Return what sorts `A10` behind `A9`, whatever the case."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", text.casefold())
    )


SORTS: Final = (
    Sort("configuration", lambda row, entry, _: (entry.position, natural(row.codifier))),
    Sort("status", lambda row, entry, _: (SEVERITY[row.status], entry.position), moving=True),
    Sort("codifier", lambda row, _entry, _world: natural(row.codifier)),
    Sort("value", _number, moving=True),
    Sort("age", _age, moving=True),
    Sort("loss", lambda row, _entry, _world: -row.loss, moving=True),
    Sort("round trip", _round_trip, moving=True),
    Sort("name", lambda _row, entry, _world: natural(entry.name) if entry.name else None),
)


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How the rows are to be shown. `sort` is an index into SORTS."""

    terms: tuple[Term, ...] = ()
    sort: int = 0
    reverse: bool = False
    grouped: bool = True


def arrange(world: World, catalogue: Catalogue, wish: Arrangement) -> list[Key]:
    """Return the keys of the rows to show, in their order."""
    rows = _sorted([row for row in world.sensors.values() if _wanted(row, catalogue, wish)], world, catalogue, wish)
    lonely = _nodes_without_sensors(world, catalogue, wish)
    if not wish.grouped:
        return [*map(Key, rows), *lonely]
    return [*_grouped(rows, world), *lonely]


def _wanted(row: SensorRow, catalogue: Catalogue, wish: Arrangement) -> bool:
    return not wish.terms or matches(wish.terms, haystack(row, catalogue[row.codifier]))


def _sorted(rows: list[SensorRow], world: World, catalogue: Catalogue, wish: Arrangement) -> list[str]:
    sort, usual = SORTS[wish.sort], SORTS[0]
    rows = sorted(rows, key=lambda row: usual.key(row, catalogue[row.codifier], world))
    keyed = [(sort.key(row, catalogue[row.codifier], world), row.codifier) for row in rows]
    known = sorted((pair for pair in keyed if pair[0] is not None), key=lambda pair: pair[0], reverse=wish.reverse)
    return [codifier for _, codifier in known] + [codifier for key, codifier in keyed if key is None]


def _grouped(codifiers: list[str], world: World) -> list[Key]:
    """Put the sensors of each node together, where its first one is; a node with several gets a heading."""
    groups: dict[str, list[str]] = {}
    for codifier in codifiers:
        groups.setdefault(world.sensors[codifier].node, []).append(codifier)
    keys: list[Key] = []
    for node, members in groups.items():
        if has_heading(node, members):
            keys.append(Key(node, is_node=True))
        keys.extend(map(Key, members))
    return keys


def has_heading(node: str, members: list[str]) -> bool:
    """Tell whether a group needs a heading: a node that shows its own sensor only is told by that row itself."""
    return len(members) > 1 or members != [node]


def _nodes_without_sensors(world: World, catalogue: Catalogue, wish: Arrangement) -> list[Key]:
    publishing = {row.node for row in world.sensors.values()}
    lonely = [codifier for codifier in world.nodes if codifier not in publishing]
    lonely.sort(key=lambda codifier: (catalogue[codifier].position, natural(codifier)))
    return [
        Key(codifier, is_node=True)
        for codifier in lonely
        if not wish.terms or matches(wish.terms, _node_haystack(codifier, world, catalogue))
    ]


def _node_haystack(codifier: str, world: World, catalogue: Catalogue) -> str:
    entry = catalogue[codifier]
    parts = (codifier, entry.name, world.nodes[codifier].state, entry.host, entry.driver)
    return "\n".join(parts).casefold()
