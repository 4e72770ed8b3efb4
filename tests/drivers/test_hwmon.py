"""The driver `hwmon` on chips as the kernel shows them."""

import errno
import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from drivers.driver import DriverError, Place
from drivers.hwmon import Hwmon, HwmonChip, HwmonOptions, Input, found
from tests.drivers.devices.sysfs import put_hwmon
from tests.drivers.trying import read
from tests.support.fake_sysfs import FakeSysfs

# An INA219 as the kernel's ina2xx shows it: shunt and bus voltage, current and power.
INA219 = {"in0_input": "12", "in1_input": "5016", "curr1_input": "124", "power1_input": "620000"}


def reading(place: Place, **options: Any) -> Mapping[str, Any]:
    with closing(Hwmon(HwmonOptions(**options), place)) as driver:
        return read(driver)


def test_a_temperature_is_in_degrees(sysfs: FakeSysfs, sys_place: Place) -> None:
    put_hwmon(sysfs, 0, "lm75", {"temp1_input": "25500"})
    assert reading(sys_place, chip="lm75") == {"value": 25.5}


@pytest.mark.parametrize(
    ("source", "text", "value"),
    [
        ("temp1", "-273150", -273.15),
        ("in1", "5016", 5.016),
        ("curr1", "-124", -0.124),
        ("power1", "620000", 0.62),
        ("humidity1", "33603", 33.603),
        ("energy1", "1500000", 1.5),
        ("fan1", "1318", 1318),
        ("freq1", "700000000", 700000000),
    ],
)
def test_every_kind_has_its_unit(sysfs: FakeSysfs, sys_place: Place, source: str, text: str, value: float) -> None:
    put_hwmon(sysfs, 0, "chip", {f"{source}_input": text})
    measured = reading(sys_place, chip="chip", source=source)
    assert repr(measured) == repr({"value": value})


def test_several_inputs_are_several_channels(sysfs: FakeSysfs, sys_place: Place) -> None:
    put_hwmon(sysfs, 1, "ina219", INA219)
    sources = {"value": "in1", "current": "curr1", "power": "power1"}
    assert reading(sys_place, chip="ina219", sources=sources) == {"value": 5.016, "current": 0.124, "power": 0.62}


def test_a_chip_is_found_under_any_number(sysfs: FakeSysfs, sys_place: Place) -> None:
    put_hwmon(sysfs, 0, "cpu_thermal", {"temp1_input": "52582"}, "virtual/thermal/thermal_zone0")
    put_hwmon(sysfs, 7, "lm75", {"temp1_input": "25500"})
    with closing(Hwmon(HwmonOptions(chip="lm75"), sys_place)) as driver:
        assert read(driver) == {"value": 25.5}
        sysfs.remove("/sys")
        put_hwmon(sysfs, 7, "cpu_thermal", {"temp1_input": "52582"}, "virtual/thermal/thermal_zone0")
        put_hwmon(sysfs, 0, "lm75", {"temp1_input": "25000"})
        assert read(driver) == {"value": 25.0}


def test_chips_alike_are_told_apart_by_what_they_belong_to(sysfs: FakeSysfs, sys_place: Place) -> None:
    put_hwmon(sysfs, 0, "lm75", {"temp1_input": "20000"}, "i2c-1/1-0048")
    put_hwmon(sysfs, 1, "lm75", {"temp1_input": "30000"}, "i2c-1/1-0049")
    assert reading(sys_place, chip="lm75", parent="1-0049") == {"value": 30.0}
    with pytest.raises(DriverError, match="there are 2 lm75; say which with `parent`: 1-0048, 1-0049"):
        reading(sys_place, chip="lm75")


def test_an_input_is_found_by_its_label(sysfs: FakeSysfs, sys_place: Place) -> None:
    put_hwmon(sysfs, 0, "coretemp", {"temp1_input": "1000", "temp2_input": "40000", "temp2_label": "Core 0"})
    assert reading(sys_place, chip="coretemp", source="Core 0") == {"value": 40.0}


def test_a_label_that_is_not_there_is_an_error_that_lists_the_inputs(sysfs: FakeSysfs, sys_place: Place) -> None:
    put_hwmon(sysfs, 0, "coretemp", {"temp1_input": "1000", "temp2_input": "40000", "temp2_label": "Core 0"})
    with pytest.raises(DriverError, match=r"it has no input 'Core 1'; there are: temp1, temp2 \(Core 0\)"):
        reading(sys_place, chip="coretemp", source="Core 1")


def test_a_sensor_that_is_at_fault_gives_nothing(sysfs: FakeSysfs, sys_place: Place) -> None:
    put_hwmon(sysfs, 0, "max6639", {"temp1_input": "0", "temp1_fault": "1"})
    with pytest.raises(DriverError, match="the chip says that this sensor is at fault"):
        reading(sys_place, chip="max6639")


@pytest.mark.parametrize("number", [errno.EIO, errno.EREMOTEIO, errno.ETIMEDOUT, errno.EAGAIN])
def test_an_error_that_passes_is_tried_again(sysfs: FakeSysfs, sys_place: Place, number: int) -> None:
    directory = put_hwmon(sysfs, 0, "lm75", {"temp1_input": "25500"})
    numbers = iter([number, number])
    sysfs.trouble = lambda path: next(numbers, 0) if path.endswith("_input") else 0
    assert reading(sys_place, chip="lm75") == {"value": 25.5}
    assert sysfs.reads[f"{directory}/temp1_input"] == 3


@pytest.mark.parametrize("number", [errno.EIO, errno.ENODEV, errno.ENODATA, errno.EBUSY])
def test_an_error_that_stays_is_told_with_its_file(sysfs: FakeSysfs, sys_place: Place, number: int) -> None:
    directory = put_hwmon(sysfs, 0, "lm75", {})
    sysfs.fail(f"{directory}/temp1_input", number)
    with pytest.raises(DriverError, match=f"hwmon0/temp1_input: {os.strerror(number)}; "):
        reading(sys_place, chip="lm75")


def test_an_input_that_fails_has_its_error_and_leaves_the_others(sysfs: FakeSysfs, sys_place: Place) -> None:
    directory = put_hwmon(sysfs, 0, "ina219", INA219)
    sysfs.fail(f"{directory}/curr1_input", errno.ENODATA)
    measured = reading(sys_place, chip="ina219", sources={"value": "in1", "current": "curr1"})
    assert measured["value"] == 5.016
    assert isinstance(measured["current"], DriverError)
    assert "No data available; it is switched off" in str(measured["current"])


def test_without_chips_the_error_asks_for_the_overlay(sysfs: FakeSysfs, sys_place: Place) -> None:
    with pytest.raises(DriverError, match="there is no lm75; see whether the device is wired, and its overlay"):
        reading(sys_place, chip="lm75")


def test_all_chips_of_a_computer_are_found_with_their_inputs(sysfs: FakeSysfs, sys_root: Path) -> None:
    put_hwmon(sysfs, 0, "cpu_thermal", {"temp1_input": "52582", "temp1_crit": "110000"}, "virtual/thermal/zone0")
    put_hwmon(sysfs, 1, "ina219", {"in1_input": "5016", "in1_label": "bus"}, "i2c-1/1-0040")
    assert found(sys_root) == [
        HwmonChip("cpu_thermal", "zone0", (Input("temp1", "", "°C"),)),
        HwmonChip("ina219", "1-0040", (Input("in1", "bus", "V"),)),
    ]


def test_a_computer_without_chips_has_none(sysfs: FakeSysfs, sys_root: Path) -> None:
    assert found(sys_root) == []
