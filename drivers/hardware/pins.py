"""Pins of the Raspberry Pi's header, through gpiozero: how they are had, and what it means when they are not."""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, Final, TypeAlias

import msgspec

from drivers.driver import DriverError, Place
from drivers.libraries import library

PinNumber: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=53)]
"""A GPIO by the number of the processor (BCM): GPIO 25 is pin 22 of the header. A Compute Module has more than 27."""

HEADER_CHIPS: Final = frozenset({"/dev/gpiochip0", "/dev/gpiochip4"})
"""The header is on chip 0, on a Raspberry Pi 5 with an older kernel on chip 4."""

# What is found in the error's name or text -> what the operator can do
_ADVICE: Final = {
    "GPIOPinInUse": "another node of this process uses it",
    "GPIO busy": "another program or an overlay of config.txt uses it: gpioinfo names who",
    "can not open gpiochip": "give the user of the agent the group gpio; ls -l /dev/gpiochip* shows who may",
    "PinUnknownPi": "this is no Raspberry Pi: GPIOZERO_PIN_FACTORY names another way to the pins",
    "PinInvalidPin": "give the number of the GPIO, not of the header's pin: pinout shows both",
    "PinPWMUnsupported": "lgpio can, which is had when GPIOZERO_PIN_FACTORY names no other",
    "PinFixedPull": "GPIO 2 and 3 have resistors to 3.3 V on the board: say `pull: up`",
}

_choosing: Final = threading.Lock()


def opened(pin: int, place: Place, extra: str, make: Callable[[Any], Any]) -> Any:
    """Let `make` build a device of gpiozero, which it is given; raises DriverError."""
    return attempted(pin, lambda: make(_gpiozero(place, extra)))


def attempted(pin: int, use: Callable[[], Any]) -> Any:
    """Use a pin, and say in words of the operator what went wrong; raises DriverError."""
    try:
        return use()
    except DriverError:
        raise
    except Exception as error:  # lgpio's, gpiozero's and the system's errors have nothing else in common
        said = f"{type(error).__name__}: {error}"
        advice = next((words for sign, words in _ADVICE.items() if sign in said), "")
        raise DriverError(f"GPIO {pin}: {said}", advice) from error


def let_go(device: Any) -> None:
    """Close a device of gpiozero. When its pin fails even then it is free all the same: nothing holds it any longer."""
    with suppress(Exception):  # see `attempted`
        device.close()


def _gpiozero(place: Place, extra: str) -> Any:
    """Return gpiozero with its way to the pins.

    Left to itself it tries one after the other, down to those that can neither PWM nor pull, and hides why. Whoever
    wants another way than lgpio names it in GPIOZERO_PIN_FACTORY.
    """
    gpiozero = library("gpiozero", extra)
    with _choosing:
        if gpiozero.Device.pin_factory is None and not os.environ.get("GPIOZERO_PIN_FACTORY"):
            gpiozero.Device.pin_factory = _lgpio(place, extra)
    return gpiozero


def _lgpio(place: Place, extra: str) -> Any:
    """Return the way by lgpio. Its import makes a FIFO where it may: in `/`, where a service runs, nobody may."""
    place.state_directory.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("LG_WD", str(place.state_directory))
    return library("gpiozero.pins.lgpio", extra).LGPIOFactory()
