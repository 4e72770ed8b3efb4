"""What a Linux computer says of itself: /proc by way of psutil, and the files that psutil does not read.

    /proc/uptime          "5400.12 10000.00"      seconds since the start, idle seconds of all cores
    /proc/loadavg         "0.52 0.58 0.59 1/467 1234"    averages of 1, 5 and 15 minutes
    /proc/net/wireless    two lines of headings, then
                          " wlan0: 0000   58.  -52.  -256  ..."    status, quality, level in dBm, noise
    /sys/class/thermal/thermal_zoneN    type "cpu-thermal", temp in thousandths of a degree Celsius
    /sys/class/hwmon/hwmonN             name "coretemp", temp1_input likewise

    /sys/class/hwmon/hwmonN             name "rpi_volt", in0_lcrit_alarm 1 when a Raspberry Pi's voltage is too low, or
                                        was since the kernel looked, which it does every 2 s

The firmware of a Raspberry Pi tells bits, by `vcgencmd get_throttled` as "throttled=0x50005" (documentation of
vcgencmd):

    0  under-voltage now            16  under-voltage since the start
    1  frequency capped now         17  frequency capped since the start
    2  throttled now                18  throttled since the start
    3  soft temperature limit now   19  soft temperature limit since the start

The file get_throttled that some kernels have beside them is no source: it shows what the kernel heard last, which has
the firmware forget bits 16 to 19 each time that it asks (drivers/hwmon/raspberrypi-hwmon.c), it stays as it is where
that driver is not loaded, and whoever reads it has the kernel log a warning.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from drivers.driver import DriverError, Place
from drivers.hardware.sysfs import chips, read_number
from drivers.libraries import library
from drivers.text.commands import CommandSource
from drivers.text.decimals import exact, parse, scaled, to_number
from drivers.text.files import PathSource
from protocol.printable import visible

Result = TypeVar("Result")

THROTTLED_BITS: Final = {
    "under_voltage": 0,
    "frequency_capped": 1,
    "throttling": 2,
    "temperature_limited": 3,
    "under_voltage_seen": 16,
    "frequency_capped_seen": 17,
    "throttling_seen": 18,
    "temperature_limited_seen": 19,
}

FIRMWARE_DEVICES: Final = ("/dev/vcio", "/dev/vchiq")

POWER_CHIP: Final = "rpi_volt"
"""The chip of hwmon that watches the voltage of a Raspberry Pi."""

_ALARM: Final = "in0_lcrit_alarm"
_VCGENCMD: Final = ("vcgencmd", "get_throttled")
_VCGENCMD_S: Final = 2.0

# Where the processor's temperature stands, by the names that the kernel's drivers have for it.
_PROCESSORS: Final = ("cpu-thermal", "cpu_thermal", "soc-thermal", "x86_pkg_temp", "coretemp", "k10temp")
_THOUSANDTH: Final = exact(0.001)
_LISTED: Final = 12  # names in an advice


class Sources:
    """The computer's own figures. Each method raises DriverError when what it reads is not there."""

    def __init__(self, place: Place) -> None:
        self._psutil = library("psutil", "system")
        self._place = place
        self._command = CommandSource(_VCGENCMD, _VCGENCMD_S, place.monotonic)
        self._bits: int | DriverError | None = None  # what the firmware said in this read

    def begin(self) -> None:
        """Begin a read: the firmware is asked at most once in each, since a program is run for it."""
        self._bits = None
        self._psutil.PROCFS_PATH = str(self._place.locate("/proc"))  # it is the module's, so of all drivers

    def close(self) -> None:
        """End a command that runs."""
        self._command.close()

    def processor_ticks(self, core: str | None) -> tuple[float, float]:
        """Return how long the processor, or one core of it, worked and how long it could have, in s since the start."""
        times = self._ask(lambda: self._psutil.cpu_times(percpu=core is not None))
        if core is not None:
            times = _chosen({str(number): each for number, each in enumerate(times)}, core, "core")
        total = sum(times) - times.guest - times.guest_nice  # these are part of user and nice
        return total - times.idle - times.iowait, total

    def memory(self) -> Any:
        """Return psutil's figures: total, available, percent, used, in bytes."""
        return self._ask(self._psutil.virtual_memory)

    def swap(self) -> Any:
        """Return psutil's figures: total, used, percent, in bytes."""
        return self._ask(self._psutil.swap_memory)

    def disk(self, path: str) -> Any:
        """Return psutil's figures of the file system at a path: total, used, free, percent, in bytes."""
        return self._ask(lambda: self._psutil.disk_usage(str(self._place.locate(path))), path)

    def network(self, interface: str | None) -> tuple[int, int]:
        """Return the bytes that were received and sent, by one interface, or by all but loopback."""
        counters = self._ask(lambda: self._psutil.net_io_counters(pernic=True, nowrap=False))
        names = [name for name in counters if name != "lo"] if interface is None else [interface]
        chosen = [_chosen(counters, name, "interface") for name in names]
        return sum(each.bytes_recv for each in chosen), sum(each.bytes_sent for each in chosen)

    def processes(self) -> int:
        """Return how many processes there are."""
        return len(self._ask(self._psutil.pids))

    def uptime_s(self) -> float:
        """Return the seconds since the start."""
        return _number(self._read("/proc/uptime").split(), 0, "/proc/uptime")

    def load(self, place: int) -> float:
        """Return how many processes ran or waited, on average: of 1, 5 or 15 minutes."""
        return _number(self._read("/proc/loadavg").split(), place, "/proc/loadavg")

    def temperature(self, name: str | None) -> float:
        """Return the temperature in °C of the processor, or of what the kernel calls so."""
        sensors = dict(self._thermometers())
        known = next((each for each in _PROCESSORS if each in sensors), next(iter(sensors), None))
        if known is None:
            raise DriverError("this computer has no thermometer", "leave `temperature` out")
        path = _chosen(sensors, name or known, "thermometer")
        return _number([self._text(path)], 0, str(path), scale=True)

    def signal_dbm(self, interface: str | None) -> float:
        """Return how strong the Wi-Fi of an interface, or of the first one, is received."""
        lines = [line.split() for line in self._wireless().splitlines()[2:]]
        levels = {words[0].rstrip(":"): words for words in lines if words}
        if not levels:
            raise DriverError("no interface has Wi-Fi", "leave `signal` out")
        words = _chosen(levels, interface or next(iter(levels)), "interface with Wi-Fi")
        return _number([word.rstrip(".") for word in words], 3, "/proc/net/wireless")

    def under_voltage(self) -> int:
        """Return 1 when the voltage of a Raspberry Pi is too low: as the kernel says, else as its firmware does."""
        found = chips(self._place.locate("/sys/class/hwmon"))
        alarm = next((chip.path / _ALARM for chip in found if chip.name == POWER_CHIP), None)
        if alarm is None:
            return self.throttled() >> THROTTLED_BITS["under_voltage"] & 1
        return int(read_number(alarm) != 0)

    def throttled(self) -> int:
        """Return the bits of the firmware of a Raspberry Pi."""
        if self._bits is None:
            try:
                self._bits = self._read_bits()
            except DriverError as error:
                self._bits = error
        if isinstance(self._bits, DriverError):
            raise self._bits
        return self._bits

    def _read_bits(self) -> int:
        digits = self._ask_firmware().strip().rpartition("=")[2]
        try:
            return int(digits, 16)
        except ValueError as error:
            raise DriverError(f"the firmware says '{visible(digits[:_QUOTED])}', which is no number") from error

    def _ask_firmware(self) -> str:
        try:
            return self._command.read()
        except DriverError as error:
            advice = "only a Raspberry Pi has this; there, the user of the agent needs the group `video`"
            raise DriverError(error.message, advice) from error

    def _thermometers(self) -> Iterator[tuple[str, Path]]:
        """Return the thermometers by name; of several with one name the first."""
        for directory, name, value in (("thermal", "type", "temp"), ("hwmon", "name", "temp1_input")):
            for device in sorted(self._place.locate(f"/sys/class/{directory}").glob("*"), reverse=True):
                if (device / name).exists() and (device / value).exists():
                    yield self._text(device / name).strip(), device / value

    def _wireless(self) -> str:
        """Return the table of Wi-Fi, nothing where the kernel has none."""
        path = self._place.locate("/proc/net/wireless")
        return self._text(path) if path.exists() else ""

    def _read(self, path: str) -> str:
        return self._text(self._place.locate(path))

    def _text(self, path: Path) -> str:
        return PathSource(path).read() or ""

    def _ask(self, ask: Callable[[], Result], what: str = "/proc") -> Result:
        try:
            return ask()
        except OSError as error:
            raise DriverError(f"{error.filename or what}: {error.strerror}") from error
        except (
            self._psutil.Error,
            ValueError,
            LookupError,
            RuntimeError,
            TypeError,
        ) as error:  # a /proc of its own kind
            raise DriverError(f"{what} cannot be read: {type(error).__name__}: {error}") from error


_QUOTED: Final = 40  # characters of what the firmware said, in a message


def _chosen(known: Mapping[str, Result], name: str, kind: str) -> Result:
    if name not in known:
        there = ", ".join(visible(each) for each in sorted(known)[:_LISTED])
        raise DriverError(f"there is no {kind} {name}", f"there are {there}")
    return known[name]


def _number(words: list[str], place: int, source: str, *, scale: bool = False) -> int | float:
    """Return a word as a number; `scale` takes thousandths."""
    try:
        number = parse(words[place].strip())
        return to_number(scaled(number, _THOUSANDTH, exact(0)) if scale else number)
    except (ValueError, IndexError) as error:
        raise DriverError(f"{source} does not say what it should: {error}") from error
