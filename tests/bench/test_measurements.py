"""Every measurement runs and finds what it says it finds. How fast anything is only `make bench` tells."""

import math
from pathlib import Path

import pytest

from bench import away, mqtt, redis, screen
from bench.__main__ import MEASUREMENTS, main
from bench.figures import CannotMeasureError, Measurement
from bench.runs import RESULTS
from tests.netns.hosts import missing
from tests.storage import redis_server


def skip_without_broker() -> None:
    try:
        mqtt.mosquitto()
    except CannotMeasureError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("measurement", MEASUREMENTS.values(), ids=MEASUREMENTS)
def test_a_measurement_finds_a_number_for_each_of_its_figures(measurement: Measurement) -> None:
    if measurement is mqtt.MEASUREMENT:
        skip_without_broker()
    if measurement is away.MEASUREMENT and missing():
        pytest.skip(missing())
    if measurement is redis.MEASUREMENT and (reason := redis_server.why_not()):
        pytest.skip(reason)
    samples = measurement.quick()
    assert samples.keys() == {figure.key for figure in measurement.figures}
    assert all(values and all(map(math.isfinite, values)) for values in samples.values())


@pytest.mark.parametrize("measurement", MEASUREMENTS.values(), ids=MEASUREMENTS)
def test_a_measurement_names_each_figure_once(measurement: Measurement) -> None:
    keys = [figure.key for figure in measurement.figures]
    assert len(set(keys)) == len(keys)


def files() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in RESULTS.glob("*")}


def test_a_quick_run_prints_figures_and_writes_nothing_down(capsys: pytest.CaptureFixture[str]) -> None:
    before = files()
    assert main(["--quick", "codec"]) == 0
    assert "encode `f`, one of 500 values" in capsys.readouterr().out
    assert files() == before


def test_a_name_that_is_no_measurement_is_refused_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mqqt"]) == 2
    assert capsys.readouterr().err.startswith("there is no measurement mqqt; there are: receive, mqtt,")


def test_what_the_console_measures_is_taken_by_name() -> None:
    output = b'{"measure": "key to paint", "keys": 9, "unanswered": 0, "p50_ms": 20.5, "p99_ms": 61.0}\n'
    assert screen.read(output) == {"key_p50_ms": [20.5], "key_p99_ms": [61.0], "keys_unanswered": [0.0]}


def test_lines_of_the_console_that_are_not_asked_for_are_passed_over() -> None:
    assert screen.read(b'{"measure": "exit", "code": 0}\n{"load": "none"}\n') == {}
