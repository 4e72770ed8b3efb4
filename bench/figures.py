"""What is measured: figures with a unit, a meaning and perhaps a budget, and the values that a run found for them."""

import operator
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from protocol.errors import JphError

Samples: TypeAlias = Mapping[str, Sequence[float]]
"""By the key of a figure, one value for each round."""


class CannotMeasureError(JphError):
    """A measurement could not be made: a program that it needs is missing, or what it measures did not run."""


_COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {"at least": operator.ge, "at most": operator.le}


class Budget(NamedTuple):
    """What a median should be: "at least" or "at most" so much."""

    comparison: str
    bound: float

    def is_met(self, value: float) -> bool:
        """Tell whether a value is within the budget."""
        return _COMPARISONS[self.comparison](value, self.bound)

    def __str__(self) -> str:
        return f"{self.comparison} {self.bound:,g}"


def at_least(bound: float) -> Budget:
    """Return the budget that no median may be below."""
    return Budget("at least", bound)


def at_most(bound: float) -> Budget:
    """Return the budget that no median may be above."""
    return Budget("at most", bound)


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that is measured. `key` is its name in the results, `meaning` what the table says of it."""

    key: str
    unit: str
    meaning: str
    budget: Budget | None = None


class Spread(NamedTuple):
    """The values that the rounds of one run found."""

    minimum: float
    median: float
    maximum: float
    rounds: int


def spread(values: Sequence[float]) -> Spread:
    """Sum up the values of the rounds."""
    return Spread(min(values), statistics.median(values), max(values), len(values))


@dataclass(frozen=True, slots=True)
class Measurement:
    """A script of this folder: the figures it finds, and how it runs wholly and, to see that it runs, in a second."""

    name: str
    title: str
    figures: tuple[Figure, ...]
    full: Callable[[], Samples]
    quick: Callable[[], Samples]


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Divide what was measured one after the other: whatever slowed a round down slowed both."""
    return [first / second for first, second in zip(above, below, strict=True)]
