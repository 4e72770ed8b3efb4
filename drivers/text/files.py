"""Text from a path: what a file holds now, or the last line that was written to a FIFO."""

import os
import re
import select
import stat
from pathlib import Path
from typing import Final

from drivers.driver import DriverError

MAX_BYTES: Final = 4096  # of one file or line: values are short, and whatever is longer is not one
_DRAINED_BYTES: Final = 65_536  # in one read of a FIFO: as much as the kernel keeps, so the newest line is among it


def first_words(data: bytes) -> str:
    """Return data as text, without the word that the limit of 4 KiB cuts in two: half a number is another number."""
    if len(data) > MAX_BYTES:
        data = _LAST_WORD.sub(b"", data[:MAX_BYTES])
    return data.decode(errors="replace")


_LAST_WORD: Final = re.compile(rb"(?<!\S)\S+\Z")


class PathSource:
    """Reads a path anew each time, whatever lies there: a file of /sys today, a FIFO tomorrow."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fifo: _Fifo | None = None

    def __str__(self) -> str:
        return str(self._path)

    def read(self) -> str | None:
        """Return the text, or None when it is a FIFO to which nothing was written; raises DriverError."""
        try:
            status = self._path.stat()
            if stat.S_ISFIFO(status.st_mode):
                return self._open_fifo(status).read()
            self.close()
            if not stat.S_ISREG(status.st_mode):
                raise DriverError(f"{self} is neither a file nor a FIFO")
            return self._read_file()
        except OSError as error:
            raise DriverError(f"{self}: {error.strerror}", _ADVICE.get(type(error), "")) from error

    @property
    def written_s(self) -> float | None:
        """When the line of a FIFO that was read last was written, in s since 1970-01-01 UTC; None: nobody knows."""
        return None if self._fifo is None else self._fifo.written_s

    def close(self) -> None:
        """Let go of the FIFO."""
        if self._fifo is not None:
            self._fifo.close()
            self._fifo = None

    def _read_file(self) -> str:
        with open(self._path, "rb", opener=_without_waiting) as file:
            return first_words(file.read(MAX_BYTES + 1))

    def _open_fifo(self, status: os.stat_result) -> "_Fifo":
        """Return the FIFO that lies under the path now: one that was made anew has writers of its own."""
        if self._fifo is not None and not self._fifo.is_same(status):
            self.close()
        if self._fifo is None:
            self._fifo = _Fifo(self._path)
        return self._fifo


_ADVICE: Final[dict[type[OSError], str]] = {
    FileNotFoundError: "see whether the path is right and its device is there",
    PermissionError: "give the user of the agent the right to read it (and to write it, when it is a FIFO)",
    TimeoutError: "the device behind it did not answer",
}


def _without_waiting(path: str, flags: int) -> int:
    """Open without waiting for a writer, should a FIFO have taken the file's place since it was looked at."""
    return os.open(path, flags | os.O_NONBLOCK)


class _Fifo:
    """The lines that programs write to a FIFO. It is open for writing as well, so that it never ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._unfinished = b""  # the line that has no end yet, at most MAX_BYTES + 1
        self._untouched_ns = None if self._holds_something() else self._changed_ns()
        self.written_s: float | None = None

    def is_same(self, status: os.stat_result) -> bool:
        return os.path.samestat(os.fstat(self._descriptor), status)

    def read(self) -> str | None:
        """Return the last whole line that came since the last read, None when none came. Empty lines are none."""
        *lines, unfinished = (self._unfinished + self._drain()).split(b"\n")
        self._unfinished = unfinished[: MAX_BYTES + 1]  # enough to know that it is too long
        last = next((line for line in reversed(lines) if line.strip()), None)
        if len(last or unfinished) > MAX_BYTES:
            raise DriverError(f"{self._path}: a line of more than {MAX_BYTES} bytes", "write one value a line")
        return None if last is None else last.decode(errors="replace")

    def close(self) -> None:
        os.close(self._descriptor)

    def _drain(self) -> bytes:
        try:
            data = os.read(self._descriptor, _DRAINED_BYTES)
        except BlockingIOError:  # no writer, or one that has nothing to say
            return b""
        changed_ns = self._changed_ns()
        self.written_s = None if changed_ns == self._untouched_ns else changed_ns / 1e9
        return data

    def _changed_ns(self) -> int:
        """Return when it was written to last, which overlayfs and what is mounted read-only do not note."""
        return os.fstat(self._descriptor).st_mtime_ns

    def _holds_something(self) -> bool:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(0))
