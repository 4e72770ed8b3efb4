"""`jph` as it is called in a shell: a process of its own, with a home and surroundings that a test decides."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from config.model import Network
from console.commands.table import Row

CHECKOUT: Final = Path(__file__).parents[2]

_OF_THE_DEVELOPER: Final = ("JPH_", "XDG_", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM")


class Ended(NamedTuple):
    """How a call ended."""

    code: int
    out: str
    err: str

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The output as JSON, one object a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class Shell:
    """A home directory, which is the current one too, and the environment in which `jph` is called."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(_OF_THE_DEVELOPER)},
            "HOME": str(home),
            "XDG_STATE_HOME": str(home / "state"),
            "JPH_KEYS": str(home / "keys"),  # those of root would be this computer's
            "PYTHONPATH": str(CHECKOUT),
            **environment,
        }

    def jph(self, *arguments: str, **environment: str) -> Ended:
        """Call `jph` and wait for its end; its input is empty, its output no terminal."""
        ended = subprocess.run(
            command(*arguments),
            cwd=self.home,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def start(self, *arguments: str, **settings: Any) -> "subprocess.Popen[str]":
        """Start `jph` with pipes for its output; whoever starts it ends it (`with`)."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        given = {**streams, "env": self.environment, **settings}
        return subprocess.Popen(command(*arguments), cwd=self.home, encoding="utf-8", **given)


class Site(NamedTuple):
    """A network with an agent that runs (tests/console/conftest.py).

    `path` is the agent's configuration, with a node ZZ that runs nowhere and a node E1 that cannot read its
    sensor; `present` is the same without these.
    """

    path: Path
    present: Path
    network: Network

    @property
    def config(self) -> str:
        """The option that names the nodes that run: whoever waits for all of them waits no longer than needed."""
        return f"--config={self.present}"

    @property
    def config_with_absent(self) -> str:
        """The option that names the nodes that send nothing, too."""
        return f"--config={self.path}"


def paths(rows: Sequence[Row], before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Row]]:
    """Go through rows of the table of commands and those of their families, each with its words after `jph`."""
    for row in rows:
        path = (*before, row.name)
        yield path, row
        yield from paths(row.rows, path)


def command(*arguments: str) -> list[str]:
    """Return what calls `jph`, wherever the current directory is."""
    return [sys.executable, "-P", "-m", "console.cli", *arguments]


def network_section(network: Network) -> Mapping[str, Any]:
    """Return a network as the configuration's file says it."""
    groups = {"control": str(network.control), "data": str(network.data)}
    return {**groups, "interface": network.interface, "ttl": network.ttl}


def output(process: "subprocess.Popen[str]") -> IO[str]:
    """Return the pipe with the output of a process."""
    assert process.stdout is not None
    return process.stdout


def errors(process: "subprocess.Popen[str]") -> IO[str]:
    """Return the pipe with what a process says besides."""
    assert process.stderr is not None
    return process.stderr
