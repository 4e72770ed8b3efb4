import pytest

from drivers.adcpi import DIVIDER
from tests.drivers.devices.i2c import EmulatedBus, Mcp3424
from tests.drivers.devices.i2c_dev import mounted
from tests.drivers.soaking import Errors, Soak
from tests.drivers.trying import Bench, Case, Wrong
from tests.support.fuse import why_not


def set_up_bus(bench: Bench) -> dict[str, str]:
    """Make a bus without chips."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    bench.made["bus"] = EmulatedBus({})
    bench.stack.enter_context(mounted({1: bench.made["bus"]}, bench.place.locate("/dev")))
    return {}


def put_on(bench: Bench) -> None:
    """Put two converters on the bus, with 2.5 V at every pin."""
    for address in (0x68, 0x69):
        bench.made["bus"].chips[address] = Mcp3424(bench.clock.monotonic, *[2.5 / DIVIDER] * 4)


def take_off(bench: Bench) -> None:
    """Take the converters off the bus."""
    bench.made["bus"].chips.clear()


def with_errors(errors: Errors) -> Case:
    """Let transactions on the bus fail as planned."""

    def put_on_failing(bench: Bench) -> None:
        put_on(bench)
        bench.made["bus"].fails = errors

    return Case({"pin": 1, "bits": 16}, put_on_failing, set_up=set_up_bus)


def case(**options: object) -> Case:
    return Case(options, put_on, take_off, set_up_bus)


CASES = [
    case(pin=1),
    case(pin=8, bits=18),
    case(pin=2, curve="phobya", bits=12, channels={"A2": {"pin": 1}}),
    case(channels={"one": {"pin": 4}, "two": {"pin": 5, "gain": 1}}, gain=1, bits=14),
    case(pin=3, curve="tank", curves={"tank": {"beta": [3950, 10000]}}),
]

# A conversion is begun, looked at when 0.9 of its time has passed, and looked at again at 1.05 of it.
SOAKS = [Soak(with_errors, attempts=2, waits_s=(0.0, 0.9 / 15, 0.15 / 15))]

WRONG = [
    Wrong({}, "`pin` is missing"),
    Wrong({"pin": 9}, "at most 8"),
    Wrong({"pin": 0}, "at least 1"),
    Wrong({"pin": 5, "addresses": [0x68]}, "`pin` of 'value' is 5"),
    Wrong({"pin": 1, "addresses": [0x48, 0x69]}, "`addresses` has 0x48: an MCP3424 has one from 0x68 to 0x6f"),
    Wrong({"pin": 1, "addresses": [0x68, 0x68]}, "`addresses` has the same address twice"),
    Wrong({"pin": 1, "addresses": []}, "options.addresses"),
    Wrong({"pin": 1, "bits": 13}, "options.bits"),
    Wrong({"pin": 1, "gain": 3}, "options.gain"),
    Wrong({"pin": 1, "bus": -1}, "options.bus"),
    Wrong({"pin": 1, "divider": 0}, "options.divider"),
    Wrong({"pin": 1, "curve": "phobia"}, "`curve` of 'value' is 'phobia': it must be one of volts, phobya"),
    Wrong({"pin": 1, "channels": {"two": {}}}, "'pin'"),
    Wrong({"pin": 1, "channels": {"value": {"pin": 2}}}, "`channels` has 'value'"),
    Wrong({"channels": {"two": {"pin": 2, "gain": 5}}}, "options.channels.two.gain"),
    Wrong({"pin": 1, "curves": {"volts": {"beta": [3950, 10000]}}}, "`curves` has 'volts'"),
    Wrong({"pin": 1, "curves": {"a": {}}}, "one of `steinhart_hart`, `beta`, `polynomial` must be given, not none"),
    Wrong({"pin": 1, "curves": {"a": {"beta": [1, 2], "polynomial": [1]}}}, "not `beta` and `polynomial`"),
    Wrong({"pin": 1, "curves": {"a": {"beta": [3950]}}}, "a list of 2 values"),
    Wrong({"pin": 1, "curves": {"a": {"beta": [-1, 2]}}}, "options.curves.a.beta[0]"),
    Wrong({"pin": 1, "curves": {"a": {"polynomial": []}}}, "`polynomial` has no coefficients"),
    Wrong({"pin": 1, "curves": {"a": {"polynomial": [1], "of": "amperes"}}}, "options.curves.a.of"),
    Wrong({"pin": 1, "curves": {"a": {"beta": [3950, 1e4], "thermistor": "ground"}}}, "`resistor` is missing"),
    Wrong({"pin": 1, "colour": "red"}, "'colour'"),
]
