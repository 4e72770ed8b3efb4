"""What the configuration says of every codifier, as the screen needs it: names, units, places."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.limits import limits_in_words
from config.model import Configuration, Node, Sensor
from protocol.alarms import Alarms

UNKNOWN_POSITION: Final = 1_000_000  # behind everything that a configuration names


@dataclass(frozen=True, slots=True)
class Entry:
    """One codifier. `node` publishes it; `position` is its place in the configuration's order.

    `limits` says in words which values can be set, as far as the configuration does.
    """

    codifier: str
    node: str
    name: str = ""
    description: str = ""
    unit: str = ""
    position: int = UNKNOWN_POSITION
    driver: str = ""
    host: str = ""
    control: bool = False
    interval_s: float | None = None
    alarms: Alarms | None = None
    configured: bool = False
    limits: str = ""


class Catalogue:
    """All entries of a configuration; whatever else is heard gets an entry that says so.

    `unsigned` are the codifiers whose frames need no tag.
    """

    def __init__(self, configuration: Configuration) -> None:
        self.network_name = network_name(configuration.source)
        self.unsigned = frozenset(configuration.security.unsigned)
        self._entries: dict[str, Entry] = {}
        for node in configuration.nodes.values():
            for sensor in node.sensors:
                limits = limits_in_words(configuration, sensor.codifier)
                self._entries[sensor.codifier] = _entry(node, sensor, len(self._entries), limits)

    def __getitem__(self, codifier: str) -> Entry:
        """Return what is known of a codifier."""
        return self._entries.get(codifier) or Entry(codifier, codifier)

    @property
    def hits(self) -> dict[str, int]:
        """How many readings in a row the alarm of each sensor needs, where there is one."""
        return {entry.codifier: entry.alarms.hits for entry in self._entries.values() if entry.alarms is not None}

    def published_by(self, node: str) -> list[str]:
        """Name the sensors of a node in the configuration's order."""
        return [entry.codifier for entry in self._entries.values() if entry.node == node]


def _entry(node: Node, sensor: Sensor, position: int, limits: str) -> Entry:
    return Entry(
        sensor.codifier,
        node.codifier,
        sensor.name,
        sensor.description,
        sensor.unit,
        position,
        node.driver,
        node.host or "",
        control=node.control and sensor.codifier == node.codifier,
        interval_s=node.interval_s,
        alarms=sensor.alarms,
        configured=True,
        limits=limits,
    )


def network_name(source: str) -> str:
    """Name a network after its configuration: `plant` for /etc/jph/plant.yaml, the folder for any jph.yaml."""
    path = Path(source.partition("?")[0])
    return path.parent.name or path.stem if path.stem in {"jph", "config"} else path.stem
