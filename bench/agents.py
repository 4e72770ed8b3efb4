"""Programs of jph as processes: their configuration, how soon they are heard, and what they use while they run."""

import contextlib
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import yaml

from agent import sockets
from bench import load, processes
from bench.figures import CannotMeasureError
from config.model import Group, Network
from protocol.frames import Flag

HARVEST_S: Final = 0.25  # the readings of so long fit into a socket's buffer many times over

Command = Sequence[str | Path]


@contextmanager
def configured(network: Network, nodes: Mapping[str, Mapping[str, Any]]) -> Iterator[Path]:
    """Write a configuration of these nodes into a directory of its own, and give its path."""
    groups = {"control": str(network.control), "data": str(network.data), "interface": "lo", "ttl": 1}
    with TemporaryDirectory() as directory:
        path = Path(directory, "jph.yaml")
        path.write_text(yaml.safe_dump({"network": groups, "nodes": dict(nodes)}), "utf-8")
        yield path


def agent_command(configuration: Path, *codifiers: str) -> Command:
    """Return how `jph-agent` is run, its state beside its configuration."""
    options: Command = ["--config", configuration, "--state", configuration.parent / "state"]
    return [processes.PYTHON, "-m", "agent.main", *options, *codifiers]


def until_announced_s(command: Command, network: Network) -> float:
    """Run a program until its first `N` is heard on the control bus, and return how long that took."""
    with ear(network.control) as listening:
        begin_s = time.perf_counter()
        with processes.running(command) as program:
            await_announcement(listening, program)
            return time.perf_counter() - begin_s


def await_announcement(listening: socket.socket, program: processes.Running) -> None:
    """Wait for an `N`."""
    wanted = Flag.NEW.encode()
    listening.settimeout(processes.PATIENCE_S)
    try:
        while listening.recv(sockets.DATAGRAM_BYTES)[16:17] != wanted:
            pass
    except TimeoutError as error:
        raise CannotMeasureError(f"no `N` was heard: {program.last_words()}") from error


class Use(NamedTuple):
    """What a program used while it worked, and how many datagrams a second were heard of it on the data bus."""

    cpu_percent: float
    rss_mib: float
    pss_mib: float
    readings_per_s: float


def use(program: processes.Running, network: Network, settle_s: float, seconds: float) -> Use:
    """Let a program work for a while, after it has had time to settle, and return what it used of the machine."""
    time.sleep(settle_s)
    with ear(network.data) as listening:
        begin_s, cpu_s = time.monotonic(), processes.cpu_s(program.pid)
        heard = _harvest(listening, seconds)
        elapsed_s = time.monotonic() - begin_s
        cpu_percent = 100 * (processes.cpu_s(program.pid) - cpu_s) / elapsed_s
    return Use(cpu_percent, processes.rss_mib(program.pid), processes.pss_mib(program.pid), heard / elapsed_s)


def _harvest(listening: socket.socket, seconds: float) -> int:
    """Count what comes, without being woken by each of it."""
    until_s, heard = time.monotonic() + seconds, 0
    while (rest_s := until_s - time.monotonic()) > 0:
        time.sleep(min(HARVEST_S, rest_s))
        while datagrams := sockets.drain(listening):
            heard += len(datagrams)
    return heard


def ear(group: Group) -> contextlib.closing[socket.socket]:
    """Open a socket that hears a group on loopback."""
    return contextlib.closing(sockets.open_receiver(group, load.loopback()))
