"""`jph init`, `check` and `config`: configurations written, checked, shown and converted."""

import json
from pathlib import Path

import pytest
import yaml

from agent.configuration import load_configuration
from config.model import Security
from protocol.gate import Mode
from tests.console.calling import CHECKOUT, Shell

GOOD = """\
network: {control: "239.192.71.1:7001", data: "239.192.71.1:7002", interface: lo}
nodes:
  C1:
    name: kastpi CPU
    host: kastpi
    driver: pipe
    options: {path: /proc/loadavg, field: 1}
    unit: °C
    alarms: {warning: "> 70", critical: "> 80"}
    proxies: {C2: {name: other, channel: value}}
  CC: {driver: console}
"""
BAD = "nodes:\n  C1: {driver: pipe, optons: {}}\n  C1x: {driver: pipe, options: {path: /proc/loadavg}}\n"


@pytest.fixture
def good(shell: Shell) -> Path:
    path = shell.home / "jph.yaml"
    path.write_text(GOOD, "utf-8")
    return path


@pytest.fixture
def bad(shell: Shell) -> Path:
    path = shell.home / "bad.yaml"
    path.write_text(BAD, "utf-8")
    return path


@pytest.mark.parametrize("command", [["check"], ["config", "check"]], ids=" ".join)
def test_a_good_configuration_is_found_and_can_be_used(shell: Shell, good: Path, command: list[str]) -> None:
    ended = shell.jph(*command)
    assert (ended.code, ended.out) == (0, "")
    assert "jph.yaml can be used: 2 nodes, 3 sensors, 0 warnings" in ended.err


def test_everything_that_is_wrong_is_listed_with_its_line_and_advice(shell: Shell, bad: Path) -> None:
    ended = shell.jph("check", str(bad))
    assert ended.code == 1
    assert [line.startswith(f"error: {bad}:") for line in ended.out.splitlines()] == [True] * 3
    assert f"{bad}:2: " in ended.out
    assert f"{bad}:3: " in ended.out
    assert "3 problems: it cannot be used" in ended.err


def test_problems_in_json_have_their_place(shell: Shell, bad: Path) -> None:
    problems = shell.jph("check", "--json", str(bad)).documents
    assert {(problem["file"], problem["severity"]) for problem in problems} == {(str(bad), "error")}
    assert [problem["line"] for problem in problems] == [2, 2, 3]


def test_the_original_configuration_has_warnings_and_can_be_used(shell: Shell) -> None:
    original = CHECKOUT / "tests" / "config" / "original.json"
    ended = shell.jph("check", str(original), "--json")
    assert ended.code == 0
    assert {problem["severity"] for problem in ended.documents} == {"warning"}


def test_a_configuration_that_is_not_there_is_named(shell: Shell) -> None:
    ended = shell.jph("check", "/nowhere/jph.yaml")
    assert ended.code == 1
    assert "error: /nowhere/jph.yaml: cannot be read" in ended.out


@pytest.mark.parametrize("command", ["get", "nodes", "watch", "console"])
def test_no_command_runs_with_a_bad_configuration(shell: Shell, bad: Path, command: str) -> None:
    ended = shell.jph(command, "--config", str(bad))
    assert (ended.code, ended.out) == (1, "")
    assert f"jph: {bad}:2: " in ended.err
    assert f"jph: {bad}:3: " in ended.err


def test_show_fills_in_what_is_not_said(shell: Shell, good: Path) -> None:
    first, proxy, operator = shell.jph("config", "show", "--json").documents
    assert (first["interval_s"], first["timeout_s"], first["keepalive_s"]) == (5.0, 20.0, 60.0)
    assert (first["warning"], first["critical"]) == ("> 70", "> 80")
    assert (proxy["codifier"], proxy["node"], proxy["driver"]) == ("C2", "C1", "pipe")
    assert (operator["driver"], operator["host"], operator["control"]) == ("console", None, False)


def test_show_names_the_network_besides(shell: Shell, good: Path) -> None:
    ended = shell.jph("config", "show")
    assert ended.out.splitlines()[1].split()[:2] == ["C1", "kastpi"]
    assert "control 239.192.71.1:7001, data 239.192.71.1:7002, interface lo" in ended.err


def test_convert_writes_what_means_the_same(shell: Shell, good: Path) -> None:
    ended = shell.jph("config", "convert")
    converted = shell.home / "converted.yaml"
    converted.write_text(ended.out, "utf-8")
    assert ended.code == 0
    assert load_configuration(str(converted)) == load_configuration(str(good))


def test_convert_takes_the_original_json(shell: Shell) -> None:
    original = CHECKOUT / "tests" / "config" / "original.json"
    ended = shell.jph("config", "convert", str(original))
    sensors = json.loads(original.read_text("utf-8"))["Sensors"]
    nodes = yaml.safe_load(ended.out)["nodes"]
    assert ended.code == 0
    assert len(nodes) + sum(len(node.get("proxies", ())) for node in nodes.values()) == len(sensors)


def test_init_writes_a_configuration_that_works_and_says_what_to_do_next(shell: Shell) -> None:
    ended = shell.jph("init")
    assert ended.code == 0
    assert ended.out.startswith("jph.yaml is written.\n")
    assert "\nNow:\n  jph check " in ended.out
    assert shell.jph("check").code == 0


def test_init_overwrites_nothing(shell: Shell, good: Path) -> None:
    ended = shell.jph("init")
    assert ended.code == 1
    assert "jph.yaml is there already" in ended.err
    assert "--force" in ended.err
    assert good.read_text("utf-8") == GOOD


def test_init_overwrites_by_force(shell: Shell, good: Path) -> None:
    assert shell.jph("init", "--force").code == 0
    assert good.read_text("utf-8") != GOOD


def test_init_names_the_file_in_what_to_do_next(shell: Shell) -> None:
    ended = shell.jph("init", "other.yaml")
    assert "jph check --config other.yaml" in ended.out
    assert (shell.home / "other.yaml").exists()


def test_init_names_the_interface_that_is_wanted(shell: Shell) -> None:
    shell.jph("init", "--interface", "lo")
    assert load_configuration(str(shell.home / "jph.yaml")).network.interface == "lo"


def test_init_says_where_it_cannot_write(shell: Shell) -> None:
    ended = shell.jph("init", "/nowhere/jph.yaml")
    assert ended.code == 1
    assert "/nowhere/jph.yaml cannot be written: No such file or directory" in ended.err


def test_init_requires_tags_and_makes_the_key_that_only_its_owner_can_read(shell: Shell) -> None:
    ended = shell.jph("init")
    assert load_configuration(str(shell.home / "jph.yaml")).security == Security(mode=Mode.REQUIRE)
    key = shell.home / "keys" / "network.key"
    assert f"{key} is made, from which all keys come" in ended.out
    assert key.stat().st_mode & 0o777 == 0o600


def test_init_never_makes_another_key_where_there_is_one(shell: Shell) -> None:
    shell.jph("init")
    before = (shell.home / "keys" / "network.key").read_bytes()
    ended = shell.jph("init", "--force")
    assert "network.key was there already and stays the network's key" in ended.out
    assert (shell.home / "keys" / "network.key").read_bytes() == before


def test_init_makes_no_key_when_it_writes_nothing(shell: Shell, good: Path) -> None:
    shell.jph("init")
    assert not (shell.home / "keys").exists()


def test_init_says_where_the_key_cannot_be_written(shell: Shell) -> None:
    ended = shell.jph("init", JPH_KEYS="/proc/keys")
    assert ended.code == 1
    assert "/proc/keys/network.key cannot be written: " in ended.err


def test_an_open_network_has_no_keys(shell: Shell) -> None:
    ended = shell.jph("init", "--open")
    assert (ended.code, "key" in ended.out) == (0, False)
    assert load_configuration(str(shell.home / "jph.yaml")).security == Security()
    assert not (shell.home / "keys").exists()
