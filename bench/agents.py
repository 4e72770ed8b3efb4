"""Programs of jph as processes: their configuration, how soon they are heard, and what they use while they run."""

import contextlib
import secrets
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
from config.keyfile import Grant, Role, granted
from config.keystore import KeyStore
from config.model import Group, Network
from config.rotation import begin_network
from protocol.frames import Flag
from protocol.gate import Mode
from protocol.keys import KEY_BYTES

HARVEST_S: Final = 0.25  # the readings of so long fit into a socket's buffer many times over

Command = Sequence[str | Path]


@contextmanager
def configured(network: Network, nodes: Mapping[str, Mapping[str, Any]], mode: Mode = Mode.OFF) -> Iterator[Path]:
    """Write a configuration of these nodes into a directory of its own, with their keys, and give its path."""
    groups = {"control": str(network.control), "data": str(network.data), "interface": "lo", "ttl": 1}
    with TemporaryDirectory() as directory:
        path, store = Path(directory, "jph.yaml"), KeyStore(Path(directory, "keys"))
        security = {"mode": str(mode), "keys": str(store.directory)}
        path.write_text(yaml.safe_dump({"network": groups, "security": security, "nodes": dict(nodes)}), "utf-8")
        made = begin_network(secrets.token_bytes(KEY_BYTES), 0)
        for codifier in nodes if mode is not Mode.OFF else ():
            store.write(codifier, granted(made, codifier, Grant(role=Role.NODE, says=(codifier,))))
        yield path


def agent_command(configuration: Path, *codifiers: str) -> Command:
    """Return how a service runs `jph-agent`: configuration and state in the environment, no options."""
    environment = [f"JPH_CONFIG={configuration}", f"STATE_DIRECTORY={configuration.parent / 'state'}"]
    return ["env", *environment, processes.PYTHON, "-m", "agent.main", *codifiers]


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
