"""Channels that are read one after the other, each of which may fail: the others are readings all the same."""

import logging
from collections.abc import Callable, Mapping
from typing import Final

from drivers.driver import DriverError, Measured, Measurements
from protocol.readings import Value

log: Final = logging.getLogger("jph.driver")


class Apart:
    """Leaves out the channels that fail, and tells each of their errors once."""

    def __init__(self, codifier: str) -> None:
        self._codifier = codifier
        self._errors: dict[str, str] = {}

    def read(self, readers: Mapping[str, Callable[[], Value | Measured]]) -> Measurements:
        """Return what could be read; raises the first DriverError when nothing could."""
        found: dict[str, Value | Measured] = {}
        errors: dict[str, DriverError] = {}
        for channel, read in readers.items():
            try:
                found[channel] = read()
            except DriverError as error:
                errors[channel] = error
        if errors and not found:
            self._errors = {}
            raise next(iter(errors.values()))
        self._tell({channel: str(error) for channel, error in errors.items()})
        return found

    def _tell(self, errors: dict[str, str]) -> None:
        for channel, error in errors.items():
            if self._errors.get(channel) != error:
                log.warning("%s: no %s: %s", self._codifier, channel, error)
        self._errors = errors
