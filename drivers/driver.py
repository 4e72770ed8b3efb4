"""What a driver is: options in, readings out (docs/drivers.md, "Writing a driver")."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias, runtime_checkable

import msgspec

from protocol.errors import JphError
from protocol.readings import Attributes, Value


class DriverError(JphError):
    """The device did not give a reading, or did not take a value."""


class OutOfRangeError(DriverError):
    """A value was refused because it is outside the range that the options allow."""


class Measured(NamedTuple):
    """A value that carries attributes, such as the volts behind a temperature."""

    value: Value
    attributes: Attributes


Channels: TypeAlias = Mapping[str, Value | Measured]
"""What one read gave, by channel. A channel that has nothing to say now is absent."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a driver runs: for which codifier, where it may keep files, the monotonic time in seconds, and the root
    of the file system (another one in tests)."""

    codifier: str
    state_directory: Path
    monotonic: Callable[[], float]
    root: Path = Path("/")


@runtime_checkable
class Driver(Protocol):
    """Reads one device. Built with its checked options and its place."""

    Options: ClassVar[type[msgspec.Struct]]

    def __init__(self, options: Any, place: Place) -> None: ...

    def read(self) -> Channels | Awaitable[Channels]:
        """Read all channels; may block, or be `async`. Raises DriverError. Never returns an old value as new."""
        ...

    def close(self) -> None:
        """Let go of the device; closing twice is harmless."""
        ...


@runtime_checkable
class Actuator(Driver, Protocol):
    """A driver whose value can be commanded."""

    def set(self, value: float) -> None:
        """Take a value; raises OutOfRangeError or DriverError."""
        ...

    def step(self, by: float) -> None:
        """Change the value by so much; raises OutOfRangeError or DriverError."""
        ...
