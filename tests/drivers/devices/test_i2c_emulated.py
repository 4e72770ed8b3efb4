"""The emulated bus behaves as /dev/i2c-N does, and the emulated converter as its data sheet (DS22088C) says."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from smbus2 import SMBus, i2c_msg

from tests.drivers.devices.i2c import EmulatedBus, Mcp3424, Registers
from tests.drivers.devices.i2c_dev import mounted
from tests.support.driven_time import ManualClock
from tests.support.fuse import why_not

WITHOUT_BUSES: Final = why_not()
pytestmark = pytest.mark.skipif(WITHOUT_BUSES is not None, reason=str(WITHOUT_BUSES))

START_12_BITS: Final = 0x80
START_18_BITS: Final = 0x8C


@pytest.fixture
def chip(clock: ManualClock) -> Mcp3424:
    return Mcp3424(clock.monotonic, 1.0, -1.0)


@pytest.fixture
def registers() -> Registers:
    return Registers({0: 0x19, 1: 0x80})


@pytest.fixture
def emulated(chip: Mcp3424, registers: Registers) -> EmulatedBus:
    return EmulatedBus({0x48: registers, 0x68: chip})


@pytest.fixture
def bus(emulated: EmulatedBus, tmp_path: Path) -> Iterator[SMBus]:
    with mounted({1: emulated}, tmp_path / "dev"), SMBus(str(tmp_path / "dev/i2c-1")) as bus:
        yield bus


def result(bus: SMBus, count: int = 3) -> list[int]:
    message = i2c_msg.read(0x68, count)
    bus.i2c_rdwr(message)
    return list(bytes(message))


class TestBus:
    def test_registers_are_read_and_written_in_all_sizes(self, bus: SMBus, registers: Registers) -> None:
        bus.write_byte_data(0x48, 2, 0x12)
        bus.write_word_data(0x48, 3, 0x5634)
        bus.write_i2c_block_data(0x48, 5, [0x78, 0x9A])
        assert registers.values == {0: 0x19, 1: 0x80, 2: 0x12, 3: 0x34, 4: 0x56, 5: 0x78, 6: 0x9A}
        assert bus.read_byte_data(0x48, 2) == 0x12
        assert bus.read_word_data(0x48, 3) == 0x5634
        assert bus.read_i2c_block_data(0x48, 2, 5) == [0x12, 0x34, 0x56, 0x78, 0x9A]

    def test_a_register_that_was_named_is_read_without_naming_it(self, bus: SMBus) -> None:
        bus.write_byte(0x48, 1)
        assert bus.read_byte(0x48) == 0x80

    def test_messages_are_combined(self, bus: SMBus) -> None:
        answer = i2c_msg.read(0x48, 2)
        bus.i2c_rdwr(i2c_msg.write(0x48, [0]), answer)
        assert bytes(answer) == b"\x19\x80"

    def test_what_is_no_transaction_of_the_bus_is_refused(self, bus: SMBus) -> None:
        with pytest.raises(OSError, match="not supported"):
            bus.read_block_data(0x48, 0)

    def test_an_address_of_the_kernel_is_refused_unless_it_is_forced(self, bus: SMBus, emulated: EmulatedBus) -> None:
        emulated.owned = {0x48}
        with pytest.raises(OSError, match="busy") as refused:
            bus.read_byte_data(0x48, 0)
        assert refused.value.errno == errno.EBUSY
        assert bus.read_byte_data(0x48, 0, force=True) == 0x19

    def test_nobody_at_an_address_is_a_remote_error(self, bus: SMBus) -> None:
        with pytest.raises(OSError, match="Remote I/O error"):
            bus.write_quick(0x10)

    def test_an_error_is_injected_for_each_transaction(self, bus: SMBus, emulated: EmulatedBus) -> None:
        failures = iter([True, False])
        emulated.fails, emulated.failing_with = lambda: next(failures), errno.ETIMEDOUT
        with pytest.raises(TimeoutError):
            bus.read_byte_data(0x48, 0)
        assert bus.read_byte_data(0x48, 0) == 0x19


def test_a_process_in_which_a_bus_was_shown_handles_signals_as_before(emulated: EmulatedBus, tmp_path: Path) -> None:
    with mounted({1: emulated}, tmp_path / "dev"):
        pass
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        os.write(writer, b"x")
    os.close(writer)


class TestConverter:
    def test_after_power_on_it_converts_channel_1_with_12_bits_again_and_again(
        self, bus: SMBus, clock: ManualClock
    ) -> None:
        assert result(bus) == [0x00, 0x00, 0x90]
        clock.pass_time(1 / 240)
        assert result(bus) == [0x03, 0xE8, 0x10]
        assert result(bus) == [0x03, 0xE8, 0x90]
        clock.pass_time(1 / 240)
        assert result(bus) == [0x03, 0xE8, 0x10]

    def test_one_shot_converts_once(self, bus: SMBus, clock: ManualClock) -> None:
        bus.write_byte(0x68, START_12_BITS)
        clock.pass_time(1 / 240)
        assert result(bus) == [0x03, 0xE8, 0x00]
        clock.pass_time(1.0)
        assert result(bus) == [0x03, 0xE8, 0x80]

    def test_one_shot_without_rdy_converts_nothing(self, bus: SMBus, clock: ManualClock) -> None:
        bus.write_byte(0x68, 0x00)
        clock.pass_time(1.0)
        assert result(bus) == [0x00, 0x00, 0x80]

    def test_until_a_conversion_ends_the_result_is_that_of_the_last(self, bus: SMBus, clock: ManualClock) -> None:
        bus.write_byte(0x68, START_12_BITS)
        clock.pass_time(1 / 240)
        assert result(bus) == [0x03, 0xE8, 0x00]
        bus.write_byte(0x68, START_12_BITS | 1 << 5)
        clock.pass_time(0.9 / 240)
        assert result(bus) == [0x03, 0xE8, 0xA0]
        clock.pass_time(0.2 / 240)
        assert result(bus) == [0xFC, 0x18, 0x20]

    def test_18_bits_are_three_bytes_with_the_sign_in_front(self, bus: SMBus, clock: ManualClock) -> None:
        bus.write_byte(0x68, START_18_BITS | 1 << 5)
        clock.pass_time(1 / 3.75)
        assert result(bus, 6) == [0xFF, 0x06, 0x00, 0x2C, 0x2C, 0x2C]

    @pytest.mark.parametrize(("volts", "data"), [(2.048, [0x07, 0xFF]), (5.0, [0x07, 0xFF]), (-3.0, [0xF8, 0x00])])
    def test_beyond_full_scale_it_stays_at_the_end(
        self, bus: SMBus, chip: Mcp3424, clock: ManualClock, volts: float, data: list[int]
    ) -> None:
        chip.volts[0] = volts
        clock.pass_time(1 / 240)
        assert result(bus, 2) == data

    def test_a_gain_amplifies(self, bus: SMBus, chip: Mcp3424, clock: ManualClock) -> None:
        chip.volts[0] = 0.125
        bus.write_byte(0x68, START_12_BITS | 3)
        clock.pass_time(1 / 240)
        assert result(bus) == [0x03, 0xE8, 0x03]

    def test_of_several_bytes_the_last_counts(self, bus: SMBus, clock: ManualClock) -> None:
        bus.i2c_rdwr(i2c_msg.write(0x68, [START_18_BITS, START_12_BITS]))
        clock.pass_time(1 / 240)
        assert result(bus) == [0x03, 0xE8, 0x00]

    def test_a_general_call_resets_it(self, bus: SMBus, clock: ManualClock) -> None:
        bus.write_byte(0x68, 0x0C)
        bus.i2c_rdwr(i2c_msg.write(0x00, [0x06]))
        clock.pass_time(1 / 240)
        assert result(bus) == [0x03, 0xE8, 0x10]

    def test_a_stuck_one_never_ends(self, bus: SMBus, chip: Mcp3424, clock: ManualClock) -> None:
        chip.stuck = True
        clock.pass_time(60.0)
        assert result(bus) == [0x00, 0x00, 0x90]
