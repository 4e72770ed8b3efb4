"""`jph-agent` as a process of its own, in real time: for tests of what only a process can show."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Final

import pytest

from config.model import Network
from tests.agent.peer import PATIENCE_S

ROOT: Final = Path(__file__).parents[2]


class Process:
    """A running `jph-agent`."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str], path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "agent.main", "--state", str(path / "state"), *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def says(self, words: str) -> str:
        """Wait for a line of the log with these words and return it."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if words in line:
                return line.strip()
        raise AssertionError(f"the agent ended and did not say {words!r}")

    def ends(self) -> tuple[int, str]:
        """Wait for the end; return the exit code and what was said since `says`, as a whole."""
        _, errors = self._process.communicate(timeout=PATIENCE_S)
        return self._process.returncode, errors

    def stop(self) -> tuple[int, str]:
        """End it in order, and wait."""
        self.signal(signal.SIGTERM)
        return self.ends()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.communicate()


class Machine:
    """Where agents run: a network, a directory for their files, and a configuration."""

    def __init__(self, network: Network, path: Path) -> None:
        self.network = network
        self.path = path
        self.file = path / "jph.yaml"
        self._processes: list[Process] = []

    def configure(self, nodes: str, more: str = "") -> None:
        """Write the configuration."""
        network = self.network
        lines = dedent(nodes).strip().splitlines()
        self.file.write_text(
            f"network: {{control: {network.control}, data: {network.data}, interface: lo, ttl: 1}}\n"
            + dedent(more)
            + "nodes:\n"
            + "".join(f"  {line}\n" for line in lines)
        )

    def start(self, *arguments: str, **environment: str) -> Process:
        """Start an agent, with this configuration unless arguments or environment name another."""
        if "JPH_CONFIG" not in environment and "--config" not in arguments:
            arguments = ("--config", str(self.file), *arguments)
        process = Process(list(arguments), environment, self.path)
        self._processes.append(process)
        return process

    def close(self) -> None:
        """End all agents that still run."""
        for process in self._processes:
            process.kill()


@pytest.fixture
def machine(network: Network, tmp_path: Path) -> Iterator[Machine]:
    """Give a machine on the network of the test."""
    machine = Machine(network, tmp_path)
    yield machine
    machine.close()
