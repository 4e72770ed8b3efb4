"""Programs that a measurement starts, what they print, and what the kernel says that they use."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final, NamedTuple

import msgspec

from bench.figures import CannotMeasureError
from config.model import Group

PYTHON: Final = sys.executable
CHECKOUT: Final = Path(__file__).resolve().parents[1]
TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")  # in which the kernel tells processor time

PATIENCE_S: Final = 60.0  # for a program to begin, to answer and to finish, on a busy machine
STOPPING_S: Final = 10.0  # for a program to end after SIGTERM
LONGEST_LINE_BYTES: Final = 1 << 20


class Running(NamedTuple):
    """A program that runs, and the file of what it says on stderr."""

    process: subprocess.Popen[bytes]
    complaints: IO[bytes]

    @property
    def pid(self) -> int:
        """Return the number of the process."""
        return self.process.pid

    def last_words(self) -> str:
        """Return the last line that it said on stderr."""
        self.complaints.seek(0)
        return last_line(self.complaints.read())


@contextmanager
def running(command: Sequence[str | Path]) -> Iterator[Running]:
    """Run a program until the block ends, then ask it to stop, and in the end make it."""
    with TemporaryFile() as complaints:  # a pipe that nobody reads would stop a program that says much
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, cwd=CHECKOUT
        )
        try:
            yield Running(process, complaints)
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a program in order, or with SIGKILL when it does not listen; nothing of it is left."""
    process.terminate()
    try:
        process.communicate(timeout=STOPPING_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def whole_s(command: Sequence[str | Path]) -> float:
    """Run a program to its end and return how long it took."""
    begin_s = time.perf_counter()
    ended = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE_S, cwd=CHECKOUT)
    elapsed_s = time.perf_counter() - begin_s
    if ended.returncode != 0:
        raise CannotMeasureError(f"{' '.join(map(str, command))} failed: {last_line(ended.stderr)}")
    return elapsed_s


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has used, in its own code and in the kernel, to 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def rss_mib(pid: int) -> float:
    """Return the resident memory of a process, shared libraries included."""
    return _kib(Path(f"/proc/{pid}/status"), "VmRSS:") / 1024


def pss_mib(pid: int) -> float:
    """Return the same with what several processes share divided by their number."""
    return _kib(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") / 1024


def _kib(file: Path, name: str) -> int:
    [line] = [line for line in file.read_text("utf-8").splitlines() if line.startswith(name)]
    return int(line.split()[1])


class Part:
    """A part of a measurement that runs in a process of its own and speaks in lines of JSON."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._rest = b""

    def go(self) -> None:
        """Let it begin."""
        if self._running.process.stdin is not None:
            self._running.process.stdin.write(b"go\n")
            self._running.process.stdin.flush()

    def hear(self, patience_s: float = PATIENCE_S) -> dict[str, list[int]]:
        """Wait for the next line; raises CannotMeasureError when the part ends or says nothing."""
        until_s = time.monotonic() + patience_s
        while b"\n" not in self._rest:
            self._rest += self._read(until_s)
        line, _, self._rest = self._rest.partition(b"\n")
        return msgspec.json.decode(line, type=dict[str, list[int]])

    def _read(self, until_s: float) -> bytes:
        pipe = self._running.process.stdout
        if pipe is None or not select.select([pipe], [], [], max(0.0, until_s - time.monotonic()))[0]:
            raise CannotMeasureError("a part of the measurement does not answer")
        data = os.read(pipe.fileno(), LONGEST_LINE_BYTES)
        if not data:
            raise CannotMeasureError(f"a part of the measurement ended: {self._running.last_words()}")
        return data


@contextmanager
def courier(name: str, places: Sequence[Group], readings: int, rate_hz: float) -> Iterator[Part]:
    """Run one of `bench.couriers`."""
    where = ",".join(map(str, places))
    with running([PYTHON, "-m", "bench.couriers", name, where, str(readings), str(rate_hz)]) as program:
        yield Part(program)


def last_line(text: bytes) -> str:
    """Return the last line of what a program said, where the reason of a failure stands."""
    return next(reversed(text.decode(errors="replace").strip().splitlines()), "it says nothing")
