"""A value that commands change: its range, its lease, its safe value and how it survives a restart."""

import logging
from typing import Annotated, Final, NamedTuple, TypeAlias

import msgspec

from config.durations import Seconds
from drivers.driver import DriverOptions, OutOfRangeError, Place
from drivers.remembered import RememberedNumber
from drivers.text.decimals import check_finite, difference, exact, is_multiple, sum_of, to_number

log: Final = logging.getLogger("jph.driver")


class Range(NamedTuple):
    """The values that are taken: from `min` to `max`, and with `step` only each so many from `min` (else from 0)."""

    min: int | float | None
    max: int | float | None
    step: int | float | None

    def refusal(self, value: float) -> str | None:
        """Say why a value is refused; None when it is taken."""
        if (self.min is not None and value < self.min) or (self.max is not None and value > self.max):
            return f"{value:g} is out of range {self}"
        if self.step is not None and not is_multiple(difference(value, self.min or 0), exact(self.step)):
            return f"{value:g} is out of range {self}"
        return None

    def clamped(self, value: float) -> float:
        """Return the value, or the bound beyond which it lies."""
        above = value if self.min is None else max(value, self.min)
        return above if self.max is None else min(above, self.max)

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are taken."""
        return isinstance(self.step, int) and isinstance(self.min or 0, int)

    def __str__(self) -> str:
        low, high = ("" if bound is None else f"{bound:g}" for bound in (self.min, self.max))
        return f"{low}..{high}" + ("" if self.step is None else f" in steps of {self.step:g}")


Default: TypeAlias = Annotated[int | float, msgspec.Meta(description="the value until the first command")]
Smallest: TypeAlias = Annotated[int | float | None, msgspec.Meta(description="the smallest value that is taken")]
Largest: TypeAlias = Annotated[int | float | None, msgspec.Meta(description="the largest value that is taken")]
Step: TypeAlias = Annotated[
    int | float | None,
    msgspec.Meta(description="only values so far apart are taken, counted from `min`, or from 0 without it"),
]
Lease: TypeAlias = Annotated[
    Seconds | None, msgspec.Meta(description="when no command came for so long, the value returns to `safe`")
]
Safe: TypeAlias = Annotated[
    int | float | None,
    msgspec.Meta(description="where the value goes when the lease ends and when the node stops; without it `default`"),
]


class SetPointOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said of a value that can be set."""

    default: Default
    min: Smallest = None
    max: Largest = None
    step: Step = None
    lease: Lease = None
    safe: Safe = None

    def __post_init__(self) -> None:
        for key in ("default", "min", "max", "step", "safe"):
            check_finite(key, getattr(self, key))
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError(f"`min` {self.min:g} is not below `max` {self.max:g}")
        if self.step is not None and self.step <= 0:
            raise ValueError(f"`step` is {self.step:g}: it must be more than 0")
        for key in ("default", "safe"):
            self._require_in_range(key, getattr(self, key))

    @property
    def range(self) -> Range:
        """The values that are taken."""
        return Range(self.min, self.max, self.step)

    @property
    def safe_value(self) -> int | float:
        """The value to which it returns by itself."""
        return self.default if self.safe is None else self.safe

    def _require_in_range(self, key: str, value: float | None) -> None:
        refusal = None if value is None else self.range.refusal(value)
        if refusal:
            raise ValueError(f"`{key}` {refusal}")


class SetPoint:
    """A value under its options' rules.

    Without a lease a value that was set holds until the next one, also across a restart. With a lease it holds as long
    as commands keep coming: a program that starts knows of none, so it starts with the safe value. `clamp` takes the
    bound for what lies beyond it, where else a value is refused.
    """

    def __init__(self, options: SetPointOptions, place: Place, *, clamp: bool = False) -> None:
        self._options = options
        self._clamp = clamp
        self._codifier = place.codifier
        self._monotonic = place.monotonic
        self._remembered = None if options.lease else RememberedNumber(place.state_directory, place.codifier)
        self._expires_s: float | None = None
        self._value = self._first_value()

    @property
    def value(self) -> int | float:
        """The value that holds now."""
        return self._options.safe_value if self._is_over else self._value

    @property
    def is_leased(self) -> bool:
        """Whether a command came whose lease has not ended."""
        return self._expires_s is not None and not self._is_over

    @property
    def _is_over(self) -> bool:
        return self._expires_s is not None and self._monotonic() >= self._expires_s

    def set(self, value: float) -> None:
        """Take a value; raises OutOfRangeError, and then everything stays as it was."""
        accepted = self._accepted(value)
        if self._options.lease is not None:
            self._expires_s = self._monotonic() + self._options.lease
        if self._remembered is not None:
            self._remembered.remember(accepted)
        self._value = accepted

    def step(self, by: float, start: float | None = None) -> None:
        """Change the value by so much, or what stands in its place, `start`; raises as `set` does."""
        try:
            stepped = to_number(sum_of(self.value if start is None else start, by))
        except ValueError as error:
            raise OutOfRangeError(f"a step of {by} is no step: {error}") from error
        self.set(stepped)

    def release(self) -> None:
        """Return to the safe value; what was set is still there after a restart."""
        self._expires_s = None
        self._value = self._options.safe_value

    def _first_value(self) -> int | float:
        if self._remembered is None:
            return self._options.safe_value
        remembered = self._remembered.recall()
        if remembered is None:
            return self._options.default
        try:
            return self._accepted(remembered)
        except OutOfRangeError as error:
            log.warning("%s: the value that was set is given up, the default is taken: %s", self._codifier, error)
            return self._options.default

    def _accepted(self, value: float) -> int | float:
        try:
            number = to_number(exact(value))
        except ValueError as error:
            raise OutOfRangeError(f"{value} is out of range {self._options.range}: {error}") from error
        if self._clamp:
            number = self._options.range.clamped(number)
        refusal = self._options.range.refusal(number)
        if refusal:
            raise OutOfRangeError(refusal)
        return int(number) if self._options.range.is_whole else number
