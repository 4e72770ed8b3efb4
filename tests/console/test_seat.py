"""Which configuration an operator's program uses, and under which codifier it speaks."""

from pathlib import Path

import msgspec
import pytest

from config import rotation
from config.keyfile import Grant, Role, granted
from config.keystore import KeyStore
from config.model import ConfigError, Configuration, NoConfigurationError, Node, Security, Sensor
from console import demo_traces
from console.seat import CodifierError, choose_codifier, find_configuration, load_or_demo, take_seat
from protocol.gate import Mode


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


def test_that_there_are_warnings_and_where_to_read_them_is_said(home: Path) -> None:
    (home / "jph.yaml").write_text("nodes: {C1: {driver: pipe, interval: 1h, timeout: 1s}}\n", "ascii")
    found, origin = find_configuration(None)
    assert len(found.warnings) == 1
    assert origin == "jph.yaml (`jph check` has warnings)"


def test_all_that_is_wrong_is_told_also_what_only_drivers_know(home: Path) -> None:
    (home / "jph.yaml").write_text("nodes: {C1: {driver: pipe, options: {pth: 1}}, C: {driver: pipe}}\n", "ascii")
    with pytest.raises(ConfigError) as caught:
        find_configuration(None)
    assert any("pth" in problem.message for problem in caught.value.problems)
    assert any("no codifier" in problem.message for problem in caught.value.problems)


def test_the_commands_that_need_a_configuration_find_the_demo_too(home: Path) -> None:
    place = demo_traces.directory()
    place.mkdir(parents=True)
    file = place / "jph.yaml"
    file.write_text("nodes: {CK: {driver: console}}\n", "ascii")
    with demo_traces.left(place, file):
        configuration, _ = load_or_demo(None)
    assert list(configuration.nodes) == ["CK"]


def test_without_configuration_and_demo_those_commands_fail(home: Path) -> None:
    with pytest.raises(NoConfigurationError):
        load_or_demo(None)


NETWORK = rotation.begin_network(bytes(range(32)), 1)


def with_keys(store: KeyStore, *granted_to: tuple[str, Role]) -> None:
    for codifier, role in granted_to:
        store.write(codifier, granted(NETWORK, codifier, Grant(role=role, says=(codifier,))))


@pytest.mark.parametrize(
    ("granted_to", "expected"),
    [
        ([], "CC"),
        ([("CK", Role.OPERATOR)], "CK"),
        ([("AA", Role.READER), ("CK", Role.OPERATOR)], "CK"),
        ([("AA", Role.READER)], "AA"),
        ([("AA", Role.OPERATOR), ("CC", Role.OPERATOR)], "CC"),
        ([("C1", Role.NODE)], "CC"),
    ],
)
def test_where_tags_are_made_the_codifier_is_one_with_keys(
    tmp_path: Path, granted_to: list[tuple[str, Role]], expected: str
) -> None:
    with_keys(KeyStore(tmp_path), *granted_to)
    environment = {"JPH_KEYS": str(tmp_path)}
    tagging = msgspec.structs.replace(configuration(("CC", None)), security=Security(mode=Mode.REQUIRE))
    assert choose_codifier(tagging, None, environment, "here") == expected
    assert choose_codifier(tagging, "XX", environment, "here") == "XX"
    assert choose_codifier(tagging, None, {**environment, "JPH_SENSOR": "CX"}, "here") == "CX"
    assert choose_codifier(configuration(("CC", None)), None, environment, "here") == "CC"
