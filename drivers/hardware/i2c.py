"""The I2C buses of this computer: one exchange with a chip at a time, and who answers on a bus.

    /dev/i2c-N                                  the bus N; ioctls as in linux/i2c-dev.h, made by smbus2
    /sys/bus/i2c/devices/N-00AA/driver          a link to the kernel's driver of the address AA, when it has one

An address is what the datasheets call the seven bits: 0x08 to 0x77.
"""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from drivers.driver import DriverError, Place
from drivers.libraries import library

T = TypeVar("T")

ADDRESSES: Final = range(0x08, 0x78)
"""The addresses that chips may have: what lies outside is reserved by the I2C specification."""

UNNAMED: Final = "unknown"
"""The kernel's driver of an address when /sys does not say which it is."""

LOCKED_S: Final = 3.0  # two ADCs with four pins each, at 18 bits, are read in half of it
_LOCK_AGAIN_S: Final = 0.01


def device(bus: int) -> str:
    """Return the path of a bus."""
    return f"/dev/i2c-{bus}"


def buses(root: Path = Path("/")) -> list[int]:
    """Return the numbers of the buses that are there."""
    numbers = (path.name.removeprefix("i2c-") for path in (root / "dev").glob("i2c-*"))
    return sorted(int(number) for number in numbers if number.isascii() and number.isdigit())


class Bus:
    """An open bus. Every method is one transaction and raises DriverError."""

    def __init__(self, smbus: Any, messages: Any, name: str) -> None:
        self._smbus = smbus
        self._messages = messages
        self._name = name

    def chip(self, address: int) -> str:
        """Return what an operator knows a chip by."""
        return f"{self._name}: 0x{address:02x}"

    def write_byte(self, address: int, byte: int) -> None:
        """Write one byte to a chip; refused when a driver of the kernel owns the address."""
        self._do(address, lambda: self._smbus.write_byte(address, byte))

    def read(self, address: int, count: int) -> bytes:
        """Read so many bytes from a chip, without naming a register."""

        def transact() -> bytes:
            message = self._messages.read(address, count)
            self._smbus.i2c_rdwr(message)
            return bytes(message)

        return self._do(address, transact)

    def _do(self, address: int, transact: Callable[[], T]) -> T:
        try:
            return transact()
        except OSError as error:
            raise _told(self.chip(address), error, _CHIP_ADVICE) from error


def opened(bus: int, place: Place) -> AbstractContextManager[Bus]:
    """Open a bus for one read of a driver, and have it alone among the drivers and programs that ask as we do.

    A chip with one result register must not be asked by two at once. Raises DriverError, also when others have the bus
    for longer than 3 s.
    """
    smbus2 = library("smbus2", "adcpi")
    return _opened(smbus2, place.locate(device(bus)), device(bus), place)


@contextmanager
def _opened(smbus2: Any, path: Path, name: str, place: Place) -> Iterator[Bus]:
    with _open(smbus2, path, name) as smbus:
        _lock(smbus.fd, name, place)
        yield Bus(smbus, smbus2.i2c_msg, name)


@contextmanager
def _open(smbus2: Any, path: Path, name: str) -> Iterator[Any]:
    with closing(smbus2.SMBus()) as smbus:
        try:
            smbus.open(str(path))
        except OSError as error:
            raise _told(name, error, _BUS_ADVICE) from error
        yield smbus


def _lock(descriptor: int, name: str, place: Place) -> None:
    until_s = place.monotonic() + LOCKED_S
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        if place.monotonic() >= until_s:
            raise DriverError(f"{name}: somebody else has had the bus for {LOCKED_S:g} s", "see who reads it as well")
        place.sleep(_LOCK_AGAIN_S)


class Found(NamedTuple):
    """An address that answers. `kernel_driver` is the name of its owner in the kernel, which keeps others away."""

    address: int
    kernel_driver: str | None


def scan(bus: int, root: Path = Path("/")) -> list[Found]:
    """Ask every address of a bus whether somebody is there, as i2cdetect does; raises DriverError.

    An address that a driver of the kernel owns is not asked. Others get what changes the least in a chip: a write
    without data, or a byte is read from those where a write may do harm (EEPROMs) or where the bus has no such write.
    """
    smbus2 = library("smbus2", "adcpi")
    with _open(smbus2, root / device(bus).removeprefix("/"), device(bus)) as smbus:
        ask = _asker(smbus, smbus2.I2cFunc)
        answers = list(_ask_all(ask, device(bus)))
    owners = root / "sys/bus/i2c/devices"
    return [
        Found(address, _owner(owners / f"{bus}-{address:04x}") if number == errno.EBUSY else None)
        for address, number in answers
        if number in _PRESENT
    ]


MOST_TIMEOUTS: Final = 3  # each takes a second: a chip or two may be slow, more is the bus
_PRESENT: Final = (0, errno.EBUSY)
_READ_ADDRESSES: Final = (*range(0x30, 0x38), *range(0x50, 0x60))


def _asker(smbus: Any, functions: Any) -> Callable[[int], object]:
    """Choose how addresses are asked; raises DriverError when the bus can do neither."""
    can_read, can_write = smbus.funcs & functions.SMBUS_READ_BYTE, smbus.funcs & functions.SMBUS_QUICK
    if not (can_read or can_write):
        raise DriverError("the bus can neither write nothing nor read one byte", "it cannot be scanned")

    def ask(address: int) -> object:
        is_read = can_read and (address in _READ_ADDRESSES or not can_write)
        return smbus.read_byte(address) if is_read else smbus.write_quick(address)

    return ask


def _ask_all(ask: Callable[[int], object], name: str) -> Iterator[tuple[int, int]]:
    """Give all addresses, each with the number of its error; raises DriverError when the bus does not move."""
    timeouts = 0
    for address in ADDRESSES:
        number = _answer(ask, address)
        timeouts += number == errno.ETIMEDOUT
        if timeouts > MOST_TIMEOUTS:
            raise _told(name, TimeoutError(number, os.strerror(number)), _CHIP_ADVICE)
        yield address, number


def _answer(ask: Callable[[int], object], address: int) -> int:
    """Return 0 when an address answers, else the number of the error."""
    try:
        ask(address)
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _owner(path: Path) -> str:
    try:
        return (path / "driver").readlink().name
    except OSError:
        return UNNAMED


class Chip(NamedTuple):
    """A kind of chip that is often found at an address."""

    name: str
    what: str
    addresses: tuple[int, ...]


def _span(first: int, last: int) -> tuple[int, ...]:
    return tuple(range(first, last + 1))


CHIPS: Final = (
    Chip("VEML7700", "light", (0x10,)),
    Chip("MCP9808", "temperature", _span(0x18, 0x1F)),
    Chip("MCP23017", "16 inputs and outputs", _span(0x20, 0x27)),
    Chip("PCF8574", "8 inputs and outputs", _span(0x20, 0x27)),
    Chip("BH1750", "light", (0x23, 0x5C)),
    Chip("VL53L0X", "distance", (0x29,)),
    Chip("TSL2591", "light", (0x29,)),
    Chip("EMC2301", "fan", (0x2F,)),
    Chip("MAX17048", "charge of a battery", (0x36,)),
    Chip("AHT20", "temperature and humidity", (0x38,)),
    Chip("PCF8574A", "8 inputs and outputs", _span(0x38, 0x3F)),
    Chip("TSL2561", "light", (0x29, 0x39, 0x49)),
    Chip("SSD1306", "display", (0x3C, 0x3D)),
    Chip("SHT2x", "temperature and humidity", (0x40,)),
    Chip("INA219", "current and voltage", _span(0x40, 0x4F)),
    Chip("SHT3x", "temperature and humidity", (0x44, 0x45)),
    Chip("SHT4x", "temperature and humidity", (0x44, 0x45)),
    Chip("ADS1115", "4 voltages", _span(0x48, 0x4B)),
    Chip("TMP102", "temperature", _span(0x48, 0x4B)),
    Chip("LM75", "temperature", _span(0x48, 0x4F)),
    Chip("PCF8591", "4 voltages", _span(0x48, 0x4F)),
    Chip("AT24Cxx", "memory", _span(0x50, 0x57)),
    Chip("SGP30", "air quality", (0x58,)),
    Chip("SGP40", "air quality", (0x59,)),
    Chip("MLX90614", "temperature without touching", (0x5A,)),
    Chip("CCS811", "air quality", (0x5A, 0x5B)),
    Chip("SCD30", "carbon dioxide", (0x61,)),
    Chip("SCD4x", "carbon dioxide", (0x62,)),
    Chip("MCP3424", "4 voltages, as on the ADC Pi", _span(0x68, 0x6F)),
    Chip("DS3231", "clock", (0x68,)),
    Chip("MPU-6050", "motion", (0x68, 0x69)),
    Chip("SPS30", "dust", (0x69,)),
    Chip("BME280", "temperature, humidity, pressure", (0x76, 0x77)),
    Chip("BMP280", "temperature, pressure", (0x76, 0x77)),
    Chip("BME680", "temperature, humidity, pressure, air quality", (0x76, 0x77)),
    Chip("BMP180", "temperature, pressure", (0x77,)),
)
"""What owners of a Raspberry Pi attach, by the addresses of the datasheets: an address is a hint, not a proof."""


def chips_at(address: int) -> tuple[Chip, ...]:
    """Return the chips that are often found at an address."""
    return tuple(chip for chip in CHIPS if address in chip.addresses)


_ABSENT: Final = "see the jumpers of its address, its cable and its power; i2cdetect shows who answers"
_CHIP_ADVICE: Final = {
    errno.EREMOTEIO: _ABSENT,
    errno.ENXIO: _ABSENT,
    errno.ENODEV: _ABSENT,
    errno.EIO: _ABSENT,
    errno.EBUSY: "a driver of the kernel owns this address: use the driver iio or hwmon, or take its overlay away",
    errno.ETIMEDOUT: "a chip holds the bus: see the wiring, and switch the power of the chips off and on",
}
_BUS_ADVICE: Final = {
    errno.ENOENT: "switch I2C on: dtparam=i2c_arm=on in config.txt, i2c-dev in /etc/modules, and restart",
    errno.EACCES: "add the user of the agent to the group i2c",
}


def _told(what: str, error: OSError, advice: dict[int, str]) -> DriverError:
    return DriverError(f"{what}: {error.strerror}", advice.get(error.errno or 0, ""))
