"""What a driver is (docs/drivers.md): options in, readings out. Whoever runs it cares for time, retries and the bus."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple, Protocol, TypeAlias, runtime_checkable

import msgspec

from protocol.errors import JphError
from protocol.readings import Attributes, Value

OWN_CHANNEL: Final = "value"
"""The channel of the node's own sensor; a proxy names the channel from which its values come."""


class DriverError(JphError):
    """There is no reading now, or a command failed: what the source said, and what the operator can do."""


class OutOfRangeError(DriverError):
    """An actuator refuses a value that lies outside its range; the message names the range."""


class RetryLaterError(DriverError):
    """There is no reading now, and the source asks to be left alone for so many seconds; 0 when it does not say."""

    def __init__(self, message: str, hint: str = "", *, retry_after_s: float = 0.0) -> None:
        super().__init__(message, hint)
        self.retry_after_s = retry_after_s


class Measured(NamedTuple):
    """A value with what else is known of it: attributes, and when it was measured, in ms since 1970-01-01 UTC.

    Without `timestamp_ms` it is as old as the read.
    """

    value: Value
    attributes: Attributes | None = None
    timestamp_ms: int | None = None


Measurements: TypeAlias = Mapping[str, Value | Measured | DriverError]
"""What one read found, by channel: finite numbers and text. A channel that has nothing now is missing.

A channel that failed while others did not has its error: it has no reading, and is told of by its codifier.
"""


class Latest(NamedTuple):
    """The newest reading of another sensor: when it was measured (ms since 1970-01-01 UTC), and its age here in s."""

    value: Value
    timestamp_ms: int
    age_s: float


class Network(Protocol):
    """What a driver may know of the other sensors of the network, and say there, from any thread.

    It is there for a driver whose options name `inputs()`. What a node says beside its readings, and commands, are
    for drivers that run other people's programs.
    """

    def latest(self, codifier: str) -> Latest | None:
        """Return the newest reading that was heard of a sensor, None when there was none yet."""
        ...

    def fields(self, codifier: str) -> Mapping[str, str]:
        """Return what a codifier said last, under the names of `protocol.states`; empty when it was never heard.

        Of those that are no sensors, or are not among the inputs by name or by `@@`, nothing is known.
        """
        ...

    def configuration(self) -> Mapping[str, Any]:
        """Return the whole configuration in the form of the original system's JSON."""
        ...

    def publish(self, codifier: str, value: Value, timestamp_ms: int | None = None) -> None:
        """Send a reading of the node or one of its proxies at once, through its filters; raises DriverError."""
        ...

    def say(self, flag: str, codifier: str, number: float) -> None:
        """Send a control frame, a command repeatedly until it is confirmed, and wait for nothing; raises DriverError.

        How a command ended is the agent's to tell. `codifier` may be `@@`.
        """
        ...


class NoNetwork:
    """A network of which nothing is heard, and on which nothing can be said."""

    def latest(self, codifier: str) -> Latest | None:
        """Know nothing."""

    def fields(self, codifier: str) -> Mapping[str, str]:
        """Know nothing."""
        del codifier
        return {}

    def configuration(self) -> Mapping[str, Any]:
        """Return one in which nobody is."""
        return {"Sensors": []}

    def publish(self, codifier: str, value: Value, timestamp_ms: int | None = None) -> None:
        """Refuse; raises DriverError."""
        del value, timestamp_ms
        raise DriverError(f"{codifier} cannot be sent: there is no network here")

    def say(self, flag: str, codifier: str, number: float) -> None:
        """Refuse; raises DriverError."""
        del number
        raise DriverError(f"{flag} cannot be sent to {codifier}: there is no network here")


def _nothing() -> None:
    """Wake nobody."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a driver may know of where it runs.

    `state_directory` is where it keeps what must survive a restart. `monotonic` returns seconds, and `sleep` waits for
    so many. `root` stands for the file system's root, so that a driver can be shown another /sys. `wake` has the driver
    read at once, from any thread: for devices that speak without being asked. `network` has the readings of the
    sensors that the options name in `inputs()`.
    """

    codifier: str
    state_directory: Path
    monotonic: Callable[[], float]
    root: Path = Path("/")
    sleep: Callable[[float], None] = time.sleep
    wake: Callable[[], None] = _nothing
    network: Network = field(default_factory=NoNetwork)

    def locate(self, path: str) -> Path:
        """Return where a path of the configuration lies here; raises DriverError.

        `~` is the home directory, `/` is `root`.
        """
        try:
            absolute = Path(path).expanduser().absolute()
        except RuntimeError as error:
            raise DriverError(f"{path}: {error}", "name the whole path") from error
        return self.root / absolute.relative_to("/")


class DriverOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a configuration says to a driver under `options`: each driver has a subclass of this.

    Types are checked when the configuration is loaded. What types cannot say is checked in `__post_init__`, which
    raises ValueError with a message that names the key. Each option says what it means where it is declared, in
    `msgspec.Meta(description=...)`; docs/drivers.md has the same words.
    """

    def channels(self) -> frozenset[str]:
        """Return the channels that a driver with these options may give."""
        return frozenset({OWN_CHANNEL})

    def units(self) -> Mapping[str, str]:
        """Return the units of those channels that have one which these options tell, such as `°C`."""
        return {}

    def devices(self) -> frozenset[str]:
        """Return the device nodes below /dev that a driver with these options opens; a service may open no others."""
        return frozenset()

    def writes_to_sys(self) -> bool:
        """Tell whether a driver with these options writes to files of /sys, which a service may not by itself."""
        return False

    def inputs(self) -> frozenset[str]:
        """Return the codifiers of other sensors whose readings a driver with these options uses; `@@` for all."""
        return frozenset()


class Offer(NamedTuple):
    """Something that a source has: what options name it, its last known value, its unit, and what it is in words."""

    name: str
    value: Value | None = None
    unit: str = ""
    label: str = ""


class Driver(Protocol):
    """A source of readings, built from its options and its place.

    One method at a time is called, each off the event loop and with a deadline. `read` may be `async def`; then it
    runs on the event loop and so do all others. A driver whose source tells what it has may have a static method
    `offers(options) -> list[Offer]`, which raises DriverError: who tries it without naming anything is shown that.
    """

    Options: ClassVar[type[msgspec.Struct]]

    def read(self) -> Measurements | Awaitable[Measurements]:
        """Measure once; raises DriverError when all failed. What was measured before is never given again as new."""
        ...

    def close(self) -> None:
        """Let go of everything; a second time does nothing.

        When a read still hangs at the end, this is called all the same, meanwhile and from another thread.
        """
        ...


@runtime_checkable
class Actuator(Driver, Protocol):
    """A driver with a value that the commands set and step change.

    It declares a safe value, to which it returns when it is closed, and when it has a lease and no command came for
    so long.
    """

    def set(self, value: float) -> None:
        """Take a value; raises OutOfRangeError when it is refused and DriverError when it could not be done."""
        ...

    def step(self, by: float) -> None:
        """Change the value by so much; raises as `set` does."""
        ...


class DriverClass(Protocol):
    """The class of a driver."""

    Options: ClassVar[type[msgspec.Struct]]

    def __call__(self, options: Any, place: Place) -> Driver:
        """Build the driver from checked options; raises DriverError when the device cannot be had."""
        ...
