"""The agent of a demo: a process that ends with the demo, however that ends (console/tether.py)."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from protocol.errors import JphError

START_LOOKS: Final = 300  # at the starting agent, a tenth of a second each: a Pi Zero takes a while for 1,000 nodes
LOOK_S: Final = 0.1
STOP_S: Final = 8.0  # more than the tether's patience
LOG_LINES: Final = 5  # of a failed agent's log that are told

HELD: Final = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD})

# What is meant for this process or for other agents: the demo's has all it needs in its arguments.
_NOT_INHERITED: Final = frozenset({"JPH_CONFIG", "JPH_SENSOR", "STATE_DIRECTORY", "WATCHDOG_USEC", "WATCHDOG_PID"})


class DemoAgentError(JphError):
    """The demo's agent did not start, or ended by itself."""


class DemoAgent:
    """The running agent. `log` is the file with all that it says."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._process = process
        self._log = log

    def await_ready(self, notifications: socket.socket) -> None:
        """Wait until all its nodes have started (sd_notify); raises DemoAgentError when that does not come about."""
        for _ in range(START_LOOKS):
            try:
                if b"READY=1" in notifications.recv(4096):
                    return
            except TimeoutError:
                self._fail_if_ended()
        raise DemoAgentError("the demo's agent does not get ready", f"see {self._log}")

    def wait(self, seconds: float | None) -> None:
        """Wait for one of the signals that `hold_signals` holds, or for so long.

        Raises DemoAgentError when the agent ends first.
        """
        self._fail_if_ended()
        while _next_signal(seconds) == signal.SIGCHLD:
            self._fail_if_ended()

    def stop(self) -> None:
        """Let the agent stop in order; a second time does nothing."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _fail_if_ended(self) -> None:
        if self._process.poll() is None:
            return
        last = self._log.read_text("utf-8", "replace").splitlines()[-LOG_LINES:]
        told = [f"the demo's agent has ended (exit code {self._process.returncode}):", *last]
        raise DemoAgentError("\n".join(told), f"see {self._log}")


@contextmanager
def running(arguments: Sequence[str], log: Path, environment: Mapping[str, str] = os.environ) -> Iterator[DemoAgent]:
    """Run `jph-agent` with these arguments, from when it is ready until it is stopped; raises DemoAgentError."""
    with _notifications() as notifications, log.open("wb") as written:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-P", "-m", "console.tether", *arguments],
            stdin=subprocess.PIPE,
            stdout=written,
            stderr=subprocess.STDOUT,
            env=_inherited(environment)
            | {"NOTIFY_SOCKET": str(notifications.getsockname(), "ascii").replace("\0", "@")},
            start_new_session=True,  # Ctrl-C is for the demo, which then stops its agent in order
        )
        agent = DemoAgent(process, log)
        try:
            agent.await_ready(notifications)
            yield agent
        finally:
            agent.stop()


def _inherited(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in _NOT_INHERITED}


def _notifications() -> socket.socket:
    """Open a socket to which the agent says when it is ready (sd_notify(3)), at an address that the kernel chooses."""
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    opened.bind("")  # an abstract address: no file is left behind (unix(7), autobind)
    opened.settimeout(LOOK_S)
    return opened


def _address(notifications: socket.socket) -> str:
    """Return the address of an abstract socket as sd_notify(3) wants it."""
    return "@" + bytes(notifications.getsockname())[1:].decode("ascii")


def hold_signals() -> None:
    """From now on let what ends this program, and the end of its agent, wait for `DemoAgent.wait`.

    To be called once the agent runs, which would hold its signals too.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, HELD)


def _next_signal(seconds: float | None) -> int | None:
    """Wait for one of the held signals and return it; None when the time was over before."""
    if seconds is None:
        return signal.sigwait(HELD)
    came = signal.sigtimedwait(HELD, seconds)
    return came.si_signo if came else None
