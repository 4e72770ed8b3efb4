"""A codifier for programs that operators use: it announces itself and answers, and has no readings."""

from typing import ClassVar

import msgspec

from drivers.driver import DriverOptions, Measurements, Place


class ConsoleOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A console has no options."""

    def channels(self) -> frozenset[str]:
        """Return nothing: a console measures nothing."""
        return frozenset()


class Console:
    """Nothing to read and nothing to set."""

    Options: ClassVar[type[msgspec.Struct]] = ConsoleOptions

    def __init__(self, options: ConsoleOptions, place: Place) -> None:
        """Take what every driver takes."""

    async def read(self) -> Measurements:
        """Return no reading."""
        return {}

    def close(self) -> None:
        """Do nothing: nothing is held."""
