"""The units of channels, as far as the options of a driver tell them."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from drivers.driver import DriverOptions
from drivers.registry import driver_class

POOL = {"url": "http://pool.example/", "format": "ckpool", "worker": "one"}
CURVES = {"ntc": {"beta": [3950, 10_000]}, "level": {"polynomial": [0, 2], "of": "volts"}}


@pytest.mark.parametrize(
    ("driver", "options", "units"),
    [
        ("w1", {"ids": {"value": "28-0316a2795dff", "out": "28-0416b2895eff"}}, {"value": "°C", "out": "°C"}),
        ("hwmon", {"chip": "lm75"}, {"value": "°C"}),
        ("hwmon", {"chip": "ina219", "sources": {"value": "in1", "power": "power1"}}, {"value": "V", "power": "W"}),
        ("hwmon", {"chip": "coretemp", "source": "Package id 0"}, {}),
        ("iio", {"device": "bme280"}, {"value": "°C"}),
        ("iio", {"device": "bme280", "sources": {"p": "pressure", "x": "proximity"}}, {"p": "hPa"}),
        ("iio", {"device": "sps30", "source": "massconcentration_pm2p5"}, {"value": "µg/m³"}),
        ("dht", {"pin": 4}, {"value": "°C", "humidity": "%", "success": "%"}),
        ("adcpi", {"pin": 1}, {"value": "V"}),
        ("adcpi", {"pin": 1, "curve": "phobya"}, {"value": "°C"}),
        (
            "adcpi",
            {"curves": CURVES, "channels": {"a": {"pin": 1, "curve": "ntc"}, "b": {"pin": 2, "curve": "level"}}},
            {"a": "°C"},
        ),
        ("system", {"measure": ["disk:/", "load1", "sent_rate"]}, {"value": "%", "disk:/": "%", "sent_rate": "B/s"}),
        ("fan", {"pwm": {"chip": "1f00098000.pwm"}}, {"value": "%"}),
        ("fan", {"hwmon": {"chip": "a"}, "tach": {"hwmon": "a"}}, {"value": "%", "rotations": "rpm"}),
        ("simulated-fan", {}, {"value": "%", "rotations": "rpm"}),
        ("pool", POOL | {"rate_unit": "TH/s"}, {"value": "TH/s", "calculated": "TH/s"}),
        ("zwave", {"value": "2-50-0-value-66049"}, {"value": "W"}),
        ("zwave", {"value": "2-50-0-value-131073"}, {}),  # a meter of gas
        ("zwave", {"node": 2, "index": 8}, {}),
        ("json", {"url": "http://arduino.example/", "field": "a"}, {}),
    ],
)
def test_units_are_told_where_options_tell_them(
    driver: str, options: Mapping[str, Any], units: Mapping[str, str]
) -> None:
    built = msgspec.convert(options, driver_class(driver).Options)
    assert isinstance(built, DriverOptions)
    assert built.units() == units


@pytest.mark.parametrize("outside", [True, False])
def test_a_thermostat_has_units_for_what_is_no_state(*, outside: bool) -> None:
    options = msgspec.convert({"outside": outside}, driver_class("nest").Options)
    assert isinstance(options, DriverOptions)
    assert options.channels() - options.units().keys() == {"hvac", "mode", "online"}
