"""The computer's own state: processor, memory, disks, network, temperature, and the power supply of a Raspberry Pi."""

from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar, Final, NamedTuple, TypeAlias

import msgspec

from drivers.driver import OWN_CHANNEL, DriverError, DriverOptions, Measurements, Place
from drivers.hardware.system_sources import FIRMWARE_DEVICES, THROTTLED_BITS, Sources
from drivers.outcomes import unless_all_failed
from protocol.readings import Value


class Rate(NamedTuple):
    """What is counted: its rate needs two reads. `of` is what it is a share of, None when that is the time."""

    counter: float
    of: float | None = None
    factor: float = 1


_Measure: TypeAlias = Callable[[Sources, str | None], Value | Rate]


class Quantity(NamedTuple):
    """What can be measured: its unit, what it is, what may be named behind a colon, and how it is read."""

    unit: str
    meaning: str
    which: str
    measure: _Measure


def _processor(sources: Sources, core: str | None) -> Rate:
    worked, total = sources.processor_ticks(core)
    return Rate(worked, total, 100)


def _bit(name: str) -> _Measure:
    if name == "under_voltage":
        return lambda sources, _: sources.under_voltage()
    return lambda sources, _: sources.throttled() >> THROTTLED_BITS[name] & 1


_CORE: Final = "the number of a core"
_PATH: Final = "a path on the file system, else `/`"
_INTERFACE: Final = "an interface, else all but loopback together"
_WIRELESS: Final = "an interface, else the first"
_THERMOMETER: Final = "the kernel's name of a thermometer, else the processor's"

_BITS: Final = {
    "under_voltage": "the voltage is too low",
    "frequency_capped": "the frequency is capped",
    "throttling": "the processor is throttled",
    "temperature_limited": "the soft temperature limit holds",
}

QUANTITIES: Final[Mapping[str, Quantity]] = {
    "cpu": Quantity("%", "how busy the processor was since the last reading", _CORE, _processor),
    "load1": Quantity("", "load, average of 1 minute", "", lambda sources, _: sources.load(0)),
    "load5": Quantity("", "load, average of 5 minutes", "", lambda sources, _: sources.load(1)),
    "load15": Quantity("", "load, average of 15 minutes", "", lambda sources, _: sources.load(2)),
    "memory": Quantity("%", "memory in use", "", lambda sources, _: sources.memory().percent),
    "memory_used": Quantity("B", "memory in use", "", lambda sources, _: sources.memory().used),
    "memory_available": Quantity("B", "memory for new programs", "", lambda sources, _: sources.memory().available),
    "swap": Quantity("%", "swap space in use", "", lambda sources, _: sources.swap().percent),
    "swap_used": Quantity("B", "swap space in use", "", lambda sources, _: sources.swap().used),
    "disk": Quantity("%", "space in use", _PATH, lambda sources, path: sources.disk(path or "/").percent),
    "disk_used": Quantity("B", "space in use", _PATH, lambda sources, path: sources.disk(path or "/").used),
    "disk_free": Quantity("B", "space for new files", _PATH, lambda sources, path: sources.disk(path or "/").free),
    "received": Quantity("B", "received since the start", _INTERFACE, lambda sources, name: sources.network(name)[0]),
    "sent": Quantity("B", "sent since the start", _INTERFACE, lambda sources, name: sources.network(name)[1]),
    "received_rate": Quantity(
        "B/s", "received since the last reading", _INTERFACE, lambda sources, name: Rate(sources.network(name)[0])
    ),
    "sent_rate": Quantity(
        "B/s", "sent since the last reading", _INTERFACE, lambda sources, name: Rate(sources.network(name)[1])
    ),
    "signal": Quantity("dBm", "Wi-Fi signal", _WIRELESS, lambda sources, name: sources.signal_dbm(name)),
    "uptime": Quantity("s", "time since the start", "", lambda sources, _: sources.uptime_s()),
    "processes": Quantity("", "processes", "", lambda sources, _: sources.processes()),
    "temperature": Quantity("°C", "temperature", _THERMOMETER, lambda sources, name: sources.temperature(name)),
    "throttled": Quantity("", "all bits of a Raspberry Pi's firmware", "", lambda sources, _: sources.throttled()),
    **{
        f"{bit}{suffix}": Quantity("", f"1 when {meaning}{when}", "", _bit(f"{bit}{suffix}"))
        for suffix, when in (("", " now"), ("_seen", ", or was since the start"))
        for bit, meaning in _BITS.items()
    },
}


class SystemOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is measured. A quantity is one of the table, or one with what it is about: `disk:/home`."""

    value: Annotated[str, msgspec.Meta(description="the quantity of the node itself")] = "cpu"
    measure: Annotated[list[str], msgspec.Meta(description="more quantities, each the channel of its name")] = (
        msgspec.field(default_factory=list)
    )

    def __post_init__(self) -> None:
        _check_quantity("value", self.value)
        for quantity in self.measure:
            _check_quantity("measure", quantity)

    def channels(self) -> frozenset[str]:
        """Return the node's own channel and those of the quantities."""
        return frozenset(self.quantities())

    def units(self) -> Mapping[str, str]:
        """Return the units of the quantities that have one."""
        units = {channel: QUANTITIES[each.partition(":")[0]].unit for channel, each in self.quantities().items()}
        return {channel: unit for channel, unit in units.items() if unit}

    def devices(self) -> frozenset[str]:
        """Return how the firmware of a Raspberry Pi is asked, new and old, where that is needed."""
        names = {quantity.partition(":")[0] for quantity in self.quantities().values()}
        return frozenset(FIRMWARE_DEVICES if names & {"throttled", *THROTTLED_BITS} else ())

    def quantities(self) -> Mapping[str, str]:
        """Return the quantity of each channel."""
        return {OWN_CHANNEL: self.value, **{quantity: quantity for quantity in self.measure}}


class System:
    """Reads what the computer says of itself: only what is asked for."""

    Options: ClassVar[type[msgspec.Struct]] = SystemOptions

    def __init__(self, options: SystemOptions, place: Place) -> None:
        self._quantities = options.quantities()
        self._sources = Sources(place)
        self._monotonic = place.monotonic
        self._before: dict[str, tuple[float, float]] = {}  # what was counted, and of how much, by channel

    def read(self) -> Measurements:
        """Return the quantities; a rate only from the second read on. Raises DriverError."""
        self._sources.begin()
        outcomes = {channel: self._outcome(channel, quantity) for channel, quantity in self._quantities.items()}
        return unless_all_failed({channel: each for channel, each in outcomes.items() if each is not None})

    def close(self) -> None:
        """End a command that runs."""
        self._sources.close()

    def _outcome(self, channel: str, quantity: str) -> Value | DriverError | None:
        name, _, which = quantity.partition(":")
        try:
            measured = QUANTITIES[name].measure(self._sources, which or None)
        except DriverError as error:
            self._before.pop(channel, None)
            return DriverError(f"{quantity}: {error.message}", error.hint)
        return self._rate(channel, measured) if isinstance(measured, Rate) else measured

    def _rate(self, channel: str, rate: Rate) -> float | None:
        """Return what was counted since the last read; None at first, and when the counter began anew."""
        of = self._monotonic() if rate.of is None else rate.of
        before = self._before.get(channel)
        self._before[channel] = rate.counter, of
        if before is None or of <= before[1] or rate.counter < before[0]:
            return None
        return round(rate.factor * (rate.counter - before[0]) / (of - before[1]), _DECIMALS)


_DECIMALS: Final = 1  # of rates: of a percent, or of a byte in a second


def _check_quantity(key: str, quantity: str) -> None:
    name, colon, which = quantity.partition(":")
    if name not in QUANTITIES:
        raise ValueError(f"`{key}`: there is no quantity {quantity!r}; known are {', '.join(QUANTITIES)}")
    about = QUANTITIES[name].which
    if colon and not (about and which):
        raise ValueError(f"`{key}` is {quantity!r}: behind the colon stands {about or 'nothing with this quantity'}")
    if about == _CORE and which and not which.isdecimal():
        raise ValueError(f"`{key}` is {quantity!r}: behind the colon stands {about}")
    if about == _PATH and which and not which.startswith(("/", "~/")):
        raise ValueError(f"`{key}` is {quantity!r}: begin the path with / or ~/")
