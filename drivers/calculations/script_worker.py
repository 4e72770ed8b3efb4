"""The process in which an owner's script runs, fed by `drivers.calculations.script` with one line of JSON for each run.

    in   {"run": program, "name": its file}            then the answers to what the script asks
    out  {"do": what, ...}                             what the script asks: `publish`, `say`, `configuration`
         {"ready": true}                               once, before anything is taken in
         {"log": level, "text": words}                 what it says
         {"done": null} or {"done": {"kind", "text", "line"}}

The process ends when its input does, even in the midst of a script that never ends: then its agent is gone.
"""

# ruff: noqa: N802, N803 - the names in the channel are those that scripts of the original use

import json
import logging
import math
import os
import queue
import random
import struct
import sys
import threading
import time
import types
import warnings
from collections.abc import Callable
from typing import Any, Final, TextIO

from drivers.calculations.python2 import NAMES, modulo, text_of
from drivers.calculations.python2_library import MATH, add_what_was_there
from drivers.calculations.python2_syntax import RUNNING, translated
from protocol import float32

MAX_TEXT: Final = 500  # characters of one line that a script says
MAX_LINES: Final = 50  # that it says in one run
_NEED_A_NUMBER: Final = frozenset({"A", "E"})


class ChannelError(Exception):
    """What the script asked for could not be done."""


class Link:
    """The lines to and from the agent."""

    def __init__(self, incoming: TextIO, output: TextIO) -> None:
        self._incoming = incoming
        self._output = output
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._asking = threading.Lock()  # a script may have threads
        self._writing = threading.Lock()
        self.lines_left = 0
        threading.Thread(target=self._listen, name="input", daemon=True).start()

    def next(self) -> Any:
        """Wait for a line."""
        return json.loads(self._lines.get())

    def tell(self, **message: Any) -> None:
        """Send a line."""
        line = json.dumps(message, allow_nan=False) + "\n"
        with self._writing:
            self._output.write(line)
            self._output.flush()

    def ask(self, what: str, **message: Any) -> Any:
        """Send a line and wait for the answer; raises ChannelError."""
        with self._asking:
            self.tell(do=what, **message)
            answer = self.next()
        if "error" in answer:
            raise ChannelError(answer["error"])
        return answer["answer"]

    def log(self, level: int, text: str) -> None:
        """Send words for the log, as many as there is room for in a run."""
        self.lines_left -= 1
        if self.lines_left > 0:
            self.tell(log=level, text=text[:MAX_TEXT])
        elif self.lines_left == 0:
            self.tell(log=logging.WARNING, text=f"more than {MAX_LINES - 1} lines in one run: the others are left out")

    def _listen(self) -> None:
        for line in self._incoming:
            self._lines.put(line)
        os._exit(0)


class Channel:
    """The original's channel, as far as a script that runs for a moment has use for it."""

    def __init__(self, link: Link, codifier: str) -> None:
        self.Codifier = codifier
        self.logger = logging.getLogger("script")
        self._link = link

    def sendData(self, data: Any, timestamp: int = 0, Codifier: str = "", sequence_packet: bool = False) -> None:  # noqa: FBT001, FBT002 - the original's own signature
        """Send a value at once, of this codifier or of a proxy."""
        if not sequence_packet:  # numbering is the agent's affair
            self._link.ask(
                "publish", codifier=Codifier or self.Codifier, value=_sendable(data), timestamp_ms=timestamp or None
            )

    def sendCtrl(self, flag: str, timestamp: int = 0, to: str = "", timeComponent: float | None = None) -> None:
        """Send a control frame; a command is repeated until it is confirmed, which nobody waits for."""
        del timestamp  # it is stamped with the moment at which it is sent
        if timeComponent is None and flag in _NEED_A_NUMBER:
            raise ValueError(f"{flag} needs a timeComponent: the value, or how far to step")
        number = timeNow() if timeComponent is None else float(timeComponent)
        if not math.isfinite(number):
            raise ValueError(f"{number} is not a finite number")
        self._link.ask("say", flag=str(flag), codifier=to or "@@", number=number)

    def getConfig(self) -> Any:
        """Return the whole configuration in the original's form."""
        return self._link.ask("configuration")

    def getAllSensors(self) -> Any:
        """Return the entries of all codifiers."""
        return self.getConfig()["Sensors"]

    def getSensor(self, Codifier: str) -> Any:
        """Return the entry of one codifier, or None."""
        return next((entry for entry in self.getAllSensors() if entry.get("Codifier") == Codifier), None)

    def getMySensor(self) -> Any:
        """Return the entry of this codifier."""
        return self.getSensor(self.Codifier)

    def getMySensorElement(self, elem: str) -> Any:
        """Return one element of this codifier's `Sensor` section, or None."""
        return ((self.getMySensor() or {}).get("Sensor") or {}).get(elem)


def timeNow() -> int:
    """Return the time in milliseconds since 1970-01-01 UTC."""
    return int(time.time() * 1000)


def _library() -> types.ModuleType:
    """Make the original's module `jph`, also for scripts that import it."""
    library = sys.modules["jph"] = types.ModuleType("jph")
    library.timeNow = timeNow  # type: ignore[attr-defined] # what a module has is not known beforehand
    return library


class _Printed:
    """Takes what a script prints, line by line."""

    encoding = "utf-8"

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._begun = ""

    def write(self, text: str) -> int:
        *lines, begun = (self._begun + text).split("\n")
        self._begun = begun[: MAX_TEXT + 1]
        for line in lines:
            self._say(line)
        return len(text)

    def flush(self) -> None:
        pass

    def end(self) -> None:
        if self._begun:
            self.write("\n")


class _Handler(logging.Handler):
    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = text_of(record.msg)
            record.msg, record.args = modulo(text, record.args) if record.args else text, ()
            self._link.log(record.levelno, self.format(record))
        except Exception:  # noqa: BLE001 - words that do not fit together stop no script: they are told, as everywhere
            self.handleError(record)


class Runner:
    """Runs programs one after another; what they have said `global` is kept for the next."""

    def __init__(self, link: Link, codifier: str) -> None:
        self._link = link
        self._channel = Channel(link, codifier)
        self._kept: dict[str, Any] = {}
        self._printed = _Printed(lambda line: link.log(logging.INFO, line))
        sys.stdout = sys.stderr = self._printed  # as much of a file as `print` needs
        self._channel.logger.addHandler(_Handler(link))
        self._channel.logger.setLevel(logging.DEBUG)
        self._channel.logger.propagate = False

    def run(self, program: str, name: str) -> None:
        """Run a program, and tell how it ended."""
        self._link.lines_left = MAX_LINES
        error = self._error_of(program, name)
        self._printed.end()
        self._link.tell(done=error)

    def _error_of(self, program: str, name: str) -> dict[str, Any] | None:
        try:
            tree, shared = translated(program, name)
            names = self._names(name)
            try:
                exec(compile(tree, name, "exec"), names)  # noqa: S102 - the owner's own program
            finally:
                self._kept |= {each: names[each] for each in shared if each in names}
        except SystemExit:
            return None
        except SyntaxError as error:
            return {"kind": "SyntaxError", "text": error.msg, "line": error.lineno}
        except BaseException as error:  # noqa: BLE001 - whatever a program raises is its error, and not this one's
            return {"kind": type(error).__name__, "text": _words(error), "line": _line_of(error, name)}
        return None

    def _names(self, name: str) -> dict[str, Any]:
        return {
            **NAMES,
            **RUNNING,
            **_MODULES,
            **self._kept,
            "channel": self._channel,
            "__name__": "__main__",
            "__file__": name,
        }


_MODULES: Final[dict[str, Any]] = {
    "jph": _library(),
    "json": json,
    "log": math.log,
    "math": MATH,
    "os": os,
    "print": lambda *values, **choices: print(*map(text_of, values), **choices),  # noqa: T201 - the script's
    "random": random,
    "struct": struct,
    "sys": sys,
    "time": time,
}


def _words(error: BaseException) -> str:
    try:
        return str(error)[:MAX_TEXT]
    except Exception:  # noqa: BLE001 - a program may have errors of its own making
        return ""


def _line_of(error: BaseException, name: str) -> int | None:
    """Return the line of the script in which an error came up, the innermost."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == name:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _sendable(value: Any) -> Any:
    """Return a value that can be sent; raises TypeError or ValueError in the script."""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return _four_bytes(value)
    if not isinstance(value, int | float | str):
        raise TypeError(f"{type(value).__name__} cannot be sent: a number or text can")
    return value


def _four_bytes(value: float) -> float:
    """Return a number as it arrived there: floats travelled as four bytes. Larger ones, which could not, are kept."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    try:
        return float32.shortest(float32.pack(value))
    except OverflowError:
        return value


def main() -> None:
    """Run what comes in until nothing more does."""
    incoming = os.fdopen(os.dup(0), encoding="ascii")
    output = os.fdopen(os.dup(1), "w", encoding="ascii")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1):  # what programs that the script starts read and print is not between it and its agent
        os.dup2(nowhere, standard)
    for kind in (SyntaxWarning, DeprecationWarning):
        warnings.simplefilter("ignore", kind)  # a program that is old runs as it always did
    add_what_was_there()
    codifier, directory = sys.argv[1:3]
    sys.path.append(directory)
    link = Link(incoming, output)
    link.tell(ready=True)
    runner = Runner(link, codifier)
    while True:
        job = link.next()
        runner.run(job["run"], job["name"])
