"""Expressions over other sensors: what they give, what they withhold and why, and what they cannot do."""

import logging
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import libraries
from drivers.calculations.expressions import ExpressionError, compiled, inputs
from drivers.driver import DriverError
from drivers.python import Python, PythonOptions
from tests.drivers.devices.python import Sensors, place_on
from tests.support.driven_time import ManualClock

Make = Callable[..., Python]


@pytest.fixture
def sensors(clock: ManualClock) -> Sensors:
    return Sensors(clock)


@pytest.fixture
def make(sensors: Sensors, clock: ManualClock, tmp_path: Path) -> Make:
    def make(**options: Any) -> Python:
        return Python(msgspec.convert(options, PythonOptions), place_on(sensors, tmp_path, clock))

    return make


def value_of(expression: str, **values: float) -> float:
    return compiled(expression)(values.__getitem__)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_the_temperature_of_two_mixed_flows(make: Make, sensors: Sensors) -> None:
    for codifier, value in {"X2": 3.0, "A4": 40.0, "Y2": 1.0, "A5": 60.0}.items():
        sensors.hear(codifier, value)
    driver = make(expressions={"value": "(X2*A4 + Y2*A5)/(X2+Y2)"})
    assert driver.read() == {"value": 45.0}  # (3*40 + 1*60) / 4


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("A4 - A3", 7.5),
        ("A4 if A3 > 20 else 0", 30.0),
        ("A3 > 20", 1),
        ("max(A3, A4, 25)", 30.0),
        ("min([A3, A4])", 22.5),
        ("round(A3 / 7, 2)", 3.21),
        ("sqrt(A3 * 10)", 15.0),
        ("2 ** 10", 1024),
        ("[A3, A4][1]", 30.0),
        ("7 // 2", 3),
        ("-A3 ** 2", 506.25),
        ("2 ** 3 ** 2", 64),
        ("round(2.5)", 2),
        ("-A3", -22.5),
        ("value('A3') + value('1A')", 23.5),
        ("log(exp(2))", 2.0),
        ("abs(A3 - A4)", 7.5),
    ],
)
def test_an_expression_has_the_value_that_paper_gives(expression: str, value: float) -> None:
    assert value_of(expression, **{"A3": 22.5, "A4": 30.0, "1A": 1}) == value


def test_its_inputs_are_found_in_it() -> None:
    assert inputs("(X2*A4)/max(Y2, 1) + value('1A') + value('+-') + pi") == {"X2", "A4", "Y2", "1A", "+-"}


def test_the_options_name_the_inputs_of_all_expressions() -> None:
    options = msgspec.convert(
        {"expressions": {"value": "A4", "PC": {"expression": "A5", "max_age": 3.0}}}, PythonOptions
    )
    assert options.inputs() == {"A4", "A5"}
    assert options.channels() == {"value", "PC"}


def test_what_was_heard_too_long_ago_is_withheld_and_said(make: Make, sensors: Sensors, clock: ManualClock) -> None:
    driver = make(expressions={"value": "A4"}, max_age=5.0)
    sensors.hear("A4", 30.0)
    clock.pass_time(5.0)
    assert driver.read() == {"value": 30.0}
    clock.pass_time(0.1)
    with pytest.raises(DriverError, match="A4 was not heard for more than 5 s; see whether these sensors run"):
        driver.read()


def test_an_expression_has_an_age_of_its_own(make: Make, sensors: Sensors, clock: ManualClock) -> None:
    driver = make(expressions={"value": "A4", "PC": {"expression": "A4", "max_age": 60.0}}, max_age=5.0)
    sensors.hear("A4", 30.0)
    clock.pass_time(30.0)
    assert driver.read() == {"PC": 30.0}


def test_what_is_missing_is_withheld_alone_and_said_once(
    make: Make, sensors: Sensors, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    driver = make(expressions={"value": "A4", "PC": "A5"})
    for _ in range(3):
        sensors.hear("A4", 30.0)
        assert driver.read() == {"value": 30.0}
    assert warnings(caplog) == ["PA: no value of PC: A5 was not heard yet"]
    sensors.hear("A5", 1)
    assert driver.read() == {"value": 30.0, "PC": 1}
    clock.pass_time(21.0)
    sensors.hear("A4", 30.0)
    driver.read()
    assert warnings(caplog)[1:] == ["PA: no value of PC: A5 was not heard for more than 20 s"]


@pytest.mark.parametrize(("text", "value"), [("20", 20), ("21.5", 21.5), ("-3", -3)])
def test_text_that_is_a_number_counts_as_one(make: Make, sensors: Sensors, text: str, value: float) -> None:
    driver = make(expressions={"value": "FQ"})
    sensors.hear("FQ", text)
    assert driver.read() == {"value": value}


@pytest.mark.parametrize("text", ["on", " 21.5", "nan", "", "1e999"])
def test_other_text_is_withheld(make: Make, sensors: Sensors, text: str) -> None:
    driver = make(expressions={"value": "FQ"})
    sensors.hear("FQ", text)
    with pytest.raises(DriverError, match="FQ is text, and no number"):
        driver.read()


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("9**9**9**9", "math range error"),
        ("(9.0**300)*(9.0**300)", "the result is inf"),
        ("A4/0", "division by zero"),
        ("(0-8)**(1/3)", "math domain error"),
        ("'a' * 1000000000", "str is no number"),
        ("[1] * 1000000000", "list is no number"),
        ("'a' ~ A4", "str is no number"),
        ("'20'", "str is no number"),
        ("A4.__class__", "StrictUndefined is no number"),
        ("1 if 'a'.ljust(10**12) else 2", "access to attribute 'ljust' of 'str' object is unsafe"),
        ("1 if '{:999999999999}'.format(1) else 2", "access to attribute 'format' of 'str' object is unsafe"),
        ("1 if '{:999999999999}'['format'](1) else 2", "access to attribute 'format' of 'str' object is unsafe"),
        ("{'a': 5}.a", "StrictUndefined is no number"),
        ("exp(1000)", "math range error"),
        ("none", "NoneType is no number"),
        ("[]", "list is no number"),
    ],
)
def test_what_has_no_finite_number_for_a_value_is_an_error(expression: str, words: str) -> None:
    with pytest.raises(ExpressionError, match=words.replace("(", r"\(")):
        value_of(expression, A4=30.0)


@pytest.mark.parametrize("expression", ["range(9)", "cycler(1)", "dict(a=1)", "lipsum()"])
def test_what_jinja_offers_beside_is_not_there(expression: str) -> None:
    with pytest.raises(ExpressionError, match="is neither a codifier nor one of"):
        inputs(expression)


@given(st.lists(st.sampled_from(["A4", "A5", "9", "2.5", "(", ")", "**", "*", "+", "-", "/", "//", "%"]), max_size=12))
@settings(deadline=None)
def test_no_expression_takes_long_or_gives_what_cannot_be_sent(parts: list[str]) -> None:
    try:
        value = value_of(" ".join(parts), A4=1e9, A5=9**19)
    except (ExpressionError, KeyError):
        return
    assert isinstance(value, int | float)
    assert math.isfinite(value)


def test_whole_numbers_stay_whole_up_to_64_bits() -> None:
    assert value_of("2**62 + 1") == 2**62 + 1
    assert isinstance(value_of("2**62 * 8"), float)


def test_without_its_library_options_load_and_the_driver_says_what_is_missing(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(libraries, "import_module", missing)
    monkeypatch.setattr("drivers.calculations.expressions._made", [])
    options = msgspec.convert({"expressions": {"value": "A4"}}, PythonOptions)
    assert options.channels() == {"value"}
    with pytest.raises(DriverError, match=r'jinja2.* is not installed; pip install "jph\[python\]"'):
        make(expressions={"value": "A4"})


def test_a_configuration_without_expressions_loads_no_library() -> None:
    code = "import sys; from drivers.python import PythonOptions as O; O(file='x'); print('jinja2' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
