"""Reads in which some channels failed and others did not."""

from collections.abc import Mapping

from drivers.driver import DriverError, Measured, Measurements
from protocol.readings import Value


def unless_all_failed(found: Mapping[str, Value | Measured | DriverError]) -> Measurements:
    """Return what was found; raises DriverError, with each thing that is wrong once, when nothing else was."""
    errors = [outcome for outcome in found.values() if isinstance(outcome, DriverError)]
    if not errors or len(errors) < len(found):
        return found
    messages = dict.fromkeys(error.message for error in errors)
    hints = dict.fromkeys(error.hint for error in errors if error.hint)
    raise DriverError("; ".join(messages), "; ".join(hints))
