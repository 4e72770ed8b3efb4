"""`jph history` without a store: real agents on another host, and a network that loses datagrams both ways."""

import json
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.netns.hosts import INTERFACE, Host, Lan

# Gives 1, 2, 3 and so on.
COUNTER: Final = """#!/bin/sh
number=$(($(cat "$1" 2>/dev/null || echo 0) + 1))
echo $number >"$1"
echo $number
"""


class Network:
    """A host with a sensor that counts, and a desk without a store."""

    def __init__(self, lan: Lan, path: Path) -> None:
        self.pi, self.desk = lan.host("pi"), lan.host("desk")
        self._file = path / "jph.yaml"
        counter = path / "counter"
        counter.write_text(COUNTER)
        counter.chmod(0o755)
        options = {"command": f"{counter} {path}/count"}
        nodes = {"C1": {"driver": "pipe", "interval": "20ms", "options": options}}
        self._file.write_text(json.dumps({"network": {"interface": INTERFACE}, "nodes": nodes}))
        self.pi.start(sys.executable, "-m", "agent.main", "--config", str(self._file), "--state", str(path), "C1")

    def history(self, *options: str) -> list[dict[str, Any]]:
        """Ask for the past at the desk."""
        out, _ = self._jph(self.desk, "history", "C1", "--json", *options)
        return [json.loads(line) for line in out.splitlines()]

    def await_readings(self, count: int) -> None:
        """Wait until the sensor has sent so many readings more."""
        self._jph(self.pi, "watch", "--bus", "data", "--from", "C1", "--count", str(count))

    def _jph(self, host: Host, *arguments: str) -> tuple[str, str]:
        call = host.start(sys.executable, "-m", "console.cli", *arguments, "--config", str(self._file))
        out, err = call.communicate()
        assert call.returncode == 0, err
        return out, err


@pytest.mark.parametrize("percent", [20, 40])
def test_the_ring_is_told_whole_however_much_the_network_loses(lan: Lan, tmp_path: Path, percent: int) -> None:
    network = Network(lan, tmp_path)
    network.await_readings(100)
    for host in (network.pi, network.desk):
        host.lose(percent)
    readings = network.history("--timeout", "100s")
    values = [reading["value"] for reading in readings]
    assert len(values) >= 100
    assert values == list(range(values[0], values[0] + len(values)))
    assert values[0] <= 2  # the first one may have been taken before the node had settled
    assert network.desk.lost() > 0
