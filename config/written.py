"""What the file can say of nodes and sensors: the keys, their types, and what is assumed when one is not there."""

from typing import Annotated

import msgspec

from config.document import Array, Table
from config.durations import Seconds
from config.notations import Line
from protocol.alarms import Condition


class WrittenAlarms(msgspec.Struct, frozen=True, kw_only=True):
    """The option `alarms` of a sensor."""

    warning: Condition | None = None
    critical: Condition | None = None
    hysteresis: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    hits: Annotated[int, msgspec.Meta(ge=1)] = 1

    def __post_init__(self) -> None:
        if self.warning is None and self.critical is None:
            raise ValueError("needs warning, critical or both")

    @property
    def critical_comes_first(self) -> bool:
        """Whether a value becomes critical before it is worth a warning, which nobody means."""
        if self.warning is None or self.critical is None:
            return False
        sides = self.warning.comparison[0] + self.critical.comparison[0]
        higher = self.critical.threshold - self.warning.threshold
        return (sides == ">>" and higher < 0) or (sides == "<<" and higher > 0)


class WrittenSensor(msgspec.Struct, frozen=True, kw_only=True):
    """What can be said of any sensor, a node's own or a proxy."""

    name: Line = ""
    description: Line = ""
    unit: Line = ""
    channel: str | None = None
    timeout: Seconds | None = None
    alarms: WrittenAlarms | None = None
    filters: Array | None = None


class WrittenNode(WrittenSensor, frozen=True, kw_only=True):
    """What can be said of a node: that of its own sensor, and what runs it."""

    driver: Annotated[str, msgspec.Meta(description="name what reads it, such as driver: pipe")]
    options: Table | None = None
    host: Line | None = None
    interval: Seconds | None = None
    keepalive: Seconds | None = None
    active: bool = True
    control: bool | None = None
    proxies: Table | None = None
