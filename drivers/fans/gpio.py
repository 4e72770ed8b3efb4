"""A fan at any pin, with a PWM that a program makes: gpiozero with lgpio, up to 10 kHz, in whole percents."""

import math
from typing import Annotated, Any, Final

import msgspec

from drivers.driver import DriverError, Place
from drivers.hardware.pins import PinNumber, attempted, let_go, opened

EXTRA: Final = "fan"
HIGHEST_HZ: Final = 10_000  # of lgpio, which beyond refuses with "bad PWM frequency"


class GpioOutputOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which pin, and the signal that the fan wants."""

    pin: Annotated[PinNumber, msgspec.Meta(description="the number of the GPIO (BCM), not of the header's pin")]
    frequency: Annotated[float, msgspec.Meta(ge=0.1, description="Hz, at most 10,000")] = 100.0
    inverted: Annotated[bool, msgspec.Meta(description="whether a low level drives the fan")] = False
    low: Annotated[
        PinNumber | None,
        msgspec.Meta(description="another GPIO that is held low, where the fan's circuit has its ground"),
    ] = None

    def __post_init__(self) -> None:
        if self.frequency > HIGHEST_HZ:
            more = "`pwm` and `hwmon` can do more"
            raise ValueError(f"`frequency` is {self.frequency:g} Hz: a program makes at most {HIGHEST_HZ} Hz, {more}")
        if self.low == self.pin:
            raise ValueError(f"`low` is {self.low}: that is the pin of the fan")


class GpioOutput:
    """Has its pins from the first time that the fan is driven, and again after a failure."""

    def __init__(self, options: GpioOutputOptions, place: Place) -> None:
        self._options = options
        self._place = place
        self._devices: list[Any] = []  # the fan, and the pin that is held low

    def drive(self, percent: float) -> None:
        """Set the duty cycle; raises DriverError."""
        level = round(100 - percent if self._options.inverted else percent)
        try:
            if self._devices:
                attempted(self._options.pin, lambda: setattr(self._devices[0], "value", duty(level)))
            else:
                self._open(duty(level))
        except DriverError:
            self._release()
            raise

    def leave(self, percent: float) -> None:
        """Set the duty cycle and let go of the pins, which then are inputs."""
        try:
            self.drive(percent)
        finally:
            self._release()

    def _open(self, value: float) -> None:
        pin, low, frequency = self._options.pin, self._options.low, self._options.frequency
        if low is not None:
            ground = opened(low, self._place, EXTRA, lambda gpiozero: gpiozero.DigitalOutputDevice(low))
            self._devices.append(ground)
        fan = opened(
            pin,
            self._place,
            EXTRA,
            lambda gpiozero: gpiozero.PWMOutputDevice(pin, initial_value=value, frequency=frequency),
        )
        self._devices.insert(0, fan)

    def _release(self) -> None:
        devices, self._devices = self._devices, []
        for device in devices:
            let_go(device)


def duty(percent: int) -> float:
    """Return the fraction of which lgpio makes so many percent: gpiozero multiplies by 100 and cuts 28.99 to 28."""
    fraction = percent / 100
    return fraction if int(fraction * 100) == percent else math.nextafter(fraction, 1)
