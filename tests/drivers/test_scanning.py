"""What is found on a computer: nodes with options that their drivers take, hints, and what could not be looked at."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from config.check import build
from config.document import parse
from config.report import Report
from drivers import scanning
from drivers.adcpi import AdcpiOptions
from drivers.driver import DriverError, DriverOptions, Place
from drivers.iio import Iio, IioOptions
from drivers.registry import options_of
from drivers.scanning import Channel, Finding, Hint, Seen, Unseen, scan
from tests.drivers.devices import attached
from tests.drivers.devices.i2c import EmulatedBus, Registers
from tests.drivers.devices.i2c_dev import mounted
from tests.support.driven_time import ManualClock
from tests.support.fuse import why_not


@pytest.fixture
def root(tmp_path: Path) -> Path:
    attached.attach_everything(tmp_path)
    return tmp_path


def found(root: Path, driver: str) -> list[Finding]:
    return [one for one in scan(root) if isinstance(one, Finding) and one.driver == driver]


def hints(root: Path) -> dict[str, tuple[str, ...]]:
    return {one.what: one.advice for one in scan(root) if isinstance(one, Hint)}


def unseen(root: Path) -> dict[str, str]:
    return {one.what: one.advice for one in scan(root) if isinstance(one, Unseen)}


def test_the_options_of_all_that_is_found_are_those_of_its_driver(root: Path) -> None:
    findings = [one for one in scan(root) if isinstance(one, Finding)]
    assert {one.driver for one in findings} == {"dht", "hwmon", "iio", "pipe", "system", "w1"}
    for one in findings:
        kind = options_of(one.driver)
        assert kind is not None
        options = msgspec.convert(one.options, kind)
        assert isinstance(options, DriverOptions)
        assert {channel.channel for channel in one.channels} <= options.channels()
        assert one.channels[0].channel == "value"


def test_thermometers_of_a_bus_are_one_node_that_measures_them_together(root: Path) -> None:
    two, one = found(root, "w1")
    assert two.options == {"ids": {"value": "28-0316a2795dff", "28-0416b2895eff": "28-0416b2895eff"}}
    assert two.channels[1] == Channel("28-0416b2895eff", "DS18B20 28-0416b2895eff", "°C")
    assert one == Finding("w1", {"id": "10-000802824e58"}, (Channel("value", "DS18S20 10-000802824e58", "°C"),))


def test_chips_that_are_alike_are_told_apart_by_what_they_belong_to(root: Path) -> None:
    assert [one.options for one in found(root, "hwmon")] == [
        {"chip": "cpu_thermal", "source": "temp1"},
        {"chip": "lm75", "parent": "1-0048", "source": "temp1"},
        {"chip": "lm75", "parent": "1-0049", "source": "temp1"},
    ]
    assert found(root, "hwmon")[1].channels == (Channel("value", "lm75 rack", "°C"),)


def test_a_device_with_several_values_is_one_node_with_several_channels(root: Path) -> None:
    [bme280] = found(root, "iio")
    (own, first), (channel, source) = bme280.options["sources"].items()  # type: ignore[attr-defined] # a mapping
    assert (bme280.options["device"], own, channel) == ("bme280", "value", source)
    assert {first, source} == {"temp", "pressure"}
    assert {one.unit for one in bme280.channels} == {"°C", "hPa"}


def test_a_converter_whose_driver_says_volts_is_found_with_what_mends_that(tmp_path: Path, clock: ManualClock) -> None:
    files = {"in_voltage0_raw": "1500", "in_voltage1_raw": "250", "in_voltage_scale": "0.001"}
    attached.attach_iio(tmp_path, 0, "mcp3424", "1-006a", files)
    [converter] = found(tmp_path, "iio")
    driver = Iio(msgspec.convert(converter.options, IioOptions), Place("TT", tmp_path, clock.monotonic, tmp_path))
    assert driver.read() == {"value": 1.5, "voltage1": 0.25}


def test_a_dht_is_found_by_its_pin(root: Path) -> None:
    [dht] = found(root, "dht")
    assert (dht.options, [one.unit for one in dht.channels]) == ({"pin": 21}, ["°C", "%"])


def test_a_dht_whose_pin_nobody_tells_is_a_hint(tmp_path: Path) -> None:
    attached.attach_dht(tmp_path, 0, "dht11@0", None)
    assert "dht11@0: a DHT sensor" in hints(tmp_path)
    assert found(tmp_path, "dht") == []


def test_a_thermal_zone_is_read_where_no_chip_of_hwmon_is_the_same(root: Path) -> None:
    [gpu] = found(root, "pipe")
    assert gpu.options == {"path": "/sys/class/thermal/thermal_zone1/temp", "scale": 0.001}


def test_the_power_supply_is_watched_by_what_the_kernel_says(root: Path) -> None:
    assert found(root, "system") == [
        Finding("system", {"value": "under_voltage"}, (Channel("value", "under-voltage", ""),))
    ]


def test_what_was_since_the_start_is_watched_where_the_program_is_that_tells(root: Path) -> None:
    attached.write(root / "usr/bin/vcgencmd", "")
    [power] = found(root, "system")
    assert power.options == {"value": "under_voltage", "measure": ["under_voltage_seen", "throttling"]}
    assert [channel.channel for channel in power.channels] == ["value", "under_voltage_seen", "throttling"]


@pytest.mark.parametrize(
    ("adapter", "what"),
    [
        ("usb-0658_0200-if00", "a Z-Wave stick"),
        ("usb-Zooz_800_Z-Wave_Stick_533D004242-if00", "a Z-Wave stick"),
        ("usb-Silicon_Labs_HubZ_Smart_Home_Controller_90F00149-if00-port0", "a Z-Wave stick"),
        ("usb-Silicon_Labs_HubZ_Smart_Home_Controller_90F00149-if01-port0", "a Zigbee stick"),
        ("usb-dresden_elektronik_ingenieurtechnik_GmbH_ConBee_II_DE2124653-if00", "a Zigbee stick"),
        ("usb-1a86_USB2.0-Serial-if00-port0", "a serial device"),
    ],
)
def test_serial_adapters_are_told_of_with_what_reads_them(tmp_path: Path, adapter: str, what: str) -> None:
    attached.write(tmp_path / "dev/serial/by-id" / adapter, "")
    advice = "\n".join(hints(tmp_path)[f"/dev/serial/by-id/{adapter}: {what}"])
    assert ("jph drivers try zwave url=ws://127.0.0.1:3000" in advice) == (what != "a Zigbee stick")


def test_a_1_wire_bus_without_a_thermometer_is_told(tmp_path: Path) -> None:
    (tmp_path / "sys/bus/w1/devices").mkdir(parents=True)
    assert "no thermometer answers on the 1-Wire bus" in unseen(tmp_path)


def test_a_1_wire_thermometer_that_is_a_chip_of_hwmon_as_well_is_found_once(root: Path) -> None:
    parent = "w1_bus_master2/10-000802824e58"
    before = list(scan(root))
    attached.attach_hwmon(root, 9, "w1_slave_temp", parent, {"temp1_input": "21500"})
    assert list(scan(root)) == before


def test_on_a_computer_with_nothing_everything_that_is_missing_is_told_with_what_to_do(tmp_path: Path) -> None:
    assert list(scan(tmp_path)) == [
        Unseen("there is no 1-Wire bus", "write dtoverlay=w1-gpio,gpiopin=4 into config.txt, and restart"),
        Unseen("there is no I2C bus", "switch I2C on: dtparam=i2c_arm=on in config.txt, i2c-dev in /etc/modules"),
    ]


def test_a_chip_of_gpio_that_cannot_be_asked_is_told(tmp_path: Path) -> None:
    attached.write(tmp_path / "dev/gpiochip0", "")
    assert unseen(tmp_path)["/dev/gpiochip0: Inappropriate ioctl for device"] == ""


def test_a_chip_of_gpio_that_this_user_may_not_ask_is_told_with_the_group_that_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    attached.write(tmp_path / "dev/gpiochip0", "")
    monkeypatch.setattr(os, "open", denied)
    assert list(scanning.lines_of_gpio(tmp_path)) == [
        Unseen("/dev/gpiochip0: Permission denied", "add the user to the group gpio")
    ]


def test_a_bus_that_cannot_be_opened_keeps_nothing_else_from_being_found(root: Path) -> None:
    (root / "dev/i2c-1").mkdir()
    assert [what for what in unseen(root) if what.startswith("/dev/i2c-1: ")]
    assert hints(root)


def test_a_look_that_fails_keeps_no_other_from_looking(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Path) -> Iterator[Seen]:
        yield Hint("a loose contact")
        raise DriverError("a bad contact", "clean it")

    monkeypatch.setattr(scanning, "LOOKS", (broken, scanning.sensors_of_dht))
    assert [type(one) for one in scan(root)] == [Hint, Unseen, Finding]
    assert unseen(root) == {"a bad contact": "clean it"}


@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
def test_who_answers_on_a_bus_is_told_with_what_it_may_be_and_how_it_is_read(tmp_path: Path) -> None:
    bus = EmulatedBus({address: Registers() for address in (0x33, 0x48, 0x6A, 0x76, 0x77)})
    bus.owned = {0x77}
    with mounted({1: bus}, tmp_path / "dev"):
        seen = hints(tmp_path)
    assert seen["/dev/i2c-1: 0x33 answers, and is no address of a common sensor"] == ()
    assert (
        "BME280 (temperature, humidity, pressure): dtoverlay=i2c-sensor,bme280,addr=0x76"
        in (seen["/dev/i2c-1: 0x76 answers; it may be:"])
    )
    [adc] = seen["/dev/i2c-1: 0x6a answers; it may be:"]
    options = adc.partition(": driver adcpi, options ")[2]
    built = build(AdcpiOptions, parse(options.encode(), Report("hint")), "options", Report("hint"))
    assert built == AdcpiOptions(bus=1, addresses=(0x6A,), pin=1)
    assert "/dev/i2c-1: 0x77 belongs to the kernel's driver unknown" in seen


@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
def test_a_bus_on_which_everybody_answers_has_its_data_line_held_low(tmp_path: Path) -> None:
    bus = EmulatedBus({address: Registers() for address in range(0x08, 0x78)})
    with mounted({20: bus}, tmp_path / "dev"):
        assert hints(tmp_path) == {}
        assert "/dev/i2c-20: 112 addresses answer" in unseen(tmp_path)
