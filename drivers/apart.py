"""Channels that are read one after the other, each of which may fail: the others are readings all the same."""

from collections.abc import Callable, Mapping

from drivers.driver import DriverError, Measured, Measurements
from protocol.readings import Value


def read_apart(readers: Mapping[str, Callable[[], Value | Measured]]) -> Measurements:
    """Return all channels, those that failed with their error; raises the first DriverError when all did."""
    found = {channel: _outcome(read) for channel, read in readers.items()}
    errors = [outcome for outcome in found.values() if isinstance(outcome, DriverError)]
    if errors and len(errors) == len(found):
        raise errors[0]
    return found


def _outcome(read: Callable[[], Value | Measured]) -> Value | Measured | DriverError:
    try:
        return read()
    except DriverError as error:
        return error
