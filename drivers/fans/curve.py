"""How quickly a fan shall turn: a curve over a temperature, which another sensor or a file gives."""

import logging
import re
from itertools import pairwise
from typing import Annotated, Final, NamedTuple, Protocol, TypeAlias

import msgspec

from config.durations import Seconds
from drivers.driver import DriverError, Place
from drivers.text.decimals import check_finite, exact, parse, scaled, to_number
from drivers.text.files import PathSource

log: Final = logging.getLogger("jph.driver")

Percent: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=100)]
Point: TypeAlias = tuple[float, Percent]

_CODIFIER: Final = re.compile(r"[!-~]{2}", re.ASCII)


class Speed(NamedTuple):
    """How quickly a fan shall turn, in percent, and who says so."""

    percent: float
    state: str


class CurveOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Over which temperature, through which points, and what is done when the temperature falls or is not known."""

    input: Annotated[str, msgspec.Meta(description="the codifier of another sensor, or a file that holds a number")]
    points: Annotated[
        tuple[Point, ...],
        msgspec.Meta(description="pairs of input and percent, by rising inputs; between them it is linear"),
    ]
    hysteresis: Annotated[
        float, msgspec.Meta(ge=0, description="the fan slows down when the input has fallen by so much")
    ] = 2.0
    max_age: Annotated[Seconds, msgspec.Meta(description="a reading of a sensor counts for so long")] = 60.0
    scale: Annotated[int | float, msgspec.Meta(description="what a file holds is multiplied by this")] = 1

    def __post_init__(self) -> None:
        if not self.is_file and not _CODIFIER.fullmatch(self.input):
            raise ValueError(f"`input` is {self.input!r}: a codifier, or a file, which begins with / or ~/")
        for number in (*(value for point in self.points for value in point), self.hysteresis, self.scale):
            check_finite("points", number)
        if len(self.points) < 2:
            raise ValueError("`points` are fewer than two")
        if any(one[0] >= other[0] or one[1] > other[1] for one, other in pairwise(self.points)):
            raise ValueError("`points` must have rising inputs, and percents that do not fall")

    @property
    def is_file(self) -> bool:
        """Whether the input is a file."""
        return self.input.startswith(("/", "~/"))


class Curve:
    """Goes up with the input at once, and down when the input has fallen by more than the hysteresis."""

    def __init__(self, options: CurveOptions) -> None:
        self._points = options.points
        self._hysteresis = options.hysteresis
        self._held: float | None = None  # the input that counts: at most one hysteresis above the true one

    def percent(self, value: float) -> float:
        """Return the speed at an input."""
        held = value if self._held is None else self._held
        self._held = max(value, min(held, value + self._hysteresis))
        return interpolated(self._points, self._held)


def interpolated(points: tuple[Point, ...], value: float) -> float:
    """Return what lies on the lines between points, to 0.1; before the first and behind the last it is level."""
    if value <= points[0][0]:
        return points[0][1]
    for (low, at_low), (high, at_high) in pairwise(points):
        if value <= high:
            return round(at_low + (at_high - at_low) * (value - low) / (high - low), 1)
    return points[-1][1]


class Guide:
    """Says the speed at the temperature that is now. Without one the fan gets its safe speed, which is said once."""

    def __init__(self, options: CurveOptions, place: Place, safe: float) -> None:
        self._codifier = place.codifier
        self._curve = Curve(options)
        self._input: _Input = _File(options, place) if options.is_file else _Sensor(options, place)
        self._safe = safe
        self._is_lost = False

    def speed(self) -> Speed:
        """Return the speed that is right now."""
        try:
            percent = self._curve.percent(self._input.value())
        except DriverError as error:
            if not self._is_lost:
                log.warning("%s: the fan gets its safe speed of %g %%: %s", self._codifier, self._safe, error)
            self._is_lost = True
            return Speed(self._safe, "no input")
        if self._is_lost:
            log.info("%s: the fan follows its curve again", self._codifier)
        self._is_lost = False
        return Speed(percent, "curve")


class _Input(Protocol):
    def value(self) -> float: ...


class _Sensor:
    """Another sensor, as long as it is heard."""

    def __init__(self, options: CurveOptions, place: Place) -> None:
        self._codifier = options.input
        self._max_age_s = options.max_age
        self._network = place.network

    def value(self) -> float:
        """Return its newest reading; raises DriverError when there is none that counts."""
        latest = self._network.latest(self._codifier)
        if latest is None:
            raise DriverError(f"nothing was heard of {self._codifier}", "see whether its node runs")
        if latest.age_s > self._max_age_s:
            said = f"the last reading of {self._codifier} is {latest.age_s:.0f} s old"
            raise DriverError(said, "see whether its node runs")
        if isinstance(latest.value, str):
            raise DriverError(f"{self._codifier} gives text, not a temperature", "name another `input`")
        return latest.value


class _File:
    """A file of /sys, which is read anew each time."""

    def __init__(self, options: CurveOptions, place: Place) -> None:
        self._source = PathSource(place.locate(options.input))
        self._scale = exact(options.scale)

    def value(self) -> float:
        """Return what the file holds; raises DriverError."""
        text = self._source.read()
        if text is None:
            self._source.close()
            raise DriverError(f"{self._source} is a FIFO", "name a file that always holds the temperature")
        try:
            return to_number(scaled(parse(text.strip()), self._scale, exact(0)))
        except ValueError as error:
            raise DriverError(f"{self._source}: {error}") from error
