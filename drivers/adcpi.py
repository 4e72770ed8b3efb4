"""The pins of an ADC Pi (AB Electronics): two converters MCP3424 behind dividers, and thermistors at the pins.

The pins 1 to 4 are the channels of the converter with the first address, 5 to 8 those of the second. Every pin is
divided so that 5 V are below the 2.048 V that a converter measures:

    pin --[10 kohm]-- channel --[6.8 kohm]-- ground         pin's volts = channel's volts * 16.8 / 6.8
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

import msgspec

from drivers.driver import OWN_CHANNEL, DriverError, DriverOptions, Measured, Measurements, Place
from drivers.hardware.i2c import Bus, device, opened
from drivers.hardware.mcp3424 import CHANNELS, Conversion, OutOfScaleError, Setting, convert
from drivers.hardware.thermistors import CURVES, Curve, Positive, value_at
from drivers.outcomes import unless_all_failed
from drivers.text.decimals import check_finite

DIVIDER: Final = 16.8 / 6.8
INPUT_OHMS: Final = 16_800.0

VOLTS: Final = "volts"
"""The curve of a pin whose reading is its voltage."""

FIRST_ADDRESS: Final = 0x68  # of those that an MCP3424 can be set to by its two pins
LAST_ADDRESS: Final = 0x6F

TRIES: Final = 2  # of a conversion: a bus with long wires errs now and then

Pin: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2 * CHANNELS)]
Gain: TypeAlias = Literal[1, 2, 4, 8]


class PinOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One more channel: its pin, and what is otherwise than the node says."""

    pin: Annotated[Pin, msgspec.Meta(description="the pin that is measured, 1 to 8")]
    curve: Annotated[str | None, msgspec.Meta(description="what its voltage means")] = None
    gain: Annotated[Gain | None, msgspec.Meta(description="how much its voltage is amplified")] = None


class AdcpiOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which pins are measured, how, and what their voltages mean."""

    pin: Annotated[Pin | None, msgspec.Meta(description="the pin of the node's own reading, 1 to 8")] = None
    named: Annotated[
        dict[str, PinOptions],
        msgspec.Meta(description="more channels by name, each with its `pin`, and with `curve` and `gain` of its own"),
    ] = msgspec.field(default_factory=dict, name="channels")
    curve: Annotated[
        str, msgspec.Meta(description="what the voltages mean: `volts`, `phobya`, or a name in `curves`")
    ] = VOLTS
    curves: Annotated[dict[str, Curve], msgspec.Meta(description="curves of thermistors by name, see below")] = (
        msgspec.field(default_factory=dict)
    )
    bits: Annotated[
        Literal[12, 14, 16, 18], msgspec.Meta(description="how finely is measured: 12, 14, 16 or 18 bits")
    ] = 16
    gain: Annotated[Gain, msgspec.Meta(description="how much the voltages are amplified: 1, 2, 4 or 8")] = 1
    divider: Annotated[Positive, msgspec.Meta(description="the voltage of a pin for one volt at the converter")] = (
        DIVIDER
    )
    bus: Annotated[int, msgspec.Meta(ge=0, description="the number of the I2C bus")] = 1
    addresses: Annotated[
        tuple[int, ...],
        msgspec.Meta(min_length=1, max_length=2, description="the addresses of pins 1 to 4 and of pins 5 to 8"),
    ] = (0x68, 0x69)

    def __post_init__(self) -> None:
        if not self.inputs_by_channel():
            raise ValueError("`pin` is missing: say which pin is measured, or name several in `channels`")
        for address in self.addresses:
            if not FIRST_ADDRESS <= address <= LAST_ADDRESS:
                allowed = f"an MCP3424 has one from {FIRST_ADDRESS:#x} to {LAST_ADDRESS:#x}"
                raise ValueError(f"`addresses` has {address:#x}: {allowed}")
        if len(set(self.addresses)) < len(self.addresses):
            raise ValueError("`addresses` has the same address twice")
        check_finite("divider", self.divider)
        if VOLTS in self.curves:
            raise ValueError(f"`curves` has {VOLTS!r}, which is that of the voltage itself")
        if OWN_CHANNEL in self.named and self.pin is not None:
            raise ValueError(f"`channels` has {OWN_CHANNEL!r}, which is that of `pin`")
        for name, channel in self.inputs_by_channel().items():
            self._check(name, channel)

    def _check(self, name: str, channel: PinOptions) -> None:
        curves = [VOLTS, *CURVES, *self.curves]
        if channel.curve not in curves:
            raise ValueError(f"`curve` of {name!r} is {channel.curve!r}: it must be one of {', '.join(curves)}")
        if channel.pin > CHANNELS * len(self.addresses):
            raise ValueError(f"`pin` of {name!r} is {channel.pin}: with one of `addresses` there are 4 pins")

    def inputs_by_channel(self) -> dict[str, PinOptions]:
        """Return all channels with their pins, curves and gains."""
        own = {} if self.pin is None else {OWN_CHANNEL: PinOptions(pin=self.pin)}
        return {name: self._completed(channel) for name, channel in {**own, **self.named}.items()}

    def _completed(self, channel: PinOptions) -> PinOptions:
        return PinOptions(pin=channel.pin, curve=channel.curve or self.curve, gain=channel.gain or self.gain)

    def channels(self) -> frozenset[str]:
        """Return the node's own channel when it has a pin, and those that are named."""
        return frozenset(self.inputs_by_channel())

    def units(self) -> Mapping[str, str]:
        """Return volts and degrees; what a polynomial of the options gives only they know."""
        units = {name: self._unit(channel.curve or self.curve) for name, channel in self.inputs_by_channel().items()}
        return {name: unit for name, unit in units.items() if unit}

    def _unit(self, curve: str) -> str:
        if curve == VOLTS:
            return "V"
        return "" if curve in self.curves and self.curves[curve].polynomial is not None else "°C"

    def devices(self) -> frozenset[str]:
        """Return the bus."""
        return frozenset({device(self.bus)})


class Adcpi:
    """Measures pins: those of one converter one after another, both converters at the same time."""

    Options: ClassVar[type[msgspec.Struct]] = AdcpiOptions

    def __init__(self, options: AdcpiOptions, place: Place) -> None:
        self._options = options
        self._place = place
        self._inputs = options.inputs_by_channel()
        self._curves = {**CURVES, **options.curves}
        self._closed = False

    def read(self) -> Measurements:
        """Return all channels, those that failed with their error; raises DriverError when all did."""
        volts: dict[str, float | DriverError] = {}
        with opened(self._options.bus, self._place) as bus:
            self._take_turns([self._measure(bus, *chip, volts) for chip in self._chips()])
        return unless_all_failed({name: self._reading(pin, volts[name]) for name, pin in self._inputs.items()})

    def close(self) -> None:
        """End a read that is under way before its next transaction; between reads nothing is held."""
        self._closed = True

    def _chips(self) -> Iterator[tuple[int, list[str]]]:
        """Give the address of each converter that is needed, with its channels in the order of the pins."""
        ordered = sorted(self._inputs, key=lambda name: self._inputs[name].pin)
        for number, names in groupby(ordered, lambda name: (self._inputs[name].pin - 1) // CHANNELS):
            yield self._options.addresses[number], list(names)

    def _take_turns(self, turns: Iterable["_Turn"]) -> None:
        """Let each go on when it wants to, until all have ended."""
        due_s = dict.fromkeys(turns, self._place.monotonic())
        while due_s:
            turn = min(due_s, key=lambda turn: due_s[turn])
            self._wait_until(due_s[turn])
            pause_s = next(turn, None)
            if pause_s is None:
                del due_s[turn]
            else:
                due_s[turn] = self._place.monotonic() + pause_s

    def _wait_until(self, due_s: float) -> None:
        pause_s = due_s - self._place.monotonic()
        if pause_s > 0:
            self._place.sleep(pause_s)
        if self._closed:
            raise DriverError("the driver was closed")

    def _measure(self, bus: Bus, address: int, names: list[str], volts: dict[str, float | DriverError]) -> "_Turn":
        """Measure the channels of one converter. One that does not answer is not asked for the rest of them."""
        for position, name in enumerate(names):
            try:
                volts[name] = yield from self._tried(bus, address, self._setting(self._inputs[name]))
            except OutOfScaleError as error:
                volts[name] = error
            except DriverError as error:
                volts.update(dict.fromkeys(names[position:], error))
                return

    def _tried(self, bus: Bus, address: int, setting: Setting) -> Conversion:
        for _ in range(TRIES - 1):
            try:
                return (yield from convert(bus, address, setting))
            except OutOfScaleError:
                raise
            except DriverError:
                continue
        return (yield from convert(bus, address, setting))

    def _setting(self, channel: PinOptions) -> Setting:
        options = self._options
        return Setting((channel.pin - 1) % CHANNELS, options.bits, channel.gain or options.gain, options.divider)

    def _reading(self, channel: PinOptions, volts: float | DriverError) -> float | Measured | DriverError:
        if isinstance(volts, DriverError):
            return _of_pin(channel, volts)
        if channel.curve not in self._curves:
            return volts
        try:
            return Measured(value_at(self._curves[channel.curve], volts, INPUT_OHMS), {"voltage": volts})
        except DriverError as error:
            return _of_pin(channel, error)


_Turn: TypeAlias = Generator[float, None, None]
"""What goes on by and by; it yields how many seconds it waits."""


def _of_pin(channel: PinOptions, error: DriverError) -> DriverError:
    return DriverError(f"pin {channel.pin}: {error.message}", error.hint)
