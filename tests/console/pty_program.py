"""Programs on a pseudo terminal that a test holds: it types, reads what is drawn, or stops reading."""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from config.model import Network

PATIENCE_S: Final = 30.0
"""How long a busy machine may take; only what never comes is waited for so long."""

PROJECT: Final = Path(__file__).parents[2]
RECENT_BYTES: Final = 1_000_000
MODERN: Final = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}

# The terminal becomes the session's own, so that its end is told by SIGHUP.
_LEADER: Final = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class PtyProgram:
    """A program whose terminal is this test, for as long as it is entered."""

    def __init__(
        self, command: list[str], size: tuple[int, int] = (120, 36), environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = command
        self._size = size
        self._environment = {"PATH": os.environ["PATH"], **MODERN, **(environment or {})}
        self._master = -1
        self._slave = -1
        self._process: subprocess.Popen[bytes]
        self.drawn = b""

    def __enter__(self) -> Self:
        """Start the program as the leader of a session of its own, with this terminal as its own."""
        self._master, self._slave = os.openpty()
        width, height = self._size
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LEADER, *self._command],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            cwd=PROJECT,
            env=self._environment,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the program if it still runs."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for descriptor in (self._master, self._slave):
            if descriptor >= 0:
                os.close(descriptor)

    def read_until(self, pattern: str) -> str:
        """Read until the program has drawn what matches since the last call, and return all that it drew."""
        deadline_s = time.monotonic() + PATIENCE_S
        wanted = re.compile(pattern.encode())
        drawn = b""
        while not wanted.search(drawn):
            if not select.select([self._master], [], [], max(0.0, deadline_s - time.monotonic()))[0]:
                raise AssertionError(f"{pattern!r} was not drawn, but {drawn[-3000:]!r}")
            drawn = (drawn + os.read(self._master, 65_536))[-RECENT_BYTES:]
        self.drawn += drawn
        return drawn.decode("utf-8", "replace")

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def stall(self) -> None:
        """Let the terminal take nothing more: whoever writes to it waits."""
        termios.tcflow(self._slave, termios.TCOOFF)

    def go_on(self) -> None:
        """Let the terminal take everything again."""
        termios.tcflow(self._slave, termios.TCOON)

    def resize(self, width: int, height: int) -> None:
        """Change the size of the terminal."""
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self._process.send_signal(signal.SIGWINCH)

    def hang_up(self) -> None:
        """Take the terminal away, as a connection that is cut does: the kernel sends SIGHUP."""
        for descriptor in (self._slave, self._master):
            os.close(descriptor)
        self._slave = self._master = -1

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def exit_code(self) -> int:
        """Wait for the end and return the exit code; what the program writes meanwhile is read."""
        return self._ended(reading=True)

    def wait(self) -> int:
        """Wait for the end without reading anything, and return the exit code."""
        return self._ended(reading=False)

    def _ended(self, *, reading: bool) -> int:
        ending = os.pidfd_open(self._process.pid)
        try:
            self._read_until_ended(ending, [self._master] if reading else [])
        finally:
            os.close(ending)
        return self._process.wait()

    def _read_until_ended(self, ending: int, terminals: list[int]) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while ready := select.select([ending, *terminals], [], [], max(0.0, deadline_s - time.monotonic()))[0]:
            if terminals and terminals[0] in ready:
                self.drawn += os.read(self._master, 65_536)
            elif ending in ready:
                return
        raise AssertionError(f"the program does not end; it drew {self.drawn[-2000:]!r}")


def console_command(network: Network, *options: str) -> list[str]:
    """Return the arguments of Python that run the console on a network."""
    groups = (network.control.address, str(network.control.port), network.data.address, str(network.data.port))
    return ["-m", "tests.console.console_program", *groups, *options]
