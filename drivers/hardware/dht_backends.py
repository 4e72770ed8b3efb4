"""Ways to ask a DHT11, DHT21 or DHT22: the kernel's driver, and two libraries that measure pulses themselves."""

import errno
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from drivers.driver import DriverError, Place
from drivers.hardware.sysfs import Chip, SysfsError, chips, read_bytes
from drivers.iio import CLASS, read_channel
from drivers.libraries import library
from drivers.text.decimals import exact

_WIRING: Final = "look at its wiring, its 10 kΩ resistor between DATA and 3.3 V, and its power"


class Climate(NamedTuple):
    """What the sensor says in one transaction: °C and % of relative humidity."""

    celsius: Decimal
    percent: Decimal


class TransactionError(DriverError):
    """The sensor was asked and gave no good answer: another try may find better."""


class Backend(Protocol):
    """A way to ask one sensor."""

    def measure(self) -> Climate:
        """Do one transaction; raises TransactionError, and DriverError when another try is of no use."""
        ...

    def close(self) -> None:
        """Let go of the pin; a second time does nothing."""
        ...


class KernelDht:
    """The kernel's driver `dht11`, which knows all these sensors. It keeps a good answer for 2 s."""

    def __init__(self, pin: int, _model: str, place: Place) -> None:
        self._device = _kernel_device(place.locate(CLASS), pin)

    def measure(self) -> Climate:
        """Read both files, the second of which has the answer that the first one got."""
        try:
            return Climate(read_channel(self._device, "temp"), read_channel(self._device, "humidityrelative"))
        except SysfsError as error:
            if error.passing:
                raise TransactionError(error.message, error.hint) from error
            raise

    def close(self) -> None:
        """Do nothing: files are opened anew each time."""


class CircuitPythonDht:
    """The library adafruit-circuitpython-dht."""

    def __init__(self, pin: int, model: str, _place: Place) -> None:
        sensors, board = library("adafruit_dht", "dht"), library("board", "dht")
        place = getattr(board, f"D{pin}", None)
        if place is None:
            raise DriverError(f"this computer has no pin D{pin}, says the library of Adafruit")
        self._sensor: Any = _built(lambda: getattr(sensors, model.upper())(place))

    def measure(self) -> Climate:
        """Ask once: within 2 s the library gives the same answer for the humidity."""
        try:
            celsius, percent = self._sensor.temperature, self._sensor.humidity
        except RuntimeError as error:  # of the library: a checksum, or too few pulses
            raise TransactionError(str(error), _WIRING) from error
        except (OSError, ValueError) as error:  # of what it reaches the pin with
            raise DriverError(f"{type(error).__name__}: {error}", "see whether another program uses the pin") from error
        return _climate(celsius, percent)

    def close(self) -> None:
        """End the program that measures the pulses."""
        self._sensor.exit()


class AdafruitDht:
    """The older library Adafruit_DHT, for those who still have it."""

    def __init__(self, pin: int, model: str, _place: Place) -> None:
        try:
            self._library = library("Adafruit_DHT", "dht")
        except DriverError as error:
            raise DriverError(error.message, "it is kept up no more: use one of the other ways") from error
        self._pin = pin
        self._sensor = self._library.DHT11 if model == "dht11" else self._library.DHT22  # a DHT21 talks as a DHT22

    def measure(self) -> Climate:
        """Ask once: its own retries would wait for half a minute."""
        try:
            percent, celsius = self._library.read(self._sensor, self._pin)
        except RuntimeError as error:
            raise DriverError(f"Adafruit_DHT: {error}", "it knows only older Raspberry Pis: use another way") from error
        return _climate(celsius, percent)

    def close(self) -> None:
        """Do nothing: it holds nothing between two transactions."""


BACKENDS: Final[dict[str, Callable[[int, str, Place], Backend]]] = {
    "iio": KernelDht,
    "circuitpython": CircuitPythonDht,
    "adafruit": AdafruitDht,
}
"""The ways in the order in which they are tried; each raises DriverError when it is none here."""


def _climate(celsius: float | None, percent: float | None) -> Climate:
    if celsius is None or percent is None:
        raise TransactionError("the sensor gave no values", _WIRING)
    return Climate(exact(celsius), exact(percent))


def _built(build: Callable[[], Any]) -> Any:
    try:
        return build()
    except Exception as error:  # it looks for the hardware in many ways
        raise DriverError(f"{type(error).__name__}: {error}", "see whether another program uses the pin") from error


# The overlay makes a node of the device tree, and the device has its name:
#
#   dht11@15    newer ones: the address is the pin, in hexadecimal: GPIO 21
#   dht11@0     older ones, whatever the pin is
#   of_node/gpios    three numbers of 4 bytes, high byte first: the controller, the pin, flags
_NAME: Final = "dht11"
_OLD_ADDRESS: Final = "0"


def _kernel_device(directory: Path, pin: int) -> Path:
    """Return the kernel's device for a pin; raises DriverError when there is none."""
    devices = [chip for chip in chips(directory) if chip.name.partition("@")[0] == _NAME]
    places = [device_tree_pin(device) for device in devices]
    for is_it in (_is_hexadecimal, _is_decimal, _is_old):
        for device, place in zip(devices, places, strict=True):
            if place == pin or (place is None and is_it(device, pin)):
                return device.path
    known = f"; there are: {', '.join(sorted(device.name for device in devices))}" if devices else ""
    advice = f"write dtoverlay=dht11,gpiopin={pin} into config.txt"
    raise SysfsError(f"{directory}: there is no dht11 on GPIO {pin}{known}", advice, errno.ENOENT)


def device_tree_pin(device: Chip) -> int | None:
    """Return the GPIO of a device; None where the device tree does not say."""
    try:
        cells = read_bytes(device.path / "of_node/gpios")
    except SysfsError:
        return None
    return int.from_bytes(cells[4:8], "big") if len(cells) >= 8 else None


def _address(device: Chip) -> str:
    return device.name.partition("@")[2]


def _is_hexadecimal(device: Chip, pin: int) -> bool:
    return _address(device) == f"{pin:x}" and _address(device) != _OLD_ADDRESS


def _is_decimal(device: Chip, pin: int) -> bool:
    return _address(device) == str(pin) and _address(device) != _OLD_ADDRESS


def _is_old(device: Chip, _pin: int) -> bool:
    return _address(device) in ("", _OLD_ADDRESS)
