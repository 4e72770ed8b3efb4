"""What an agent does not load for an ordinary configuration: it would keep it in memory for as long as it runs."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

CONFIGURATION: Final = """
network: {interface: lo}
nodes:
  C1: {driver: pipe, options: {path: /proc/loadavg, field: 1}}
  C2: {driver: pipe, options: {path: /proc/meminfo, pattern: "MemFree: +(.+) kB", scale: 0.001}}
"""

PROGRAM: Final = """
import sys
before = frozenset(sys.modules)
from agent.main import _prepare, _wanted
_prepare(_wanted(["C1", "C2"]))
print(*sys.modules.keys() - before, sep="\\n")
"""

UNNEEDED: Final = {
    "agent.network": "uses no other sensors",
    "protocol.roster": "uses no other sensors",
    "jinja2": "uses no other sensors",
    "agent.sink": "stores nothing",
    "agent.spooling": "has no `spool`",
    "agent.spool": "has no `spool`",
    "zlib": "has no `spool`",
    "config.dictconfig": "has no `logging`",
    "logging.config": "has no `logging`",
    "config.legacy": "has no file of the original",
    "protocol.keyring": "has no keys",
    "hashlib": "has no keys",
    "agent.orders": "gives no commands",
    "protocol.pending": "gives no commands",
    "drivers.text.commands": "runs no commands",
    "shlex": "runs no commands",
    "protocol.tracking": "hears no readings",
    "protocol.documents": "sends numbers without attributes",
    "json": "sends numbers without attributes",
    "statistics": "has no use for it, and neither have the filters",
    "random": "asks the system for random numbers",
    "argparse": "was started without options",
    "importlib.metadata": "has drivers of ours only",
    "encodings.utf_8_sig": "takes a byte order mark away itself",
    "difflib": "has a configuration without slips of the pen",
    "requests": "has its configuration in a file",
}
"""Modules, and what about the agent of CONFIGURATION makes it do without."""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """Every module that the agent of CONFIGURATION has loaded when it begins to run; Python itself loads some more."""
    directory: Path = tmp_path_factory.mktemp("agent")
    (directory / "jph.yaml").write_text(CONFIGURATION)
    environment = {**os.environ, "JPH_CONFIG": str(directory / "jph.yaml"), "STATE_DIRECTORY": str(directory / "state")}
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment)
    return frozenset(ran.stdout.split())


def test_what_an_agent_needs_is_loaded(loaded: frozenset[str]) -> None:
    assert {"agent.agent", "drivers.pipe", "protocol.frames", "yaml"} <= loaded


@pytest.mark.parametrize("module", UNNEEDED)
def test_an_agent_does_not_load_what_it_does_not_need(module: str, loaded: frozenset[str]) -> None:
    assert module not in loaded, f"this agent {UNNEEDED[module]}"
