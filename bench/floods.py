"""Floods: what becomes of genuine readings and commands while one program fills the network at full speed.

    make bench ARGS=floods                      # all floods, with tags required and without tags
    python -m bench.floods --seconds 2 pings    # a table of some; nothing is written down

An agent with sensors and a node that takes commands, a sink for SQLite, an operator who hears everything and commands,
and the flood: processes in a network namespace of their own, which needs root.
"""

import argparse
import json
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final, NamedTuple

import yaml

from bench import load, processes
from bench.figures import CannotMeasureError, Figure, Measurement, Samples, at_least, at_most
from bench.flooder import FLOODS
from bench.processes import CHECKOUT, PYTHON
from config.keyfile import NETWORK_NAME
from config.keystore import KeyStore
from config.model import Network
from config.rotation import begin_network
from protocol.gate import Mode
from tests.netns import counting
from tests.netns.hosts import Namespace, missing
from tests.netns.shelves import sqlite_shelf

SENSORS: Final = 20
INTERVAL: Final = "100ms"
TARGET: Final = "FK"
SINK: Final = "Q1"
NOTHING: Final = "nothing"
LOOK_EVERY_S: Final = 0.25
MODES: Final = {"tags": Mode.REQUIRE, "off": Mode.OFF}

FIGURES: Final = tuple(
    figure
    for key, words in {"tags": "with tags required", "off": "without tags"}.items()
    for figure in (
        Figure(f"{key}_stored_percent", "%", f"of the readings stored in the end, the fewest; {words}", at_least(100)),
        Figure(f"{key}_taken_percent", "%", f"of the commands taken, the fewest; {words}", at_least(99)),
        Figure(f"{key}_p50_ms", "ms", f"a command with its ping, median, the slowest; {words}"),
        Figure(f"{key}_p99_ms", "ms", f"a command with its ping, 99 of 100, the slowest; {words}"),
        Figure(f"{key}_agent_mib", "MiB", f"more memory of the agent, the most; {words}", at_most(16)),
        Figure(f"{key}_sink_mib", "MiB", f"more memory of the sink, the most; {words}", at_most(64)),
        Figure(f"{key}_operator_mib", "MiB", f"more memory of the operator's program, the most; {words}", at_most(64)),
        Figure(f"{key}_agent_cpu", "%", f"of a core for the agent, the most; {words}"),
        Figure(f"{key}_sink_cpu", "%", f"of a core for the sink, the most; {words}"),
        Figure(f"{key}_flood_per_s", "datagrams/s", f"sent by the flood, median; {words}"),
    )
)


class Besieged(NamedTuple):
    """What became of readings and commands while a flood went on, and what the programs needed."""

    flood_per_s: float
    stored_percent: float
    settled_s: float
    taken_percent: float
    p50_ms: float
    p99_ms: float
    agent_cpu: float
    sink_cpu: float
    operator_cpu: float
    agent_mib: float
    sink_mib: float
    operator_mib: float


class Use(NamedTuple):
    """What a process used until a moment."""

    cpu_s: float
    rss_mib: float


class Site:
    """The agent, the sink and the operator, in a namespace that has nothing but loopback."""

    def __init__(self, folder: Path, namespace: Namespace, mode: Mode, seconds: float) -> None:
        self.network = Network(interface="lo", ttl=0)
        self.names = load.codifiers(SENSORS)
        self._folder = folder
        self._namespace = namespace
        self._seconds = seconds
        self._shelf = sqlite_shelf(folder / "history.db")
        counting.install(folder / "packages")
        KeyStore(folder / "keys").write(NETWORK_NAME, begin_network(secrets.token_bytes(32), 0))
        (folder / "jph.yaml").write_text(yaml.safe_dump(self._document(mode)), "utf-8")
        self._programs = {
            "sink": self._start("agent.main", SINK),
            "agent": self._start("agent.main", TARGET, *self.names),
            "operator": self._start("bench.commander", str(folder / "jph.yaml"), TARGET, str(seconds)),
        }
        _line(self._programs["operator"])

    def besiege(self, flood: str) -> Besieged:
        """Let a flood go on while the operator commands, and wait until the sink has what was taken meanwhile."""
        before, begin = self._uses(), self._taken()
        begin_s = time.monotonic()
        _pipe(self._programs["operator"].stdin).write("go\n")
        _pipe(self._programs["operator"].stdin).flush()
        sent = self._flood(flood)
        commands = _line(self._programs["operator"])
        elapsed_s, end, after = time.monotonic() - begin_s, self._taken(), self._uses()
        stored, settled_s = self._await_stored(begin, end)
        grown = {name: processes.rss_mib(program.pid) - before[name].rss_mib for name, program in self._running()}
        cpu = {name: 100 * (after[name].cpu_s - before[name].cpu_s) / elapsed_s for name in before}
        taken_ms = sorted(microseconds / 1000 for microseconds in commands["taken_us"])
        given = len(taken_ms) + commands["refused"]
        return Besieged(
            flood_per_s=sent / self._seconds,
            stored_percent=100 * stored / (sum(end.values()) - sum(begin.values())),
            settled_s=settled_s,
            taken_percent=100 * len(taken_ms) / given,
            p50_ms=statistics.median(taken_ms) if taken_ms else float("inf"),
            p99_ms=taken_ms[int(0.99 * len(taken_ms))] if taken_ms else float("inf"),
            **{f"{name}_cpu": percent for name, percent in cpu.items()},
            **{f"{name}_mib": max(0.0, mib) for name, mib in grown.items()},
        )

    def await_peace(self) -> None:
        """Wait until readings are stored."""
        until_s = time.monotonic() + processes.PATIENCE_S
        while not all(self._shelf.values(name) for name in self.names):
            if time.monotonic() > until_s:
                raise CannotMeasureError(f"the sink stores nothing: {(self._folder / 'log').read_text('utf-8')}")
            time.sleep(LOOK_EVERY_S)

    def _flood(self, flood: str) -> int:
        if flood == NOTHING:
            time.sleep(self._seconds)
            return 0
        control, data = str(self.network.control), str(self.network.data)
        aim = (flood, control, data, TARGET, ",".join(self.names), str(self._seconds))
        return int(_line(self._start("bench.flooder", *aim))["sent"])

    def _await_stored(self, begin: Mapping[str, int], end: Mapping[str, int]) -> tuple[int, float]:
        """Return how many readings are stored of those that were taken between, and when all were, in seconds."""
        begin_s, wanted = time.monotonic(), sum(end.values()) - sum(begin.values())
        while (found := sum(self._count(name, begin[name], end[name]) for name in self.names)) < wanted:
            if time.monotonic() > begin_s + processes.PATIENCE_S:
                break
            time.sleep(LOOK_EVERY_S)
        return found, time.monotonic() - begin_s

    def _count(self, name: str, begin: int, end: int) -> int:
        return len({value for value in self._shelf.values(name) if isinstance(value, int) and begin < value <= end})

    def _taken(self) -> dict[str, int]:
        return {name: counting.count(self._folder, name) for name in self.names}

    def _uses(self) -> dict[str, Use]:
        return {name: Use(processes.cpu_s(one.pid), processes.rss_mib(one.pid)) for name, one in self._running()}

    def _running(self) -> Iterator[tuple[str, subprocess.Popen[str]]]:
        for name, program in self._programs.items():
            if program.poll() is not None:
                raise CannotMeasureError(f"the {name} ended: {(self._folder / 'log').read_text('utf-8')[-500:]}")
            yield name, program

    def _document(self, mode: Mode) -> dict[str, Any]:
        counts = {"driver": counting.NAME, "options": {"folder": str(self._folder)}}
        return {
            "network": {"interface": "lo", "ttl": 0},
            "security": {"mode": str(mode), "keys": str(self._folder / "keys")},
            "defaults": {"interval": INTERVAL, "keepalive": "5s"},
            "nodes": {
                **dict.fromkeys(self.names, counts),
                TARGET: {"driver": "control", "options": {"default": 0, "min": 0, "max": 100}, "interval": "24h"},
                SINK: {"driver": "sqlite", "options": dict(self._shelf.options), "interval": "24h"},
                "CC": {"driver": "console"},
            },
        }

    def _start(self, module: str, *arguments: str) -> subprocess.Popen[str]:
        path = f"PYTHONPATH={self._folder / 'packages'}:{CHECKOUT}"
        place = (f"JPH_CONFIG={self._folder / 'jph.yaml'}", f"STATE_DIRECTORY={self._folder / 'state'}")
        command = f'exec "$0" "$@" 2>>{self._folder}/log'
        return self._namespace.start("env", path, *place, "sh", "-c", command, PYTHON, "-m", module, *arguments)


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise CannotMeasureError("a program has no pipe")
    return pipe


def _line(program: subprocess.Popen[str]) -> dict[str, Any]:
    line = _pipe(program.stdout).readline()
    if not line:
        raise CannotMeasureError("a part of the measurement ended")
    found: dict[str, Any] = json.loads(line)
    return found


@contextmanager
def _site(mode: Mode, seconds: float) -> Iterator[Site]:
    if reason := missing():
        raise CannotMeasureError(reason)
    with TemporaryDirectory() as folder, closing(Namespace("floods")) as namespace:
        site = Site(Path(folder), namespace, mode, seconds)
        site.await_peace()
        yield site


def observe(mode: Mode, floods: Collection[str], seconds: float) -> dict[str, Besieged]:
    """Let one flood after the other go on for so long, first none.

    Without tags there is none that poses as the sensors: it would be believed.
    """
    with _site(mode, seconds) as site:
        chosen = [name for name in floods if mode is not Mode.OFF or name == NOTHING or not FLOODS[name].poses]
        return {name: site.besiege(name) for name in chosen}


def measure(seconds: float) -> Samples:
    """Return the samples of FIGURES: of each the worst flood."""
    found = {key: list(observe(mode, FLOODS, seconds).values()) for key, mode in MODES.items()}
    samples: dict[str, list[float]] = {}
    for key, floods in found.items():
        for name in ("stored_percent", "taken_percent"):
            samples[f"{key}_{name}"] = [min(getattr(flood, name) for flood in floods)]
        for name in ("p50_ms", "p99_ms", "agent_mib", "sink_mib", "operator_mib", "agent_cpu", "sink_cpu"):
            samples[f"{key}_{name}"] = [max(getattr(flood, name) for flood in floods)]
        samples[f"{key}_flood_per_s"] = [statistics.median(flood.flood_per_s for flood in floods)]
    return samples


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table: a line for each flood."""
    parser = argparse.ArgumentParser(prog="python -m bench.floods", description="What floods do.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(FLOODS)}; else all")
    parser.add_argument("--seconds", type=float, default=10.0, help="for how long each; by default 10")
    wanted = parser.parse_args(arguments)
    print("  ".join(f"{name:>14}" for name in ("", "flood", *Besieged._fields)))
    for key, mode in MODES.items():
        for name, besieged in observe(mode, (NOTHING, *(wanted.names or FLOODS)), wanted.seconds).items():
            print("  ".join(f"{cell:>14}" for cell in (key, name, *(f"{value:.4g}" for value in besieged))), flush=True)
    return 0


MEASUREMENT: Final = Measurement(
    "floods",
    "Floods: one program at full speed",
    FIGURES,
    partial(measure, 10.0),
    partial(measure, 0.5),
)

if __name__ == "__main__":
    sys.exit(main())
