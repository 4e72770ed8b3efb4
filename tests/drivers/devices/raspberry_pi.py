"""A Raspberry Pi 4 or 5 with sensors attached, as its kernel shows it in /sys and /dev, for the drivers and `scan`."""

import errno
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from tests.drivers.devices import i2c_dev
from tests.drivers.devices.i2c import EmulatedBus, Mcp3424, Registers
from tests.drivers.devices.sysfs import KernelDht22, OneWireBus, put_hwmon, put_iio
from tests.support.driven_time import ManualClock
from tests.support.fake_sysfs import FakeSysfs

THERMOMETERS: Final = {"28-0316a2795dff": 21.5, "28-0416b2895eff": -10.125}
AT_PINS_V: Final = (1.0, 2.5, 3.3, 4.9)
DIVIDER: Final = 16.8 / 6.8
ZWAVE_STICK: Final = "usb-0658_0200-if00"

_GET_CHIPINFO: Final = 0x8044B401
_ADS1015: Final = {f"in_voltage{number}_{what}": text for number in range(4) for what, text in (
    ("raw", str(100 * (number + 1))), ("scale", "3.000000000"), ("sampling_frequency", "1600"),
)}  # fmt: skip
_BME280: Final = {
    "in_temp_input": "25080",
    "in_pressure_input": "100.653253906",
    "in_humidityrelative_input": "33603",
    "in_temp_oversampling_ratio": "2",
}


class Model(NamedTuple):
    """What differs: the chip with the pins of the header and its lines, and more chips of hwmon with their files."""

    gpio: bytes
    lines: int
    monitored: dict[str, dict[str, str]]


PI_4: Final = Model(b"pinctrl-bcm2711", 58, {})
PI_5: Final = Model(
    b"pinctrl-rp1",
    54,
    {
        "rp1_adc": {"in1_input": "1438", "in2_input": "2451", "temp1_input": "44123"},
        "pwmfan": {"fan1_input": "2941", "pwm1": "75", "pwm1_enable": "1"},
    },
)


@contextmanager
def i2c(directory: Path, clock: ManualClock) -> Iterator[Path]:
    """Give the bus with an ADC Pi, and with two chips that the kernel has, as a file in a directory."""
    chips = {0x68 + number: Mcp3424(clock.monotonic, *(volts / DIVIDER for volts in AT_PINS_V)) for number in (0, 1)}
    bus = EmulatedBus({**chips, 0x48: Registers(), 0x76: Registers()})
    bus.owned = {0x48, 0x76}
    with i2c_dev.mounted({1: bus}, directory):
        yield directory / "i2c-1"


def attach(files: FakeSysfs, clock: ManualClock, model: Model, bus: Path) -> None:
    """Attach everything."""
    _put_processor(files, model)
    _put_thermometers(files, clock)
    _put_iio(files, clock)
    files.device("/dev/gpiochip0", _gpiochip(model.gpio, model.lines))
    files.put(f"/dev/serial/by-id/{ZWAVE_STICK}", "")
    files.link("/dev/i2c-1", str(bus))
    for address, driver in ((0x48, "ads1015"), (0x76, "bmp280")):
        files.link(f"/sys/bus/i2c/devices/1-{address:04x}/driver", f"../../../../bus/i2c/drivers/{driver}")


def _put_processor(files: FakeSysfs, model: Model) -> None:
    files.put("/sys/class/thermal/thermal_zone0/type", "cpu-thermal\n")
    files.put("/sys/class/thermal/thermal_zone0/temp", "48312\n")
    put_hwmon(files, 0, "cpu_thermal", {"temp1_input": "48312"}, "virtual/thermal/thermal_zone0")
    put_hwmon(files, 1, "rpi_volt", {"in0_lcrit_alarm": "0"}, "platform/soc/soc:firmware/raspberrypi-hwmon")
    for number, (name, texts) in enumerate(model.monitored.items(), start=2):
        put_hwmon(files, number, name, texts, f"platform/axi/{name}")


def _put_thermometers(files: FakeSysfs, clock: ManualClock) -> None:
    """Put two on a bus, which w1_therm shows as chips of hwmon as well."""
    bus = OneWireBus(files, clock)
    for number, (id_, celsius) in enumerate(THERMOMETERS.items(), start=10):
        bus.add(id_, celsius)
        put_hwmon(files, number, "w1_slave_temp", {"temp1_input": "21500"}, f"w1_bus_master1/{id_}")


def _put_iio(files: FakeSysfs, clock: ManualClock) -> None:
    KernelDht22(files, clock, "dht11@4", 4)
    put_iio(files, 1, "bme280", _BME280, "i2c-1/1-0076")
    put_iio(files, 2, "ads1015", _ADS1015, "i2c-1/1-0048")


def _gpiochip(label: bytes, lines: int) -> Callable[[int], bytes]:
    """Answer GPIO_GET_CHIPINFO_IOCTL (linux/gpio.h)."""

    def answer(number: int) -> bytes:
        if number != _GET_CHIPINFO:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return struct.pack("<32s32sI", b"gpiochip0", label, lines)

    return answer
