"""docs/examples/jph-uptime is what docs/drivers.md says: built and installed, jph finds it, tries it and runs it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agent.peer import Peer
from tests.agent.peer import peer as peer  # noqa: PLC0414 - a fixture
from tests.agent.processes import Machine
from tests.agent.processes import machine as machine  # noqa: PLC0414 - a fixture
from tests.console.calling import CHECKOUT, Shell

EXAMPLE = CHECKOUT / "docs" / "examples" / "jph-uptime"
PAGE = (CHECKOUT / "docs" / "drivers.md").read_text("utf-8")
(TRANSCRIPT,) = re.findall(r"```console\n(\$ pip install \./jph-uptime\n.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the package without a network, and return the directory into which it was installed."""
    directory = tmp_path_factory.mktemp("example")
    source, target = directory / "jph-uptime", directory / "installed"
    shutil.copytree(EXAMPLE, source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    surroundings = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    outcome = subprocess.run([*pip, "--target", target, source], env=surroundings, capture_output=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    return target


@pytest.fixture
def shell(tmp_path: Path, installed: Path) -> Shell:
    """Give a shell that finds the package."""
    shell = Shell(tmp_path)
    shell.environment["PYTHONPATH"] += f":{installed}"
    return shell


def shown(command: str) -> str:
    """Return what the page shows that a command prints."""
    return str(TRANSCRIPT).partition(f"$ {command}\n")[2].partition("$ ")[0]


def test_it_is_listed_with_its_package(shell: Shell) -> None:
    [uptime] = [each for each in shell.jph("drivers", "--json").documents if each["driver"] == "uptime"]
    assert (uptime["package"], uptime["problem"]) == ("jph-uptime", None)


def test_it_is_explained_as_the_page_shows(shell: Shell) -> None:
    assert shell.jph("drivers", "uptime").out == shown("jph drivers uptime")


def test_it_is_tried_as_the_page_shows(shell: Shell) -> None:
    ended = shell.jph("drivers", "try", "uptime", "unit=days")
    assert ended.code == 0
    assert without_figures(ended.out + ended.err) == without_figures(shown("jph drivers try uptime unit=days"))


def test_its_options_are_checked(shell: Shell) -> None:
    ended = shell.jph("drivers", "try", "uptime", "unit=fortnights")
    assert ended.code == 1
    assert "options.unit: " in ended.err


def test_a_node_of_it_runs(machine: Machine, peer: Peer, installed: Path) -> None:
    machine.configure("U1: {driver: uptime, options: {unit: seconds}, interval: 100ms}")
    agent = machine.start("U1", PYTHONPATH=str(installed))
    agent.says("U1 (uptime) is on the bus")
    while (frame := peer.hears_data("U1")).flag == "n":
        pass
    assert isinstance(frame.value, float)
    assert 0 < frame.value <= float(Path("/proc/uptime").read_text("ascii").split()[0])


def without_figures(text: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "#", text)
