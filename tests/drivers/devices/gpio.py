"""The header of a Raspberry Pi as gpiozero's own mock has it, with pins that fail when a test wants it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.drivers.trying import Bench

gpiozero = pytest.importorskip("gpiozero")
mock = pytest.importorskip("gpiozero.pins.mock")


class TroubleError(Exception):
    """What lgpio says: its errors have no other base than Exception."""


class Header:
    """The pins by their number. `fails` is asked before each transaction with a pin, also before it is had.

    `misreads` is asked only before the level of a pin is read, but not when gpiozero has a first look at a pin.
    """

    def __init__(self) -> None:
        self.fails: Callable[[], bool] = lambda: False
        self.misreads: Callable[[], bool] = lambda: False
        self.says: Exception = TroubleError("GPIO busy")
        self.factory = mock.MockFactory(pin_class=_pin_class(self))

    def pin(self, number: int) -> Any:
        """Return what is soldered to a pin: its state, and `drive_low` and `drive_high`."""
        return self.factory.pin(f"GPIO{number}")

    def pulse(self, number: int, times: int = 1) -> None:
        """Connect a pin to ground and let go, several times."""
        for _ in range(times):
            self.pin(number).drive_low()
            self.pin(number).drive_high()

    def check(self) -> None:
        """Fail when it is time to."""
        if self.fails():
            raise self.says


@contextmanager
def plugged_in() -> Iterator[Header]:
    """Give gpiozero a header."""
    header, before = Header(), gpiozero.Device.pin_factory
    gpiozero.Device.pin_factory = header.factory
    try:
        yield header
    finally:
        header.fails = header.misreads = lambda: False
        header.factory.reset()
        gpiozero.Device.pin_factory = before


def plug_in(bench: Bench) -> dict[str, str]:
    """Give the bench a header."""
    bench.made["header"] = bench.stack.enter_context(plugged_in())
    return {}


def unplug(bench: Bench) -> None:
    """Let every transaction fail."""
    bench.made["header"].fails = lambda: True


def _pin_class(header: Header) -> type:
    class Pin(mock.MockPWMPin):  # type: ignore[misc, name-defined] # it is imported by its name
        """A pin that asks its header whether it works."""

        is_new = False

        def _set_function(self, value: str) -> None:
            header.check()
            super()._set_function(value)
            self.is_new = True

        def _get_state(self) -> Any:
            header.check()
            is_first_look, self.is_new = self.is_new, False
            if not is_first_look and header.misreads():
                raise header.says
            return super()._get_state()

        def _set_state(self, value: float) -> None:
            header.check()
            super()._set_state(value)

    return Pin
