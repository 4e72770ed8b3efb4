"""A fan: its speed in percent, by command or by a curve, never less than safe when nobody says what it shall be."""

import logging
import threading
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Protocol

import msgspec

from config.durations import Seconds
from drivers.driver import OWN_CHANNEL, DriverError, Measurements, Place
from drivers.fans.curve import CurveOptions, Guide, Percent, Speed
from drivers.fans.gpio import GpioOutput, GpioOutputOptions
from drivers.fans.hwmon import HwmonOptions, HwmonOutput
from drivers.fans.pwm import PwmOptions, PwmOutput
from drivers.fans.tach import TachOptions, Watch, tach_of
from drivers.hardware.pins import HEADER_CHIPS
from drivers.setpoint import Default, Largest, Safe, SetPoint, SetPointOptions, Smallest

log: Final = logging.getLogger("jph.driver")

FULL: Final = 100
KICK_S: Final = 1.0  # a read waits for its end, and has 5 s

_STALLED: Final = DriverError("the fan does not turn: it is given full speed", "see what holds it, and its power")


class FanOptions(SetPointOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fan's speed in percent as a set point, full speed being safe; how it is driven, watched and guided."""

    default: Default = FULL
    min: Smallest = 0
    max: Largest = FULL
    safe: Safe = FULL
    clamp: Annotated[
        bool, msgspec.Meta(description="whether a command beyond `min` or `max` sets it to that, and is not refused")
    ] = False
    pwm: Annotated[
        PwmOptions | None,
        msgspec.Meta(description="the fan is at a hardware PWM: `chip`, `channel`, `frequency`, `inverted`"),
    ] = None
    hwmon: Annotated[
        HwmonOptions | None, msgspec.Meta(description="or at a chip of hwmon: `chip`, `parent`, `channel`")
    ] = None
    gpio: Annotated[
        GpioOutputOptions | None,
        msgspec.Meta(description="or at a pin with a PWM by program: `pin`, `frequency`, `inverted`, `low`"),
    ] = None
    tach: Annotated[
        TachOptions | None,
        msgspec.Meta(description="what counts its rotations: `gpio` and `pulses`, or `hwmon`, `parent` and `fan`"),
    ] = None
    curve: Annotated[
        CurveOptions | None,
        msgspec.Meta(description="its speed by a temperature: `input`, `points`, `hysteresis`, `max_age`, `scale`"),
    ] = None
    stop_below: Annotated[
        Percent, msgspec.Meta(description="it is switched off below so many percent, where it would hum and stand")
    ] = 0.0
    kick_start: Annotated[
        bool, msgspec.Meta(description="whether it gets full speed for a second when it begins to turn")
    ] = True
    stall_after: Annotated[
        Seconds, msgspec.Meta(description="when it is driven and does not turn for so long, that is an error")
    ] = 5.0

    def __post_init__(self) -> None:
        SetPointOptions.__post_init__(self)
        if not 0 <= (self.min or 0) < (FULL if self.max is None else self.max) <= FULL:
            raise ValueError("`min` and `max` are percent, between 0 and 100")
        if 0 < self.safe_value < self.stop_below:
            raise ValueError(
                f"`safe` is {self.safe_value:g}: below `stop_below` {self.stop_below:g} the fan is switched off"
            )
        if [self.pwm, self.hwmon, self.gpio].count(None) != 2:
            raise ValueError("`pwm`, `hwmon` or `gpio` must say where the fan is, one of them")
        if self.curve is not None and self.lease is None:
            raise ValueError("`curve` needs a `lease`: after it the curve holds again, and no longer the command")
        if self._tach_pin is not None and self._tach_pin in self._driven_pins:
            raise ValueError(f"`tach.gpio` is {self._tach_pin}: that pin is driven")

    def channels(self) -> frozenset[str]:
        """Return the speed and who says so, and the rotations where they are counted."""
        return frozenset({OWN_CHANNEL, "state"} | ({"rotations"} if self.tach else set()))

    def units(self) -> Mapping[str, str]:
        """Return percent for the speed, and the unit of the rotations where they are counted."""
        return {OWN_CHANNEL: "%"} | ({"rotations": "rpm"} if self.tach else {})

    def devices(self) -> frozenset[str]:
        """Return the chips that may have the header, when a pin is used."""
        return HEADER_CHIPS if self.gpio or self._tach_pin is not None else frozenset()

    def inputs(self) -> frozenset[str]:
        """Return the sensor that the curve follows."""
        return frozenset({self.curve.input} if self.curve and not self.curve.is_file else ())

    def writes_to_sys(self) -> bool:
        """Tell whether the fan is driven by files of /sys."""
        return self.gpio is None

    @property
    def _tach_pin(self) -> int | None:
        return self.tach.gpio if self.tach else None

    @property
    def _driven_pins(self) -> tuple[int | None, ...]:
        return (self.gpio.pin, self.gpio.low) if self.gpio else ()


class _Output(Protocol):
    """Where the fan is."""

    def drive(self, percent: float) -> None:
        """Give the fan so much; raises DriverError."""
        ...

    def leave(self, percent: float) -> None:
        """Give the fan so much for the time after the program, and let go; raises DriverError."""
        ...


class Fan:
    """Drives a fan with every read and command: then it is seen that a lease ended or an input was lost."""

    Options: ClassVar[type[msgspec.Struct]] = FanOptions

    def __init__(self, options: FanOptions, place: Place) -> None:
        self._options = options
        self._place = place
        self._setpoint = SetPoint(options, place, clamp=options.clamp)
        self._guide = Guide(options.curve, place, options.safe_value) if options.curve else None
        self._output = _output_of(options, place)
        self._tach = tach_of(options.tach, place)
        self._watch = Watch(options.stall_after, place.monotonic)
        self._given = 0.0  # percent; also when it is not known, so that a kick-start is tried
        self._kick_ends_s = place.monotonic()
        self._was_driven = self._closed = False
        self._lock = threading.Lock()  # `close` may come while a read waits for a kick-start to end

    def read(self) -> Measurements:
        """Return the speed that the fan is given, after giving it; raises DriverError when it cannot be given.

        A fan that does not turn has no speed, but an error.
        """
        speed = self._speed()
        self._give(speed.percent)
        self._finish_kick(speed.percent)
        turning = self._turning()
        rotations = turning.get("rotations")
        self._watch.note(speed.percent, None if isinstance(rotations, DriverError) else rotations)
        if self._watch.is_stalled:
            self._give(FULL)
            return {OWN_CHANNEL: _STALLED, "state": "stalled", **turning}
        return {OWN_CHANNEL: speed.percent, "state": speed.state, **turning}

    def set(self, value: float) -> None:
        """Take a speed; raises OutOfRangeError and DriverError."""
        self._setpoint.set(value)
        self._give(self._speed().percent)

    def step(self, by: float) -> None:
        """Change the speed that the fan has by so much; raises as `set` does."""
        self._setpoint.step(by, self._wanted().percent)
        self._give(self._speed().percent)

    def close(self) -> None:
        """Leave the fan at its safe speed, or to who drove it before. That this failed is said in the log."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._setpoint.release()
            try:
                if self._was_driven:
                    self._output.leave(self._options.safe_value)
            except DriverError as error:
                log.error("%s: the fan may not have its safe speed: %s", self._place.codifier, error)
            self._tach.close()

    def _wanted(self) -> Speed:
        """Return what is asked for: by a command, else by the curve."""
        if self._guide is not None and not self._setpoint.is_leased:
            return self._guide.speed()
        is_asked = self._options.lease is None or self._setpoint.is_leased
        return Speed(self._setpoint.value, "set" if is_asked else "safe")

    def _speed(self) -> Speed:
        """Return what the fan shall be given."""
        percent, state = self._wanted()
        if percent < self._options.stop_below:
            return Speed(0, state)
        return Speed(FULL, state) if self._watch.is_stalled and percent else Speed(percent, state)

    def _give(self, percent: float) -> None:
        with self._lock:
            self._check_open()
            now_s = self._place.monotonic()
            if percent and not self._given and self._options.kick_start:
                self._kick_ends_s = now_s + KICK_S
            self._given, self._was_driven = 0.0, True
            self._output.drive(FULL if percent and now_s < self._kick_ends_s else percent)
            self._given = percent

    def _finish_kick(self, percent: float) -> None:
        left_s = self._kick_ends_s - self._place.monotonic()
        if left_s > 0 and 0 < percent < FULL:
            self._place.sleep(left_s)
            self._give(percent)

    def _turning(self) -> dict[str, float | DriverError]:
        """Return the rotations, or why there are none; nothing when they are not counted, or not yet."""
        with self._lock:
            self._check_open()
            try:
                rotations = self._tach.rotations()
            except DriverError as error:
                return {"rotations": error}
        return {} if rotations is None else {"rotations": rotations}

    def _check_open(self) -> None:
        if self._closed:
            raise DriverError("the fan is closed")


def _output_of(options: FanOptions, place: Place) -> _Output:
    if options.pwm is not None:
        return PwmOutput(options.pwm, place)
    if options.hwmon is not None:
        return HwmonOutput(options.hwmon, place)
    if options.gpio is not None:
        return GpioOutput(options.gpio, place)
    raise DriverError("nothing says where the fan is")
