"""The examples of the README, run as they stand there."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from config.model import Network

CHECKOUT: Final = Path(__file__).parents[2]
CONFIGURATION: Final = """
network: {{interface: lo, ttl: 0, control: "{control}", data: "{data}"}}
defaults: {{interval: 200ms}}
nodes:
  T1: {{driver: console}}
  FK: {{driver: control, unit: "%", options: {{default: 25, min: 0, max: 100}}}}
"""


def examples() -> tuple[str, str]:
    """Return the two programs: the one for today's library, and the one for the original's."""
    new, original = re.findall(r"```python\n(.*?)```", (CHECKOUT / "README.md").read_text(), re.DOTALL)
    return new, original


@pytest.fixture
def folder(tmp_path: Path, network: Network) -> Path:
    """Return a folder with the `jph.yaml` of which the examples speak."""
    text = CONFIGURATION.format(control=network.control, data=network.data)
    (tmp_path / "jph.yaml").write_text(text)
    return tmp_path


@pytest.fixture
def agent(folder: Path) -> Iterator[None]:
    """Run the node FK."""
    command = [sys.executable, "-m", "agent.main", "FK", "--config", "jph.yaml", "--state", "state"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "is on the bus" not in process.stderr.readline():
            pass
        yield
        process.terminate()
        process.communicate()


@pytest.mark.usefixtures("agent")
def test_a_program_publishes_commands_and_hears(folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", examples()[0]], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout == "taken\nFK 80.0\n"


@pytest.mark.usefixtures("agent")
def test_a_program_of_the_original_hears_and_is_interrupted(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", examples()[1]], cwd=folder, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        heard = [program.stdout.readline() for _ in range(3)]
        program.send_signal(signal.SIGINT)
        program.communicate()
    assert heard == ["25 %\n"] * 3


@pytest.mark.parametrize("example", examples())
def test_an_example_is_short(example: str) -> None:
    lines = [line for line in example.splitlines() if line.strip()]
    assert len(lines) <= 13
