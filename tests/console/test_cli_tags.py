"""`jph` on a network that requires tags, with an agent that runs: what was granted is commanded, and nothing else."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from console import demo_agent
from tests.console.calling import CHECKOUT, Shell, network_section
from tests.support.loopback import LoopbackNetworks

ACTUATOR = {"driver": "control", "host": "here", "interval": "100ms", "options": {"default": 20, "min": 0, "max": 100}}


class Tagged(NamedTuple):
    """A network that requires tags: its configuration, and what its owner calls `jph` with."""

    owner: Shell
    path: Path

    def desk(self, name: str, *grant: str) -> Shell:
        """Return a computer of somebody who was granted something."""
        desk = Shell(self.owner.home / name, JPH_KEYS=str(self.owner.home / name / "keys"), JPH_CONFIG=str(self.path))
        desk.home.mkdir()
        if grant:
            granted = self.owner.jph("keys", "grant", *grant)
            assert granted.code == 0, granted.err
            (desk.home / "handed").write_text(granted.out, "utf-8")
            assert desk.jph("keys", "install", "handed").code == 0
        return desk


@pytest.fixture(scope="module")
def tagged(loopback_networks: LoopbackNetworks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tagged]:
    directory = tmp_path_factory.mktemp("tagged")
    document: dict[str, Any] = {
        "network": network_section(loopback_networks.new()),
        "security": {"mode": "require"},
        "nodes": {"FK": ACTUATOR, "FG": ACTUATOR, "CK": {"driver": "console"}, "CD": {"driver": "console"}},
    }
    path = directory / "jph.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    owner = Shell(directory, JPH_KEYS=str(directory / "owner"), JPH_CONFIG=str(path))
    assert owner.jph("keys", "init").code == 0
    tagged = Tagged(owner, path)
    pi = tagged.desk("pi", "FK", "FG")
    arguments = ("--config", str(path), "--host", "here", "--state", str(directory / "state"))
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT), "JPH_KEYS": pi.environment["JPH_KEYS"]}
    with demo_agent.running(arguments, directory / "agent.log", environment):
        yield tagged


def test_an_operator_commands_what_was_granted_and_nothing_else(tagged: Tagged) -> None:
    desk = tagged.desk("kitchen", "CK", "--operator", "--targets", "FK")
    granted, other = desk.jph("set", "FK", "80", "--as", "CK"), desk.jph("set", "FG", "80", "--as", "CK")
    assert (granted.code, granted.out.startswith("FK set 80: taken in ")) == (0, True)
    assert (other.code, other.out) == (1, "")
    assert "FG set 80: CK has no key to command FG\n" in other.err
    assert "on the computer with network.key: jph keys grant CK --operator --targets FG,FK" in other.err
    values = {got["codifier"]: got["value"] for got in desk.jph("get", "FK", "FG", "--json", "--as", "CK").documents}
    assert values == {"FK": 80, "FG": 20}


def test_an_operator_cannot_speak_as_another(tagged: Tagged) -> None:
    desk = tagged.desk("hall", "CD", "--operator", "--targets", "FG")
    ended = desk.jph("set", "FG", "70", "--as", "CK")
    assert (ended.code, ended.out) == (1, "")
    assert "there is no key file" in ended.err


def test_a_reader_reads_and_commands_nothing(tagged: Tagged) -> None:
    desk = tagged.desk("lobby", "ZR", "--reader")
    assert desk.jph("get", "FG", "--json", "--as", "ZR").documents[0]["status"] == "ok"
    ended = desk.jph("halt", "FG", "--as", "ZR")
    assert (ended.code, "ZR has no key to command FG" in ended.err) == (1, True)


def test_who_has_no_keys_is_told_how_to_get_some(tagged: Tagged) -> None:
    ended = tagged.desk("street").jph("get", "FK")
    assert (ended.code, ended.out) == (1, "")
    assert "there is no key file" in ended.err
    assert "jph keys grant" in ended.err
