"""Devices as the kernel shows them in /sys: chips of hwmon and iio, 1-Wire thermometers, and a DHT22."""

import errno
import os
from collections.abc import Callable, Mapping
from typing import Final

from tests.drivers.trying import Bench
from tests.support.driven_time import ManualClock
from tests.support.fake_sysfs import FakeSysfs, mounted

Fails = Callable[[], bool]
"""Is asked for each transaction with a device: whether it goes wrong."""


def never() -> bool:
    """Let nothing go wrong."""
    return False


def sysfs_of(bench: Bench) -> FakeSysfs:
    """Return the /sys of a bench; it is mounted for the first who asks."""
    if "sysfs" not in bench.made:
        bench.made["sysfs"] = bench.stack.enter_context(mounted(bench.path.parent))
    files = bench.made["sysfs"]
    assert isinstance(files, FakeSysfs)
    return files


def put_hwmon(files: FakeSysfs, number: int, name: str, texts: Mapping[str, str], parent: str = "i2c-1/1-0048") -> str:
    """Put a chip of hwmon and return where its files lie."""
    directory = f"/sys/devices/{parent}/hwmon/hwmon{number}"
    files.put(f"{directory}/name", f"{name}\n")
    files.link(f"{directory}/device", "../..")
    files.link(f"/sys/class/hwmon/hwmon{number}", f"../../devices/{parent}/hwmon/hwmon{number}")
    for file, text in texts.items():
        files.put(f"{directory}/{file}", f"{text}\n")
    return directory


def put_iio(files: FakeSysfs, number: int, name: str, texts: Mapping[str, str], parent: str = "i2c-1/1-0076") -> str:
    """Put a device of iio and return where its files lie."""
    directory = f"/sys/devices/{parent}/iio:device{number}"
    files.put(f"{directory}/name", f"{name}\n")
    files.link(f"/sys/bus/iio/devices/iio:device{number}", f"../../../devices/{parent}/iio:device{number}")
    for file, text in texts.items():
        files.put(f"{directory}/{file}", f"{text}\n")
    return directory


def failing_now_and_then(files: FakeSysfs, fails: Fails, number: int = errno.EIO) -> None:
    """Let measurements of hwmon and iio fail with an errno when `fails` says so."""
    files.trouble = lambda path: number if path.endswith(("_input", "_raw")) and fails() else 0


POWER_ON_C: Final = 85.0
CONVERSION_S: Final = {9: 0.095, 10: 0.19, 11: 0.375, 12: 0.75}
SCRATCHPAD_S: Final = 0.012
"""What a reset, the address and nine bytes take on the bus."""


class Ds18b20:
    """A thermometer: what its surroundings are, what it measured last, and whether it has enough power to measure."""

    def __init__(self, celsius: float) -> None:
        self.celsius = celsius
        self.resolution = 12
        self.has_power = True
        self.is_pending = False
        self._sixteenths = round(POWER_ON_C * 16)

    def convert(self) -> None:
        """Measure."""
        unused_bits = 12 - self.resolution
        sixteenths = round(self.celsius * 16) >> unused_bits << unused_bits
        self._sixteenths = sixteenths if self.has_power else round(POWER_ON_C * 16)

    def scratchpad(self) -> bytes:
        """Return its nine bytes."""
        configuration = self.resolution - 9 << 5 | 0x1F
        data = self._sixteenths.to_bytes(2, "little", signed=True) + bytes(
            [0x4B, 0x46, configuration, 0xFF, 0x0C, 0x10]
        )
        return data + bytes([_dallas_crc(data)])

    def thousandths(self) -> int:
        """Return the temperature as w1_therm calculates it."""
        return self._sixteenths * 1000 // 16


class OneWireBus:
    """A bus with its thermometers as w1_therm shows them.

    `fails` is asked for each transaction: a thermometer's file is empty then, or with `says_no` it has the bytes that
    were read last and NO, and a bulk conversion does not begin. Conversions let time pass.
    """

    def __init__(self, files: FakeSysfs, clock: ManualClock, number: int = 1, *, has_bulk: bool = True) -> None:
        self.fails: Fails = never
        self.says_no = False
        self.transactions = 0
        self._files = files
        self._clock = clock
        self._name = f"w1_bus_master{number}"
        self._sensors: dict[str, Ds18b20] = {}
        files.put(f"/sys/devices/{self._name}/w1_master_name", f"{self._name}\n")
        files.link(f"/sys/bus/w1/devices/{self._name}", f"../../../devices/{self._name}")
        if has_bulk:
            files.attribute(f"/sys/devices/{self._name}/therm_bulk_read", self._show_bulk, self._store_bulk)

    def add(self, id_: str, celsius: float) -> Ds18b20:
        """Plug a thermometer in."""
        sensor = self._sensors[id_] = Ds18b20(celsius)
        directory = f"/sys/devices/{self._name}/{id_}"
        self._files.link(f"/sys/bus/w1/devices/{id_}", f"../../../devices/{self._name}/{id_}")
        self._files.attribute(f"{directory}/w1_slave", lambda: self._show(sensor))
        if not id_.startswith("10-"):  # a DS18S20 has no choice
            self._files.attribute(
                f"{directory}/resolution", lambda: f"{sensor.resolution}\n", lambda text: _set_resolution(sensor, text)
            )
        return sensor

    def remove(self, id_: str) -> None:
        """Pull a thermometer out."""
        del self._sensors[id_]
        self._files.remove(f"/sys/bus/w1/devices/{id_}")
        self._files.remove(f"/sys/devices/{self._name}/{id_}")

    def convert_all(self) -> None:
        """Have all thermometers measure, as another program may want it."""
        self._clock.pass_time(max(CONVERSION_S[sensor.resolution] for sensor in self._sensors.values()))
        for sensor in self._sensors.values():
            sensor.convert()
            sensor.is_pending = True

    def _show(self, sensor: Ds18b20) -> str:
        before = sensor.scratchpad()
        if not sensor.is_pending:
            self._clock.pass_time(CONVERSION_S[sensor.resolution])
            sensor.convert()
        self._clock.pass_time(SCRATCHPAD_S)
        sensor.is_pending = False
        if not self._goes_wrong():
            return _w1_slave(sensor.scratchpad(), sensor.scratchpad(), "YES", sensor.thousandths())
        heard = bytes([*sensor.scratchpad()[:8], sensor.scratchpad()[8] ^ 0x5A])
        return _w1_slave(heard, before, "NO", sensor.thousandths()) if self.says_no else ""

    def _show_bulk(self) -> str:
        return "1\n" if any(sensor.is_pending for sensor in self._sensors.values()) else "0\n"

    def _store_bulk(self, text: str) -> None:
        """Do nothing, and say nothing of it, unless eight bytes begin with the word: so does the kernel."""
        if len(text) == 8 and text.startswith("trigger") and self._sensors and not self._goes_wrong():
            self.convert_all()

    def _goes_wrong(self) -> bool:
        self.transactions += 1
        return self.fails()


def _set_resolution(sensor: Ds18b20, text: str) -> None:
    if int(text) not in CONVERSION_S:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    sensor.resolution = int(text)


def _w1_slave(first: bytes, second: bytes, verdict: str, thousandths: int) -> str:
    return f"{first.hex(' ')} : crc={_dallas_crc(first[:8]):02x} {verdict}\n{second.hex(' ')} t={thousandths}\n"


def _dallas_crc(data: bytes) -> int:
    """Divide bit by bit, as the shift register in Maxim's application note 27 does."""
    register = 0
    for bit in (byte >> number & 1 for byte in data for number in range(8)):
        feedback = register & 1 ^ bit
        register = register >> 1 ^ (0b10001100 if feedback else 0)
    return register


TRANSACTION_S: Final = 0.025


class KernelDht22:
    """A DHT22 as the kernel's driver `dht11` shows it: an answer is kept for 2 s, the other file has the same.

    `outcome` is asked for each transaction with the sensor: 0 or an errno. A sensor that does not answer (ETIMEDOUT)
    lets a second pass, any other transaction TRANSACTION_S.
    """

    def __init__(self, files: FakeSysfs, clock: ManualClock, name: str, gpio: int | None = None) -> None:
        self.celsius = 21.5
        self.percent = 40.2
        self.outcome: Callable[[], int] = lambda: 0
        self.began_s: list[float] = []
        self._clock = clock
        self._kept_until_s = -1.0
        directory = put_iio(files, 0, name, {}, f"platform/{name}")
        files.attribute(f"{directory}/in_temp_input", lambda: f"{self._asked() and round(self.celsius * 1000)}\n")
        files.attribute(
            f"{directory}/in_humidityrelative_input", lambda: f"{self._asked() and round(self.percent * 1000)}\n"
        )
        if gpio is not None:
            cells = b"".join(number.to_bytes(4, "big") for number in (7, gpio, 0))
            files.put(f"{directory}/of_node/gpios", cells.decode("latin-1"))

    def _asked(self) -> bool:
        """Do a transaction unless there is a good answer that is new enough; raises OSError."""
        if self._clock.monotonic() <= self._kept_until_s:
            return True
        self.began_s.append(self._clock.monotonic())
        self._clock.pass_time(TRANSACTION_S)
        number = self.outcome()
        if number == errno.ETIMEDOUT:
            self._clock.pass_time(1.0 - TRANSACTION_S)
        if number:
            raise OSError(number, os.strerror(number))
        self._kept_until_s = self._clock.monotonic() + 2
        return True
