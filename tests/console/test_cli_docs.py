"""docs/cli.md is true: it has every command with an example, and exactly the keys that the commands print."""

import re
from collections.abc import Callable
from typing import Any, Final

import pytest

from console.commands.table import COMMANDS
from tests.console.calling import CHECKOUT, Ended, Shell, Site, paths

PAGE: Final = (CHECKOUT / "docs" / "cli.md").read_text("utf-8")
SECTIONS: Final = re.findall(r"^### (.*?)$\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
NAMES: Final = [" ".join(path) for path, row in paths(COMMANDS) if not row.rows]


def documented(commands: str) -> set[str]:
    """Return the keys that the page lists for these commands."""
    table = PAGE.partition(f"| key of {commands} | meaning |\n")[2].partition("\n\n")[0]
    return {key for line in table.splitlines()[1:] for key in re.findall(r"`(\w+)`", line.split("|")[1])}


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_a_section_with_an_example(name: str) -> None:
    [text] = [text for heading, text in SECTIONS if _is_about(name, heading)]
    assert f"$ jph {name}" in text
    assert "```console\n$ jph" in text


def test_every_row_of_the_table_of_keys_belongs_to_a_command_that_prints_json() -> None:
    assert sorted(re.findall(r"^\| key of (.*?) \|", PAGE, re.MULTILINE)) == sorted(PRINTED)


@pytest.mark.parametrize("code", [0, 1, 2, 130, 141])
def test_every_exit_code_is_explained(code: int) -> None:
    assert f"\n| {code} | " in PAGE


def test_an_example_of_json_has_the_keys_of_its_command() -> None:
    examples = re.findall(r'^\{"codifier".*\}$', PAGE, re.MULTILINE)
    keys = [set(re.findall(r'"(\w+)": ', example)) for example in examples]
    assert keys == [documented("`get`"), documented("`start`, `halt`, `reload`, `set`, `step`")]


def _watched(shell: Shell, site: Site) -> list[dict[str, Any]]:
    """Watch a reading with and one without attributes, and an answer to a ping."""
    with shell.start("watch", "--json", "--from", "CX", "--count", "2", site.config) as watch:
        assert watch.stdout is not None
        assert watch.stderr is not None
        watch.stderr.readline()
        shell.jph("send", "P", "C1", "--as", "CX", site.config)
        control = Ended(0, watch.stdout.read(), "").documents
        watch.stderr.read()
    return control + shell.jph("watch", "--bus", "data", "--json", "--count", "1", site.config).documents


def _called(*arguments: str) -> Callable[[Shell, Site], list[dict[str, Any]]]:
    return lambda shell, site: shell.jph(*arguments, "--json", site.config).documents


def _checked(shell: Shell, site: Site) -> list[dict[str, Any]]:
    """Check a configuration in which something is wrong."""
    bad = shell.home / "bad.yaml"
    bad.write_text("nodes: {C1: {driver: pipe, pth: 1}}\n", "ascii")
    return shell.jph("check", "--json", str(bad)).documents


def _remembered(shell: Shell, site: Site) -> list[dict[str, Any]]:
    """Wait until something was stored, and print it."""
    shell.jph("watch", "--from", "Q1", "--count", "2", "--flag", "i", site.config)
    return shell.jph("history", "C1", "--json", site.config).documents


def _offline(*arguments: str) -> Callable[[Shell, Site], list[dict[str, Any]]]:
    """Call a command that needs no configuration."""
    return lambda shell, _site: shell.jph(*arguments, "--json").documents


def _found(shell: Shell, site: Site) -> list[dict[str, Any]]:
    """Look at a computer that has one thing that a driver reads, and one that none does."""
    zone = shell.home / "root/sys/class/thermal/thermal_zone0"
    adapter = shell.home / "root/dev/serial/by-id/usb-stick"
    for path in (zone / "type", zone / "temp", adapter):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("cpu\n", "ascii")
    return shell.jph("drivers", "scan", "--json", "--root", str(shell.home / "root")).documents


def _accounted(shell: Shell, site: Site) -> list[dict[str, Any]]:
    """Wait until something was stored, and print what became of it."""
    shell.jph("watch", "--from", "Q1", "--count", "2", "--flag", "i", site.config)
    return shell.jph("loss", "C1", "--json", site.config).documents


def _imported(shell: Shell, site: Site) -> list[dict[str, Any]]:
    """Look at a file."""
    (shell.home / "a.csv").write_text("time,codifier,value\n5,C1,1\n", "ascii")
    return shell.jph("import", "a.csv", "--dry-run", "--json", site.config).documents


def _granted(shell: Shell, site: Site) -> list[dict[str, Any]]:
    """Grant something, and list it."""
    shell.jph("keys", "init", site.config)
    shell.jph("keys", "grant", "C1", site.config)
    return shell.jph("keys", "list", "--live", "--json", site.config).documents


def _shown(shell: Shell, site: Site) -> list[dict[str, Any]]:
    """Look at a file that was granted."""
    shell.jph("keys", "init", site.config)
    (shell.home / "C1.keys").write_text(shell.jph("keys", "grant", "C1", site.config).out, "ascii")
    shell.jph("keys", "install", "C1.keys", site.config)
    return shell.jph("keys", "show", "C1", "--json", site.config).documents


PRINTED: Final[dict[str, Callable[[Shell, Site], list[dict[str, Any]]]]] = {
    "`get`": _called("get", "C1"),
    "`sensors`": _called("sensors"),
    "`nodes`": _called("nodes"),
    "`watch`": _watched,
    "`ping`": _called("ping", "C1", "-c", "1"),
    "`start`, `halt`, `reload`, `set`, `step`": _called("set", "FK", "50"),
    "`history`": _remembered,
    "`loss`": _accounted,
    "`import`": _imported,
    "`check`, `config check`": _checked,
    "`config show`": _called("config", "show"),
    "`drivers show`": _offline("drivers", "show"),
    "`drivers scan`": _found,
    "`drivers try`": _offline("drivers", "try", "simulated", "signal=constant", "value=1"),
    "`keys show`": _shown,
    "`keys list`": _granted,
}
SOMETIMES: Final = {"attributes", "refused", "bad", "reason", "bytes"}
"""Keys that only some objects of `watch` and `history` have; tests/console/test_frame_words.py has them all."""


@pytest.mark.parametrize("commands", PRINTED)
def test_the_keys_that_are_printed_are_those_that_are_documented(shell: Shell, site: Site, commands: str) -> None:
    documents = PRINTED[commands](shell, site)
    printed = set().union(*documents)
    ignored = SOMETIMES if commands in {"`watch`", "`history`"} else set()
    assert documents
    assert printed - ignored == documented(commands) - ignored - ({"min", "median", "p99", "max"} - printed)


def test_the_figures_of_a_round_trip_are_documented(shell: Shell, site: Site) -> None:
    [figures] = _called("ping", "C1", "-c", "1")(shell, site)
    assert all(f"`{name}`" in PAGE for name in figures["rtt_ms"])


def _is_about(name: str, heading: str) -> bool:
    """Tell whether a heading such as "`jph start`, `halt`" names a command."""
    return any(re.match(rf"(jph )?{name}( |$)", words) for words in re.findall(r"`(.*?)`", heading))
