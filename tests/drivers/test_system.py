"""The driver `system`, through the real psutil, on a computer whose /proc and /sys are files of the test."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.driver import DriverError, Measurements, Place
from drivers.hardware.system_sources import FIRMWARE_DEVICES, THROTTLED_BITS
from drivers.system import QUANTITIES, System, SystemOptions
from protocol.readings import Value
from tests.drivers.devices.system import Computer
from tests.support.driven_time import ManualClock

PAGE = (Path(__file__).parents[2] / "docs/drivers.md").read_text(encoding="utf-8")
POWER = "sys/class/hwmon/hwmon1"

Build = Callable[..., System]


class Firmware:
    """A program `vcgencmd` in a directory, which says what it is told to, and counts how often it is asked."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        program = directory / "vcgencmd"
        program.write_text(f'#!/bin/sh\necho "$@" >> {directory}/asked\ncat {directory}/said\n', "ascii")
        program.chmod(0o755)

    def __call__(self, said: str) -> None:
        (self._directory / "said").write_text(f"{said}\n", "ascii")

    @property
    def asked(self) -> int:
        asked = self._directory / "asked"
        return asked.read_text("ascii").split("\n").count("get_throttled") if asked.exists() else 0


@pytest.fixture
def firmware(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Firmware:
    directory = tmp_path / "firmware"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory), prepend=":")
    return Firmware(directory)


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    return Computer(tmp_path / "root")


@pytest.fixture
def build(computer: Computer, tmp_path: Path, clock: ManualClock) -> Iterator[Build]:
    drivers = []

    def build(value: str, *measure: str) -> System:
        place = Place("C1", tmp_path, clock.monotonic, computer.root)
        drivers.append(System(SystemOptions(value=value, measure=list(measure)), place))
        return drivers[-1]

    yield build
    for driver in drivers:
        driver.close()


def error_of(driver: System) -> str:
    with pytest.raises(DriverError) as failure:
        driver.read()
    return str(failure.value)


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        ("load1", 0.52),
        ("load5", 0.58),
        ("load15", 0.59),
        ("memory", 60.0),  # of 1,000 KiB are 400 available
        ("memory_used", 600 * 1024),
        ("memory_available", 400 * 1024),
        ("swap", 20.0),
        ("swap_used", 100 * 1024),
        ("received", 1_200),  # loopback does not count
        ("received:lo", 5),
        ("received:eth0", 1_000),
        ("sent", 600),
        ("sent:wlan0", 100),
        ("signal", -52),
        ("signal:wlan0", -52),
        ("uptime", 5400.12),
        ("processes", 3),
        ("temperature", 52.312),
        ("temperature:cpu-thermal", 52.312),
        ("under_voltage", 0),
    ],
)
def test_a_quantity_is_what_the_kernel_says(quantity: str, value: Value, build: Build) -> None:
    assert build(quantity).read() == {"value": value}


def test_the_space_of_a_disk_is_that_of_the_file_system(build: Build, computer: Computer) -> None:
    measured = build("disk", "disk_used", "disk_free:/proc").read()
    found = shutil.disk_usage(computer.root)
    assert isinstance(measured["disk_free:/proc"], int)
    assert 0 < measured["disk_free:/proc"] <= found.total
    assert isinstance(measured["value"], float)
    assert 0 <= measured["value"] <= 100


def test_the_kernel_tells_whether_the_voltage_is_too_low_and_no_program_is_run(
    build: Build, computer: Computer, firmware: Firmware
) -> None:
    driver = build("under_voltage")
    firmware("1")
    for alarm in (1, 0):
        computer.write(f"{POWER}/in0_lcrit_alarm", f"{alarm}\n")
        assert driver.read() == {"value": alarm}
    assert firmware.asked == 0


def test_where_the_kernel_does_not_tell_the_firmware_does(build: Build, computer: Computer, firmware: Firmware) -> None:
    computer.write(f"{POWER}/name", "pwmfan\n")
    firmware("throttled=0x1")
    assert build("under_voltage").read() == {"value": 1}


def test_each_bit_of_the_firmware_is_a_channel(build: Build, computer: Computer, firmware: Firmware) -> None:
    computer.write(f"{POWER}/name", "pwmfan\n")
    driver = build("throttled", *THROTTLED_BITS)
    for name, bit in THROTTLED_BITS.items():
        firmware(f"throttled=0x{1 << bit:x}")
        measured = driver.read()
        assert [channel for channel in THROTTLED_BITS if measured[channel]] == [name]
        assert measured["value"] == 1 << bit


def test_the_firmware_is_asked_once_a_read(build: Build, firmware: Firmware) -> None:
    firmware("throttled=0x50000")
    measured = build("throttled", "throttling", "under_voltage_seen").read()
    assert measured == {"value": 0x50000, "throttling": 0, "under_voltage_seen": 1}
    assert firmware.asked == 1


def test_what_the_kernel_heard_of_the_firmware_is_not_taken_for_what_was_since_the_start(
    build: Build, computer: Computer, firmware: Firmware
) -> None:
    computer.write("sys/devices/platform/soc/soc:firmware/get_throttled", "0\n")
    firmware("throttled=0x50000")
    assert build("throttled").read() == {"value": 0x50000}


def test_a_firmware_that_says_nonsense_is_an_error(build: Build, firmware: Firmware) -> None:
    firmware("\x1b[2J")
    assert r"the firmware says '\x1b[2J', which is no number" in error_of(build("throttled"))


def test_no_raspberry_pi_is_told(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    told = error_of(build("throttled"))
    assert told.startswith("throttled: `vcgencmd get_throttled` does not start: No such file or directory; only a Rasp")


def test_the_firmware_may_be_asked_by_a_service_that_measures_it() -> None:
    assert SystemOptions(measure=["under_voltage_seen"]).devices() == set(FIRMWARE_DEVICES)
    assert SystemOptions().devices() == frozenset()


# Rates


def test_the_processor_is_as_busy_as_it_was_since_the_last_read(build: Build, computer: Computer) -> None:
    driver = build("cpu", "cpu:0", "cpu:1")
    assert driver.read() == {}
    computer.pass_time(10, 0.5, 0.1)
    assert driver.read() == {"value": 30, "cpu:0": 50, "cpu:1": 10}
    computer.pass_time(10, 1, 0)
    assert driver.read() == {"value": 50, "cpu:0": 100, "cpu:1": 0}


def test_two_nodes_do_not_disturb_each_other_s_processor(build: Build, computer: Computer) -> None:
    one, other = build("cpu"), build("cpu")
    one.read()
    other.read()
    computer.pass_time(10, 1, 1)
    assert one.read() == {"value": 100}
    computer.pass_time(10, 0, 0)
    assert other.read() == {"value": 50}


def test_a_rate_is_that_of_the_time_since_the_last_read(build: Build, computer: Computer, clock: ManualClock) -> None:
    driver = build("received_rate", "sent_rate:eth0")
    assert driver.read() == {}
    computer.transfer("eth0", 3_000, 500)
    computer.transfer("wlan0", 1_000, 0)
    clock.pass_time(8)
    assert driver.read() == {"value": 500, "sent_rate:eth0": 62.5}


def test_a_counter_that_begins_anew_has_no_rate(build: Build, computer: Computer, clock: ManualClock) -> None:
    driver = build("received_rate:eth0")
    driver.read()
    computer.transfer("eth0", -900, 0)
    clock.pass_time(1)
    assert driver.read() == {}
    computer.transfer("eth0", 10, 0)
    clock.pass_time(1)
    assert driver.read() == {"value": 10}


def test_without_time_there_is_no_rate(build: Build) -> None:
    driver = build("received_rate", "cpu")
    driver.read()
    assert driver.read() == {}


def test_after_a_failure_a_rate_begins_anew(build: Build, computer: Computer) -> None:
    driver = build("cpu")
    driver.read()
    computer.remove("proc/stat")
    error_of(driver)
    computer.pass_time(10, 1, 1)
    assert driver.read() == {}


def test_reads_that_fail_and_those_that_begin_anew_are_as_many_as_computed(build: Build, computer: Computer) -> None:
    outcomes = [number % 10 == 9 for number in range(120)]
    remaining = iter(outcomes)
    computer.fails = lambda: next(remaining)
    driver = build("cpu")
    readings: list[Measurements] = []
    errors = 0
    for _ in outcomes:
        computer.pass_time(5, 0.25, 0.75)
        try:
            readings.append(driver.read())
        except DriverError:
            errors += 1
    assert errors == 12
    assert readings.count({}) == 12  # the first, and the one after each failure but the last
    assert readings.count({"value": 50}) == 120 - 24


# What is not there


@pytest.mark.parametrize(
    ("quantity", "told"),
    [
        ("cpu:7", "cpu:7: there is no core 7; there are 0, 1"),
        ("received:eth9", "received:eth9: there is no interface eth9; there are eth0, lo, wlan0"),
        ("signal:eth0", "signal:eth0: there is no interface with Wi-Fi eth0; there are wlan0"),
        ("temperature:gpu", "temperature:gpu: there is no thermometer gpu; there are cpu-thermal"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(quantity: str, told: str, build: Build) -> None:
    assert error_of(build(quantity)) == told


def test_what_is_not_there_does_not_keep_the_rest_from_its_readings(build: Build) -> None:
    measured = build("uptime", "received:eth9").read()
    assert measured["value"] == 5400.12
    assert isinstance(measured["received:eth9"], DriverError)


@pytest.mark.parametrize(
    ("path", "quantity", "told"),
    [
        ("proc/stat", "cpu", "No such file or directory"),
        ("proc/meminfo", "memory", "No such file or directory"),
        ("proc/net/dev", "received", "No such file or directory"),
        ("proc/uptime", "uptime", "No such file or directory"),
        ("proc/net/wireless", "signal", "no interface has Wi-Fi"),
        ("sys/class/thermal/thermal_zone0/temp", "temperature", "this computer has no thermometer"),
    ],
)
def test_a_file_that_is_not_there_is_an_error(
    path: str, quantity: str, told: str, build: Build, computer: Computer
) -> None:
    computer.remove(path)
    assert told in error_of(build(quantity))


@pytest.mark.parametrize(
    ("path", "text", "quantity", "told"),
    [
        ("proc/uptime", "", "uptime", "/proc/uptime does not say what it should"),
        ("proc/loadavg", "high", "load1", "/proc/loadavg does not say what it should: 'high' is not a number"),
        ("proc/stat", "cpu x", "cpu", "/proc cannot be read: "),
        ("proc/meminfo", "nothing", "memory", "/proc cannot be read: "),
        (f"{POWER}/in0_lcrit_alarm", "low", "under_voltage", "'low' is not a number"),
    ],
)
def test_a_file_that_says_nonsense_is_an_error(
    *, path: str, text: str, quantity: str, told: str, build: Build, computer: Computer
) -> None:
    computer.write(path, text)
    assert told in error_of(build(quantity))


def test_the_processor_s_thermometer_is_preferred(build: Build, computer: Computer) -> None:
    computer.write("sys/class/thermal/thermal_zone0/type", "acpitz\n")
    computer.write("sys/class/hwmon/hwmon2/name", "coretemp\n")
    computer.write("sys/class/hwmon/hwmon2/temp1_input", "61000\n")
    assert build("temperature", "temperature:acpitz").read() == {"value": 61, "temperature:acpitz": 52.312}


def test_this_computer_is_read_as_well(tmp_path: Path, clock: ManualClock) -> None:
    names = ["load1", "memory", "disk", "received", "uptime", "processes"]
    driver = System(SystemOptions(value="memory_available", measure=names), Place("C1", tmp_path, clock.monotonic))
    measured = driver.read()
    driver.close()
    assert measured.keys() == {"value", *names}
    assert not any(isinstance(each, DriverError) for each in measured.values())


@pytest.mark.parametrize("name", QUANTITIES)
def test_the_page_has_each_quantity_with_its_unit_and_meaning(name: str) -> None:
    quantity = QUANTITIES[name]
    unit = f" {quantity.unit}" if quantity.unit else ""
    which = f"; `:` {quantity.which}" if quantity.which else ""
    assert f"| `{name}` |{unit} | {quantity.meaning}{which} |\n" in PAGE


def test_every_bit_of_the_firmware_is_a_quantity() -> None:
    assert set(THROTTLED_BITS) <= set(QUANTITIES)
