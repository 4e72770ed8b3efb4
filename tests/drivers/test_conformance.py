"""What every driver must do. A driver joins with its rows in `CASES` and `WRONG_OPTIONS`."""

import asyncio
import inspect
import math
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.loading import loads
from config.model import ConfigError
from drivers import registry
from drivers.driver import Actuator, Driver, DriverError, DriverOptions, Measured, Measurements, OutOfRangeError, Place
from drivers.incidents import SILENCE
from tests.support.driven_time import ManualClock


class Bench(NamedTuple):
    """Where a driver is tried: a path for its source, its place with its clock, and files to close afterwards."""

    path: Path
    place: Place
    clock: ManualClock
    open_files: list[int]


def nothing(_: Bench) -> None:
    """Do nothing."""


class Case(NamedTuple):
    """A driver with options, in which PATH stands for the bench's path.

    `prepare` makes its source, `fail` lets that fail.
    """

    driver: str
    options: Mapping[str, object]
    prepare: Callable[[Bench], object] = nothing
    fail: Callable[[Bench], object] | None = None

    @property
    def name(self) -> str:
        return "-".join([self.driver, *self.options])


def write(text: str) -> Callable[[Bench], object]:
    return lambda bench: bench.path.write_text(text)


def remove(bench: Bench) -> None:
    bench.path.unlink()


def make_fifo(bench: Bench) -> None:
    os.mkfifo(bench.path)
    descriptor = os.open(bench.path, os.O_RDWR)  # what is written stays as long as somebody has the FIFO open
    bench.open_files.append(descriptor)
    os.write(descriptor, b"21.5\n")


def wait_for_silence(bench: Bench) -> None:
    bench.clock.pass_time(SILENCE.first_s + 1)


CASES = [
    Case("console", {}),
    Case("control", {"default": 20, "min": 0, "max": 100}),
    Case("control", {"default": 1, "min": 0, "max": 1, "step": 1, "lease": 60, "safe": 0}),
    Case("pipe", {"path": "PATH"}, write("21.5\n"), remove),
    Case("pipe", {"path": "PATH", "scale": 0.001, "offset": 1}, write("21500\n"), write("")),
    Case("pipe", {"path": "PATH", "field": 2}, write("a 2"), write("a")),
    Case("pipe", {"path": "PATH", "pattern": r"t=(\d+)"}, write("t=21"), write("t=x")),
    Case("pipe", {"path": "PATH", "fields": {"value": 1, "two": 2}}, write("1 2"), write("1 nan")),
    Case("pipe", {"path": "PATH", "patterns": {"a": r"a=(\S+)", "b": r"b=(\S+)"}}, write("a=1 b=2"), write("a=1")),
    Case("pipe", {"path": "PATH", "timeout": 5}, make_fifo, nothing),
    Case("pipe", {"command": "cat PATH"}, write("21.5\n"), remove),
    Case("simulated", {"signal": "constant", "value": 1}),
    Case("simulated", {"signal": "sine", "mean": 1, "amplitude": 1, "period": 60}),
    Case("simulated", {"signal": "walk", "start": 1, "step": 1, "min": 0, "max": 2}),
    Case("simulated", {"signal": "plant", "part": "manifold", "plant": "conformance"}),
    Case("simulated", {"signal": "plant", "part": "air", "plant": "conformance"}, fail=wait_for_silence),
    Case("simulated-fan", {"plant": "conformance"}),
]

WRONG_OPTIONS = [
    ("console", {"colour": "red"}, "'colour'"),
    ("control", {}, "'default'"),
    ("control", {"default": "high"}, "options.default"),
    ("control", {"default": 5, "min": 6}, "`default` 5 is out of range 6.."),
    ("control", {"default": 5, "lease": "soon"}, "options.lease"),
    ("control", {"default": 5, "colour": "red"}, "'colour'"),
    ("pipe", {}, "`path` or `command`"),
    ("pipe", {"path": "/x", "command": "true"}, "`path` or `command`"),
    ("pipe", {"path": "temperature"}, "`path` is 'temperature'"),
    ("pipe", {"command": ""}, "`command` is empty"),
    ("pipe", {"command": "echo '"}, "`command`: No closing quotation"),
    ("pipe", {"path": "/x", "field": 0}, "options.field"),
    ("pipe", {"path": "/x", "fields": {"a": 0}}, "options.fields.a"),
    ("pipe", {"path": "/x", "field": 1, "pattern": "(.)"}, "`field` and `pattern` cannot be used together"),
    ("pipe", {"path": "/x", "pattern": "("}, "`pattern` is '('"),
    ("pipe", {"path": "/x", "pattern": "x"}, "`pattern` is 'x', without a group"),
    ("pipe", {"path": "/x", "patterns": {"a": "x"}}, "`patterns.a` is 'x', without a group"),
    ("pipe", {"path": "/x", "scale": "much"}, "options.scale"),
    ("pipe", {"path": "/x", "scale": math.inf}, "scale"),
    ("pipe", {"path": "/x", "timeout": "5 parsecs"}, "options.timeout"),
    ("pipe", {"path": "/x", "colour": "red"}, "'colour'"),
    ("simulated", {}, "'signal'"),
    ("simulated", {"signal": "square"}, "options.signal"),
    ("simulated", {"signal": "sine", "mean": 1}, "`amplitude`"),
    ("simulated", {"signal": "constant", "value": 1, "period": 5}, "`period`"),
    ("simulated-fan", {"max": 200}, "`max`"),
    ("simulated-fan", {"colour": "red"}, "'colour'"),
]


@pytest.fixture
def bench(tmp_path: Path, place: Place, clock: ManualClock) -> Iterator[Bench]:
    bench = Bench(tmp_path / "source", place, clock, [])
    yield bench
    for descriptor in bench.open_files:
        os.close(descriptor)


def options_for(case: Case, bench: Bench) -> DriverOptions:
    written = {
        key: value.replace("PATH", str(bench.path)) if isinstance(value, str) else value
        for key, value in case.options.items()
    }
    options = msgspec.convert(written, registry.driver_class(case.driver).Options)
    assert isinstance(options, DriverOptions)
    return options


def build(case: Case, bench: Bench) -> Driver:
    return registry.driver_class(case.driver)(options_for(case, bench), bench.place)


def read(driver: Driver) -> Measurements:
    measured = driver.read()
    return asyncio.run(as_coroutine(measured)) if inspect.isawaitable(measured) else measured


async def as_coroutine(awaitable: Any) -> Any:
    return await awaitable


def is_sound(value: object) -> bool:
    if isinstance(value, Measured):
        return is_sound(value.value) and isinstance(value.attributes, Mapping)
    return isinstance(value, str) or (isinstance(value, int | float) and math.isfinite(value))


def open_files() -> list[Path]:
    return sorted(Path("/proc/self/fd").iterdir())


every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
cases_that_fail = pytest.mark.parametrize("case", [case for case in CASES if case.fail], ids=lambda case: case.name)
cases_of_actuators = pytest.mark.parametrize(
    "case", [case for case in CASES if hasattr(registry.driver_class(case.driver), "set")], ids=lambda case: case.name
)


def test_every_driver_has_a_case() -> None:
    assert {case.driver for case in CASES} == registry.DRIVERS.keys()


def test_every_driver_has_wrong_options() -> None:
    assert {driver for driver, _, _ in WRONG_OPTIONS} == registry.DRIVERS.keys()


@pytest.mark.parametrize(("driver", "options", "named"), WRONG_OPTIONS)
def test_wrong_options_are_an_error_that_names_the_key(driver: str, options: dict[str, object], named: str) -> None:
    document = {"nodes": {"C1": {"driver": driver, "options": options}}}
    text = msgspec.yaml.encode(document)
    with pytest.raises(ConfigError) as failure:
        loads(text, "jph.yaml", registry.options_of)
    (problem,) = failure.value.problems
    assert named in f"{problem.message} {problem.advice}"


@pytest.mark.parametrize("driver", registry.DRIVERS)
def test_options_are_frozen_and_refuse_what_they_do_not_know(driver: str) -> None:
    options = registry.driver_class(driver).Options
    assert issubclass(options, DriverOptions)
    assert options.__struct_config__.frozen
    assert options.__struct_config__.forbid_unknown_fields


@every_case
def test_a_read_gives_finite_numbers_and_text_under_declared_channels(case: Case, bench: Bench) -> None:
    case.prepare(bench)
    with closing(build(case, bench)) as driver:
        measured = read(driver)
    assert all(is_sound(value) for value in measured.values())
    assert measured.keys() == options_for(case, bench).channels()


@cases_that_fail
def test_a_source_that_fails_gives_no_old_value(case: Case, bench: Bench) -> None:
    assert case.fail is not None
    case.prepare(bench)
    with closing(build(case, bench)) as driver:
        assert read(driver)
        case.fail(bench)
        with suppress(DriverError):
            assert read(driver) == {}


@cases_that_fail
def test_a_source_that_is_not_there_at_first_does_not_keep_the_driver_from_starting(case: Case, bench: Bench) -> None:
    with closing(build(case, bench)) as driver:
        try:
            read(driver)
        except DriverError:
            case.prepare(bench)
            assert read(driver)


@every_case
def test_closing_twice_is_harmless(case: Case, bench: Bench) -> None:
    case.prepare(bench)
    driver = build(case, bench)
    read(driver)
    driver.close()
    driver.close()


@every_case
def test_closing_before_the_first_read_is_harmless(case: Case, bench: Bench) -> None:
    build(case, bench).close()


@every_case
def test_no_thread_and_no_open_file_is_left(case: Case, bench: Bench) -> None:
    case.prepare(bench)
    threads, files = threading.enumerate(), open_files()
    for _ in range(3):
        with closing(build(case, bench)) as driver:
            for _ in range(3):
                read(driver)
    assert threading.enumerate() == threads
    assert open_files() == files


@cases_of_actuators
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(command=st.floats())
def test_an_actuator_takes_a_value_or_refuses_it_and_stays(case: Case, bench: Bench, command: float) -> None:
    with closing(build(case, bench)) as driver:
        assert isinstance(driver, Actuator)
        for act in (driver.set, driver.step):
            before = read(driver)
            try:
                act(command)
            except OutOfRangeError:
                assert read(driver)["value"] == before["value"]
            else:
                assert math.isfinite(cast(float, read(driver)["value"]))
