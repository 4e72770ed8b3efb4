import math

from tests.drivers.devices.sysfs import failing_now_and_then, put_iio, sysfs_of
from tests.drivers.soaking import Errors, Soak
from tests.drivers.trying import Bench, Case, Wrong


def put_device(bench: Bench) -> None:
    put_iio(sysfs_of(bench), 0, "bme280", {"in_temp_input": "25080", "in_voltage0_raw": "8", "in_voltage_scale": "0.5"})


def take_away(bench: Bench) -> None:
    sysfs_of(bench).remove("/sys")


def with_errors(errors: Errors) -> Case:
    def put_failing_device(bench: Bench) -> None:
        put_device(bench)
        failing_now_and_then(sysfs_of(bench), errors)

    return Case({"device": "bme280", "source": "voltage0"}, put_failing_device)


CASES = [
    Case({"device": "bme280"}, put_device, take_away),
    Case({"device": "bme280", "parent": "1-0076", "source": "voltage0"}, put_device, take_away),
    Case(
        {"device": "bme280", "sources": {"value": "temp", "volts": "voltage0"}, "multipliers": {"volts": 1000}},
        put_device,
        take_away,
    ),
]

SOAKS = [Soak(with_errors, interval_s=2.0, attempts=3, pause_s=0.1)]

WRONG = [
    Wrong({}, "'device'"),
    Wrong({"device": "x", "source": "temp", "sources": {"a": "temp"}}, "`source` and `sources`"),
    Wrong({"device": "x", "source": "in temp"}, "`source` is 'in temp': write it as in the files in_*_raw"),
    Wrong({"device": "x", "sources": {"a": "../temp"}}, "`sources.a` is '../temp'"),
    Wrong({"device": "x", "multipliers": {"b": 2}}, "`multipliers.b`: there is no such channel; known are value"),
    Wrong({"device": "x", "multipliers": {"value": math.inf}}, "multipliers"),
    Wrong({"device": "x", "colour": "red"}, "'colour'"),
]
