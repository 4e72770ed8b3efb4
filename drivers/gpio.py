"""A pin of the header as an input: its level, the pulses of a meter, the presses of a button."""

import threading
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple, Protocol, TypeAlias

import msgspec

from config.durations import Seconds
from drivers.ages import OLDEST_S
from drivers.driver import OWN_CHANNEL, DriverError, DriverOptions, Measurements, Place
from drivers.hardware.pins import HEADER_CHIPS, PinNumber, attempted, let_go, opened
from drivers.hardware.pulses import Pulses
from drivers.remembered import RememberedNumber
from drivers.text.decimals import check_finite, exact, scaled, to_number

EXTRA: Final = "gpio"

Mode: TypeAlias = Literal["input", "counter", "button"]
Pull: TypeAlias = Literal["up", "down", "none"]

_PULLS: Final[Mapping[Mode, Pull]] = {"input": "none", "counter": "up", "button": "up"}
_CHANNELS: Final[Mapping[Mode, frozenset[str]]] = {
    "input": frozenset({OWN_CHANNEL}),
    "counter": frozenset({OWN_CHANNEL, "total"}),
    "button": frozenset({OWN_CHANNEL, "presses"}),
}
_OF_A_COUNTER: Final = ("each", "per_unit", "rate_per")

SHORTEST_DEBOUNCE_S: Final = 0.01
"""Each change is a reading, so that a pin in the air makes at most 100 of them in a second."""

DEBOUNCE_S: Final[Mapping[Mode, float | None]] = {"input": 0.05, "counter": None, "button": 0.05}
RATE_PER_S: Final = 60.0
KEEPING_S: Final = 60.0  # between two writes of the total: SD cards die of writes


class Polarity(NamedTuple):
    """What gpiozero is told of a pin, and whether what it calls active is the opposite of what we do.

    With a pull resistor gpiozero itself decides which level is active: the one that the resistor does not give.
    """

    pull_up: bool | None
    active_state: bool | None
    is_opposite: bool


class GpioOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which pin, what is connected to it, and what a pulse is worth."""

    pin: Annotated[PinNumber, msgspec.Meta(description="the number of the GPIO (BCM), not of the header's pin")]
    mode: Annotated[
        Mode, msgspec.Meta(description="`input`: its level; `counter`: its pulses; `button`: its presses")
    ] = "input"
    pull: Annotated[
        Pull | None,
        msgspec.Meta(description="the resistor inside: `up`, `down` or `none`; for an input `none`, else `up`"),
    ] = None
    active_low: Annotated[
        bool | None,
        msgspec.Meta(description="whether a low level is 1 and a press or pulse begins with it; with `pull: up` it is"),
    ] = None
    debounce: Annotated[
        Seconds | None,
        msgspec.Meta(description="a level counts when it holds for so long (50ms); a counter counts all without it"),
    ] = None
    each: Annotated[
        int | float | None, msgspec.Meta(description="what one pulse is worth, such as 0.2794 mm of rain (1)")
    ] = None
    per_unit: Annotated[
        int | float | None, msgspec.Meta(description="or how many pulses make one unit, such as 450 a litre")
    ] = None
    rate_per: Annotated[
        Seconds | None, msgspec.Meta(description="the time to which the rate of a counter refers (1m)")
    ] = None

    def __post_init__(self) -> None:
        given = [key for key in _OF_A_COUNTER if getattr(self, key) is not None]
        if given and self.mode != "counter":
            raise ValueError(f"`{given[0]}` is for `mode: counter` only")
        if self.each is not None and self.per_unit is not None:
            raise ValueError("`each` and `per_unit` cannot be used together")
        for key in ("each", "per_unit"):
            _check_worth(key, getattr(self, key))
        if self.mode != "counter" and self.debounce is not None and self.debounce < SHORTEST_DEBOUNCE_S:
            raise ValueError(f"`debounce` is {self.debounce:g} s: at least 10ms, since each change is a reading")

    def channels(self) -> frozenset[str]:
        """Return what the mode gives beside `value`."""
        return _CHANNELS[self.mode]

    def devices(self) -> frozenset[str]:
        """Return the chips that may have the header."""
        return HEADER_CHIPS

    @property
    def polarity(self) -> Polarity:
        """What the pin needs to be told."""
        pull = self.pull or _PULLS[self.mode]
        is_low = pull == "up" if self.active_low is None else self.active_low
        if pull == "none":
            return Polarity(None, not is_low, is_opposite=False)
        return Polarity(pull == "up", None, is_opposite=is_low != (pull == "up"))

    @property
    def debounce_s(self) -> float | None:
        """How long a level must hold."""
        return self.debounce or DEBOUNCE_S[self.mode]

    def worth(self, pulses: int) -> int | float:
        """Return what so many pulses are in units."""
        if self.per_unit is not None:
            return pulses / self.per_unit
        return to_number(scaled(exact(pulses), exact(1 if self.each is None else self.each), exact(0)))


def _check_worth(key: str, number: float | None) -> None:
    check_finite(key, number)
    if number is not None and number <= 0:
        raise ValueError(f"`{key}` is {number:g}: it must be more than 0")


class Gpio:
    """Has a pin from its first read on, and again after one that failed."""

    Options: ClassVar[type[msgspec.Struct]] = GpioOptions

    def __init__(self, options: GpioOptions, place: Place) -> None:
        self._options = options
        self._place = place
        self._use = _USES[options.mode](options, place)
        self._device: Any = None
        self._closed = False
        self._lock = threading.Lock()

    def read(self) -> Measurements:
        """Return what is known of the pin now; raises DriverError."""
        with self._lock:
            if self._closed:
                raise DriverError(f"GPIO {self._options.pin} is closed")
            try:
                return self._use.read(self._level())
            except DriverError:
                self._release()
                raise

    def close(self) -> None:
        """Let go of the pin, and keep what was counted."""
        with self._lock:
            self._closed = True
            self._release()
            self._use.keep()

    def _level(self) -> int:
        if self._device is None:
            self._device = opened(self._options.pin, self._place, EXTRA, self._make)
        is_active = attempted(self._options.pin, lambda: bool(self._device.is_active))
        return int(is_active != self._options.polarity.is_opposite)

    def _make(self, gpiozero: Any) -> Any:
        pull_up, active_state, is_opposite = self._options.polarity
        device = gpiozero.DigitalInputDevice(
            self._options.pin, pull_up=pull_up, active_state=active_state, bounce_time=self._options.debounce_s
        )
        begins, ends = self._use.begins, self._use.ends
        device.when_activated, device.when_deactivated = (ends, begins) if is_opposite else (begins, ends)
        self._use.attached()
        return device

    def _release(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            let_go(device)


class _Use(Protocol):
    """What a pin is used for: pulses begin and end in a thread of gpiozero's. An active level is 1."""

    def begins(self) -> None: ...
    def ends(self) -> None: ...
    def attached(self) -> None: ...
    def read(self, level: int) -> Measurements: ...
    def keep(self) -> None: ...


class _Level:
    """A level, told at once when it changes."""

    def __init__(self, _options: GpioOptions, place: Place) -> None:
        self._wake = place.wake

    def begins(self) -> None:
        self._wake()

    def ends(self) -> None:
        self._wake()

    def attached(self) -> None:
        """Need nothing."""

    def read(self, level: int) -> Measurements:
        return {OWN_CHANNEL: level}

    def keep(self) -> None:
        """Have nothing to keep."""


class _Button:
    """A button. A press that is over before it is read is told all the same, and then that it is over.

    One that was over long ago, because the node was halted, is counted only.
    """

    def __init__(self, _options: GpioOptions, place: Place) -> None:
        self._wake = place.wake
        self._monotonic = place.monotonic
        self._pulses = Pulses(place.monotonic)
        self._told = 0
        self._pressed_s = place.monotonic()

    def begins(self) -> None:
        self._pressed_s = self._monotonic()
        self._pulses.note()
        self._wake()

    def ends(self) -> None:
        self._wake()

    def attached(self) -> None:
        """Need nothing."""

    def read(self, level: int) -> Measurements:
        presses = self._pulses.total
        is_recent = self._monotonic() - self._pressed_s <= OLDEST_S
        was_pressed, self._told = presses > self._told and is_recent, presses
        if was_pressed and not level:
            self._wake()
        return {OWN_CHANNEL: int(level or was_pressed), "presses": presses}

    def keep(self) -> None:
        """Have nothing to keep."""


class _Counter:
    """A meter. Pulses are what is kept, so that what they are worth may be corrected later."""

    def __init__(self, options: GpioOptions, place: Place) -> None:
        loss = "the total is lost, it begins with 0"
        self._remembered = RememberedNumber(place.state_directory, place.codifier, kind="pulses", loss=loss)
        self._pulses = Pulses(place.monotonic, int(self._remembered.recall() or 0))
        self._options = options
        self._monotonic = place.monotonic
        self._kept_s = place.monotonic()

    def begins(self) -> None:
        self._pulses.note()

    def ends(self) -> None:
        """Need nothing: a pulse was counted when it began."""

    def attached(self) -> None:
        self._pulses.begin()

    def read(self, level: int) -> Measurements:  # noqa: ARG002 - of pulses the present level says nothing
        if self._monotonic() - self._kept_s >= KEEPING_S:
            self.keep()
        window = self._pulses.take()
        rate = {} if window is None else {OWN_CHANNEL: self._rate(window.rate(self._options.rate_per or RATE_PER_S))}
        return {**rate, "total": self._options.worth(self._pulses.total)}

    def keep(self) -> None:
        self._remembered.remember(self._pulses.total)
        self._kept_s = self._monotonic()

    def _rate(self, pulses: float) -> float:
        """Return units from pulses; more than six digits no window can tell."""
        worth = pulses / self._options.per_unit if self._options.per_unit else pulses * (self._options.each or 1)
        return float(f"{worth:.6g}")


_USES: Final[Mapping[Mode, Callable[[GpioOptions, Place], _Use]]] = {
    "input": _Level,
    "counter": _Counter,
    "button": _Button,
}
