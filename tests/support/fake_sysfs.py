"""A file system like /sys that a test holds in its hands: files with texts, with errors, and that act when written to.

It is mounted by FUSE, so that programs under test open, read and write it through the kernel and get its errnos. As in
/sys, a text is made when a file is read from its beginning, and every write is one whole value.
"""

import ctypes
import errno
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.support.fuse import served

Show = Callable[[], str]
"""Makes the text of a file at each read, in a thread of its own; raises OSError(errno). Delays are its own affair."""

Store = Callable[[str], None]
"""Takes what is written to a file; raises OSError(errno)."""

Answer = Callable[[int], bytes]
"""Answers an ioctl by its number; raises OSError(errno)."""

Trouble = Callable[[str], int]
"""Is asked before each read and write of a path: an errno lets it fail, 0 lets it pass."""

SIZE_BYTES: Final = 4096
"""What /sys says of the size of every file."""


class Attribute(NamedTuple):
    """A file: without `show` it cannot be read, without `store` it cannot be written."""

    show: Show | None
    store: Store | None = None


def failing(number: int) -> Show:
    """Return what lets a file fail with an errno when it is read."""

    def show() -> str:
        raise OSError(number, os.strerror(number))

    return show


class FakeSysfs:
    """What is mounted: paths from its root, such as /sys/class/hwmon/hwmon0/name. Directories are there by themselves.

    `reads` counts how often each path was read from its beginning, `writes` has every path and text in order, also of
    those that were refused.
    """

    def __init__(self) -> None:
        self.reads: Counter[str] = Counter()
        self.writes: list[tuple[str, str]] = []
        self.trouble: Trouble = lambda _path: 0
        self._attributes: dict[str, Attribute] = {}
        self._links: dict[str, str] = {}
        self._answers: dict[str, Answer] = {}

    def put(self, path: str, text: str) -> None:
        """Put a file with a text that stays."""
        self.attribute(path, lambda: text)

    def store(self, path: str, text: str = "", accept: Store | None = None) -> None:
        """Put a file that shows what was written to it last; `accept` may refuse it."""
        held = [text]

        def take(written: str) -> None:
            if accept is not None:
                accept(written)
            held[0] = written

        self.attribute(path, lambda: held[0], take)

    def attribute(self, path: str, show: Show | None, store: Store | None = None) -> None:
        """Put a file that acts."""
        self._attributes[path] = Attribute(show, store)

    def fail(self, path: str, number: int) -> None:
        """Put a file that fails with an errno when it is read."""
        self.attribute(path, failing(number))

    def device(self, path: str, answer: Answer) -> None:
        """Put a file that answers ioctls with as many bytes as their numbers say."""
        self.attribute(path, lambda: "", lambda _text: None)
        self._answers[path] = answer

    def answer(self, path: str, number: int) -> bytes:
        """Return what a file says to an ioctl; raises OSError. Python asks every file that it opens for one."""
        if path not in self._answers:
            raise OSError(errno.ENOTTY, path)
        self.check(path)
        return self._answers[path](number)

    def link(self, path: str, target: str) -> None:
        """Put a symbolic link."""
        self._links[path] = target

    def remove(self, path: str) -> None:
        """Remove a file, a link, or a directory with all that is in it."""
        for entries in (self._attributes, self._links, self._answers):
            for name in [name for name in entries if name == path or _is_below(name, path)]:
                del entries[name]

    def find(self, path: str) -> Attribute:
        """Return a file; raises OSError(ENOENT)."""
        try:
            return self._attributes[path]
        except KeyError:
            raise OSError(errno.ENOENT, path) from None

    def target(self, path: str) -> str:
        """Return where a link leads."""
        return self._links[path]

    def mode(self, path: str) -> int:
        """Return what kind of file lies under a path, with its permissions; raises OSError(ENOENT)."""
        if path in self._links:
            return stat.S_IFLNK | 0o777
        if path in self._attributes:
            show, store = self._attributes[path]
            return stat.S_IFREG | (0o444 if show else 0) | (0o200 if store else 0)
        if path == "/" or any(_is_below(name, path) for name in self._names()):
            return stat.S_IFDIR | 0o755
        raise OSError(errno.ENOENT, path)

    def names(self, path: str) -> set[str]:
        """Return what is in a directory."""
        prefix = path.rstrip("/") + "/"
        return {name.removeprefix(prefix).partition("/")[0] for name in self._names() if name.startswith(prefix)}

    def check(self, path: str) -> None:
        """Raise the OSError that the test wants now."""
        if number := self.trouble(path):
            raise OSError(number, os.strerror(number))

    def _names(self) -> list[str]:
        return [*self._attributes, *self._links]


def _is_below(name: str, path: str) -> bool:
    return name.startswith(path.rstrip("/") + "/")


class _Operations:
    """What FUSE asks. Each open file has a number, under which the text that it shows is kept."""

    use_ns: Final = True  # of mfusepy: times are nanoseconds

    def __init__(self, files: FakeSysfs) -> None:
        self._files = files
        self._texts: dict[int, bytes] = {}
        self._numbers = count(1)

    def getattr(self, path: str, _number: int | None = None) -> dict[str, Any]:
        return {"st_mode": self._files.mode(path), "st_nlink": 1, "st_size": SIZE_BYTES}

    def readdir(self, path: str, _number: int) -> list[str]:
        return [".", "..", *sorted(self._files.names(path))]

    def readlink(self, path: str) -> str:
        return self._files.target(path)

    def open(self, path: str, flags: int) -> int:
        mode = self._files.mode(path)
        wanted = {os.O_RDONLY: 0o444, os.O_WRONLY: 0o200, os.O_RDWR: 0o644}[flags & os.O_ACCMODE]
        if mode & wanted != wanted:
            raise OSError(errno.EACCES, path)
        return next(self._numbers)

    def read(self, path: str, size: int, offset: int, number: int) -> bytes:
        if offset == 0:
            self._texts[number] = self._show(path)
        return self._texts.get(number, b"")[offset : offset + size]

    def write(self, path: str, data: bytes, _offset: int, _number: int) -> int:
        self._files.writes.append((path, data.decode()))
        self._files.check(path)
        store = self._files.find(path).store
        assert store is not None  # or it could not have been opened
        store(data.decode())
        return len(data)

    def ioctl(self, path: str, number: int, _argument: int, _info: Any, _flags: int, data: int) -> int:
        answer = self._files.answer(path, number & 0xFFFF_FFFF)
        ctypes.memmove(data, answer, len(answer))
        return 0

    def truncate(self, _path: str, _length: int, _number: int | None = None) -> int:
        return 0

    def release(self, _path: str, number: int) -> int:
        self._texts.pop(number, None)
        return 0

    def _show(self, path: str) -> bytes:
        self._files.reads[path] += 1
        self._files.check(path)
        show = self._files.find(path).show
        assert show is not None  # or it could not have been opened
        return show().encode()


_OPTIONS: Final = {"direct_io": True, "attr_timeout": 0, "entry_timeout": 0, "negative_timeout": 0}
"""The kernel shall keep nothing: files come, go and change as the test wants."""


@contextmanager
def mounted(root: Path) -> Iterator[FakeSysfs]:
    """Mount a file system on an empty directory; skips the test where that cannot be."""
    files = FakeSysfs()
    with served(_Operations(files), root, **_OPTIONS):
        yield files
