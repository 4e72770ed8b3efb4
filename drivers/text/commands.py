"""Text from a command: what it prints, unless it fails or takes too long."""

import os
import selectors
import shlex
import signal
import subprocess
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import IO, Final, cast

from drivers.driver import DriverError
from drivers.text.files import MAX_BYTES, first_words

_CHUNK_BYTES: Final = 65_536  # what a pipe holds
MAX_HEARD_BYTES: Final = 2**20  # of one run: a command that says more is not made for this
_QUOTED_CHARACTERS: Final = 200  # of a command's complaint, in a line of the log


class CommandSource:
    """Runs a command for each read, without a shell, in the C locale so that numbers have a point.

    `command` is split into words as a shell does, or it is a list of words. What it prints counts when it ends with one
    of `exit_codes`; `kept_bytes` of it are kept.
    """

    def __init__(
        self,
        command: str | Sequence[str],
        timeout_s: float,
        monotonic: Callable[[], float],
        exit_codes: Collection[int] = (0,),
        kept_bytes: int = MAX_BYTES,
    ) -> None:
        self._arguments = shlex.split(command) if isinstance(command, str) else list(command)
        self._timeout_s = timeout_s
        self._exit_codes = exit_codes
        self._kept_bytes = kept_bytes
        self._monotonic = monotonic
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = threading.Event()

    def __str__(self) -> str:
        return f"`{shlex.join(self._arguments)}`"

    def read(self) -> str:
        """Return the words that the command printed first; raises DriverError, also once it is closed."""
        return first_words(self.output())

    def output(self) -> bytes:
        """Return what the command printed, at most a byte more than is kept; raises DriverError as `read` does."""
        if self._closed.is_set():
            raise self._error("is not run any more")
        deadline_s = self._monotonic() + self._timeout_s
        with self._start() as self._process:
            if self._closed.is_set():  # while it started: whoever closed could not see it yet
                self._end()
            try:
                output, errors = self._listen(self._process, deadline_s)
                code = self._process.wait(self._left_s(deadline_s))
            except (TimeoutError, subprocess.TimeoutExpired) as error:
                raise self._error(f"took more than {self._timeout_s:g} s") from error
            finally:
                self._end()
        if code not in self._exit_codes:
            raise self._error(_ending(code, errors))
        return output

    def close(self) -> None:
        """End the command when it runs, with all that it started, and run it no more."""
        self._closed.set()
        self._end()

    def _end(self) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            with suppress(ProcessLookupError):  # it ended by itself just now
                os.killpg(process.pid, signal.SIGKILL)

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 - the operator's own command, and no shell
                self._arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            raise self._error(f"does not start: {error.strerror}", _ADVICE.get(type(error), "")) from error

    def _listen(self, process: subprocess.Popen[bytes], deadline_s: float) -> tuple[bytes, bytes]:
        """Return the beginnings of what the command says on its two channels, when it has closed both."""
        output, errors = _Channel(process.stdout, self._kept_bytes), _Channel(process.stderr, MAX_BYTES)
        with selectors.DefaultSelector() as selector:
            for channel in (output, errors):
                selector.register(channel, selectors.EVENT_READ)
            while selector.get_map():
                for channel in self._ready(selector, deadline_s):
                    if not channel.listen():
                        selector.unregister(channel)
                if output.heard_bytes + errors.heard_bytes > MAX_HEARD_BYTES:
                    raise self._error(f"says more than {MAX_HEARD_BYTES} bytes")
        return output.beginning, errors.beginning

    def _ready(self, selector: selectors.BaseSelector, deadline_s: float) -> list["_Channel"]:
        ready = selector.select(self._left_s(deadline_s))
        if not ready:
            raise TimeoutError
        return [cast(_Channel, key.fileobj) for key, _ in ready]

    def _left_s(self, deadline_s: float) -> float:
        return max(0.0, deadline_s - self._monotonic())

    def _error(self, what: str, advice: str = "") -> DriverError:
        return DriverError(f"{self} {what}", advice)


_ADVICE: Final[dict[type[OSError], str]] = {
    FileNotFoundError: "install the program, or name it with its whole path",
    PermissionError: "make it executable for the user of the agent",
}


class _Channel:
    """One of a process's two outputs; what goes beyond the limit is heard and forgotten."""

    def __init__(self, stream: IO[bytes] | None, kept_bytes: int) -> None:
        self._stream = cast(IO[bytes], stream)  # both are pipes
        self._kept_bytes = kept_bytes
        self.beginning = b""
        self.heard_bytes = 0

    def fileno(self) -> int:
        return self._stream.fileno()

    def listen(self) -> bool:
        """Take what is there; False when nothing more will come."""
        data = os.read(self.fileno(), _CHUNK_BYTES)
        self.heard_bytes += len(data)
        self.beginning = (self.beginning + data)[: self._kept_bytes + 1]
        return bool(data)


def check_command(command: str | Sequence[str]) -> None:
    """Raise ValueError, naming the option `command`, for what is no command."""
    try:
        arguments = shlex.split(command) if isinstance(command, str) else command
    except ValueError as error:
        raise ValueError(f"`command`: {error}") from error
    if not arguments or not arguments[0]:
        raise ValueError("`command` is empty")
    if any("\0" in argument for argument in arguments):
        raise ValueError("`command` has a zero byte in it")


def _ending(code: int, errors: bytes) -> str:
    """Say how a command failed, in its own words as far as it has any."""
    how = f"was ended: {signal.strsignal(-code)}" if code < 0 else f"ended with exit code {code}"
    words = errors.decode(errors="replace").strip().splitlines()
    return f"{how}: {words[0][:_QUOTED_CHARACTERS]}" if words else how
