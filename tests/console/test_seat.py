"""Which configuration an operator's program uses, and under which codifier it speaks."""

from pathlib import Path

import pytest

from config.model import Configuration, Node, Sensor
from console import demo_traces
from console.seat import CodifierError, choose_codifier, find_configuration, take_seat


def configuration(*operators: tuple[str, str | None]) -> Configuration:
    """Return a configuration with codifiers for operators, each with its host."""
    sensing = Node(sensor=Sensor(codifier="C1"), driver="pipe", host="here")
    nodes = [Node(sensor=Sensor(codifier=codifier), driver="console", host=host) for codifier, host in operators]
    return Configuration(nodes={node.codifier: node for node in (sensing, *nodes)})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty directory the current one, and the home of nobody in particular."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("JPH_CONFIG", "JPH_SENSOR", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("operators", "asked", "environment", "expected"),
    [
        ([], None, {}, "CC"),
        ([("CK", None)], None, {}, "CK"),
        ([("CK", "there"), ("CL", None)], None, {}, "CL"),
        ([("CK", "there"), ("CL", "here")], None, {}, "CL"),
        ([("CK", "there"), ("CL", "here.example.org")], None, {}, "CL"),
        ([("CK", "there")], None, {}, "CK"),
        ([("CK", None)], None, {"JPH_SENSOR": "C1"}, "C1"),
        ([("CK", None)], "XX", {"JPH_SENSOR": "C1"}, "XX"),
    ],
)
def test_the_codifier_is_the_one_asked_for_or_that_of_operators_here(
    operators: list[tuple[str, str | None]], asked: str | None, environment: dict[str, str], expected: str
) -> None:
    assert choose_codifier(configuration(*operators), asked, environment, "here") == expected


@pytest.mark.parametrize("wrong", ["", "C", "CPU", "@@", "C\x1b"])
def test_an_environment_that_names_no_codifier_is_an_error(wrong: str) -> None:
    with pytest.raises(CodifierError, match="two printable characters"):
        choose_codifier(Configuration(), None, {"JPH_SENSOR": wrong}, "here")


def test_without_any_configuration_the_default_groups_are_used_and_that_is_said(home: Path) -> None:
    found, origin = find_configuration(None)
    assert found == Configuration()
    assert origin == "no configuration (`jph init` writes one), so the default groups"


def test_a_demo_that_runs_is_found_where_there_is_no_configuration(home: Path) -> None:
    place = demo_traces.directory()
    place.mkdir(parents=True)
    file = place / "jph.yaml"
    file.write_text("nodes: {CK: {driver: console}}\n", "ascii")
    with demo_traces.left(place, file):
        seat = take_seat(None, None)
    assert seat.codifier == "CK"
    assert seat.origin == f"the running demo's {file}"


def test_a_configuration_of_ones_own_comes_before_the_demo(home: Path) -> None:
    place = demo_traces.directory()
    place.mkdir(parents=True)
    (home / "jph.yaml").write_text("nodes: {CX: {driver: console}}\n", "ascii")
    with demo_traces.left(place, place / "jph.yaml"):
        assert take_seat(None, None).codifier == "CX"


def test_warnings_are_counted_and_where_to_read_them_is_said(home: Path) -> None:
    (home / "jph.yaml").write_text("nodes: {C1: {driver: pipe, interval: 1h, timeout: 1s}}\n", "ascii")
    found, origin = find_configuration(None)
    assert len(found.warnings) == 1
    assert origin == "./jph.yaml (1 warning: `jph check` tells)" or origin.endswith("(1 warning: `jph check` tells)")
