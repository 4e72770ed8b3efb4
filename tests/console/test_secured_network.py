"""A network that requires tags, with real programs: its owner, a host, and people who each have their own keys."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml

from console import demo_agent
from protocol.frames import Bus, ControlFrame, Flag, encode
from tests.agent.peer import NOON_MS, Peer
from tests.console.calling import CHECKOUT, Shell, errors, network_section, output
from tests.support.loopback import LoopbackNetworks

HOST: Final = "shed"
CONTROL: Final = {
    "driver": "control",
    "host": HOST,
    "interval": "100ms",
    "options": {"default": 20, "min": 0, "max": 100},
}


class People(NamedTuple):
    """The shells of who is there: each has the same configuration and a folder of keys of their own."""

    owner: Shell
    operator: Shell
    reader: Shell
    stranger: Shell
    network: Any
    log: Path


@pytest.fixture(scope="module")
def people(loopback_networks: LoopbackNetworks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """Run the nodes of a host with the keys that were granted to it."""
    home = tmp_path_factory.mktemp("secured")
    network = loopback_networks.new()
    document = {
        "network": network_section(network),
        "security": {"mode": "require"},
        "nodes": {"FK": CONTROL, "FG": CONTROL, "CC": {"driver": "console"}},
    }
    (home / "jph.yaml").write_text(yaml.safe_dump(document), "utf-8")
    shells = {
        name: Shell(home, JPH_KEYS=str(home / name)) for name in ("owner", "host", "operator", "reader", "nobody")
    }
    owner = shells["owner"]
    assert owner.jph("keys", "init").code == 0
    hand_over(owner, shells["host"], "FK", "FG")
    hand_over(owner, shells["operator"], "CK", "--operator", "--targets", "FK")
    hand_over(owner, shells["reader"], "ZR", "--reader")
    arguments = ("--config", str(home / "jph.yaml"), "--host", HOST, "--state", str(home / "state"))
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT), "JPH_KEYS": str(home / "host")}
    with demo_agent.running(arguments, home / "agent.log", environment):
        yield People(owner, shells["operator"], shells["reader"], shells["nobody"], network, home / "agent.log")


def hand_over(owner: Shell, to: Shell, *grant: str) -> None:
    """Grant keys and install them."""
    (owner.home / "handed").write_text(owner.jph("keys", "grant", *grant).out, "ascii")
    assert to.jph("keys", "install", "handed").code == 0


def value_of(people: People, codifier: str) -> float:
    [document] = people.owner.jph("get", codifier, "--json").documents
    return float(document["value"])


def test_an_operator_speaks_as_who_they_have_keys_for_and_commands_what_was_granted(people: People) -> None:
    ended = people.operator.jph("set", "FK", "41")
    assert (ended.code, "; as CK" in ended.err) == (0, True)
    assert value_of(people, "FK") == 41


def test_who_has_the_networks_key_commands_everything(people: People) -> None:
    ended = people.owner.jph("set", "FK", "FG", "42")
    assert (ended.code, "; as CC" in ended.err) == (0, True)


def test_what_was_not_granted_is_not_even_sent_and_it_is_said_who_grants_it(people: People) -> None:
    ended = people.operator.jph("set", "FG", "99")
    assert ended.code == 1
    assert ended.err.splitlines()[-2:] == [
        "jph: FG set 99: CK has no key to command FG",
        "jph: on the computer with network.key: jph keys grant CK --operator --targets FG,FK",
    ]
    assert value_of(people, "FG") != 99


def test_who_has_the_key_under_another_codifier_is_told_which(people: People) -> None:
    both = Shell(people.reader.home, JPH_KEYS=str(people.reader.home / "both"))
    hand_over(people.owner, both, "ZR", "--reader")
    hand_over(people.owner, both, "CK", "--operator", "--targets", "FK")
    ended = both.jph("set", "FK", "50", "--as", "ZR")
    assert ended.err.splitlines()[-2:] == ["jph: FK set 50: ZR has no key to command FK", "jph: CK may: --as CK"]
    assert both.jph("set", "FK", "50").code == 0


def test_a_reader_sees_everything_and_commands_nobody(people: People) -> None:
    assert people.reader.jph("get", "FK", "FG").code == 0
    ended = people.reader.jph("set", "FK", "99")
    assert (ended.code, "ZR has no key to command FK" in ended.err, "; as ZR" in ended.err) == (1, True, True)


def test_who_has_no_keys_is_told_how_to_get_some(people: People) -> None:
    ended = people.stranger.jph("get", "FK")
    assert ended.code == 1
    assert "there is no key file " in ended.err
    assert "on the computer with network.key: jph keys grant CC | ssh THIS-HOST jph keys install -" in ended.err
    assert "a new network begins with: jph keys init" in ended.err


def forged(people: People, *, tag: bytes = bytes(7)) -> str:
    """Send a command of nobody, and return the address that it came from."""
    with Peer(people.network) as attacker:
        frame = ControlFrame(77, NOON_MS, Flag.SET, "CK", "FK", 99.0, active=True, tag=tag)
        attacker.send(Bus.CONTROL, encode(frame))
        host, port = attacker.address
        return f"{host}:{port}"


@pytest.mark.parametrize(("tag", "reason"), [(bytes(7), "unsigned"), (b"\1forged", "wrong tag")])
def test_a_forged_command_is_watched_as_such_and_changes_nothing(people: People, tag: bytes, reason: str) -> None:
    before = value_of(people, "FK")
    arguments = ("watch", "--json", "--flag", "set", "--flag", "acknowledge", "--count", "2")
    with people.owner.start(*arguments) as watch:
        errors(watch).readline()
        address = forged(people, tag=tag)
        command, answer = (json.loads(line) for line in output(watch))
        told = errors(watch).read()
    assert (command["refused"], command["source"], command["from"]) == (reason, "CK", address)
    assert (answer["flag"], answer["source"], answer["destination"]) == ("K", "FK", "CK")
    assert "0 bad, 1 refused (`jph watch` shows why)" in told
    assert value_of(people, "FK") == before
    assert f"from {address.replace(':', ' port ')}: " in people.log.read_text("utf-8")


def test_who_was_heard_with_which_key_is_listed_beside_what_was_granted(people: People) -> None:
    documents = people.owner.jph("keys", "list", "--live", "--json").documents
    assert {one["codifier"]: one["key_id"] for one in documents} == {"FK": 1, "FG": 1, "CK": None, "ZR": None}
    table = people.owner.jph("keys", "list", "--live").out.splitlines()
    assert table[0].split() == ["codifier", "role", "says", "reads", "commands", "key", "from"]
