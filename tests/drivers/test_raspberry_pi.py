"""What `scan` finds on a Raspberry Pi with sensors attached is read by the drivers that it names, value for value."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from drivers.driver import DriverOptions, Measured, Place
from drivers.registry import driver_class
from drivers.scanning import Finding, Hint, Unseen, scan
from protocol.readings import Value
from tests.drivers.devices import raspberry_pi
from tests.drivers.devices.raspberry_pi import PI_4, PI_5, Model
from tests.support.driven_time import ManualClock
from tests.support.fake_sysfs import FakeSysfs
from tests.support.fuse import why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

ON_BOTH: Mapping[str, object] = {
    "w1": {"value": 21.5, "28-0416b2895eff": -10.125},
    "cpu_thermal": {"value": 48.312},
    "bme280": {"value": 25.08, "humidityrelative": 33.603, "pressure": 1006.53253906},
    "ads1015": {"value": 0.3, "voltage1": 0.6, "voltage2": 0.9, "voltage3": 1.2},
    "dht": {"value": 21.5, "humidity": 40.2, "success": 100.0},
    "system": {"value": 0},
}
ON_5: Mapping[str, object] = {
    "rp1_adc": {"value": 44.123, "in1": 1.438, "in2": 2.451},
    "pwmfan": {"value": 2941},
}


@pytest.fixture(scope="module")
def clock() -> ManualClock:
    """Give the clock of all: the bus, which is mounted once, goes by it."""
    return ManualClock()


@pytest.fixture(scope="module")
def bus(clock: ManualClock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with raspberry_pi.i2c(tmp_path_factory.mktemp("buses"), clock) as path:
        yield path


@pytest.fixture(params=[PI_4, PI_5], ids=["Raspberry Pi 4", "Raspberry Pi 5"])
def model(request: pytest.FixtureRequest, sysfs: FakeSysfs, clock: ManualClock, bus: Path) -> Model:
    assert isinstance(request.param, Model)
    raspberry_pi.attach(sysfs, clock, request.param, bus)
    return request.param


def called(finding: Finding) -> str:
    return str(finding.options.get("chip") or finding.options.get("device") or finding.driver)


def read(finding: Finding, place: Place) -> Mapping[str, Value | Measured]:
    kind = driver_class(finding.driver)
    with closing(kind(msgspec.convert(finding.options, kind.Options), place)) as driver:
        return driver.read()  # type: ignore[return-value] # none of them is asynchronous, or fails


def test_everything_that_is_found_is_read(model: Model, sys_root: Path, clock: ManualClock, tmp_path: Path) -> None:
    place = Place("TT", tmp_path, clock.monotonic, sys_root, clock.pass_time)
    found = [one for one in scan(sys_root) if isinstance(one, Finding)]
    assert {called(one): read(one, place) for one in found} == (ON_BOTH if model is PI_4 else {**ON_BOTH, **ON_5})


@pytest.mark.usefixtures("model")
def test_channels_have_the_units_that_their_driver_tells(sys_root: Path) -> None:
    for one in scan(sys_root):
        finding = one.finding if isinstance(one, Hint) else one
        if not isinstance(finding, Finding):
            continue
        options = msgspec.convert(finding.options, driver_class(finding.driver).Options)
        assert isinstance(options, DriverOptions)
        assert {channel.channel: channel.unit for channel in finding.channels if channel.unit} == {
            channel: unit for channel, unit in options.units().items() if channel != "success"
        }


def test_what_is_not_sure_is_a_hint(model: Model, sys_root: Path) -> None:
    hints = {one.what: one for one in scan(sys_root) if isinstance(one, Hint)}
    assert hints.keys() == {
        "/dev/i2c-1: 0x48 belongs to the kernel's driver ads1015",
        "/dev/i2c-1: 0x68 answers; it may be:",
        "/dev/i2c-1: 0x69 answers; it may be:",
        "/dev/i2c-1: 0x76 belongs to the kernel's driver bmp280",
        "/dev/i2c-1: 0x68 and 0x69 answer, as the converters of an ADC Pi do; if it is one:",
        f"/dev/gpiochip0: {model.gpio.decode()}, {model.lines} lines",
        "/dev/serial/by-id/usb-0658_0200-if00: a Z-Wave stick",
    }
    assert not [one for one in scan(sys_root) if isinstance(one, Unseen)]


@pytest.mark.usefixtures("model")
def test_an_adc_pi_that_seems_to_be_there_is_read_by_the_node_of_its_hint(
    sys_root: Path, clock: ManualClock, tmp_path: Path
) -> None:
    [finding] = [one.finding for one in scan(sys_root) if isinstance(one, Hint) and one.finding]
    measured = read(finding, Place("TT", tmp_path, clock.monotonic, sys_root, clock.pass_time))
    assert [measured[channel.channel] for channel in finding.channels] == pytest.approx(
        raspberry_pi.AT_PINS_V * 2, abs=raspberry_pi.DIVIDER * 62.5e-6
    )
