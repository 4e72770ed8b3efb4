"""An I2C bus with chips on it, register for register. `tests.drivers.devices.i2c_dev` shows it to programs."""

import errno
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from smbus2 import I2cFunc

ABSENT: Final = errno.EREMOTEIO  # what the bus of a Raspberry Pi says when nobody pulls the line down
ALL_FUNCTIONS: Final = int(I2cFunc.I2C | I2cFunc.SMBUS_EMUL)


class Chip(Protocol):
    """What follows a chip's address on the wire."""

    def write(self, data: bytes) -> None:
        """Take what is written to the chip; nothing when it is only asked whether it is there."""
        ...

    def read(self, count: int) -> bytes:
        """Give so many bytes."""
        ...

    def reset(self) -> None:
        """Do what a general call of 0x06 says."""
        ...


class Registers:
    """A chip with 256 registers of one byte: what is written first is the register's number."""

    def __init__(self, values: Mapping[int, int] | None = None) -> None:
        self.values = dict(values or {})
        self.writes = 0
        self.calls = 0  # without data
        self._pointer = 0

    def write(self, data: bytes) -> None:
        if not data:
            self.calls += 1
            return
        self._pointer = data[0]
        for byte in data[1:]:
            self.writes += 1
            self.values[self._next()] = byte

    def read(self, count: int) -> bytes:
        return bytes(self.values.get(self._next(), 0) for _ in range(count))

    def reset(self) -> None:
        """Do not know of general calls."""

    def _next(self) -> int:
        register, self._pointer = self._pointer, (self._pointer + 1) % 256
        return register


class Mcp3424:
    """The converter of the ADC Pi, by its data sheet (DS22088C, chapters 4 and 5).

    `volts` are the voltages between the pins of its four channels, a number or what returns one. Conversions take
    1/SPS of the clock. When it is `stuck` no conversion ends.
    """

    BITS: Final = (12, 14, 16, 18)
    SAMPLES_PER_S: Final = (240.0, 60.0, 15.0, 3.75)
    LSB_V: Final = (1e-3, 250e-6, 62.5e-6, 15.625e-6)
    POWER_ON: Final = 0x10  # channel 1, continuous, 12 bits, gain 1; what is read has RDY in bit 7

    def __init__(self, monotonic: Callable[[], float], *volts: float | Callable[[], float]) -> None:
        self.volts = [*volts, *[0.0] * (4 - len(volts))]
        self.stuck = False
        self._monotonic = monotonic
        self._code = 0
        self._is_new = False
        self.reset()

    def reset(self) -> None:
        """Begin as after power on."""
        self._set(self.POWER_ON)
        self._start()

    def write(self, data: bytes) -> None:
        """Take a configuration; of several bytes the last counts. RDY starts a conversion of one-shot mode."""
        self._catch_up()
        for byte in data:
            self._set(byte & 0x7F)
            if self._is_continuous or byte & 0x80:
                self._start()

    def read(self, count: int) -> bytes:
        """Give the last result, which may be that of another channel, and the configuration again and again."""
        self._catch_up()
        size = 3 if self._rate == 3 else 2
        status = self._config | (0 if self._is_new else 0x80)
        self._is_new = False
        data = self._code.to_bytes(4, "big", signed=True)[-size:]
        return (data + bytes([status]) * count)[:count]

    @property
    def _is_continuous(self) -> bool:
        return bool(self._config & 0x10)

    @property
    def _rate(self) -> int:
        return self._config >> 2 & 3

    def _set(self, config: int) -> None:
        self._config = config
        self._is_new = False
        self._ends_s: float | None = None

    def _start(self) -> None:
        self._ends_s = self._monotonic() + 1 / self.SAMPLES_PER_S[self._rate]

    def _catch_up(self) -> None:
        now_s = self._monotonic()
        if self._ends_s is None or self.stuck or now_s < self._ends_s:
            return
        self._code, self._is_new = self._converted(), True
        if not self._is_continuous:
            self._ends_s = None
            return
        while self._ends_s <= now_s:
            self._ends_s += 1 / self.SAMPLES_PER_S[self._rate]

    def _converted(self) -> int:
        volts = self.volts[self._config >> 5 & 3]
        steps = (volts() if callable(volts) else volts) * (1 << (self._config & 3)) / self.LSB_V[self._rate]
        limit = 1 << self.BITS[self._rate] - 1
        return max(-limit, min(limit - 1, round(steps)))


class EmulatedBus:
    """A bus with chips by address. `owned` are the addresses that a driver of the kernel has.

    `fails` is asked once for each transaction, whatever becomes of it; one that fails gets the error `failing_with`.
    With `closed_with` it cannot be opened.
    """

    def __init__(self, chips: Mapping[int, Chip], fails: Callable[[], bool] = lambda: False) -> None:
        self.chips = dict(chips)
        self.fails = fails
        self.failing_with = errno.EIO
        self.closed_with: int | None = None
        self.owned: set[int] = set()
        self.functions = ALL_FUNCTIONS
        self.transactions = 0

    def transact(self, messages: list[tuple[int, bytes | int]]) -> list[bytes]:
        """Carry out writes (bytes) and reads (how many), each with its address; return what was read. OSError."""
        self.transactions += 1
        if self.fails():
            raise OSError(self.failing_with, "injected")
        return [self._carry_out(address, data) for address, data in messages]

    def _carry_out(self, address: int, data: bytes | int) -> bytes:
        if address == 0 and data == b"\x06":
            for chip in self.chips.values():
                chip.reset()
            return b""
        if address not in self.chips:
            raise OSError(ABSENT, "nobody there")
        if isinstance(data, int):
            return self.chips[address].read(data)
        self.chips[address].write(data)
        return b""
