"""The table of commands, the help that it makes, and what a command imports to run."""

import json
import shlex
import subprocess
import sys
from itertools import takewhile
from typing import Final

import pytest

from console.cli import EXIT_PIPE_CLOSED, built
from console.commands.table import COMMANDS, Row
from tests.console.calling import Shell, Site, paths

ROWS: Final = dict(paths(COMMANDS))
SINGLE: Final = [path for path, row in ROWS.items() if not row.rows]
FAMILIES: Final = [path for path, row in ROWS.items() if row.rows]
SHELLS: Final = frozenset({"|", ">", "&&"})


@pytest.mark.parametrize("name", SINGLE, ids=" ".join)
def test_the_help_of_a_command_has_its_summary_and_its_examples(shell: Shell, name: tuple[str, ...]) -> None:
    ended = shell.jph(*name, "--help", COLUMNS="100")
    assert ended.code == 0
    assert ROWS[name].summary in ended.out
    assert [example for example in ROWS[name].examples if f"$ {example}" not in ended.out] == []


@pytest.mark.parametrize("name", SINGLE, ids=" ".join)
def test_every_example_is_understood(name: tuple[str, ...]) -> None:
    for call in _calls(ROWS[name]):
        row = ROWS[tuple(call[1 : 1 + len(name)])]
        assert built(row).make_context(row.name, call[1 + len(name) :]).params


def test_the_help_lists_all_commands_under_their_panels(shell: Shell) -> None:
    shown = shell.jph("--help", COLUMNS="120").out
    assert [row.summary for row in COMMANDS if row.summary not in shown] == []
    titles = [line.split("─ ")[1].split(" ─")[0] for line in shown.splitlines() if line.startswith("╭─")]
    assert titles == ["Options", "See", "Command", "History", "Set up"]


@pytest.mark.parametrize("family", FAMILIES, ids=" ".join)
def test_a_family_lists_its_commands(shell: Shell, family: tuple[str, ...]) -> None:
    ended = shell.jph(*family, "--help", COLUMNS="120")
    assert [row.summary for row in ROWS[family].rows if row.summary not in ended.out] == []


def test_a_family_alone_is_no_command(shell: Shell) -> None:
    ended = shell.jph("config")
    assert (ended.code, ended.out) == (2, "")
    assert "Missing command" in ended.err
    assert "jph config --help" in ended.err


@pytest.mark.parametrize(("typed", "meant"), [(["nods"], "nodes"), (["config", "chekc"], "check"), (["wach"], "watch")])
def test_a_slip_of_the_fingers_is_answered_with_what_was_meant(shell: Shell, typed: list[str], meant: str) -> None:
    ended = shell.jph(*typed)
    assert ended.code == 2
    assert f"Did you mean '{meant}'" in ended.err


def test_the_version_is_told(shell: Shell) -> None:
    ended = shell.jph("--version")
    assert ended.code == 0
    assert ended.out.startswith("jph ")


def test_the_help_imports_no_command(shell: Shell) -> None:
    imported = _imported(shell, "--help")
    assert [name for name in imported if name.startswith("console.commands.")] == ["console.commands.table"]
    assert [name for name in ("asyncio", "yaml", "textual", "agent") if name in imported] == []


def test_a_command_that_prints_json_imports_no_screen_no_database_and_no_web(shell: Shell, site: Site) -> None:
    imported = _imported(shell, "get", "C1", "--json", site.config)
    assert "asyncio" in imported
    assert [name for name in ("textual", "requests", "sqlite3", "pydantic", "rich.console") if name in imported] == []


def test_the_exit_code_of_a_closed_pipe_is_that_of_the_signal() -> None:
    assert EXIT_PIPE_CLOSED == 128 + 13


def _calls(row: Row) -> list[list[str]]:
    """Return the calls of `jph` in the examples of a command, without what a shell does with them."""
    words = [shlex.split(part) for example in row.examples for part in example.split("&&")]
    calls = [list(takewhile(lambda word: word not in SHELLS, call)) for call in words]
    return [call for call in calls if call[0] == "jph" and row.name in call]


def _imported(shell: Shell, *arguments: str) -> list[str]:
    """Call `jph` and return the modules that it had imported in the end."""
    program = "import sys, json; from console.cli import run; run(sys.argv[1:]); print(json.dumps(sorted(sys.modules)))"
    called = [sys.executable, "-P", "-c", program, *arguments]
    out = subprocess.run(called, env=shell.environment, cwd=shell.home, capture_output=True, check=True).stdout
    modules: list[str] = json.loads(out.splitlines()[-1])
    return modules
