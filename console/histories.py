"""Where the past is kept: which sinks of a configuration can be read from here, and the first of them that answers.

A database on this computer comes before one on the network, and one that keeps everything before the newest readings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

from config.model import Configuration, Node
from protocol.errors import JphError
from storage.redis_options import RedisOptions
from storage.registry import STORES, open_history, store_class
from storage.sqlite import SqliteOptions
from storage.store import History, Store, StoreError

ORDER: Final = ("sqlite", "postgres", "redis")
"""Which store is asked first; one that is not named here comes after these."""


class Wanted(StrEnum):
    """What is to be read: every sink keeps accounts, not every one readings."""

    READINGS = "readings"
    ACCOUNTS = "accounts"


class NoHistoryError(JphError):
    """There is no place from which the past could be had."""


@dataclass(frozen=True, slots=True)
class Place:
    """A store with its options, and what to call it: `Q1 (sqlite)`, or the file that somebody named."""

    store: str
    options: Any
    name: str

    @property
    def is_far(self) -> bool:
        """Tell whether this is a file that is not on this computer."""
        return isinstance(self.options, SqliteOptions) and not Path(self.options.path).expanduser().exists()

    def open(self) -> History:
        """Open it for reading; raises StoreError."""
        return open_history(self.store, self.options)

    def open_for_writing(self) -> Store:
        """Open it for writing beside a sink that may be writing too; raises StoreError."""
        return store_class(self.store)(self.options)


class Opened(NamedTuple):
    """A history that can be read, and where it is kept. Whoever has it closes it."""

    place: Place
    history: History


def named_file(path: str) -> Place:
    """Return the place that `--database FILE` names."""
    whole = path if path.startswith("~/") else str(Path(path).absolute())
    return Place("sqlite", SqliteOptions(path=whole), path)


def places(configuration: Configuration, node: str | None = None, wanted: Wanted = Wanted.READINGS) -> list[Place]:
    """Return where the past is kept, the best place first, or only that of `node`; raises NoHistoryError.

    Drivers' options must have been read: the configuration is one of `agent.configuration.load_configuration`.
    """
    sinks = [one for one in configuration.nodes.values() if one.driver in STORES]
    if not sinks:
        raise _no_sinks(configuration)
    able = [sink for sink in sinks if _keeps(sink, wanted)]
    if node is not None:
        able = [_chosen(node, sinks, able)]
    elif not able:
        raise NoHistoryError(f"{_named(sinks)} keep last values only", _STREAM)
    return sorted(map(_place, able), key=_rank)


def place_to_write(configuration: Configuration, node: str | None = None) -> Place:
    """Return the one store into which readings can be put from here, or that of `node`; raises NoHistoryError.

    A file that is not on this computer is meant only when its node is named: then it is made.
    """
    found = places(configuration, node)
    near = found if node is not None else [place for place in found if not place.is_far]
    if len(near) == 1:
        return near[0]
    names = ", ".join(place.name for place in near or found)
    if near:
        raise NoHistoryError(f"several stores can be meant: {names}", "name one with --node")
    raise NoHistoryError(f"the file of {names} is not on this computer", "name its node with --node, and it is made")


def open_first(places: Sequence[Place]) -> Opened:
    """Open the first place that answers; raises NoHistoryError, which says of each why it does not."""
    troubles: list[tuple[Place, StoreError]] = []
    for place in places:
        try:
            return Opened(place, place.open())
        except StoreError as error:
            troubles.append((place, error))
    raise _nothing_answers(troubles)


_STREAM: Final = (
    "let one keep readings: `driver: sqlite` or `postgres`, or `stream: 100000` among the options of `redis`"
)


def _no_sinks(configuration: Configuration) -> NoHistoryError:
    lack = "has no node that stores readings" if configuration.source else "there is no configuration"
    return NoHistoryError(
        f"{configuration.source} {lack}".lstrip(),
        "give it one with `driver: sqlite` or `postgres`, or name a file with --database",
    )


def _keeps(sink: Node, wanted: Wanted) -> bool:
    options = sink.options
    return wanted is Wanted.ACCOUNTS or not isinstance(options, RedisOptions) or bool(options.stream)


def _chosen(node: str, sinks: Sequence[Node], able: Sequence[Node]) -> Node:
    for sink in able:
        if sink.codifier == node:
            return sink
    if any(sink.codifier == node for sink in sinks):
        raise NoHistoryError(f"{node} keeps last values only", "add `stream: 100000` to its options")
    raise NoHistoryError(f"{node} is no node that stores readings", f"name one with --node: {_named(sinks)}")


def _nothing_answers(troubles: Sequence[tuple[Place, StoreError]]) -> NoHistoryError:
    if len(troubles) == 1:
        [(_, error)] = troubles
        return NoHistoryError(error.message, error.hint)
    reasons = "".join(f"\n{place.name}: {error}" for place, error in troubles)
    return NoHistoryError(f"none of {len(troubles)} stores can be read:{reasons}", "name a file with --database")


def _place(sink: Node) -> Place:
    return Place(sink.driver, sink.options, f"{sink.codifier} ({sink.driver})")


def _rank(place: Place) -> tuple[bool, int]:
    return place.is_far, ORDER.index(place.store) if place.store in ORDER else len(ORDER)


def _named(sinks: Sequence[Node]) -> str:
    return ", ".join(f"{sink.codifier} ({sink.driver})" for sink in sinks)
