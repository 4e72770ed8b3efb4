"""Values that are calculated from those of other sensors: by expressions, or by a script of the original system."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Protocol

import msgspec

from config.durations import Seconds
from drivers.driver import DriverError, DriverOptions, Measurements, Place
from protocol.codifiers import EVERYBODY

DEFAULT_MAX_AGE_S: Final = 20.0  # as a sensor of a configuration that does not say when it is stale
DEFAULT_TIMEOUT_S: Final = 4.0  # of a script: less than the usual interval


class Formula(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An expression with a limit of its own for the age of what it uses."""

    expression: Annotated[str, msgspec.Meta(description="what is calculated")]
    max_age: Annotated[
        Seconds | None, msgspec.Meta(description="in the place of the `max_age` that all expressions have")
    ] = None


class PythonOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either `expressions` or `file`."""

    expressions: Annotated[
        dict[str, str | Formula],
        msgspec.Meta(description="an expression for each channel, or `{expression, max_age}`"),
    ] = msgspec.field(default_factory=dict)
    max_age: Annotated[
        Seconds, msgspec.Meta(description="a value that was heard longer ago is not calculated with")
    ] = DEFAULT_MAX_AGE_S
    file: Annotated[
        str | None, msgspec.Meta(description="a script, read anew for each run: either this or `expressions`")
    ] = None
    timeout: Annotated[Seconds, msgspec.Meta(description="how long a run of the script may take")] = DEFAULT_TIMEOUT_S

    def __post_init__(self) -> None:
        if bool(self.expressions) == (self.file is not None):
            raise ValueError("`expressions` or `file` must say what is calculated, one of them")
        if self.file is not None and not self.file.strip():
            raise ValueError("`file` is empty")
        for channel, formula in self.formulas.items():
            _check(f"expressions.{channel}", formula.expression)

    @property
    def formulas(self) -> Mapping[str, Formula]:
        """The expressions, each with the age that holds for it."""
        found = {
            channel: Formula(expression=one) if isinstance(one, str) else one
            for channel, one in self.expressions.items()
        }
        return {
            channel: one if one.max_age is not None else msgspec.structs.replace(one, max_age=self.max_age)
            for channel, one in found.items()
        }

    def channels(self) -> frozenset[str]:
        """Return the channels of the expressions; what a script sends is not known before it runs."""
        return frozenset(self.expressions)

    def inputs(self) -> frozenset[str]:
        """Return what the expressions use; a script may use everything."""
        if self.file is not None:
            return frozenset({EVERYBODY})
        return frozenset().union(*(_inputs(one.expression) for one in self.formulas.values()))


def _check(key: str, expression: str) -> None:
    """Raise ValueError for what is no expression; where Jinja2 is missing, such a node cannot run anyway."""
    try:
        _inputs(expression)
    except ValueError as error:
        raise ValueError(f"`{key}`: {error}") from error


def _inputs(expression: str) -> frozenset[str]:
    from drivers.calculations import expressions  # noqa: PLC0415 - few configurations have any

    try:
        return expressions.inputs(expression)
    except DriverError:
        return frozenset()


class Python:
    """Calculates expressions or runs a script."""

    Options: ClassVar[type[msgspec.Struct]] = PythonOptions

    def __init__(self, options: PythonOptions, place: Place) -> None:
        self._way = _make(options, place)

    def read(self) -> Measurements:
        """Calculate once; raises DriverError."""
        return self._way.read()

    def close(self) -> None:
        """End a script that runs."""
        self._way.close()


class _Way(Protocol):
    """How values are calculated."""

    def read(self) -> Measurements: ...
    def close(self) -> None: ...


def _make(options: PythonOptions, place: Place) -> _Way:
    if options.file is not None:
        from drivers.calculations.scripted import Scripted  # noqa: PLC0415 - a process with calculations needs no other

        return Scripted(options, place)
    from drivers.calculations.calculated import Calculated  # noqa: PLC0415 - the same

    return Calculated(options, place)
