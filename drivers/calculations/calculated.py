"""Expressions of a configuration, calculated for each reading (docs/drivers.md, "python")."""

import logging
from typing import TYPE_CHECKING, Final

from drivers.calculations.expressions import ExpressionError, Number, compiled
from drivers.driver import DriverError, Latest, Measurements, Place
from drivers.text.decimals import parse, to_number

if TYPE_CHECKING:
    from drivers.python import PythonOptions

log: Final = logging.getLogger("jph.driver")

_SHOWN: Final = 3  # reasons in an error: there may be as many as channels


class _WithheldError(Exception):
    """An input cannot be calculated with; says which and why."""


class Calculated:
    """Gives every expression whose inputs are there and fresh. A calculated value is measured when it is calculated."""

    def __init__(self, options: "PythonOptions", place: Place) -> None:
        self._place = place
        self._formulas = {
            channel: (compiled(one.expression), one.max_age or options.max_age)
            for channel, one in options.formulas.items()
        }
        self._told: dict[str, str] = {}  # by channel, why it is withheld

    def read(self) -> Measurements:
        """Calculate; raises DriverError when nothing is left to give."""
        given: dict[str, Number] = {}
        withheld: dict[str, str] = {}
        for channel in self._formulas:
            try:
                given[channel] = self._calculated(channel)
            except (_WithheldError, ExpressionError) as error:
                withheld[channel] = str(error)
        self._tell(withheld, alone=not given)
        if not given:
            reasons = sorted(set(withheld.values()))
            raise DriverError("; ".join(reasons[:_SHOWN]), "see whether these sensors run, and may be read here")
        return given

    def close(self) -> None:
        """Do nothing."""

    def _calculated(self, channel: str) -> Number:
        calculate, max_age_s = self._formulas[channel]
        return calculate(lambda codifier: _number(codifier, self._place.network.latest(codifier), max_age_s))

    def _tell(self, withheld: dict[str, str], *, alone: bool) -> None:
        """Say of each channel once why it is withheld; when nothing is given, the error says so."""
        for channel, reason in withheld.items():
            if self._told.get(channel) != reason and not alone:
                log.warning("%s: no value of %s: %s", self._place.codifier, channel, reason)
        self._told = withheld


def _number(codifier: str, latest: Latest | None, max_age_s: float) -> Number:
    if latest is None:
        raise _WithheldError(f"{codifier} was not heard yet")
    if latest.age_s > max_age_s:
        raise _WithheldError(f"{codifier} was not heard for more than {max_age_s:g} s")
    if not isinstance(latest.value, str):
        return latest.value
    try:
        return to_number(parse(latest.value))
    except ValueError:
        raise _WithheldError(f"{codifier} is text, and no number") from None
