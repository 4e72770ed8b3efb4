"""What every driver must do. A driver joins with a module of its name in `tests/drivers/cases`."""

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from importlib import import_module
from pathlib import Path
from typing import Final, cast

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.supervisor import SHORTEST_DEADLINE_S
from config.loading import loads
from config.model import ConfigError, Problem
from drivers import registry
from drivers.driver import Actuator, DriverError, DriverOptions, Measured, OutOfRangeError, Place
from tests.drivers.trying import Bench, Case, Trial, Wrong, module_of, read
from tests.support.driven_time import ManualClock

CASES: Final[list[tuple[str, Case]]] = [
    (driver, case) for driver in registry.DRIVERS for case in import_module(module_of(driver)).CASES
]
WRONG: Final[list[tuple[str, Wrong]]] = [
    (driver, wrong) for driver in registry.DRIVERS for wrong in import_module(module_of(driver)).WRONG
]
FAILING: Final = [(driver, case) for driver, case in CASES if case.fail]
ACTUATORS: Final = [(driver, case) for driver, case in CASES if hasattr(registry.driver_class(driver), "set")]


def _name(driver: str, case: Case) -> str:
    return "-".join([driver, *case.options])


@pytest.fixture
def bench(tmp_path: Path, clock: ManualClock) -> Iterator[Bench]:
    root = tmp_path / "root"
    root.mkdir()
    with ExitStack() as stack:
        place = Place("FK", tmp_path / "state", clock.monotonic, root, clock.pass_time)
        yield Bench(root / "source", place, clock, stack)


@pytest.fixture
def trial(request: pytest.FixtureRequest, bench: Bench) -> Trial:
    driver, case = request.param
    return Trial(driver, case, bench)


def is_sound(value: object) -> bool:
    if isinstance(value, Measured):
        return is_sound(value.value) and isinstance(value.attributes, Mapping | None)
    return isinstance(value, str) or (isinstance(value, int | float) and math.isfinite(value))


def open_files() -> list[Path]:
    return sorted(Path("/proc/self/fd").iterdir())


every_case = pytest.mark.parametrize("trial", CASES, indirect=True, ids=[_name(*case) for case in CASES])
cases_that_fail = pytest.mark.parametrize("trial", FAILING, indirect=True, ids=[_name(*case) for case in FAILING])
cases_of_actuators = pytest.mark.parametrize(
    "trial", ACTUATORS, indirect=True, ids=[_name(*case) for case in ACTUATORS]
)


@pytest.mark.parametrize("driver", registry.DRIVERS)
def test_every_driver_has_cases_and_wrong_options(driver: str) -> None:
    cases = import_module(module_of(driver))
    assert cases.CASES
    assert cases.WRONG


def problems_of(node: Mapping[str, object]) -> tuple[Problem, ...]:
    """Return what is wrong with a configuration that has this node."""
    try:
        loads(msgspec.yaml.encode({"nodes": {"C1": node}}), "jph.yaml", registry.options_of)
    except ConfigError as error:
        return error.problems
    return ()


@pytest.mark.parametrize(("driver", "wrong"), WRONG)
def test_wrong_options_are_an_error_that_names_the_key(driver: str, wrong: Wrong) -> None:
    (problem,) = problems_of({"driver": driver, "options": wrong.options})
    assert wrong.named in f"{problem.message} {problem.advice}"


ODD: Final[tuple[object, ...]] = (
    *([], [1, 2], {}, {"x": 1}, None, "", "maybe", True),
    *(-1, 0, 1.5, 10**30, 10**400, 1e300, math.nan, math.inf),
    *("/tmp", "tmp/x", "a\0b", "a\nb", "\x1b[31m", "http://u:p@h/", "h/x", "x" * 5000),  # noqa: S108 - a folder
)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:20])
@pytest.mark.parametrize("driver", registry.DRIVERS)
def test_whatever_an_option_says_it_is_taken_or_refused_in_one_line(driver: str, odd: object) -> None:
    """What types say is checked before what a driver says, so each option has the rest of a case around it."""
    for case in import_module(module_of(driver)).CASES:
        for field in msgspec.structs.fields(registry.driver_class(driver).Options):
            options = {**case.options, field.encode_name: odd}
            for problem in problems_of({"driver": driver, "options": options}):
                assert any(named in problem.message for named in ("options.", "`", "no channel")), problem.message
                assert f"{problem.message}{problem.advice}".isprintable()


@pytest.mark.parametrize("driver", registry.DRIVERS)
def test_options_are_frozen_and_refuse_what_they_do_not_know(driver: str) -> None:
    options = registry.driver_class(driver).Options
    assert issubclass(options, DriverOptions)
    assert options.__struct_config__.frozen
    assert options.__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize("driver", registry.DRIVERS)
def test_by_itself_it_waits_for_less_than_the_shortest_time_that_a_read_may_take(driver: str) -> None:
    fields = msgspec.structs.fields(registry.driver_class(driver).Options)
    defaults = {field.name: field.default for field in fields if "timeout" in field.name}
    assert all(default < SHORTEST_DEADLINE_S for default in defaults.values()), defaults


@every_case
def test_a_read_gives_finite_numbers_and_text_under_declared_channels(trial: Trial) -> None:
    trial.prepare()
    with closing(trial.build()) as driver:
        measured = read(driver)
    assert all(is_sound(value) for value in measured.values())
    declared = trial.options.channels()
    assert measured.keys() == (declared if trial.case.gives is None else trial.case.gives)
    assert not declared or measured.keys() <= declared


@every_case
def test_units_are_those_of_declared_channels(trial: Trial) -> None:
    units = trial.options.units()
    assert units.keys() <= trial.options.channels()
    assert all(units.values())


@cases_that_fail
def test_a_source_that_fails_gives_no_old_value(trial: Trial) -> None:
    trial.prepare()
    with closing(trial.build()) as driver:
        assert read(driver)
        trial.fail()
        with suppress(DriverError):
            assert read(driver) == {}


@cases_that_fail
def test_a_source_that_is_not_there_at_first_does_not_keep_the_driver_from_starting(trial: Trial) -> None:
    with closing(trial.build()) as driver:
        try:
            read(driver)
        except DriverError:
            trial.prepare()
            assert read(driver)


@every_case
def test_closing_twice_is_harmless(trial: Trial) -> None:
    trial.prepare()
    driver = trial.build()
    read(driver)
    driver.close()
    driver.close()


@every_case
def test_closing_before_the_first_read_is_harmless(trial: Trial) -> None:
    trial.build().close()


@every_case
def test_no_thread_and_no_open_file_is_left(trial: Trial) -> None:
    trial.prepare()
    with closing(trial.build()) as driver:
        read(driver)  # what a library keeps for good, it opens with its first use
    threads, files = threading.enumerate(), open_files()
    for _ in range(3):
        with closing(trial.build()) as driver:
            for _ in range(3):
                read(driver)
    assert threading.enumerate() == threads
    assert open_files() == files


@cases_of_actuators
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(command=st.floats())
def test_an_actuator_takes_a_value_or_refuses_it_and_stays(trial: Trial, command: float) -> None:
    trial.prepare()
    with closing(trial.build()) as driver:
        assert isinstance(driver, Actuator)
        for act in (driver.set, driver.step):
            before = read(driver)
            try:
                act(command)
            except OutOfRangeError:
                assert read(driver)["value"] == before["value"]
            else:
                assert math.isfinite(cast(float, read(driver)["value"]))
