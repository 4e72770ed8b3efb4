"""The analog-to-digital converter MCP3424 (Microchip DS22088C): four channels, 12 to 18 bits, one conversion at a time.

One byte is written (chapter 5.2), and after the result the same byte is read (chapter 5.3):

    configuration   RDY  C1 C0  O/C  S1 S0  G1 G0
    bit             7    6  5   4    3  2   1  0

    RDY   written 1: begin a one-shot conversion; read 0: the result is new, 1: it was read before, or is another's
    C     the channel, 0 to 3
    O/C   1 continuous, 0 one-shot
    S     how many bits: RATES
    G     the amplification: GAINS

    12, 14, 16 bits   result(2)  configuration
    18 bits           result(3)  configuration            big endian, two's complement, the sign repeated in front
"""

from collections.abc import Generator
from typing import Final, NamedTuple, TypeAlias

from drivers.driver import DriverError
from drivers.hardware.i2c import Bus


class Rate(NamedTuple):
    """What belongs to a number of bits: `code` in the configuration, the steps of a voltage, the size of a result."""

    code: int
    samples_per_s: float
    step_v: float
    size: int


RATES: Final = {
    12: Rate(0b00, 240.0, 1e-3, 2),
    14: Rate(0b01, 60.0, 250e-6, 2),
    16: Rate(0b10, 15.0, 62.5e-6, 2),
    18: Rate(0b11, 3.75, 15.625e-6, 3),
}
GAINS: Final = {1: 0b00, 2: 0b01, 4: 0b10, 8: 0b11}
FULL_SCALE_V: Final = 2.048
"""A channel measures from -2.048 V to 2.048 V at gain 1."""

CHANNELS: Final = 4

_RDY: Final = 0x80

# Looks at a result begin when 0.9 of its time has passed and end when 3 times of it have: RATES has the typical rates,
# and every converter has a clock of its own.
_FIRST_LOOK: Final = 0.9
_NEXT_LOOK: Final = 0.15
MOST_LOOKS: Final = 15


class Setting(NamedTuple):
    """What is measured: a channel (0 to 3), how many bits, the gain, and the divider in front of the channel.

    `divider` is the voltage in front of it for one volt at the channel.
    """

    channel: int
    bits: int
    gain: int
    divider: float = 1.0

    @property
    def rate(self) -> Rate:
        """What belongs to its bits."""
        return RATES[self.bits]

    @property
    def configuration(self) -> int:
        """What is written for it: one-shot, without RDY."""
        return self.channel << 5 | self.rate.code << 2 | GAINS[self.gain]


class OutOfScaleError(DriverError):
    """A voltage is at the end of what can be measured, or beyond."""


Conversion: TypeAlias = Generator[float, None, float]
"""A conversion under way. It yields how many seconds to wait before it goes on, and returns volts."""


def convert(bus: Bus, address: int, setting: Setting) -> Conversion:
    """Measure one channel; raises DriverError, an OutOfScaleError when no result can show the voltage."""
    rate = setting.rate
    bus.write_byte(address, _RDY | setting.configuration)
    yield _FIRST_LOOK / rate.samples_per_s
    for _ in range(MOST_LOOKS):
        *result, status = bus.read(address, rate.size + 1)
        if status & ~_RDY != setting.configuration:
            raise DriverError(f"{bus.chip(address)}: another program has set it to 0x{status:02x}", "stop that program")
        if not status & _RDY:
            return _volts(int.from_bytes(result, "big", signed=True), setting)
        yield _NEXT_LOOK / rate.samples_per_s
    raise DriverError(f"{bus.chip(address)}: a conversion does not end", "switch the power of its board off and on")


def _volts(code: int, setting: Setting) -> float:
    limit = 1 << setting.bits - 1
    if code == limit - 1:
        raise OutOfScaleError(f"over range, {_end_v(setting):.3g} V or more", "take a smaller gain, or divide more")
    if code == -limit:
        raise OutOfScaleError(f"under range, -{_end_v(setting):.3g} V or less", "see the polarity and the ground")
    return code * (setting.rate.step_v / setting.gain) * setting.divider


def _end_v(setting: Setting) -> float:
    return FULL_SCALE_V / setting.gain * setting.divider
