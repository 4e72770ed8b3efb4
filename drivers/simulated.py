"""Readings without hardware: for trying things out, for tests, and for the demo."""

from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

import msgspec

from config.durations import Seconds
from drivers.decimals import check_finite
from drivers.driver import DriverError, DriverOptions, Measurements, Place
from drivers.signals import SIGNALS, Measure, PartName, Signal

SignalName: TypeAlias = Literal["constant", "sine", "walk", "plant"]


class SimulatedOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The signal and what belongs to it, as `drivers.signals` describes: options of other signals are refused.

    constant: `value`. sine: `mean`, `amplitude`, `period`. walk: `start`, `step`, `min`, `max`, `seed`. plant:
    `part`, `plant`. Sine and walk have so many `decimals`, 2 when it is not said.
    """

    signal: SignalName
    value: int | float | str | None = None
    mean: float | None = None
    amplitude: float | None = None
    period: Seconds | None = None
    start: float | None = None
    step: float | None = None
    min: float | None = None
    max: float | None = None
    seed: int | None = None
    decimals: Annotated[int, msgspec.Meta(ge=0, le=12)] | None = None
    plant: str | None = None
    part: PartName | None = None

    def __post_init__(self) -> None:
        self.described()

    def described(self) -> Signal:
        """Return the signal with what belongs to it; raises ValueError for what is missing or does not belong."""
        given = {key: value for key, value in msgspec.structs.asdict(self).items() if value is not None}
        del given["signal"]
        for key, value in given.items():
            _check_number(key, value)
        try:
            return msgspec.convert(given, SIGNALS[self.signal])
        except msgspec.ValidationError as error:
            raise ValueError(f"`signal: {self.signal}`{_in_words(error)}") from error

    def channels(self) -> frozenset[str]:
        """Return the channels that the signal gives."""
        return self.described().channels()


def _in_words(error: msgspec.ValidationError) -> str:
    """Say what msgspec says of a struct as it is said of a file: "Object missing required field `mean`"."""
    for beginning, words in _IN_WORDS.items():
        if str(error).startswith(beginning):
            return f" {words}{str(error).removeprefix(beginning)}"
    return f": {error}"


_IN_WORDS: Final = {"Object missing required field ": "needs ", "Object contains unknown field ": "does not take "}


class Simulated:
    """Gives a signal: the same with the same options and the same clock."""

    Options: ClassVar[type[msgspec.Struct]] = SimulatedOptions

    def __init__(self, options: SimulatedOptions, place: Place) -> None:
        self._measure: Measure | None = options.described().begin(place)

    async def read(self) -> Measurements:
        """Return the signal of this moment; raises DriverError when it was closed."""
        if self._measure is None:
            raise DriverError("the signal has ended")
        return self._measure()

    def close(self) -> None:
        """End the signal and let go of the plant."""
        self._measure = None


def _check_number(key: str, value: Any) -> None:
    if not isinstance(value, str):
        check_finite(key, value)
