"""Whatever text comes from the bus, nothing but printable characters reaches a terminal or a log."""

import json
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml

from config.model import Network
from console import demo_agent
from protocol.frames import Bus, encode, reading_frame
from protocol.readings import Reading
from tests.agent.peer import NOON_MS, Peer
from tests.console.calling import CHECKOUT, Shell, errors, network_section
from tests.console.hostile import ESCAPED, HOSTILE, unprintable
from tests.console.ptys import Terminal, shown_to_a_person
from tests.support.loopback import LoopbackNetworks

HOST: Final = "here"
ATTRIBUTES: Final = {HOSTILE: HOSTILE, "list": [HOSTILE, {HOSTILE: None}]}
BROKEN: Final = b'{"value": 1, "a": \x1b]52;c;ZXZpbA==\x07\xc2\x9b}'


class Place(NamedTuple):
    """Where an agent runs whose sensor X1 says nothing but hostile text, which Q1 stores."""

    config: str
    network: Network
    log: Path


@pytest.fixture(scope="module")
def place(loopback_networks: LoopbackNetworks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run the agent until the tests of this module are over."""
    home = tmp_path_factory.mktemp("hostile")
    network = loopback_networks.new()
    (home / "output").write_text(HOSTILE, "utf-8", newline="")
    saying: dict[str, Any] = {"host": HOST, "interval": "100ms"}
    document = {
        "network": network_section(network),
        "nodes": {
            "X1": {**saying, "driver": "simulated", "options": {"signal": "constant", "value": HOSTILE}},
            "X2": {**saying, "driver": "pipe", "options": {"command": f"cat {home / 'output'}"}},
            "X3": {**saying, "driver": "pipe", "options": {"command": f"sh -c 'cat {home / 'output'} >&2; exit 3'"}},
            "Q1": {**saying, "driver": "sqlite", "options": {"path": str(home / "history.db")}},
            "CC": {"driver": "console"},
        },
    }
    (home / "jph.yaml").write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    arguments = ("--config", str(home / "jph.yaml"), "--host", HOST, "--state", str(home / "state"))
    with demo_agent.running(arguments, home / "agent.log", os.environ | {"PYTHONPATH": str(CHECKOUT)}):
        yield Place(f"--config={home / 'jph.yaml'}", network, home / "agent.log")


@pytest.fixture(scope="module")
def stored(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Wait until readings of X1 were stored."""
    shell = Shell(tmp_path_factory.mktemp("waiting"))
    assert shell.jph("watch", "--from", "Q1", "--count", "2", "--flag", "i", place.config).code == 0
    return place


LOOKING: Final = (
    ("get", "X1"),
    ("get", "X1", "--json"),
    ("sensors", "--seconds", "500ms"),
    ("sensors", "--seconds", "500ms", "--json"),
    ("nodes", "--json"),
    ("nodes",),
    ("watch", "--from", "X1", "--count", "3"),
    ("watch", "--from", "X1", "--count", "3", "--json"),
    ("history", "X1"),
    ("history", "X1", "--csv"),
    ("history", "X1", "--json"),
    ("history", "X1", "--live", "--since", "2s", "--timeout", "3s"),
    ("export", "X1"),
    ("export", "X1", "--format", "jsonl"),
    ("loss", "X1"),
    ("config", "show"),
)


@pytest.mark.parametrize("arguments", LOOKING, ids=" ".join)
def test_no_command_prints_it_as_it_is(shell: Shell, stored: Place, arguments: tuple[str, ...]) -> None:
    ended = shell.jph(*arguments, stored.config)
    assert ended.code == 0
    assert unprintable(ended.out) == []
    assert unprintable(ended.err) == []


@pytest.mark.parametrize("arguments", LOOKING, ids=" ".join)
def test_nor_on_a_terminal_with_colours(shell: Shell, stored: Place, arguments: tuple[str, ...]) -> None:
    assert unprintable(shown_to_a_person(shell, *arguments, stored.config), colours=True) == []


def test_what_it_said_can_still_be_read(shell: Shell, place: Place) -> None:
    assert ESCAPED in shell.jph("get", "X1", place.config).out
    [document] = shell.jph("get", "X1", "--json", place.config).documents
    assert document["value"] == HOSTILE


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["words", "json"])
def test_attributes_and_broken_json_are_watched_without_harm(shell: Shell, place: Place, form: list[str]) -> None:
    with shell.start("watch", "--count", "2", "--seconds", "20s", *form, place.config) as watch:
        assert watch.stdout is not None
        errors(watch).readline()
        with Peer(place.network) as attacker:
            frame = encode(reading_frame(Reading("Y1", NOON_MS, 7, 21.5, ATTRIBUTES)))
            broken = frame[:24] + struct.pack("<II", len(BROKEN) + 4, len(BROKEN)) + BROKEN
            for _ in range(2):
                attacker.send(Bus.DATA, frame)
                attacker.send(Bus.DATA, broken)
        printed, told = watch.stdout.read(), errors(watch).read()
    assert unprintable(printed) == []
    assert unprintable(told) == []


def test_the_agents_log_has_it_escaped(place: Place, shell: Shell) -> None:
    shell.jph("watch", "--from", "X1", "--count", "3", place.config)
    logged = place.log.read_text("utf-8")
    assert [f" WARNING {codifier}: " in logged for codifier in ("X2", "X3")] == [True, True]
    assert ESCAPED[:20] in logged
    assert unprintable(logged) == []
    assert not any(line.startswith("<0>") for line in logged.splitlines())


def test_what_was_debugged_is_escaped_too(shell: Shell, place: Place) -> None:
    ended = shell.jph("get", "X1", place.config, JPH_DEBUG="1")
    assert unprintable(ended.err) == []


def test_lines_of_a_file_that_are_told_to_be_bad_do_no_harm(shell: Shell) -> None:
    lines = ["time,codifier,value", f"{json.dumps(HOSTILE)},X1,1", f'5,"{HOSTILE}",1', "5,X1,nan", f"5,X1,{HOSTILE}"]
    (shell.home / "bad.csv").write_text("\n".join(lines), "utf-8", newline="")
    (shell.home / f"{HOSTILE[:6]}.csv").write_text("time,codifier,value\n5,X1\n", "utf-8")
    for name in ("bad.csv", f"{HOSTILE[:6]}.csv"):
        ended = shell.jph("import", name, "--database", "new.db")
        assert unprintable(ended.out) == []
        assert unprintable(ended.err) == []


def test_an_argument_is_repeated_without_harm(shell: Shell) -> None:
    for arguments in (["get", HOSTILE[:20]], [HOSTILE[:20]], ["get", f"--{HOSTILE[:20]}"], ["check", HOSTILE[:20]]):
        ended = shell.jph(*arguments)
        assert ended.code != 0
        assert unprintable(ended.out + ended.err) == []


# Of HOSTILE, what Textual itself never sends. Written by its number, for it must not stand here as it is either.
_OBEYED: Final = ("\x1b]52", *map(chr, (0x07, 0x7F, 0x85, 0x90, 0x9B, 0x9C, 0x9D, 0x200F, 0x2028, 0x202E, 0x2066)))


def test_the_console_draws_it_escaped(shell: Shell, place: Place) -> None:
    with Terminal() as terminal, terminal.start(shell, "console", place.config, LANG="C.UTF-8") as console:
        shown = terminal.until(r"\x1b[31m")
        terminal.type("2")
        terminal.type("q")
        shown += terminal.rest()
        assert console.wait() == 0
    own = re.sub("\x1b]22;\\w*\x07", "", shown)  # Textual sets the shape of the mouse pointer
    assert [one for one in _OBEYED if one in own] == []
    assert "forged line\n" not in shown
