"""The driver `dht`: through the kernel's files, and through two libraries."""

import errno
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, suppress
from itertools import chain, pairwise, repeat
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any, Final, TypeAlias

import pytest

from agent.supervisor import SHORTEST_DEADLINE_S
from config.loading import loads
from drivers.dht import Dht, DhtOptions
from drivers.driver import DriverError, Place
from drivers.registry import options_of
from tests.drivers.devices.sysfs import KernelDht22
from tests.drivers.trying import read
from tests.support.driven_time import ManualClock
from tests.support.fake_sysfs import FakeSysfs

PIN: Final = 21
GOOD: Final = {"value": 21.5, "humidity": 40.2, "success": 100.0}


@pytest.fixture
def sensor(sysfs: FakeSysfs, clock: ManualClock) -> KernelDht22:
    return KernelDht22(sysfs, clock, "dht11@15")


@pytest.fixture
def dht(sys_place: Place) -> Iterator[Dht]:
    with closing(Dht(DhtOptions(pin=PIN), sys_place)) as dht:
        yield dht


def reading(place: Place, **options: Any) -> Mapping[str, Any]:
    with closing(Dht(DhtOptions(**{"pin": PIN, **options}), place)) as dht:
        return read(dht)


def fail(sensor: KernelDht22, *numbers: int) -> None:
    """Let the next transactions have these outcomes, and all after them be good."""
    outcomes: Iterator[int] = chain(numbers, repeat(0))
    sensor.outcome = lambda: next(outcomes)


def say(sensor: KernelDht22, *answers: tuple[float, float]) -> None:
    """Let the next transactions have these answers; the last one stays."""
    coming = iter(answers)

    def outcome() -> int:
        sensor.celsius, sensor.percent = next(coming, (sensor.celsius, sensor.percent))
        return 0

    sensor.outcome = outcome


def every_5_s(dht: Dht, clock: ManualClock, times: int) -> list[Mapping[str, Any]]:
    measured = []
    for _ in range(times):
        due_s = clock.monotonic() + 5
        measured.append(read(dht))
        clock.pass_time(due_s - clock.monotonic())
    return measured


def values(measured: Mapping[str, Any]) -> tuple[Any, Any]:
    return measured["value"], measured["humidity"]


def test_one_transaction_gives_temperature_and_humidity(sensor: KernelDht22, dht: Dht) -> None:
    assert read(dht) == GOOD
    assert len(sensor.began_s) == 1


@pytest.mark.parametrize("celsius", [-40.0, -0.1, 0.0, 80.0])
def test_the_whole_range_is_measured(sensor: KernelDht22, dht: Dht, celsius: float) -> None:
    sensor.celsius = celsius
    assert read(dht)["value"] == celsius


@pytest.mark.parametrize(
    ("name", "gpio", "pin"),
    [
        ("dht11@15", 21, 21),
        ("dht11@15", None, 21),
        ("dht11@4", None, 4),
        ("dht11@21", None, 21),
        ("dht11@0", 21, 21),
        ("dht11@0", None, 21),
        ("dht11", None, 21),
        ("dht11@11", 17, 17),
    ],
)
def test_the_kernel_s_device_is_found_by_its_pin(
    sysfs: FakeSysfs, clock: ManualClock, sys_place: Place, *, name: str, gpio: int | None, pin: int
) -> None:
    KernelDht22(sysfs, clock, name, gpio)
    assert reading(sys_place, pin=pin, backend="iio") == GOOD


@pytest.mark.parametrize(("name", "gpio", "pin"), [("dht11@15", 21, 15), ("dht11@15", None, 4), ("dht11@0", 4, 21)])
def test_a_device_on_another_pin_is_not_taken(
    sysfs: FakeSysfs, clock: ManualClock, sys_place: Place, *, name: str, gpio: int | None, pin: int
) -> None:
    KernelDht22(sysfs, clock, name, gpio)
    told = f"there is no dht11 on GPIO {pin}; there are: {name}; write dtoverlay=dht11,gpiopin={pin} into config.txt"
    with pytest.raises(DriverError, match=told):
        reading(sys_place, pin=pin, backend="iio")


@pytest.mark.parametrize("number", [errno.ETIMEDOUT, errno.EIO, errno.EAGAIN])
def test_a_transaction_that_failed_is_tried_again(sensor: KernelDht22, dht: Dht, number: int) -> None:
    fail(sensor, number)
    assert read(dht) == {**GOOD, "success": 50.0}


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ETIMEDOUT, "in_temp_input: Connection timed out; the device did not answer: look at its wiring"),
        (errno.EIO, "in_temp_input: Input/output error; what the device said could not be read"),
    ],
)
def test_a_sensor_that_does_not_answer_is_told_as_the_kernel_tells_it(
    sensor: KernelDht22, dht: Dht, number: int, told: str
) -> None:
    sensor.outcome = lambda: number
    with pytest.raises(DriverError, match=told):
        read(dht)


def test_what_does_not_pass_is_not_tried_again(sensor: KernelDht22, dht: Dht) -> None:
    fail(sensor, errno.EACCES)
    with pytest.raises(DriverError, match="Permission denied"):
        read(dht)
    assert len(sensor.began_s) == 1


def test_a_patient_reading_is_tried_five_times(sensor: KernelDht22, sys_place: Place, clock: ManualClock) -> None:
    fail(sensor, *[errno.ETIMEDOUT] * 4)
    assert reading(sys_place, patience=20) == {**GOOD, "success": 20.0}
    clock.pass_time(5)
    sensor.outcome = lambda: errno.EIO
    sensor.began_s.clear()
    with pytest.raises(DriverError):
        reading(sys_place, patience=60)
    assert len(sensor.began_s) == 5


def test_a_failed_transaction_gives_nothing_of_the_one_before(
    sensor: KernelDht22, dht: Dht, clock: ManualClock
) -> None:
    assert read(dht)
    clock.pass_time(10)
    sensor.outcome = lambda: errno.EIO
    with pytest.raises(DriverError):
        read(dht)


def test_an_answer_that_the_kernel_keeps_is_not_read_as_new(sensor: KernelDht22, dht: Dht) -> None:
    say(sensor, (21.0, 40.0), (22.0, 41.0), (23.0, 42.0))
    assert [values(read(dht)) for _ in range(3)] == [(21.0, 40.0), (22.0, 41.0), (23.0, 42.0)]


@pytest.mark.parametrize("seed", range(5))
def test_whatever_fails_a_reading_ends_within_the_shortest_deadline_and_the_sensor_has_2_s_of_rest(
    sensor: KernelDht22, dht: Dht, clock: ManualClock, seed: int
) -> None:
    random = Random(seed)
    sensor.outcome = lambda: random.choice([0, 0, errno.EIO, errno.ETIMEDOUT])
    longest_s = 0.0
    for _ in range(40):
        began_s = clock.monotonic()
        with suppress(DriverError):
            read(dht)
        longest_s = max(longest_s, clock.monotonic() - began_s)
        clock.pass_time(random.choice([0, 0, 1, max(0, began_s + 5 - clock.monotonic())]))
    assert longest_s < SHORTEST_DEADLINE_S
    assert min(later_s - earlier_s for earlier_s, later_s in pairwise(sensor.began_s)) >= 2


@pytest.mark.parametrize(
    "answer", [(-3276.7, 40.0), (80.1, 40.0), (-40.1, 40.0), (20.0, 100.1), (0.0, 1.0), (0.0, 2.0), (0.1, 1.0)]
)
def test_what_the_sensor_cannot_measure_is_no_reading(
    sensor: KernelDht22, dht: Dht, answer: tuple[float, float]
) -> None:
    sensor.celsius, sensor.percent = answer
    with pytest.raises(DriverError, match=r"the sensor said .* °C and .* %, which it cannot measure"):
        read(dht)


def test_an_answer_without_sense_is_asked_for_again(sensor: KernelDht22, dht: Dht) -> None:
    say(sensor, (-3276.7, 40.2), (21.5, 40.2))
    assert read(dht) == {**GOOD, "success": 50.0}


@pytest.mark.parametrize("jump", [(27.0, 40.2), (21.5, 60.3), (16.4, 19.0)])
def test_a_jump_that_the_next_answer_does_not_confirm_is_no_reading(
    sensor: KernelDht22, dht: Dht, clock: ManualClock, jump: tuple[float, float]
) -> None:
    say(sensor, (21.5, 40.2), jump, (21.6, 40.3))
    assert [values(measured) for measured in every_5_s(dht, clock, 2)] == [(21.5, 40.2), (21.6, 40.3)]
    assert len(sensor.began_s) == 3


def test_a_jump_that_the_next_answer_confirms_is_a_reading(sensor: KernelDht22, dht: Dht, clock: ManualClock) -> None:
    say(sensor, (21.5, 40.2), (30.0, 70.0), (30.1, 71.0))
    measured = every_5_s(dht, clock, 3)
    assert [values(each) for each in measured] == [(21.5, 40.2), (30.1, 71.0), (30.1, 71.0)]
    assert len(sensor.began_s) == 4


def test_a_jump_is_confirmed_by_the_next_reading_when_there_is_no_time_in_this_one(
    sensor: KernelDht22, sys_place: Place, clock: ManualClock
) -> None:
    with closing(Dht(DhtOptions(pin=PIN, patience=1), sys_place)) as dht:
        say(sensor, (21.5, 40.2), (30.0, 70.0), (30.1, 71.0))
        every_5_s(dht, clock, 1)
        told = (
            "a jump from 21.500 °C and 40.200 % to 30.000 °C and 70.000 %; it is believed when the next answer agrees"
        )
        with pytest.raises(DriverError, match=told):
            read(dht)
        assert values(read(dht)) == (30.1, 71.0)


def test_the_success_rate_is_of_the_last_100_transactions(sensor: KernelDht22, dht: Dht, clock: ManualClock) -> None:
    fail(sensor, *[errno.EIO, 0] * 10)
    rates = [measured["success"] for measured in every_5_s(dht, clock, 110)]
    assert rates[:10] == [50.0] * 10
    assert rates[89] == 90.0  # 10 of 100 failed
    assert rates[90] == 91.0
    assert rates[-1] == 100.0


def test_one_that_is_closed_tries_nothing_again(sensor: KernelDht22, dht: Dht) -> None:
    def outcome() -> int:
        dht.close()
        return errno.EIO

    sensor.outcome = outcome
    with pytest.raises(DriverError):
        read(dht)
    assert len(sensor.began_s) == 1


def test_a_sensor_whose_overlay_comes_later_is_read(sysfs: FakeSysfs, clock: ManualClock, sys_place: Place) -> None:
    with closing(Dht(DhtOptions(pin=PIN, backend="iio"), sys_place)) as dht:
        with pytest.raises(DriverError, match="there is no dht11 on GPIO 21"):
            read(dht)
        KernelDht22(sysfs, clock, "dht11@15")
        assert read(dht) == GOOD
        sysfs.remove("/sys")
        with pytest.raises(DriverError):
            read(dht)
        KernelDht22(sysfs, clock, "dht11@0")
        assert read(dht)["value"] == 21.5


def test_one_that_is_closed_asks_no_more(sensor: KernelDht22, dht: Dht) -> None:
    dht.close()
    with pytest.raises(DriverError, match="the driver was closed"):
        read(dht)
    assert sensor.began_s == []


@pytest.mark.parametrize(
    ("backend", "devices"),
    [
        ("iio", set()),
        ("circuitpython", {"/dev/gpiochip0", "/dev/gpiochip4"}),
        ("adafruit", {"/dev/gpiomem"}),
        ("auto", {"/dev/gpiochip0", "/dev/gpiochip4", "/dev/gpiomem"}),
    ],
)
def test_a_service_may_open_what_the_libraries_need(backend: Any, devices: set[str]) -> None:
    assert DhtOptions(pin=PIN, backend=backend).devices() == devices


Pulses: TypeAlias = "array[int]"


# The library of Adafruit decodes pulses: two for each bit, 50 µs low, then high for 26 µs (0) or 70 µs (1).
def pulses(data: Iterable[int]) -> Pulses:
    bits = (byte >> number & 1 for byte in data for number in range(7, -1, -1))
    return array("H", [*chain.from_iterable((50, 70 if bit else 26) for bit in bits), 50])


def dht22_bytes(celsius: float, percent: float) -> list[int]:
    tenths, sign = round(abs(celsius) * 10), 0x8000 if celsius < 0 else 0
    data = [*round(percent * 10).to_bytes(2, "big"), *(tenths | sign).to_bytes(2, "big")]
    return [*data, sum(data) & 0xFF]


class Wire:
    """The data line of a DHT22 that the library listens to, pulse by pulse."""

    def __init__(self) -> None:
        self.heard: list[Pulses] = []
        self.listened = 0

    def listen(self) -> Pulses:
        self.listened += 1
        return self.heard.pop(0)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch, clock: ManualClock) -> Wire:
    adafruit_dht, board = pytest.importorskip("adafruit_dht"), pytest.importorskip("board")
    wire = Wire()
    monkeypatch.setattr(board, "D21", object(), raising=False)
    monkeypatch.setattr(adafruit_dht.DHTBase, "_get_pulses_bitbang", wire.listen)
    monkeypatch.setattr(adafruit_dht, "time", SimpleNamespace(monotonic=clock.monotonic, sleep=clock.pass_time))
    return wire


@pytest.mark.parametrize("celsius", [21.5, -10.1])
def test_the_library_of_adafruit_decodes_what_it_hears(wire: Wire, sys_place: Place, celsius: float) -> None:
    wire.heard = [pulses(dht22_bytes(celsius, 40.2))]
    assert reading(sys_place, backend="circuitpython") == {**GOOD, "value": celsius}
    assert wire.listened == 1


@pytest.mark.parametrize(
    "heard", [pulses([1, 2, 3, 4, 99]), pulses(dht22_bytes(20, 40))[:70], array("H")], ids=["checksum", "short", "none"]
)
def test_what_the_library_of_adafruit_cannot_decode_is_asked_for_again(
    wire: Wire, sys_place: Place, heard: Pulses
) -> None:
    wire.heard = [heard, pulses(dht22_bytes(21.5, 40.2))]
    assert reading(sys_place, backend="circuitpython") == {**GOOD, "success": 50.0}


def test_without_the_kernel_s_driver_the_library_of_adafruit_is_taken(wire: Wire, sys_place: Place) -> None:
    wire.heard = [pulses(dht22_bytes(21.5, 40.2))]
    assert reading(sys_place) == GOOD


def test_of_both_libraries_the_newer_one_is_taken(adafruit: ModuleType, wire: Wire, sys_place: Place) -> None:
    adafruit.read = lambda _sensor, _pin: (1.0, 1.0)  # type: ignore[attr-defined]  # made here
    wire.heard = [pulses(dht22_bytes(21.5, 40.2))]
    assert reading(sys_place) == GOOD


def test_without_the_newer_library_the_older_one_is_taken(
    adafruit: ModuleType, monkeypatch: pytest.MonkeyPatch, sys_place: Place
) -> None:
    monkeypatch.setitem(sys.modules, "adafruit_dht", None)
    adafruit.read = lambda _sensor, _pin: (40.2, 21.5)  # type: ignore[attr-defined]  # made here
    assert reading(sys_place) == GOOD


def test_a_pin_that_the_computer_does_not_have_is_an_error(sys_place: Place) -> None:
    pytest.importorskip("adafruit_dht")
    with pytest.raises(DriverError, match="this computer has no pin D53, says the library of Adafruit"):
        reading(sys_place, pin=53, backend="circuitpython")


@pytest.fixture
def adafruit(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Give a module with the interface that Adafruit_DHT documents: the library itself does not install any more.

    read(sensor, pin) returns humidity and temperature, both None when the transaction failed.
    """
    module = ModuleType("Adafruit_DHT")
    module.DHT11, module.DHT22, module.AM2302 = 11, 22, 22  # type: ignore[attr-defined]  # made here
    monkeypatch.setitem(sys.modules, "Adafruit_DHT", module)
    return module


def test_the_older_library_gives_humidity_first(adafruit: ModuleType, sys_place: Place) -> None:
    asked: list[tuple[int, int]] = []

    def read_once(sensor: int, pin: int) -> tuple[float, float]:
        asked.append((sensor, pin))
        return 40.2, 21.5

    adafruit.read = read_once  # type: ignore[attr-defined]  # made here
    assert reading(sys_place, backend="adafruit") == GOOD
    assert asked == [(22, PIN)]


def test_a_transaction_that_failed_there_is_tried_again(adafruit: ModuleType, sys_place: Place) -> None:
    answers = iter([(None, None), (40.2, 21.5)])
    adafruit.read = lambda _sensor, _pin: next(answers)  # type: ignore[attr-defined]  # made here
    assert reading(sys_place, backend="adafruit") == {**GOOD, "success": 50.0}


def test_a_computer_that_the_older_library_does_not_know_is_an_error(adafruit: ModuleType, sys_place: Place) -> None:
    def refuse(_sensor: int, _pin: int) -> None:
        raise RuntimeError("Unknown platform.")

    adafruit.read = refuse  # type: ignore[attr-defined]  # made here
    with pytest.raises(DriverError, match=r"Adafruit_DHT: Unknown platform\.; it knows only older Raspberry Pis"):
        reading(sys_place, backend="adafruit")


def test_when_there_is_no_way_all_reasons_are_told(monkeypatch: pytest.MonkeyPatch, sys_place: Place) -> None:
    monkeypatch.setitem(sys.modules, "adafruit_dht", None)
    monkeypatch.setitem(sys.modules, "Adafruit_DHT", None)
    with pytest.raises(DriverError) as failure:
        reading(sys_place)
    told = str(failure.value)
    assert "iio: " in told
    assert "there is no dht11 on GPIO 21; circuitpython: adafruit_dht" in told
    assert "; adafruit: Adafruit_DHT" in told
    assert failure.value.hint == 'write dtoverlay=dht11,gpiopin=21 into config.txt or pip install "jph[dht]"'


def test_a_proxy_that_reads_the_success_rate_loads() -> None:
    text = b"nodes: {F1: {driver: dht, options: {pin: 4}, proxies: {F2: {channel: success}}}}"
    assert loads(text, "jph.yaml", options_of).warnings == ()
