"""A process of its own for an owner's script: it may hang, print and exit, and nobody else notices."""

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, cast

from drivers.driver import DriverError

MAX_LINE_BYTES: Final = 2**20  # of one message of a script: text that is sent has at most about a kilobyte
_CHUNK_BYTES: Final = 65_536
_STARTS_WITHIN_S: Final = 20.0  # a Pi Zero that is busy needs seconds to start an interpreter

# With -P, since the directory of this file has modules with the names of Python's own; the one above has the package.
# With -bb, since bytes and text with the same characters were equal: they never are today, which is an error then.
_WORKER: Final = "drivers.calculations.script_worker"
_START: Final = f"import sys; sys.path.append(sys.argv.pop()); from {_WORKER} import main; main()"
_PACKAGES: Final = str(Path(__file__).parents[2])

Do = Callable[..., Any]
"""Does what a script asks for, with named arguments; raises DriverError."""


class Outcome(NamedTuple):
    """How a run ended badly: what was raised, its words and the line of the script, as far as known."""

    kind: str
    text: str
    line: int | None


class ScriptProcess:
    """Runs one script after another in a process, which is begun anew when it ended or had to be ended.

    `monotonic` returns seconds. `acts` are what a script may ask for, `log` takes a level and words.
    """

    def __init__(
        self,
        codifier: str,
        directory: Path,
        monotonic: Callable[[], float],
        acts: Mapping[str, Do],
        log: Callable[[int, str], None],
    ) -> None:
        self._arguments = [sys.executable, "-P", "-bb", "-c", _START, codifier, str(directory), _PACKAGES]
        self._monotonic = monotonic
        self._acts = acts
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._pipes: tuple[IO[bytes], ...] = ()  # to the process, and from it
        self._unread = b""
        self._closed = threading.Event()
        self._running = threading.Lock()

    def run(self, program: str, name: str, timeout_s: float) -> Outcome | None:
        """Run a program to its end; returns what it raised.

        Raises TimeoutError when it did not end in time, and DriverError when its process ended or cannot be had. In
        both cases what it had sent before was sent.
        """
        with self._running:
            try:
                done = self._run({"run": program, "name": name}, timeout_s)
            except BaseException:
                self._end()
                raise
        return None if done is None else Outcome(str(done["kind"]), str(done["text"]), done["line"])

    def close(self) -> None:
        """End the process, with all that it started, and begin none any more."""
        self._closed.set()
        process = self._process
        if process is not None:
            _kill(process)
        with self._running:  # a run that is under way ends with its process
            self._end()

    def _run(self, job: Mapping[str, Any], timeout_s: float) -> dict[str, Any] | None:
        self._begin()
        deadline_s = self._monotonic() + timeout_s
        self._send(job)
        while "done" not in (message := self._hear(deadline_s)):
            self._take(message)
        done: dict[str, Any] | None = message["done"]
        return done

    def _is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _begin(self) -> None:
        if self._closed.is_set():
            raise DriverError("the script is not run any more")
        if self._is_running():
            return
        self._end()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this module's own worker
                self._arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            raise DriverError(f"no process for the script: {error.strerror}") from error
        self._pipes = cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout)
        self._unread = b""
        if self._closed.is_set():  # while it started: whoever closed could not see it yet
            raise DriverError("the script is not run any more")
        self._hear(self._monotonic() + _STARTS_WITHIN_S)

    def _send(self, message: Mapping[str, Any]) -> None:
        data = memoryview(json.dumps(message).encode() + b"\n")
        try:
            while data:
                data = data[os.write(self._pipes[0].fileno(), data) :]
        except OSError as error:
            raise self._ended() from error

    def _hear(self, deadline_s: float) -> dict[str, Any]:
        """Return the next message; raises TimeoutError."""
        while b"\n" not in self._unread:
            self._listen(deadline_s)
        line, _, self._unread = self._unread.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def _listen(self, deadline_s: float) -> None:
        output = self._pipes[1]
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            if not selector.select(max(0.0, deadline_s - self._monotonic())):
                raise TimeoutError
        data = os.read(output.fileno(), _CHUNK_BYTES)
        if not data:
            raise self._ended()
        self._unread += data
        if len(self._unread) > MAX_LINE_BYTES:
            raise DriverError(f"the script says more than {MAX_LINE_BYTES} bytes at once")

    def _take(self, message: Mapping[str, Any]) -> None:
        if "log" in message:
            self._log(int(message["log"]), str(message["text"]))
            return
        arguments = {key: value for key, value in message.items() if key != "do"}
        try:
            answer = {"answer": self._acts[message["do"]](**arguments)}
        except DriverError as error:
            answer = {"error": str(error)}
        self._send(answer)

    def _ended(self) -> DriverError:
        return DriverError("the process of the script ended", "see what in the script ends it: sys.exit() does not")

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        _kill(process)
        for pipe in self._pipes:
            pipe.close()
        process.wait()


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):  # it ended by itself just now
            os.killpg(process.pid, signal.SIGKILL)
