"""What the roster is told beforehand about nodes and sensors: normally from the configuration."""

from dataclasses import dataclass
from typing import Final

from protocol.alarms import Alarms

DEFAULT_KEEPALIVE_S: Final = 60.0
DEFAULT_TIMEOUT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class NodeProfile:
    """A node that can be expected. An `operator` is a person's program, of which several may run at once."""

    codifier: str
    keepalive_s: float = DEFAULT_KEEPALIVE_S
    operator: bool = False


@dataclass(frozen=True, slots=True)
class SensorProfile:
    """A sensor that can be expected: the node that publishes it, and after how long its value is stale."""

    codifier: str
    node: str
    timeout_s: float = DEFAULT_TIMEOUT_S
    alarms: Alarms | None = None
