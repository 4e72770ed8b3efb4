"""A terminal for programs under test, with its other end in the test's hand."""

import codecs
import contextlib
import fcntl
import os
import pty
import subprocess
import termios
from typing import Self

from tests.console.calling import Shell


class Terminal:
    """A terminal of 50 lines: `start` runs `jph` on it, the other methods are what a person does."""

    def __init__(self, columns: int = 200) -> None:
        self._controller, self._side = pty.openpty()
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        termios.tcsetwinsize(self._controller, (50, columns))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        os.close(self._controller)
        self._release()

    def start(self, shell: Shell, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """Start `jph` as a shell does: the terminal is its own, and Ctrl-C reaches it."""
        streams = {"stdin": self._side, "stdout": self._side, "stderr": self._side}
        surroundings = {**shell.environment, "TERM": "xterm-256color", **environment}
        own = {"start_new_session": True, "preexec_fn": _take_terminal}
        return shell.start(*arguments, **streams, **own, env=surroundings)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._controller, keys.encode())

    def until(self, text: str) -> str:
        """Wait until `text` is shown; returns all that was shown since the last call."""
        shown = ""
        while text not in shown:
            some = self._read()
            assert some, f"{text!r} was never shown: {shown}"
            shown += some
        return shown

    def rest(self) -> str:
        """Wait until the program has left the terminal; returns what was shown since the last call."""
        self._release()
        return "".join(iter(self._read, ""))

    def _read(self) -> str:
        try:
            return self._decode(os.read(self._controller, 4096))
        except OSError:  # EIO: no program has this terminal any more
            return ""

    def _release(self) -> None:
        """Let the program be the only one that has the terminal."""
        with contextlib.suppress(OSError):  # done already
            os.close(self._side)


def shown_to_a_person(shell: Shell, *arguments: str, columns: int = 200, **environment: str) -> str:
    """Call `jph` on a terminal and return all that was shown on it."""
    with Terminal(columns) as terminal, terminal.start(shell, *arguments, **environment) as process:
        shown = terminal.rest()
        assert process.wait() == 0
    return shown


def _take_terminal() -> None:
    """Make standard input the controlling terminal of this new session (tty_ioctl(4), TIOCSCTTY)."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
