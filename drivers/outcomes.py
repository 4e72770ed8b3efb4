"""Reads of several channels, of which some may fail: the others are readings all the same."""

from collections.abc import Callable, Mapping

from drivers.driver import DriverError, Measured, Measurements
from protocol.readings import Value


def read_apart(readers: Mapping[str, Callable[[], Value | Measured]]) -> Measurements:
    """Read channels one after the other; return and raise as `unless_all_failed` does."""
    return unless_all_failed({channel: _outcome(read) for channel, read in readers.items()})


def unless_all_failed(found: Measurements) -> Measurements:
    """Return what was found, channels that failed with their error; raises DriverError when all did.

    It says each thing that is wrong once. One that all have in common is raised as it is: its source may ask to be left
    alone.
    """
    errors = [outcome for outcome in found.values() if isinstance(outcome, DriverError)]
    if not errors or len(errors) < len(found):
        return found
    messages = dict.fromkeys(error.message for error in errors)
    if len(messages) == 1:
        raise errors[0]
    hints = dict.fromkeys(error.hint for error in errors if error.hint)
    raise DriverError("; ".join(messages), "; ".join(hints))


def _outcome(read: Callable[[], Value | Measured]) -> Value | Measured | DriverError:
    try:
        return read()
    except DriverError as error:
        return error
