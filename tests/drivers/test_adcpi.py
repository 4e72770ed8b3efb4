"""The driver `adcpi`: the real smbus2 and real ioctls, on converters that are emulated register for register."""

import errno
import fcntl
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, get_type_hints

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.supervisor import SHORTEST_DEADLINE_S
from drivers.adcpi import DIVIDER, INPUT_OHMS, TRIES, Adcpi, AdcpiOptions, PinOptions
from drivers.driver import DriverError, Measured, Measurements, Place
from drivers.hardware.i2c import LOCKED_S
from drivers.hardware.mcp3424 import FULL_SCALE_V, GAINS, MOST_LOOKS, RATES
from drivers.hardware.thermistors import OPEN_TIMES, Curve
from tests.drivers.devices.i2c import EmulatedBus, Mcp3424
from tests.drivers.devices.i2c_dev import environment, mounted
from tests.support.driven_time import ManualClock
from tests.support.fuse import why_not

WITHOUT_BUSES: Final = why_not()
pytestmark = pytest.mark.skipif(WITHOUT_BUSES is not None, reason=str(WITHOUT_BUSES))

VOLTS: Final = (1.0, 2.5, 3.3, 5.0, 0.1, 0.2, 0.3, 0.4)  # at the pins 1 to 8

ALL_PINS: Final = {f"p{pin}": PinOptions(pin=pin) for pin in range(1, 9)}
PINS_1_AND_5: Final = {"p1": PinOptions(pin=1), "p5": PinOptions(pin=5)}


@pytest.fixture
def bus(clock: ManualClock) -> EmulatedBus:
    """Give a bus with the two converters of a board, and a voltage at each pin."""
    at_channels = [volts / DIVIDER for volts in VOLTS]
    first, second = (Mcp3424(clock.monotonic, *at_channels[start : start + 4]) for start in (0, 4))
    return EmulatedBus({0x68: first, 0x69: second})


@pytest.fixture
def first(bus: EmulatedBus) -> Mcp3424:
    """Give the converter of the pins 1 to 4."""
    return converter(bus, 0x68)


def converter(bus: EmulatedBus, address: int) -> Mcp3424:
    chip = bus.chips[address]
    assert isinstance(chip, Mcp3424)
    return chip


@pytest.fixture
def place(tmp_path: Path, clock: ManualClock, bus: EmulatedBus) -> Iterator[Place]:
    """Give a place with the bus as /dev/i2c-1, where time passes only by waiting."""
    with mounted({1: bus}, tmp_path / "dev"):
        yield Place("A1", tmp_path / "state", clock.monotonic, tmp_path, clock.pass_time)


@pytest.fixture
def read(place: Place) -> Callable[..., Measurements]:
    """Give a read of a driver that was built for it alone."""
    return lambda **options: read_at(place, **options)


def read_at(place: Place, **options: Any) -> Measurements:
    with closing(Adcpi(AdcpiOptions(**options), place)) as driver:
        return driver.read()


def errors(measurements: Measurements) -> dict[str, str]:
    """Return what went wrong, by channel."""
    return {name: str(found) for name, found in measurements.items() if isinstance(found, DriverError)}


def values(measurements: Measurements) -> dict[str, object]:
    """Return what was measured, by channel."""
    return {name: found for name, found in measurements.items() if not isinstance(found, DriverError)}


class TestVoltages:
    @pytest.mark.parametrize("bits", RATES)
    def test_every_pin_has_its_voltage_to_half_a_step(self, read: Callable[..., Measurements], bits: int) -> None:
        found = read(named=ALL_PINS, bits=bits)
        half_a_step_v = RATES[bits].step_v * DIVIDER / 2
        assert list(found.values()) == pytest.approx(VOLTS, abs=half_a_step_v * 1.000001)

    def test_the_vendors_factor_gives_the_vendors_voltages(self, read: Callable[..., Measurements]) -> None:
        found = read(named={f"p{pin}": PinOptions(pin=pin) for pin in range(1, 5)}, bits=18, divider=2.471)
        assert list(found.values()) == pytest.approx([1.000176, 2.50042, 3.300561, 5.000841], abs=2e-5)

    @pytest.mark.parametrize(("gain", "at_most_v"), [(1, 5.05), (2, 2.52), (4, 1.26), (8, 0.63)])
    def test_a_gain_measures_finer_and_less(
        self, read: Callable[..., Measurements], first: Mcp3424, gain: int, at_most_v: float
    ) -> None:
        first.volts[0] = at_most_v / DIVIDER
        step_v = RATES[12].step_v * DIVIDER / gain
        assert read(pin=1, bits=12, gain=gain) == {"value": pytest.approx(at_most_v, abs=step_v / 2)}
        first.volts[0] = (at_most_v + 0.02) / DIVIDER
        with pytest.raises(DriverError, match=r"pin 1: over range, .* V or more; take a smaller gain"):
            read(pin=1, bits=12, gain=gain)

    def test_a_channel_may_have_a_gain_of_its_own(self, read: Callable[..., Measurements]) -> None:
        found = read(pin=1, bits=12, named={"fine": PinOptions(pin=5, gain=8)})
        assert found == {"value": pytest.approx(1.0, abs=1.3e-3), "fine": pytest.approx(0.1, abs=0.16e-3)}

    def test_a_voltage_a_little_below_zero_is_one(self, read: Callable[..., Measurements], first: Mcp3424) -> None:
        first.volts[0] = -0.002
        assert read(pin=1, bits=12) == {"value": pytest.approx(-0.002 * DIVIDER)}

    def test_a_pin_over_its_range_is_said_and_the_others_are_measured(
        self, read: Callable[..., Measurements], first: Mcp3424
    ) -> None:
        first.volts[1] = 6.0 / DIVIDER
        found = read(named=ALL_PINS, bits=12)
        assert errors(found) == {
            "p2": "pin 2: over range, 5.06 V or more; take a smaller gain, or divide more",
        }
        assert values(found).keys() == ALL_PINS.keys() - {"p2"}

    def test_a_pin_under_its_range_is_said(self, read: Callable[..., Measurements], first: Mcp3424) -> None:
        first.volts[0] = -3.0
        with pytest.raises(DriverError, match=r"pin 1: under range, -5\.06 V or less; see the polarity"):
            read(pin=1)


def phobya(volts: float) -> float:
    """Return the temperature as the original system calculates it."""
    kilohms = (5 - volts) / volts * 16800 / 1000
    return 0.0755 * kilohms**2 - 4.2327 * kilohms + 60.589


class TestTheOriginal:
    OPTIONS: Final = {"bits": 12, "curve": "phobya", "divider": 2.471}

    @pytest.mark.parametrize("steps", [30, 500, 1012, 1336, 2023])
    def test_a_temperature_is_to_the_last_bit_that_of_the_original(
        self, read: Callable[..., Measurements], first: Mcp3424, steps: int
    ) -> None:
        first.volts[1] = steps * 1e-3
        volts = steps * 0.001 * 2.471  # so does the vendor's library
        assert read(pin=2, **self.OPTIONS) == {"value": Measured(phobya(volts), {"voltage": volts})}

    def test_a_pin_without_a_voltage_gives_no_reading(self, read: Callable[..., Measurements], first: Mcp3424) -> None:
        first.volts[1] = 0.0
        with pytest.raises(DriverError, match="pin 2: 0 V is no voltage of a thermistor at 5 V; see its two wires"):
            read(pin=2, **self.OPTIONS)

    def test_a_thermistor_that_is_not_connected_does_not_silence_the_others(
        self, read: Callable[..., Measurements], first: Mcp3424
    ) -> None:
        first.volts[0] = 0.0
        found = read(pin=2, named={"A2": PinOptions(pin=1)}, **self.OPTIONS)
        assert values(found).keys() == {"value"}
        assert errors(found).keys() == {"A2"}


class TestTime:
    @pytest.mark.parametrize("bits", RATES)
    def test_both_converters_work_at_once(
        self, read: Callable[..., Measurements], clock: ManualClock, bits: int
    ) -> None:
        before_s = clock.monotonic_s
        read(named=ALL_PINS, bits=bits)
        assert clock.monotonic_s - before_s == pytest.approx(4 * 1.05 / RATES[bits].samples_per_s)

    def test_a_result_of_the_last_conversion_is_not_taken_for_a_new_one(
        self, read: Callable[..., Measurements], bus: EmulatedBus, first: Mcp3424
    ) -> None:
        assert read(pin=1, bits=12) == {"value": pytest.approx(1.0, abs=2e-3)}
        first.volts[0] = 2.0 / DIVIDER
        assert read(pin=1, bits=12) == {"value": pytest.approx(2.0, abs=2e-3)}
        assert bus.transactions == 2 * len(["configure", "too early", "result"])

    def test_a_conversion_that_does_not_end_is_an_error_and_the_other_converter_is_read(
        self, read: Callable[..., Measurements], first: Mcp3424
    ) -> None:
        first.stuck = True
        found = read(named=ALL_PINS, bits=18)
        said = "/dev/i2c-1: 0x68: a conversion does not end; switch the power of its board off and on"
        assert errors(found) == {f"p{pin}": f"pin {pin}: {said}" for pin in range(1, 5)}
        assert values(found).keys() == {"p5", "p6", "p7", "p8"}

    def test_the_longest_read_ends_before_the_deadline_of_a_read(
        self, read: Callable[..., Measurements], bus: EmulatedBus, clock: ManualClock
    ) -> None:
        for address in (0x68, 0x69):
            converter(bus, address).stuck = True
        before_s = clock.monotonic_s
        with pytest.raises(DriverError, match="does not end"):
            read(named=ALL_PINS, bits=18)
        assert clock.monotonic_s - before_s < SHORTEST_DEADLINE_S - LOCKED_S


class TestTrouble:
    def test_a_transaction_that_fails_once_is_tried_again(
        self, read: Callable[..., Measurements], bus: EmulatedBus
    ) -> None:
        for number in range(3):
            failures = iter([*[False] * number, True, *[False] * 9])
            bus.fails = lambda failures=failures: next(failures)  # type: ignore[misc] # bound in this turn
            assert read(pin=1, bits=12) == {"value": pytest.approx(1.0, abs=2e-3)}

    def test_a_converter_that_is_not_there_is_asked_twice_and_the_other_is_read(
        self, read: Callable[..., Measurements], bus: EmulatedBus
    ) -> None:
        del bus.chips[0x69]
        found = read(named=ALL_PINS, bits=12)
        assert values(found).keys() == {"p1", "p2", "p3", "p4"}
        assert errors(found).keys() == {"p5", "p6", "p7", "p8"}
        assert "pin 5: /dev/i2c-1: 0x69: Remote I/O error; see the jumpers" in errors(found)["p5"]
        assert bus.transactions == 4 * 3 + TRIES

    @pytest.mark.parametrize(
        ("number", "said"),
        [
            (errno.EREMOTEIO, "Remote I/O error; see the jumpers of its address"),
            (errno.ENXIO, "No such device or address; see the jumpers of its address"),
            (errno.ENODEV, "No such device; see the jumpers of its address"),
            (errno.EIO, "Input/output error; see the jumpers of its address"),
            (errno.ETIMEDOUT, "timed out; a chip holds the bus"),
        ],
    )
    def test_an_error_says_what_can_be_done(
        self, read: Callable[..., Measurements], bus: EmulatedBus, number: int, said: str
    ) -> None:
        bus.failing_with, bus.fails = number, lambda: True
        with pytest.raises(DriverError, match=said):
            read(pin=1)

    def test_an_address_that_the_kernel_has_is_left_to_it(
        self, read: Callable[..., Measurements], bus: EmulatedBus
    ) -> None:
        bus.owned = {0x68}
        with pytest.raises(
            DriverError, match="0x68: Device or resource busy; a driver of the kernel owns this address"
        ):
            read(pin=1)
        assert bus.transactions == 0

    @pytest.mark.parametrize(
        ("number", "said"),
        [
            (errno.ENOENT, "No such file or directory; switch I2C on: dtparam=i2c_arm=on"),
            (errno.EACCES, "Permission denied; add the user of the agent to the group i2c"),
        ],
    )
    def test_a_bus_that_cannot_be_opened_says_what_can_be_done(
        self, read: Callable[..., Measurements], bus: EmulatedBus, number: int, said: str
    ) -> None:
        bus.closed_with = number
        with pytest.raises(DriverError, match=f"/dev/i2c-1: {said}"):
            read(pin=1)

    def test_without_the_library_it_is_said_what_installs_it(
        self, read: Callable[..., Measurements], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "smbus2", None)
        with pytest.raises(DriverError, match=r'smbus2 is not installed; pip install "jph\[adcpi\]"'):
            read(pin=1)

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
    @given(failures=st.lists(st.sampled_from([True, False, False, False]), max_size=40))
    def test_a_reading_comes_when_one_of_two_tries_has_no_failure(
        self, place: Place, bus: EmulatedBus, failures: list[bool]
    ) -> None:
        waiting = iter(failures)
        bus.fails = lambda: next(waiting, False)
        computed = iter(failures)
        is_expected = any(
            not any(next(computed, False) for _ in ("configure", "too early", "result")) for _ in range(TRIES)
        )
        try:
            is_given = bool(read_at(place, pin=1, bits=12))
        except DriverError:
            is_given = False
        assert is_given == is_expected


class TestTwoReaders:
    def test_another_program_that_sets_the_converter_once_costs_a_try(
        self, place: Place, first: Mcp3424, clock: ManualClock
    ) -> None:
        assert read_at(self._disturbed(place, first, clock, times=1), pin=1, bits=12) == {
            "value": pytest.approx(1.0, abs=2e-3)
        }

    def test_one_that_does_it_all_the_time_is_told_and_its_result_is_not_taken(
        self, place: Place, first: Mcp3424, clock: ManualClock
    ) -> None:
        with pytest.raises(DriverError, match=r"0x68: another program has set it to 0x.*; stop that program"):
            read_at(self._disturbed(place, first, clock, times=99), pin=1, bits=12)

    def _disturbed(self, place: Place, chip: Mcp3424, clock: ManualClock, times: int) -> Place:
        """Return a place where somebody sets the chip to another channel while we wait."""
        left = [b"\xe0"] * times

        def sleep(seconds: float) -> None:
            clock.pass_time(seconds)
            if left:
                chip.write(left.pop())

        return replace(place, sleep=sleep)

    def test_a_bus_that_another_driver_has_is_waited_for(self, place: Place, clock: ManualClock) -> None:
        waited_s = []
        with place.locate("/dev/i2c-1").open("rb") as other:
            fcntl.flock(other, fcntl.LOCK_EX)

            def sleep(seconds: float) -> None:
                clock.pass_time(seconds)
                waited_s.append(seconds)
                if sum(waited_s) > 1.0:
                    fcntl.flock(other, fcntl.LOCK_UN)

            assert read_at(replace(place, sleep=sleep), pin=1, bits=12) == {"value": pytest.approx(1.0, abs=2e-3)}

    def test_one_that_is_not_given_back_is_an_error(self, place: Place, read: Callable[..., Measurements]) -> None:
        with place.locate("/dev/i2c-1").open("rb") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            with pytest.raises(DriverError, match=f"/dev/i2c-1: somebody else has had the bus for {LOCKED_S:g} s"):
                read(pin=1)


class TestClosing:
    def test_closing_ends_a_read_before_its_next_transaction(
        self, place: Place, bus: EmulatedBus, clock: ManualClock
    ) -> None:
        def sleep(seconds: float) -> None:
            clock.pass_time(seconds)
            driver.close()

        driver = Adcpi(AdcpiOptions(named=PINS_1_AND_5), replace(place, sleep=sleep))
        with pytest.raises(DriverError, match="the driver was closed"):
            driver.read()
        assert bus.transactions == len(["configure the first", "configure the second"])

    def test_what_is_closed_reads_no_more(self, place: Place, bus: EmulatedBus) -> None:
        driver = Adcpi(AdcpiOptions(pin=1), place)
        driver.close()
        with pytest.raises(DriverError, match="the driver was closed"):
            driver.read()
        assert bus.transactions == 0


def test_its_device_is_the_bus() -> None:
    assert AdcpiOptions(pin=1, bus=3).devices() == {"/dev/i2c-3"}


def test_the_looks_at_a_result_reach_to_three_times_of_a_conversion() -> None:
    assert 0.9 + MOST_LOOKS * 0.15 >= 3.0


PROGRAM: Final = """
import time
from pathlib import Path
from drivers.adcpi import Adcpi, AdcpiOptions
from drivers.driver import Place
print(Adcpi(AdcpiOptions(pin=1, bits=14), Place("A1", Path("/nowhere"), time.monotonic)).read()["value"])
"""


def test_a_process_of_its_own_reads_it_in_real_time(tmp_path: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("needs cc (Debian: build-essential)")
    bus = EmulatedBus({0x68: Mcp3424(time.monotonic, 3.3 / DIVIDER)})
    with mounted({1: bus}, tmp_path / "dev"):
        surroundings = environment(tmp_path / "dev", tmp_path)
        told = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=surroundings, capture_output=True, text=True, check=True
        )
    assert float(told.stdout) == pytest.approx(3.3, abs=1e-3)


class TestThePage:
    """What docs/drivers.md says in figures."""

    PAGE: Final = (Path(__file__).parents[2] / "docs/drivers.md").read_text(encoding="utf-8")

    @pytest.mark.parametrize("bits", RATES)
    def test_the_time_and_the_step_of_its_bits_are_those_of_the_converter(self, bits: int) -> None:
        rate = RATES[bits]
        step_mv = f"{rate.step_v * DIVIDER * 1000:.2g}"
        assert (
            f"| {bits} | {round(1050 / rate.samples_per_s, -1 if bits > 14 else None):.0f} ms | {step_mv} mV |"
            in self.PAGE
        )

    @pytest.mark.parametrize("gain", GAINS)
    def test_the_range_of_its_gains_is_that_of_the_converter(self, gain: int) -> None:
        assert f"| {gain} | {FULL_SCALE_V / gain * DIVIDER:.2f} V |" in self.PAGE

    def test_its_options_have_the_words_of_their_declaration(self) -> None:
        declared = [*get_type_hints(AdcpiOptions, include_extras=True).values()]
        declared += get_type_hints(Curve, include_extras=True).values()
        for kind in declared:
            for meta in getattr(kind, "__metadata__", ()):
                if isinstance(meta, msgspec.Meta) and meta.description:
                    assert meta.description in self.PAGE

    def test_its_limits_are_those_of_the_code(self) -> None:
        assert f"more than {OPEN_TIMES} times 16.8 kΩ" in self.PAGE
        assert f"wait for each other, up to {LOCKED_S:g} s" in self.PAGE
        assert (TRIES, INPUT_OHMS, DIVIDER) == (2, 16_800, 16.8 / 6.8)  # "twice in a row", "16.8 kΩ", "16.8 / 6.8"
