"""The driver `iio` on devices as the kernel shows them."""

import errno
import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from agent.supervisor import SHORTEST_DEADLINE_S
from drivers.driver import DriverError, Place
from drivers.iio import Iio, IioChannel, IioDevice, IioOptions, found
from tests.drivers.devices.sysfs import put_iio
from tests.drivers.trying import read
from tests.support.driven_time import ManualClock
from tests.support.fake_sysfs import FakeSysfs

# What the kernel's drivers showed for the example of Bosch's datasheet: 25.08 °C, 1006.53 hPa.
BMP280 = {"in_temp_input": "25080", "in_pressure_input": "100.653253906"}
BME280 = {**BMP280, "in_humidityrelative_input": "33603"}
# An ADS1115, whose kernel driver calls it ads1015: at 2.048 V a step is 0.0625 mV, at 4.096 V twice that.
ADS1115 = {
    "in_voltage0_raw": "16000",
    "in_voltage0_scale": "0.062500000",
    "in_voltage0-voltage1_raw": "-8000",
    "in_voltage0-voltage1_scale": "0.125000000",
}


def reading(place: Place, **options: Any) -> Mapping[str, Any]:
    with closing(Iio(IioOptions(**options), place)) as driver:
        return read(driver)


def test_a_bme280_gives_degrees_hectopascals_and_percent(sysfs: FakeSysfs, sys_place: Place) -> None:
    put_iio(sysfs, 0, "bme280", BME280)
    sources = {"value": "temp", "pressure": "pressure", "humidity": "humidityrelative"}
    assert reading(sys_place, device="bme280", sources=sources) == {
        "value": 25.08,
        "pressure": 1006.53253906,
        "humidity": 33.603,
    }


def test_the_temperature_is_read_when_nothing_is_said(sysfs: FakeSysfs, sys_place: Place) -> None:
    put_iio(sysfs, 0, "bmp280", BMP280)
    assert reading(sys_place, device="bmp280") == {"value": 25.08}


def test_an_ads1115_gives_volts(sysfs: FakeSysfs, sys_place: Place) -> None:
    put_iio(sysfs, 0, "ads1015", ADS1115)
    sources = {"value": "voltage0", "difference": "voltage0-voltage1"}
    assert reading(sys_place, device="ads1015", sources=sources) == {"value": 1.0, "difference": -1.0}


@pytest.mark.parametrize(
    ("files", "source", "value"),
    [
        ({"in_voltage3_raw": "1234", "in_voltage_scale": "0.805664062"}, "voltage3", 0.994189452508),
        ({"in_voltage2-voltage3_raw": "8", "in_voltage-voltage_scale": "0.5"}, "voltage2-voltage3", 0.004),
        ({"in_temp_raw": "-600", "in_temp_offset": "605", "in_temp_scale": "250"}, "temp", 1.25),
        ({"in_temp_ambient_raw": "1000", "in_temp_scale": "31.25"}, "temp_ambient", 31.25),
        ({"in_temp_ambient_raw": "1000", "in_temp_ambient_scale": "20", "in_temp_scale": "31.25"}, "temp_ambient", 20),
        ({"in_illuminance_raw": "100", "in_scale": "1.5"}, "illuminance", 150.0),
        ({"in_current0_raw": "1500"}, "current0", 1.5),
        ({"in_humidityrelative_raw": "2000", "in_humidityrelative_scale": "19.53"}, "humidityrelative", 39.06),
        ({"in_proximity0_raw": "17"}, "proximity0", 17),
    ],
)
def test_offset_and_scale_are_those_of_the_channel_its_type_or_all(
    sysfs: FakeSysfs, sys_place: Place, files: Mapping[str, str], source: str, value: float
) -> None:
    put_iio(sysfs, 0, "chip", files)
    assert reading(sys_place, device="chip", source=source) == {"value": value}


def test_a_driver_that_breaks_the_abi_is_mended_by_a_multiplier(sysfs: FakeSysfs, sys_place: Place) -> None:
    """The kernel's mcp3422 says its scale in volts, where the ABI wants millivolts."""
    put_iio(sysfs, 0, "mcp3424", {"in_voltage0_raw": "1600", "in_voltage0_scale": "0.000062500"})
    options = {"device": "mcp3424", "source": "voltage0"}
    assert reading(sys_place, **options) == {"value": 0.0001}
    assert reading(sys_place, **options, multipliers={"value": 1000}) == {"value": 0.1}


def test_devices_alike_are_told_apart_by_their_addresses(sysfs: FakeSysfs, sys_place: Place) -> None:
    put_iio(sysfs, 0, "bmp280", {"in_temp_input": "20000"}, "i2c-1/1-0076")
    put_iio(sysfs, 1, "bmp280", {"in_temp_input": "30000"}, "i2c-1/1-0077")
    assert reading(sys_place, device="bmp280", parent="1-0077") == {"value": 30.0}
    with pytest.raises(DriverError, match="there are 2 bmp280; say which with `parent`: 1-0076, 1-0077"):
        reading(sys_place, device="bmp280")


def test_a_channel_that_is_not_there_is_an_error_that_lists_the_others(sysfs: FakeSysfs, sys_place: Place) -> None:
    put_iio(sysfs, 0, "bmp280", BMP280)
    with pytest.raises(DriverError, match="it has no channel 'humidityrelative'; there are: pressure, temp"):
        reading(sys_place, device="bmp280", source="humidityrelative")


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EINVAL, errno.EIO, errno.EAGAIN, errno.ETIMEDOUT])
def test_an_error_that_stays_is_told_with_its_file(sysfs: FakeSysfs, sys_place: Place, number: int) -> None:
    directory = put_iio(sysfs, 0, "bme280", {})
    sysfs.fail(f"{directory}/in_temp_input", number)
    with pytest.raises(DriverError, match=f"in_temp_input: {os.strerror(number)}; "):
        reading(sys_place, device="bme280")


def test_a_device_that_is_not_ready_is_asked_again(sysfs: FakeSysfs, sys_place: Place) -> None:
    put_iio(sysfs, 0, "bme280", BME280)
    numbers = iter([errno.EAGAIN, errno.EAGAIN])
    sysfs.trouble = lambda path: next(numbers, 0) if path.endswith("_input") else 0
    assert reading(sys_place, device="bme280") == {"value": 25.08}


def test_channels_that_time_out_are_read_within_the_shortest_deadline(
    sysfs: FakeSysfs, sys_place: Place, clock: ManualClock
) -> None:
    def time_out() -> str:
        clock.pass_time(1)
        raise OSError(errno.ETIMEDOUT, "")

    directory = put_iio(sysfs, 0, "bme280", {})
    for source in ("temp", "pressure"):
        sysfs.attribute(f"{directory}/in_{source}_input", time_out)
    began_s = clock.monotonic()
    with pytest.raises(DriverError, match="Connection timed out"):
        reading(sys_place, device="bme280", sources={"value": "temp", "pressure": "pressure"})
    assert clock.monotonic() - began_s < SHORTEST_DEADLINE_S


def test_a_channel_that_fails_has_its_error_and_leaves_the_others(sysfs: FakeSysfs, sys_place: Place) -> None:
    directory = put_iio(sysfs, 0, "bme280", BME280)
    sysfs.fail(f"{directory}/in_pressure_input", errno.EIO)
    sources = {"value": "temp", "pressure": "pressure"}
    measured = reading(sys_place, device="bme280", sources=sources)
    assert measured["value"] == 25.08
    assert isinstance(measured["pressure"], DriverError)


def test_a_device_that_comes_later_is_read(sysfs: FakeSysfs, sys_place: Place) -> None:
    with closing(Iio(IioOptions(device="bme280"), sys_place)) as driver:
        with pytest.raises(DriverError, match="there is no bme280"):
            read(driver)
        put_iio(sysfs, 0, "bme280", BME280)
        assert read(driver) == {"value": 25.08}


def test_all_devices_of_a_computer_are_found_with_their_channels(sysfs: FakeSysfs, sys_root: Path) -> None:
    put_iio(sysfs, 0, "bmp280", BMP280)
    put_iio(sysfs, 1, "ads1015", ADS1115, "i2c-1/1-0048")
    sysfs.put("/sys/bus/iio/devices/trigger0/name", "bmp280-trigger\n")
    assert found(sys_root) == [
        IioDevice("bmp280", "1-0076", (IioChannel("pressure", "hPa"), IioChannel("temp", "°C"))),
        IioDevice("ads1015", "1-0048", (IioChannel("voltage0", "V"), IioChannel("voltage0-voltage1", "V"))),
    ]
