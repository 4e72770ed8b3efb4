"""`jph keys`, as an owner, a Pi and an operator call it: each with a directory of their own."""

import json
import socket
from pathlib import Path

import pytest

from tests.console.calling import Ended, Shell

CONFIGURATION = """\
security: {mode: require}
nodes:
  CK: {driver: console}
  F1: {host: shed, driver: control, options: {default: 1, min: 0, max: 9}, proxies: {F2: {channel: value}}}
  B1: {host: shed, driver: control, options: {default: 1, min: 0, max: 9}}
  P1: {host: attic, driver: python, options: {expressions: {value: "F2 + B1 + P1 + ZZ"}}}
  Q1: {host: cellar, driver: sqlite, options: {path: /tmp/never.db}}
"""


@pytest.fixture
def owner(shell: Shell) -> Shell:
    (shell.home / "jph.yaml").write_text(CONFIGURATION, "utf-8")
    owner = Shell(shell.home, JPH_KEYS=str(shell.home / "owner"))
    assert owner.jph("keys", "init").code == 0
    return owner


@pytest.fixture
def other(owner: Shell) -> Shell:
    return Shell(owner.home, JPH_KEYS=str(owner.home / "other"))


def handed_over(owner: Shell, other: Shell, *arguments: str) -> Ended:
    granted = owner.jph("keys", "grant", *arguments)
    assert granted.code == 0, granted.err
    (other.home / "handed").write_text(granted.out, "utf-8")
    return other.jph("keys", "install", "handed")


def shown(shell: Shell, name: str) -> dict[str, object]:
    [document] = shell.jph("keys", "show", name, "--json").documents
    return document


def test_a_network_begins_with_one_key_and_the_commands_that_hand_out_the_others(shell: Shell) -> None:
    (shell.home / "jph.yaml").write_text(CONFIGURATION, "utf-8")
    ended = shell.jph("keys", "init", JPH_KEYS="keys")
    assert ended.code == 0
    assert "  jph keys grant F1 B1 | ssh shed jph keys install -" in ended.out.splitlines()
    assert "  jph keys grant Q1 | ssh cellar jph keys install -" in ended.out.splitlines()
    assert (shell.home / "keys/network.key").stat().st_mode & 0o777 == 0o600


def test_a_key_that_is_there_is_never_overwritten(owner: Shell) -> None:
    before = (owner.home / "owner/network.key").read_bytes()
    ended = owner.jph("keys", "init")
    assert (ended.code, "is there already" in ended.err) == (1, True)
    assert (owner.home / "owner/network.key").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "reads", "commands"),
    [
        (["F1"], ["@@", "F1", "F2"], []),
        (["B1", "--reads", "F1,F2", "--targets", "F1"], ["@@", "B1", "F1", "F2"], ["F1"]),
        (["Q1"], ["all"], []),
        (["CK", "--operator", "--targets", "F1,B1"], ["all"], ["B1", "F1"]),
        (["ZR", "--reader"], ["all"], []),
    ],
)
def test_what_is_granted_is_installed_with_one_pipe(
    owner: Shell, other: Shell, arguments: list[str], reads: list[str], commands: list[str]
) -> None:
    name = arguments[0]
    assert handed_over(owner, other, *arguments).code == 0
    found = shown(other, name)
    assert (found["reads"], found["commands"], found["key_ids"]) == (reads, commands, [1])
    assert (owner.home / f"other/{name}.key").stat().st_mode & 0o777 == 0o600
    assert other.jph("keys", "check").code == 0


def test_several_are_granted_at_once(owner: Shell, other: Shell) -> None:
    assert handed_over(owner, other, "F1", "B1").code == 0
    assert sorted(path.name for path in (owner.home / "other").iterdir()) == ["B1.key", "F1.key"]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["ZZ"], "the configuration has no node ZZ; --operator and --reader are for people"),
        (["F1", "--targets", "XX"], "the configuration has no sensor XX"),
        (["F1", "--operator", "--targets", "B1"], "F1 is a sensor's node"),
        (["ZR", "--reader", "--targets", "B1"], "a reader commands nobody"),
        (["CK", "--operator", "--targets", "toolong"], "is no codifier"),
        (["CK", "--operator", "--reader"], "--operator is for somebody who commands"),
    ],
)
def test_what_nobody_can_use_is_not_granted(owner: Shell, arguments: list[str], what: str) -> None:
    ended = owner.jph("keys", "grant", *arguments)
    assert (ended.code != 0, ended.out) == (True, "")
    assert what in ended.err.replace("\njph: ", "; ")


def test_the_list_says_who_was_granted_what(owner: Shell) -> None:
    owner.jph("keys", "grant", "F1")
    owner.jph("keys", "grant", "CK", "--operator", "--targets", "F1")
    documents = owner.jph("keys", "list", "--json").documents
    assert [(one["codifier"], one["role"], one["commands"]) for one in documents] == [
        ("F1", "node", []),
        ("CK", "operator", ["F1"]),
    ]


def test_granting_again_gives_what_was_granted_before(owner: Shell, other: Shell) -> None:
    first = owner.jph("keys", "grant", "CK", "--operator", "--targets", "F1").out
    assert owner.jph("keys", "grant", "CK").out == first


def test_a_node_may_read_what_its_options_name_unless_something_else_is_said(owner: Shell) -> None:
    owner.jph("keys", "grant", "P1")
    assert [one["reads"] for one in owner.jph("keys", "list", "--json").documents] == [["B1", "F2"]]
    owner.jph("keys", "grant", "P1", "--reads", "F1")
    assert [one["reads"] for one in owner.jph("keys", "list", "--json").documents] == [["F1"]]


def test_a_key_is_changed_in_three_steps(owner: Shell, other: Shell) -> None:
    handed_over(owner, other, "F1")
    seen = []
    for step in ([], ["--use"], ["--finish", "--now"]):
        ended = owner.jph("keys", "rotate", *step)
        assert ended.code == 0, ended.err
        assert "  jph keys grant F1 | ssh shed jph keys install -" in ended.out.splitlines()
        handed_over(owner, other, "F1")
        found = shown(other, "F1")
        seen.append((found["key_ids"], found["signs_with"]))
    assert seen == [([1, 2], 1), ([1, 2], 2), ([2], 2)]


def test_steps_come_in_their_order(owner: Shell) -> None:
    assert "jph keys rotate begins it" in owner.jph("keys", "rotate", "--finish").err
    owner.jph("keys", "rotate")
    assert "jph keys rotate --use comes first" in owner.jph("keys", "rotate", "--finish", "--now").err
    owner.jph("keys", "rotate", "--use")
    assert "wait so long" in owner.jph("keys", "rotate", "--finish").err


def test_who_is_revoked_is_left_out_of_the_next_key(owner: Shell) -> None:
    for name in ("F1", "B1"):
        owner.jph("keys", "grant", name)
    ended = owner.jph("keys", "revoke", "F1")
    assert ended.code == 0
    assert "  jph keys grant B1 | ssh shed jph keys install -" in ended.out.splitlines()
    assert [one["codifier"] for one in owner.jph("keys", "list", "--json").documents] == ["B1"]
    assert shown(owner, "network")["key_ids"] == [1, 2]


def test_a_file_that_others_may_read_is_refused_with_the_command_that_mends_it(owner: Shell) -> None:
    path = owner.home / "owner/network.key"
    path.chmod(0o644)
    for command in (["list"], ["check"], ["grant", "F1"], ["show"]):
        ended = owner.jph("keys", *command)
        assert ended.code == 1
        assert f"chmod 600 {path}" in ended.out + ended.err


def test_what_is_no_key_file_is_not_installed(owner: Shell, other: Shell) -> None:
    (other.home / "handed").write_text('{"jph": "granted keys", "codifier": "F1"}\n', "utf-8")
    ended = other.jph("keys", "install", "handed")
    assert (ended.code, "handed is no key file" in ended.err) == (1, True)
    (other.home / "handed").write_text("", "utf-8")
    assert "handed is empty" in other.jph("keys", "install", "handed").err
    assert not Path(other.home, "other").exists()


def test_no_key_is_ever_shown(owner: Shell) -> None:
    owner.jph("keys", "grant", "F1")
    secret = json.loads((owner.home / "owner/network.key").read_text("ascii"))["keys"][0]["secret"]
    for command in (["list"], ["list", "--json"], ["show"], ["show", "--json"], ["check"], ["rotate"], ["init"]):
        ended = owner.jph("keys", *command)
        assert secret not in ended.out + ended.err


def of_this_host(shell: Shell, mode: str) -> None:
    """Write a configuration whose nodes run here."""
    text = CONFIGURATION.replace("shed", socket.gethostname()).replace("mode: require", f"mode: {mode}")
    (shell.home / "jph.yaml").write_text(text, "utf-8")


def test_a_check_names_the_nodes_of_this_host_that_have_no_keys(owner: Shell, other: Shell) -> None:
    handed_over(owner, other, "B1")
    assert other.jph("keys", "check").code == 0
    of_this_host(other, "require")
    ended = other.jph("keys", "check")
    assert ended.code == 1
    assert ended.out.startswith("error: there are no keys for F1, which cannot run without; ")
    assert f"jph keys grant F1 | ssh {socket.gethostname()} jph keys install -" in ended.out
    assert ended.err == f"jph: {other.home / 'other'}: 1 key file, 1 problem\n"
    of_this_host(other, "off")
    assert other.jph("keys", "check").code == 0


def test_a_check_notices_files_of_another_step_of_a_change(owner: Shell, other: Shell) -> None:
    handed_over(owner, other, "F1", "B1")
    owner.jph("keys", "rotate")
    handed_over(owner, other, "F1")
    ended = other.jph("keys", "check")
    assert (ended.code, "B1.key: key 1; F1.key: keys 1 and 2, tags with 1" in ended.out) == (1, True)


def test_each_step_is_handed_out_once_to_everybody(owner: Shell) -> None:
    owner.jph("keys", "grant", "F1")
    owner.jph("keys", "grant", "ZR", "--reader")
    lines = owner.jph("keys", "rotate").out.splitlines()
    assert [line for line in lines if line.startswith("  ")] == [
        "  jph keys grant F1 | ssh shed jph keys install -",
        "  jph keys grant ZR > ZR.keys    # and jph keys install ZR.keys where it is used",
    ]


def test_this_computer_needs_no_keys_handed_to_itself(shell: Shell) -> None:
    of_this_host(shell, "require")
    ended = shell.jph("keys", "init")
    assert [line for line in ended.out.splitlines() if line.startswith("  ")] == [
        "  jph keys grant P1 | ssh attic jph keys install -",
        "  jph keys grant Q1 | ssh cellar jph keys install -",
    ]
