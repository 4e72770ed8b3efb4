"""A live network on this computer alone: prepared, run by an agent of its own, shown or left to other shells."""

import fcntl
import os
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Final, NoReturn

import yaml

from agent.configuration import load_configuration
from config.model import Configuration
from console import demo_agent, demo_network, demo_traces, machine
from console.demo_agent import DemoAgent
from console.demo_network import Home
from protocol.errors import JphError

CONFIGURATION: Final = "jph.yaml"
DATABASE: Final = "history.db"
LOCK: Final = "lock"
LOG: Final = "agent.log"
STATE: Final = "state"

GROUP: Final = "239.192.71.77"  # as good as any other: on the loopback interface the ports tell demos apart


EXIT_TERMINATED: Final = 128 + signal.SIGTERM  # also the console's own way to say so


class _Terminated(BaseException):
    """SIGTERM came while the console was not there yet, or no more, to take it."""


class DemoRunningError(JphError):
    """This user runs a demo already."""


class DemoPlaceError(JphError):
    """This user may not write where a demo is kept."""


@dataclass(frozen=True, slots=True)
class Demo:
    """A demo that runs."""

    path: Path
    configuration: Configuration
    agent: DemoAgent

    def show(self, codifier: str, seconds: float | None, *, control: bool) -> int:
        """Show the console until the operator leaves it or the time is over; returns the exit code."""
        from console.screen.run import run_console  # noqa: PLC0415 - Textual, which a demo without a screen does not need

        end = threading.Timer(seconds or 0.0, os.kill, (os.getpid(), signal.SIGTERM))
        end.daemon = True
        try:
            with _terminated_in_order():
                if seconds is not None:
                    end.start()
                code = run_console(self.configuration, codifier, control=control)
        except _Terminated:
            code = EXIT_TERMINATED
        finally:
            end.cancel()
        return 0 if seconds is not None and code == EXIT_TERMINATED else code


@contextmanager
def running(simulated: int, place: Path) -> Iterator[Demo]:
    """Prepare a demo in the directory `place`, run its agent, and stop it in the end.

    Raises DemoPlaceError, DemoRunningError, and DemoAgentError when the agent does not start.
    """
    with _claimed(place):
        host = socket.gethostname()
        path = prepare(place, simulated, host)
        configuration = load_configuration(str(path))
        arguments = ("--config", str(path), "--host", host, "--state", str(place / STATE))
        with demo_agent.running(arguments, place / LOG) as agent, demo_traces.left(place, path):
            yield Demo(path, configuration, agent)


def prepare(place: Path, simulated: int, host: str) -> Path:
    """Write the demo's configuration into its directory and return its path."""
    home = Home(host, *_free_groups(), place / DATABASE)
    plant = yaml.safe_load(demo_network.PLANT.read_text("utf-8"))
    document = demo_network.compose(plant, machine.nodes(host), home, simulated)
    path = place / CONFIGURATION
    path.write_text(demo_network.written(document), "utf-8")
    return path


@contextmanager
def _terminated_in_order() -> Iterator[None]:
    """Let SIGTERM raise _Terminated wherever nobody takes it, so that what was begun is ended."""

    def end(*_: object) -> NoReturn:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _claimed(place: Path) -> Iterator[None]:
    """Hold the directory as the only demo of this user, emptied of what the last one left."""
    with _opened_lock(place) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _running_already(place) from None
        _empty(place)
        yield


def _opened_lock(place: Path) -> TextIOWrapper:
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        return (place / LOCK).open("a", encoding="utf-8")
    except OSError as error:
        advice = "name a directory that you may write to in the variable XDG_STATE_HOME"
        raise DemoPlaceError(f"no demo can be kept in {place}: {error.strerror}", advice) from error


def _empty(place: Path) -> None:
    for left in (CONFIGURATION, LOG, demo_traces.TRACES, DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"):
        (place / left).unlink(missing_ok=True)
    shutil.rmtree(place / STATE, ignore_errors=True)


def _running_already(place: Path) -> DemoRunningError:
    demo = demo_traces.running(place)
    if demo is None:
        return DemoRunningError("a demo is just starting or ending", "wait a moment")
    return DemoRunningError(
        f"a demo is running already (process {demo.pid})",
        f"use it (jph nodes, jph get, jph console), or end it: kill {demo.pid}",
    )


def _free_groups() -> tuple[str, str]:
    """Return groups on two ports that nobody on this computer uses, so that two people's demos do not meet."""
    with _any_port() as control, _any_port() as data:
        return f"{GROUP}:{control.getsockname()[1]}", f"{GROUP}:{data.getsockname()[1]}"


def _any_port() -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind(("127.0.0.1", 0))
    return opened
