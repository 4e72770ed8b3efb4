"""The driver `w1` on buses as the kernel shows them."""

import errno
import logging
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from decimal import Decimal
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.driver import DriverError, Place
from drivers.hardware.sysfs import SysfsError
from drivers.hardware.w1_slave import crc8, temperature
from drivers.w1 import W1, Thermometer, W1Options, found
from tests.drivers.devices.sysfs import OneWireBus
from tests.drivers.trying import read
from tests.support.driven_time import ManualClock
from tests.support.fake_sysfs import FakeSysfs

A: Final = "28-0316a2795dff"
B: Final = "28-0416b3795dfe"
C: Final = "10-000802b48abc"

# Recorded from a DS18B20.
RECORDED: Final = "6a 01 4b 46 7f ff 0c 10 b8 : crc=b8 YES\n6a 01 4b 46 7f ff 0c 10 b8 t=22625"


@pytest.fixture
def bus(sysfs: FakeSysfs, clock: ManualClock) -> OneWireBus:
    return OneWireBus(sysfs, clock)


def driver(place: Place, **options: Any) -> W1:
    return W1(W1Options(**options), place)


def reading(place: Place, **options: Any) -> Mapping[str, Any]:
    with closing(driver(place, **options)) as w1:
        return read(w1)


def fail(bus: OneWireBus, *outcomes: bool) -> None:
    """Let the next transactions go wrong or right, and all after them right."""
    answers: Iterator[bool] = chain(outcomes, repeat(False))
    bus.fails = lambda: next(answers)


def test_a_recorded_reading_is_22_625_degrees() -> None:
    assert temperature(RECORDED) == Decimal("22.625")


def test_the_checksum_is_that_of_the_recorded_bytes() -> None:
    assert crc8(bytes.fromhex("6a014b467fff0c10")) == 0xB8


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it is empty: the conversion failed"),
        (RECORDED.replace("YES", "NO"), "the checksum is wrong"),
        (RECORDED.replace("6a 01 4b 46 7f ff 0c 10 b8 :", "6b 01 4b 46 7f ff 0c 10 b8 :"), "the checksum is wrong"),
        (RECORDED.replace("6a 01", "6b 01"), "the checksum is wrong"),
        (RECORDED.replace("b8 t=", "b9 t="), "the checksum is wrong"),
        ("00 00 00 00 00 00 00 00 00 : crc=00 YES\n00 00 00 00 00 00 00 00 00 t=0", "all bytes are 0"),
        (RECORDED.partition("\n")[0], "it is not the text of w1_therm"),
        ("22625", "it is not the text of w1_therm"),
    ],
)
def test_what_is_no_good_reading_is_an_error_that_may_pass(text: str, problem: str) -> None:
    with pytest.raises(SysfsError, match=problem) as failure:
        temperature(text)
    assert failure.value.passing


@given(st.text(alphabet="0123456789abcdef :=tcrYESNO-\n", max_size=100))
def test_any_text_is_a_temperature_or_an_error(text: str) -> None:
    with suppress(SysfsError):
        assert temperature(text).is_finite()


def test_a_thermometer_gives_degrees(bus: OneWireBus, sys_place: Place) -> None:
    bus.add(A, 22.625)
    assert reading(sys_place, id=A) == {"value": 22.625}


@pytest.mark.parametrize(("celsius", "value"), [(-55.0, -55.0), (-0.0625, -0.063), (0.0, 0.0), (125.0, 125.0)])
def test_the_whole_range_is_measured(bus: OneWireBus, sys_place: Place, celsius: float, value: float) -> None:
    bus.add(A, celsius)
    assert reading(sys_place, id=A) == {"value": value}


def test_the_only_thermometer_needs_no_name(bus: OneWireBus, sys_place: Place) -> None:
    bus.add(A, 20)
    assert reading(sys_place) == {"value": 20.0}


def test_of_several_one_must_be_chosen(bus: OneWireBus, sys_place: Place) -> None:
    bus.add(A, 20)
    bus.add(B, 21)
    with pytest.raises(DriverError, match=f"there are 2 thermometers; say which with `id` or `ids`: {A}, {B}"):
        reading(sys_place)


def test_without_a_thermometer_the_overlay_is_named(sysfs: FakeSysfs, sys_place: Place) -> None:
    with pytest.raises(DriverError, match="there is no thermometer; write dtoverlay=w1-gpio,gpiopin=4"):
        reading(sys_place)


def test_one_that_is_not_there_is_told_with_those_that_are(bus: OneWireBus, sys_place: Place) -> None:
    bus.add(A, 20)
    with pytest.raises(DriverError, match=f"{B} is not on the bus; there are: {A}"):
        reading(sys_place, id=B)


def test_several_of_one_bus_measure_at_the_same_time(bus: OneWireBus, sys_place: Place, clock: ManualClock) -> None:
    bus.add(A, 20)
    bus.add(B, 21)
    began_s = clock.monotonic()
    assert reading(sys_place, ids={"value": A, "b": B}) == {"value": 20.0, "b": 21.0}
    assert clock.monotonic() - began_s < 0.8


@pytest.mark.parametrize("has_bulk", [True, False])
def test_without_bulk_conversion_one_measures_after_the_other(
    sysfs: FakeSysfs, sys_place: Place, clock: ManualClock, *, has_bulk: bool
) -> None:
    bus = OneWireBus(sysfs, clock, has_bulk=has_bulk)
    if has_bulk:  # but not for this user
        sysfs.put("/sys/devices/w1_bus_master1/therm_bulk_read", "0\n")
    bus.add(A, 20)
    bus.add(B, 21)
    began_s = clock.monotonic()
    assert reading(sys_place, ids={"value": A, "b": B}) == {"value": 20.0, "b": 21.0}
    assert 1.5 < clock.monotonic() - began_s < 1.6


def test_every_bus_measures_by_itself(sysfs: FakeSysfs, sys_place: Place, clock: ManualClock) -> None:
    for number, id_ in ((1, A), (2, B)):
        OneWireBus(sysfs, clock, number).add(id_, 20 + number)
    assert reading(sys_place, ids={"value": A, "b": B}) == {"value": 21.0, "b": 22.0}
    assert sysfs.writes == []


def test_what_another_program_had_measured_is_not_read_as_new(bus: OneWireBus, sys_place: Place) -> None:
    sensor = bus.add(A, 20)
    bus.convert_all()
    sensor.celsius = 30
    assert reading(sys_place, id=A) == {"value": 30.0}


def test_nor_is_it_where_only_others_may_have_all_measure(sysfs: FakeSysfs, bus: OneWireBus, sys_place: Place) -> None:
    sensors = [bus.add(A, 20), bus.add(B, 21)]
    sysfs.put("/sys/devices/w1_bus_master1/therm_bulk_read", "1\n")
    bus.convert_all()
    for sensor in sensors:
        sensor.celsius += 10
    assert reading(sys_place, ids={"value": A, "b": B}) == {"value": 30.0, "b": 31.0}


@pytest.mark.parametrize("says_no", [True, False])
def test_a_reading_that_failed_is_tried_again(bus: OneWireBus, sys_place: Place, *, says_no: bool) -> None:
    bus.says_no = says_no
    bus.add(A, 20)
    fail(bus, True, True)
    assert reading(sys_place, id=A) == {"value": 20.0}
    assert bus.transactions == 3


def test_it_is_tried_again_no_longer_than_its_patience(bus: OneWireBus, sys_place: Place, clock: ManualClock) -> None:
    bus.add(A, 20)
    bus.fails = lambda: True
    began_s = clock.monotonic()
    with pytest.raises(DriverError, match=f"{A}: it is empty: the conversion failed; look at the cable"):
        reading(sys_place, id=A, patience=2.4)
    assert clock.monotonic() - began_s <= 2.4
    assert bus.transactions == 2


def test_ten_thermometers_of_which_one_fails_are_read_within_the_shortest_deadline(
    bus: OneWireBus, sys_place: Place, clock: ManualClock
) -> None:
    ids = {f"c{number}": f"28-{number:012x}" for number in range(10)}
    for id_ in ids.values():
        bus.add(id_, 20)
    bus.add(ids["c3"], 20).has_power = False
    began_s = clock.monotonic()
    measured = reading(sys_place, ids=ids)
    assert [channel for channel, value in measured.items() if value != 20.0] == ["c3"]
    assert isinstance(measured["c3"], DriverError)
    assert clock.monotonic() - began_s < 5


def test_a_bulk_conversion_that_fails_only_takes_longer(bus: OneWireBus, sys_place: Place) -> None:
    bus.add(A, 20)
    bus.add(B, 21)
    fail(bus, True)
    assert reading(sys_place, ids={"value": A, "b": B}) == {"value": 20.0, "b": 21.0}


def test_85_degrees_are_no_reading(bus: OneWireBus, sys_place: Place) -> None:
    bus.add(A, 20).has_power = False
    with pytest.raises(DriverError, match=f"{A}: 85.000 °C stands for a conversion that failed; look at its power"):
        reading(sys_place, id=A)


def test_127_9_degrees_are_no_reading(bus: OneWireBus, sys_place: Place) -> None:
    bus.add(A, 127.9375)
    with pytest.raises(DriverError, match=r"127.937 °C stands for a conversion that failed"):
        reading(sys_place, id=A)


def test_85_degrees_after_a_reading_nearby_are_a_reading(bus: OneWireBus, sys_place: Place) -> None:
    sensor = bus.add(A, 83.5)
    with closing(driver(sys_place, id=A)) as w1:
        assert read(w1) == {"value": 83.5}
        sensor.celsius = 85
        assert read(w1) == {"value": 85.0}


def test_a_reading_nearby_that_is_old_does_not_count(bus: OneWireBus, sys_place: Place, clock: ManualClock) -> None:
    sensor = bus.add(A, 83.5)
    with closing(driver(sys_place, id=A)) as w1:
        read(w1)
        clock.pass_time(301)
        sensor.has_power = False
        with pytest.raises(DriverError, match="stands for a conversion that failed"):
            read(w1)


def test_one_of_several_that_is_pulled_out_leaves_the_others(bus: OneWireBus, sys_place: Place) -> None:
    bus.add(A, 20)
    bus.add(B, 21)
    with closing(driver(sys_place, ids={"value": A, "b": B})) as w1:
        read(w1)
        bus.remove(B)
        measured = read(w1)
        assert measured["value"] == 20.0
        assert str(measured["b"]) == f"{B} is not on the bus; there are: {A}"
        bus.add(B, 22)
        assert read(w1) == {"value": 20.0, "b": 22.0}


def test_the_resolution_is_set_when_it_differs(bus: OneWireBus, sys_place: Place, clock: ManualClock) -> None:
    sensor = bus.add(A, 20.0625)
    with closing(driver(sys_place, id=A, resolution=9)) as w1:
        began_s = clock.monotonic()
        assert read(w1) == {"value": 20.0}
        assert clock.monotonic() - began_s < 0.15
    assert sensor.resolution == 9


def test_a_resolution_that_is_right_is_not_written(sysfs: FakeSysfs, bus: OneWireBus, sys_place: Place) -> None:
    bus.add(A, 20)
    reading(sys_place, id=A, resolution=12)
    assert sysfs.writes == []


def test_a_thermometer_that_lost_its_power_gets_its_resolution_again(bus: OneWireBus, sys_place: Place) -> None:
    sensor = bus.add(A, 20)
    with closing(driver(sys_place, id=A, resolution=9)) as w1:
        read(w1)
        sensor.resolution, sensor.has_power = 12, False
        with pytest.raises(DriverError):
            read(w1)
        sensor.has_power = True
        read(w1)
    assert sensor.resolution == 9


def test_one_that_takes_no_resolution_is_read_all_the_same(
    bus: OneWireBus, sys_place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    bus.add(C, 20)
    with caplog.at_level(logging.WARNING), closing(driver(sys_place, id=C, resolution=9)) as w1:
        assert read(w1) == {"value": 20.0}
        bus.fails = lambda: True
        with pytest.raises(DriverError):
            read(w1)
        bus.fails = lambda: False
        assert read(w1) == {"value": 20.0}
    (told,) = caplog.messages
    assert "FK: the resolution stays as it is: " in told


def test_a_bus_that_is_busy_is_asked_again(sysfs: FakeSysfs, bus: OneWireBus, sys_place: Place) -> None:
    bus.add(A, 20)
    numbers = iter([errno.EAGAIN])
    sysfs.trouble = lambda path: next(numbers, 0) if path.endswith("w1_slave") else 0
    assert reading(sys_place, id=A) == {"value": 20.0}


def test_one_that_is_closed_tries_nothing_again(bus: OneWireBus, sys_place: Place) -> None:
    bus.add(A, 20)
    w1 = driver(sys_place, id=A)

    def fails() -> bool:
        w1.close()
        return True

    bus.fails = fails
    with pytest.raises(DriverError):
        read(w1)
    assert bus.transactions == 1


@pytest.mark.parametrize(
    ("options", "writes"), [({"id": A}, False), ({"id": A, "resolution": 9}, True), ({"ids": {"a": A, "b": B}}, True)]
)
def test_only_what_sets_something_writes_to_sys(options: dict[str, Any], *, writes: bool) -> None:
    assert W1Options(**options).writes_to_sys() == writes


def test_all_thermometers_of_a_computer_are_found(bus: OneWireBus, sys_root: Path) -> None:
    for id_ in (A, B, C):
        bus.add(id_, 20)
    bus.add("29-000000000001", 20)  # a switch
    assert found(sys_root) == [
        Thermometer(C, "DS18S20", "w1_bus_master1"),
        Thermometer(A, "DS18B20", "w1_bus_master1"),
        Thermometer(B, "DS18B20", "w1_bus_master1"),
    ]


def test_a_computer_without_a_bus_has_none(sys_root: Path) -> None:
    assert found(sys_root) == []
