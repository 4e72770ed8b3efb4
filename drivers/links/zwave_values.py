"""What a Z-Wave network has, as a Z-Wave JS server describes it: nodes with their values, and how these are named.

A value is known by its node, its command class, its endpoint (0 is the device itself), its property and, where a
property has several, a key. Written with hyphens, as Z-Wave JS users do: `2-50-0-value-66049`. The two classes that
measure:

    49 (0x31)  Multilevel Sensor  the property is a name, such as "Power"; ccSpecific has sensorType and scale
    50 (0x32)  Meter              the property is "value", the key meterType << 16 | scale << 8 | rateType, which also
                                  stand in ccSpecific. Electric: scale 0 kWh, 1 kVAh, 2 W, 4 V, 5 A; rateType 1 consumed

OpenZWave, with which the original system read its plugs, numbers the values of a class (`cpp/src/command_classes`):

    class                   index
    48  Binary Sensor       0
    49  Multilevel Sensor   the type of the sensor: 1 temperature, 3 luminance, 4 power, 5 humidity
    50  Meter               scale << 2: 0 kWh, 4 kVAh, 8 W, 16 V, 20 A

An instance of OpenZWave is the endpoint plus one. Its index says nothing of the class, and the original matched node
and index alone, so several values may fit: the order above decides, and among those of a class the instance.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final, NamedTuple

from drivers.driver import DriverError
from drivers.links.zwave_client import Message, quoted

BINARY_SENSOR: Final = 48
MULTILEVEL_SENSOR: Final = 49
METER: Final = 50

_CONSUMED: Final = 1  # the rateType that OpenZWave counts
_NEAR: Final = 5  # names in an advice


class Status(IntEnum):
    """What is known of a node's radio."""

    UNKNOWN = 0
    ASLEEP = 1
    AWAKE = 2  # of a node that sleeps
    DEAD = 3
    ALIVE = 4


STATUS_EVENTS: Final[Mapping[str, Status]] = {
    "dead": Status.DEAD,
    "alive": Status.ALIVE,
    "sleep": Status.ASLEEP,
    "wake up": Status.AWAKE,
}


_STATUSES: Final = frozenset(Status)


class ValueId(NamedTuple):
    """The name of a value."""

    node: int
    command_class: int
    endpoint: int
    name: str | int
    key: str | int | None = None

    def __str__(self) -> str:
        return "-".join(str(part) for part in self if part is not None)

    @property
    def on_wire(self) -> dict[str, str | int]:
        """The value within its node, in a request."""
        key = {} if self.key is None else {"propertyKey": self.key}
        return {"commandClass": self.command_class, "endpoint": self.endpoint, "property": self.name, **key}


class OpenZwaveId(NamedTuple):
    """What OpenZWave knows a value by."""

    node: int
    number: int
    instance: int

    def __str__(self) -> str:
        return f"node {self.node}, index {self.number}, instance {self.instance}"


@dataclass(frozen=True, slots=True)
class Described:
    """A value and what its device says of it. `known` is what Z-Wave JS knows, however old; None when nothing."""

    id: ValueId
    known: object
    label: str
    unit: str
    specific: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        known = "" if self.known is None else f" {self.known}{' ' if self.unit else ''}{self.unit}"
        return quoted(f"{self.id} ({self.label}){known}")

    def answers_to(self, index: int) -> bool:
        """Tell whether OpenZWave gives the value this index."""
        matches = _INDICES.get(self.id.command_class)
        return matches is not None and matches(self, index)


_INDICES: Final[Mapping[int, Callable[[Described, int], bool]]] = {
    BINARY_SENSOR: lambda _, index: index == 0,
    MULTILEVEL_SENSOR: lambda value, index: value.specific.get("sensorType") == index,
    METER: lambda value, index: (
        value.id.name == "value" and value.specific.get("rateType", _CONSUMED) in (0, _CONSUMED)
        and isinstance(scale := value.specific.get("scale"), int) and scale << 2 == index
    ),
}  # fmt: skip


@dataclass(slots=True)
class Node:
    """A node, with its values by their written names. It is `ready` when all that it has is known."""

    number: int
    status: Status
    ready: bool
    values: Mapping[str, Described]


class Network:
    """The nodes of a network, by number."""

    def __init__(self, state: Message) -> None:
        self._nodes = {node.number: node for node in _nodes(state)}

    def status(self, number: int) -> Status:
        """Return what is known of a node's radio."""
        node = self._nodes.get(number)
        return node.status if node else Status.UNKNOWN

    def set_status(self, number: int, status: Status) -> None:
        """Note what was heard of a node's radio."""
        if number in self._nodes:
            self._nodes[number].status = status

    def values(self) -> Iterator[Described]:
        """Return everything that there is, by node, class and endpoint."""
        values = (value for node in self._nodes.values() for value in node.values.values())
        return iter(sorted(values, key=lambda value: (value.id[:3], str(value.id))))

    def find(self, name: str) -> ValueId:
        """Return the value with a written name; raises DriverError with names that are near."""
        node = self._node(int(name.partition("-")[0]))
        found = node.values.get(name)
        if found is None:
            from difflib import get_close_matches  # noqa: PLC0415 - only for a value that is not there

            raise _missing(node, f"value {quoted(name)}", get_close_matches(name, node.values, _NEAR))
        return found.id

    def find_original(self, wanted: OpenZwaveId) -> tuple[ValueId, list[ValueId]]:
        """Return the value that OpenZWave knew so, and what else it could be; raises DriverError."""
        node = self._node(wanted.node)
        fits = sorted(
            (value.id for value in node.values.values() if value.answers_to(wanted.number)),
            key=lambda value: (value.command_class, value.endpoint != wanted.instance - 1, str(value)),
        )
        if not fits:
            raise _missing(node, f"value that OpenZWave calls {wanted}", ())
        return fits[0], fits[1:]

    def _node(self, number: int) -> Node:
        if number not in self._nodes:
            there = ", ".join(str(each) for each in sorted(self._nodes))
            raise DriverError(f"there is no node {number} in the Z-Wave network", f"there are {there or 'none'}")
        return self._nodes[number]


def _missing(node: Node, what: str, near: Collection[str]) -> DriverError:
    if not node.ready:
        advice = "a node with a battery is asked when it wakes: press its button"
        return DriverError(f"node {node.number} has no {what} yet: Z-Wave JS still asks it what it can", advice)
    measuring = sorted(name for name, value in node.values.items() if value.id.command_class in _INDICES)
    names = [str(node.values[name]) for name in near or measuring][:_NEAR]
    return DriverError(f"node {node.number} has no {what}", f"it has {', '.join(names) or 'nothing that measures'}")


def _nodes(state: Message) -> Iterator[Node]:
    """Read the nodes of a state; what is not as it should be is passed over, since it cannot be named."""
    for each in _items(state.get("nodes")):
        number = each.get("nodeId")
        if isinstance(number, int):
            described = (_described(number, value) for value in _items(each.get("values")))
            values = {str(value.id): value for value in described if value is not None}
            yield Node(number, status_of(each.get("status")), each.get("ready") is True, values)


def status_of(number: object) -> Status:
    """Return a status; one that nobody knows is unknown."""
    return Status(number) if isinstance(number, int) and number in _STATUSES else Status.UNKNOWN


def _items(said: object) -> Iterator[Message]:
    """Return the objects of a list, or of an object with names that do not matter, as old schemas have it."""
    items = said.values() if isinstance(said, Mapping) else said if isinstance(said, list) else ()
    return (item for item in items if isinstance(item, Mapping))


def _described(node: int, said: Message) -> Described | None:
    value_id = id_of(node, said)
    if value_id is None:
        return None
    metadata = _mapping(said.get("metadata"))
    specific = _mapping(metadata.get("ccSpecific"))
    label, unit = (str(metadata.get(key) or "") for key in ("label", "unit"))
    return Described(value_id, said.get("value"), label, unit, specific)


def id_of(node: object, said: Message) -> ValueId | None:
    """Return which value a description or an event is about; None when it does not say so."""
    command_class, endpoint = said.get("commandClass"), said.get("endpoint", 0)
    name, key = said.get("property"), said.get("propertyKey")
    if not (isinstance(node, int) and isinstance(command_class, int) and isinstance(endpoint, int)):
        return None
    if not (isinstance(name, str | int) and isinstance(key, str | int | None)):
        return None
    return ValueId(node, command_class, endpoint, name, key)


_METER_NAME: Final = re.compile(rf"\d+-{METER}-\d+-value-(\d+)", re.ASCII)
_ELECTRIC: Final = 1  # the meterType
_ELECTRIC_UNITS: Final[Mapping[int, str]] = {0: "kWh", 1: "kVAh", 2: "W", 4: "V", 5: "A"}


def unit_of(name: str) -> str:
    """Return the unit that a written name tells: that of a meter of electricity; else nothing."""
    match = _METER_NAME.fullmatch(name)
    key = int(match[1]) if match else 0
    return _ELECTRIC_UNITS.get(key >> 8 & 0xFF, "") if key >> 16 == _ELECTRIC else ""


def _mapping(said: object) -> Mapping[str, Any]:
    return said if isinstance(said, Mapping) else {}
