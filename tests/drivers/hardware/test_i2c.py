"""Who answers on an I2C bus: real ioctls of the real smbus2, to chips that are emulated register for register."""

import errno
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest
from smbus2 import I2cFunc

from drivers.driver import DriverError
from drivers.hardware import i2c
from drivers.hardware.i2c import Found
from tests.drivers.devices.i2c import Chip, EmulatedBus, Mcp3424, Registers
from tests.drivers.devices.i2c_dev import environment, mounted
from tests.support.driven_time import ManualClock
from tests.support.fuse import why_not

WITHOUT_BUSES: Final = why_not()
pytestmark = pytest.mark.skipif(WITHOUT_BUSES is not None, reason=str(WITHOUT_BUSES))


@pytest.fixture
def bus(clock: ManualClock) -> EmulatedBus:
    """Give a bus with a converter, a thermometer, a memory and a clock, of which the kernel has the last."""
    chips: dict[int, Chip] = {
        0x48: Registers({0: 0x19}),
        0x50: Registers(),
        0x68: Registers(),
        0x6C: Mcp3424(clock.monotonic, 1.0),
    }
    emulated = EmulatedBus(chips)
    emulated.owned = {0x68}
    return emulated


@pytest.fixture
def root(tmp_path: Path, bus: EmulatedBus) -> Iterator[Path]:
    """Give a root whose dev/i2c-1 is the bus."""
    with mounted({1: bus, 10: EmulatedBus({})}, tmp_path / "dev"):
        yield tmp_path


def own(root: Path, bus: int, address: int, driver: str) -> None:
    """Say in /sys that a driver of the kernel has an address."""
    (root / "sys/bus/i2c/drivers" / driver).mkdir(parents=True)
    device = root / f"sys/bus/i2c/devices/{bus}-{address:04x}"
    device.mkdir(parents=True)
    (device / "driver").symlink_to(root / "sys/bus/i2c/drivers" / driver)


def test_the_buses_are_found_in_the_order_of_their_numbers(root: Path) -> None:
    assert i2c.buses(root) == [1, 10]


def test_a_computer_without_buses_has_none(tmp_path: Path) -> None:
    assert i2c.buses(tmp_path) == []


def test_who_answers_is_found_and_whom_the_kernel_has(root: Path) -> None:
    own(root, 1, 0x68, "rtc-ds1307")
    assert i2c.scan(1, root) == [Found(0x48, None), Found(0x50, None), Found(0x68, "rtc-ds1307"), Found(0x6C, None)]


def test_an_owner_in_the_kernel_without_a_name_is_an_owner(root: Path) -> None:
    assert Found(0x68, i2c.UNNAMED) in i2c.scan(1, root)


def test_a_bus_with_nobody_on_it_is_empty(root: Path) -> None:
    assert i2c.scan(10, root) == []


def test_an_address_that_answers_with_an_error_is_nobody(root: Path, bus: EmulatedBus) -> None:
    failures = iter([True] * 1000)
    bus.fails = lambda: next(failures)
    assert i2c.scan(1, root) == [Found(0x68, i2c.UNNAMED)]


def test_a_scan_writes_to_no_register(root: Path, bus: EmulatedBus) -> None:
    i2c.scan(1, root)
    assert [chip.writes for chip in bus.chips.values() if isinstance(chip, Registers)] == [0, 0, 0]


def test_a_memory_is_asked_for_a_byte_and_another_chip_is_called(root: Path, bus: EmulatedBus) -> None:
    i2c.scan(1, root)
    calls = {address: chip.calls for address, chip in bus.chips.items() if isinstance(chip, Registers)}
    assert calls == {0x48: 1, 0x50: 0, 0x68: 0}


def test_every_address_that_a_chip_may_have_is_asked_once(root: Path, bus: EmulatedBus) -> None:
    i2c.scan(1, root)
    assert bus.transactions == 0x77 - 0x08 + 1 - len(bus.owned)


@pytest.mark.parametrize("missing", ["SMBUS_QUICK", "SMBUS_READ_BYTE"])
def test_a_bus_that_can_ask_only_in_one_way_is_asked_in_that(root: Path, bus: EmulatedBus, missing: str) -> None:
    bus.functions &= ~I2cFunc[missing]
    assert [found.address for found in i2c.scan(1, root)] == [0x48, 0x50, 0x68, 0x6C]


def test_a_bus_that_cannot_be_asked_is_an_error(root: Path, bus: EmulatedBus) -> None:
    bus.functions = 1
    with pytest.raises(DriverError, match="neither write nothing nor read one byte"):
        i2c.scan(1, root)


def test_a_bus_that_does_not_move_is_given_up_before_all_addresses_are_waited_for(root: Path, bus: EmulatedBus) -> None:
    bus.failing_with, bus.fails = errno.ETIMEDOUT, lambda: True
    with pytest.raises(DriverError, match=r"/dev/i2c-1: .* timed out; a chip holds the bus"):
        i2c.scan(1, root)
    assert bus.transactions == i2c.MOST_TIMEOUTS + 1


def test_a_bus_that_is_not_there_says_how_i2c_is_switched_on(root: Path) -> None:
    with pytest.raises(DriverError, match=r"/dev/i2c-3: No such file or directory; .*dtparam=i2c_arm=on"):
        i2c.scan(3, root)


def test_an_address_is_a_hint_at_chips() -> None:
    assert [chip.name for chip in i2c.chips_at(0x6F)] == ["MCP3424"]
    assert {"BME280", "BMP280"} <= {chip.name for chip in i2c.chips_at(0x76)}
    assert i2c.chips_at(0x08) == ()


def test_every_chip_has_addresses_that_are_scanned() -> None:
    assert all(set(chip.addresses) <= set(i2c.ADDRESSES) for chip in i2c.CHIPS)


class TestAnotherProcess:
    """What is not this process sees the same bus under /dev."""

    @pytest.fixture
    def surroundings(self, root: Path, tmp_path: Path) -> Mapping[str, str]:
        if shutil.which("cc") is None:
            pytest.skip("needs cc (Debian: gcc, libc6-dev)")
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment(root / "dev", tmp_path)}

    def test_the_debian_program_finds_whom_we_find(self, root: Path, surroundings: Mapping[str, str]) -> None:
        if shutil.which("i2cdetect", path=surroundings["PATH"]) is None:
            pytest.skip("needs i2cdetect (Debian: i2c-tools)")
        told = subprocess.run(["i2cdetect", "-y", "1"], env=surroundings, capture_output=True, text=True, check=True)
        words = [word for line in told.stdout.splitlines()[1:] for word in line.partition(":")[2].split()]
        assert [word for word in words if word != "--"] == ["48", "50", "UU", "6c"]
        assert len(i2c.scan(1, root)) == 4

    def test_several_read_at_once(self, surroundings: Mapping[str, str]) -> None:
        program = "from smbus2 import SMBus\nwith SMBus(1) as bus:\n    print(bus.read_byte_data(0x48, 0))"
        running = [
            subprocess.Popen([sys.executable, "-c", program], env=surroundings, stdout=subprocess.PIPE)
            for _ in range(3)
        ]
        assert [process.communicate()[0] for process in running] == [b"25\n"] * 3
