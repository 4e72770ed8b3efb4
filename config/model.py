"""What a checked configuration says. Whoever holds one of these objects can rely on it: it was checked as a whole.

The names in quotes are those of the file where they differ from the field's: fields carry their unit, the
file's values do (docs/configuration.md).
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from config.durations import Bytes, Seconds
from protocol.alarms import Alarms
from protocol.errors import JphError
from protocol.gate import Mode
from protocol.sequences import RENUMBERED_BEYOND

Kinds: TypeAlias = Callable[[str], type[msgspec.Struct] | None]
"""Gives the type of the options of a driver or store by its name, and None for a name that it does not know."""

Options: TypeAlias = msgspec.Struct | Mapping[str, object] | None
"""Checked options of a known driver, or what the file says for one that is not part of this version."""

OWN_CHANNEL: Final = "value"
"""The channel of a node's own sensor, when it names none."""

OPERATOR: Final = "console"
"""The driver of codifiers that stand for a person's program: they have no readings, and no agent runs them."""

WITHOUT_READINGS: Final = frozenset({OPERATOR, "rollup", "web"})
"""The drivers of nodes that only announce themselves."""

SMALLEST_SPOOL_BYTES: Final = 64 * 2**10

TIMEOUT_INTERVALS: Final = 2.5
"""A sensor without a `timeout` is stale after at least so many of its intervals: one lost reading is no alarm."""


class Problem(msgspec.Struct, frozen=True):
    """Something wrong in a configuration. `line` counts from 1 and is 0 when the whole file is meant."""

    file: str
    line: int
    message: str
    advice: str = ""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return (f"{where}: " if where else "") + self.message + (f"; {self.advice}" if self.advice else "")


class ConfigError(JphError):
    """A configuration that cannot be used; `problems` has everything that is wrong with it, in the file's order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class NoConfigurationError(ConfigError):
    """No configuration was named, and none is in the places where it is looked for."""


class Group(msgspec.Struct, frozen=True):
    """A multicast group: an IPv4 or IPv6 address and a UDP port."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """The two buses, and how to reach them. `interface` is a name, an address or a network (10.0.0.0/24)."""

    control: Group = Group("239.192.71.1", 7001)
    data: Group = Group("239.192.71.1", 7002)
    interface: str | None = None
    ttl: Annotated[int, msgspec.Meta(ge=0, le=255)] = 2


class RingLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much an agent keeps of what its sensors sent: by time and number for each sensor, in memory for all."""

    age_s: Seconds = msgspec.field(default=86_400.0, name="age")
    readings: Annotated[int, msgspec.Meta(ge=1, le=RENUMBERED_BEYOND)] = RENUMBERED_BEYOND
    memory_bytes: Bytes = msgspec.field(default=8 * 2**20, name="memory")


class SpoolPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where an agent keeps on disk what its sensors sent, how often it writes there at most, and how much."""

    path: str
    interval_s: Seconds = msgspec.field(default=60.0, name="interval")
    size_bytes: Bytes = msgspec.field(default=16 * 2**20, name="size")

    def __post_init__(self) -> None:
        if not self.path.startswith(("/", "~/")):
            raise ValueError(f"`path` is {self.path!r}: begin it with / or ~/, so that it is the same from everywhere")
        if self.size_bytes < SMALLEST_SPOOL_BYTES:
            raise ValueError(f"`size` is {self.size_bytes} bytes: an hour of one sensor needs {SMALLEST_SPOOL_BYTES}")


class Security(msgspec.Struct, frozen=True, kw_only=True):
    """Whether frames carry tags, where this network's key files lie, and who is believed without a tag.

    `keys` is a directory; without it the usual places are looked at (`config.keystore.PLACES`).
    """

    mode: Mode = Mode.OFF
    keys: str | None = None
    unsigned: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.keys is not None and not self.keys.startswith(("/", "~/")):
            raise ValueError(f"`keys` is {self.keys!r}: begin it with / or ~/, so that it is the same from everywhere")
        if self.unsigned and self.mode is not Mode.REQUIRE:
            raise ValueError(f"`unsigned` has no effect while the mode is {self.mode}: leave it out, or require tags")


class Defaults(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for nodes that do not say it themselves."""

    interval_s: Seconds = msgspec.field(default=5.0, name="interval")
    keepalive_s: Seconds = msgspec.field(default=60.0, name="keepalive")
    timeout_s: Seconds = msgspec.field(default=20.0, name="timeout")

    def timeout_for(self, interval_s: float) -> float:
        """Return after how many seconds without a reading a sensor is stale that has no `timeout` of its own."""
        return max(self.timeout_s, TIMEOUT_INTERVALS * interval_s)


class Clamp(msgspec.Struct, frozen=True, kw_only=True):
    """The argument of the filter `clamp`: values outside are moved to the border, or with `drop` left out."""

    min: float | None = None
    max: float | None = None
    drop: bool = False

    def __post_init__(self) -> None:
        if self.min is None and self.max is None:
            raise ValueError("needs min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """The argument of the filter `delta`: pass what differs from what passed last, by so much or by so many percent.

    With `heartbeat` a value that does not differ passes when that many seconds have gone by.
    """

    by: float | None = None
    percent: float | None = None
    heartbeat_s: Seconds | None = msgspec.field(default=None, name="heartbeat")

    def __post_init__(self) -> None:
        if (self.by is None) == (self.percent is None):
            raise ValueError("needs either by or percent")
        if (self.by or 0) < 0 or (self.percent or 0) < 0:
            raise ValueError("a difference has no sign: by and percent are at least 0")


class FilterStep(msgspec.Struct, frozen=True):
    """One filter: its kind and its argument, of the type that `config.filters.ARGUMENTS` has for the kind."""

    kind: str
    argument: object


class Sensor(msgspec.Struct, frozen=True, kw_only=True):
    """A codifier that has values: a node's own or one of its proxies.

    `name` is short, for tables; `description` is as long as it likes. `channel` is the key of its value in what the
    driver reads; None is OWN_CHANNEL.
    """

    codifier: str
    name: str = ""
    description: str = ""
    unit: str = ""
    channel: str | None = None
    timeout_s: float = 20.0
    alarms: Alarms | None = None
    filters: tuple[FilterStep, ...] = ()


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A codifier that is present on the control bus: what reads it, how often, and where.

    `control` tells whether it takes the commands set and step; `active` whether it sends readings once it started.
    """

    sensor: Sensor
    driver: str
    options: Options = None
    host: str | None = None
    interval_s: float = 5.0
    keepalive_s: float = 60.0
    active: bool = True
    proxies: tuple[Sensor, ...] = ()
    control: bool = False

    @property
    def codifier(self) -> str:
        """The codifier of the node, which is that of its own sensor."""
        return self.sensor.codifier

    @property
    def name(self) -> str:
        """What the node is called."""
        return self.sensor.name

    @property
    def unit(self) -> str:
        """The unit of the node's own sensor."""
        return self.sensor.unit

    @property
    def is_operator(self) -> bool:
        """Whether the codifier stands for a person's program."""
        return self.driver == OPERATOR

    @property
    def has_readings(self) -> bool:
        """Whether the node sends readings, or only announces itself."""
        return self.driver not in WITHOUT_READINGS

    @property
    def sensors(self) -> tuple[Sensor, ...]:
        """All sensors of the node: its own, then its proxies."""
        return (self.sensor, *self.proxies)


class Configuration(msgspec.Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """All that one configuration says. Two are equal when they say the same, wherever they came from.

    `rings` and `spool` say what agents keep of what they sent; without a `spool` it ends with the process.
    `nodes` is in the file's order, by codifier. `logging` is what `logging.config.dictConfig` takes. `original` is
    the document as it was when it is one of the original system's.
    """

    network: Network = Network()
    security: Security = Security()
    defaults: Defaults = Defaults()
    rings: RingLimits = RingLimits()
    spool: SpoolPlace | None = None
    nodes: Mapping[str, Node] = msgspec.field(default_factory=dict)
    logging: Mapping[str, object] | None = None
    original: Mapping[str, object] | None = None
    source: str = ""
    warnings: tuple[Problem, ...] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Configuration) and self._said == other._said

    def __hash__(self) -> int:
        return hash(self.network)

    @property
    def _said(self) -> tuple[object, ...]:
        nodes = list(self.nodes.items())
        return self.network, self.security, self.defaults, self.rings, self.spool, nodes, self.logging

    def sensor(self, codifier: str) -> Sensor | None:
        """Find a sensor, a node's own or a proxy, by its codifier."""
        found = self._owners.get(codifier)
        return found[1] if found else None

    def owner(self, codifier: str) -> Node | None:
        """Find the node that sends the readings of a codifier: itself, or a proxy's owner."""
        found = self._owners.get(codifier)
        return found[0] if found else None

    def sensors(self) -> Iterator[tuple[Node, Sensor]]:
        """Go through all sensors with their nodes, in the file's order."""
        return iter(self._owners.values())

    def on_host(self, host: str) -> tuple[Node, ...]:
        """Return the nodes that run on a host; `kastpi` and `kastpi.example.org` are the same host."""
        return tuple(node for node in self.nodes.values() if node.host is not None and _same_host(node.host, host))

    @cached_property
    def _owners(self) -> dict[str, tuple[Node, Sensor]]:
        return {sensor.codifier: (node, sensor) for node in self.nodes.values() for sensor in node.sensors}


def _same_host(one: str, other: str) -> bool:
    one, other = one.casefold(), other.casefold()
    if "." in one and "." in other:
        return one == other
    return one.partition(".")[0] == other.partition(".")[0]
