"""Readings without hardware: for trying things out, for tests, and for the demo."""

from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

import msgspec

from config.durations import Seconds
from drivers.driver import DriverError, DriverOptions, Measurements, Place
from drivers.plant.signals import SIGNALS, Measure, PartName, Signal
from drivers.text.decimals import check_finite

SignalName: TypeAlias = Literal["constant", "sine", "walk", "plant"]


class SimulatedOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The signal and what belongs to it, as `drivers.plant.signals` describes: options of other signals are refused."""

    signal: Annotated[SignalName, msgspec.Meta(description="which signal; each has its own options")]
    value: Annotated[int | float | str | None, msgspec.Meta(description="`constant`: a number or text")] = None
    mean: Annotated[float | None, msgspec.Meta(description="`sine`: where it begins, going up")] = None
    amplitude: Annotated[float | None, msgspec.Meta(description="`sine`: how far it goes from `mean`")] = None
    period: Annotated[Seconds | None, msgspec.Meta(description="`sine`: how long once up and down takes")] = None
    start: Annotated[float | None, msgspec.Meta(description="`walk`: the first value")] = None
    step: Annotated[
        float | None, msgspec.Meta(description="`walk`: how far it goes at most from one reading to the next")
    ] = None
    min: Annotated[float | None, msgspec.Meta(description="`walk`: the smallest value")] = None
    max: Annotated[float | None, msgspec.Meta(description="`walk`: the largest value")] = None
    seed: Annotated[
        int | None,
        msgspec.Meta(description="`walk`: the same one goes the same way; without it every codifier has its own"),
    ] = None
    decimals: Annotated[
        Annotated[int, msgspec.Meta(ge=0, le=12)] | None,
        msgspec.Meta(description="`sine` and `walk`: to how many decimal places values are rounded; without it 2"),
    ] = None
    plant: Annotated[
        str | None, msgspec.Meta(description="`plant`: its name; those of one name are the same; without it `main`")
    ] = None
    part: Annotated[PartName | None, msgspec.Meta(description="`plant`: what of it is measured")] = None

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
