"""Whether a fan turns: its rotations, counted at a pin or by a chip of hwmon."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Protocol

import msgspec

from drivers.driver import DriverError, Place
from drivers.fans.hwmon import rotations
from drivers.hardware.pins import PinNumber, let_go, opened
from drivers.hardware.pulses import Pulses

EXTRA: Final = "fan"
_MINUTE_S: Final = 60


class TachOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the rotations are counted: at a pin or by a chip."""

    gpio: Annotated[
        PinNumber | None, msgspec.Meta(description="the GPIO (BCM) at the tachometer's wire, which is pulled up")
    ] = None
    pulses: Annotated[int, msgspec.Meta(ge=1, description="pulses of that wire in one rotation")] = 2
    hwmon: Annotated[str | None, msgspec.Meta(description="or the `name` of the chip that counts")] = None
    parent: Annotated[str | None, msgspec.Meta(description="which of several chips, such as `1-004d`")] = None
    fan: Annotated[int, msgspec.Meta(ge=1, description="the N of the chip's `fanN_input`")] = 1

    def __post_init__(self) -> None:
        if (self.gpio is None) == (self.hwmon is None):
            raise ValueError("`gpio` or `hwmon` must say where rotations are counted, one of them")


class Tach(Protocol):
    """Counts rotations."""

    def rotations(self) -> float | None:
        """Return rotations a minute, None when too little time passed to tell; raises DriverError."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class NoTach:
    """A fan whose rotations nobody counts."""

    def rotations(self) -> None:
        """Know nothing."""

    def close(self) -> None:
        """Have nothing to let go of."""


class GpioTach:
    """Counts the pulses of a pin since the last time that it was asked."""

    def __init__(self, pin: int, pulses: int, place: Place) -> None:
        self._pin = pin
        self._per_rotation = pulses
        self._place = place
        self._pulses = Pulses(place.monotonic)
        self._device: Any = None

    def rotations(self) -> float | None:
        """Return rotations a minute, to a whole one; None in the first second. Raises DriverError."""
        if self._device is None:
            self._device = opened(self._pin, self._place, EXTRA, self._make)
        window = self._pulses.take()
        return None if window is None else round(window.rate(_MINUTE_S) / self._per_rotation)

    def close(self) -> None:
        """Let go of the pin."""
        device, self._device = self._device, None
        if device is not None:
            let_go(device)

    def _make(self, gpiozero: Any) -> Any:
        device = gpiozero.DigitalInputDevice(self._pin, pull_up=True)
        device.when_activated = self._pulses.note
        self._pulses.begin()
        return device


class HwmonTach:
    """Asks a chip."""

    def __init__(self, chip: str, parent: str | None, fan: int, place: Place) -> None:
        self._ask: Callable[[], float] = lambda: rotations(place, chip, parent, fan)

    def rotations(self) -> float:
        """Return rotations a minute; raises DriverError."""
        return self._ask()

    def close(self) -> None:
        """Have nothing to let go of."""


def tach_of(options: TachOptions | None, place: Place) -> Tach:
    """Return what counts rotations."""
    if options is None:
        return NoTach()
    if options.gpio is not None:
        return GpioTach(options.gpio, options.pulses, place)
    if options.hwmon is not None:
        return HwmonTach(options.hwmon, options.parent, options.fan, place)
    raise DriverError("nothing counts rotations")


class Watch:
    """Notices a fan that is driven and does not turn for `patience_s`; it turns again when rotations are seen."""

    def __init__(self, patience_s: float, monotonic: Callable[[], float]) -> None:
        self.is_stalled = False
        self._patience_s = patience_s
        self._monotonic = monotonic
        self._since_s: float | None = None

    def note(self, percent: float, rotations: float | None) -> None:
        """Take note of what the fan got and what it made of it, None when that is not known."""
        if percent == 0 or rotations:
            self._since_s, self.is_stalled = None, False
        elif rotations is not None:
            self._since_s = self._monotonic() if self._since_s is None else self._since_s
            self.is_stalled = self._monotonic() - self._since_s >= self._patience_s
