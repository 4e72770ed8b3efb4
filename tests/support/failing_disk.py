"""A disk on which single operations fail: a folder that is seen through FUSE, whose operations are noted."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.support.disks import names
from tests.support.fuse import served


class FailingDisk:
    """What is mounted: `operations` has those that change something, in their order, `errors` the errno of what fails.

    Their names are libfuse's: create, write, fsync, rename, unlink; fsyncdir is the fsync of a folder.
    """

    def __init__(self, behind: Path) -> None:
        self.behind = behind
        self.operations: list[str] = []
        self.errors: dict[str, int] = {}

    def begin(self, operation: str) -> None:
        """Note an operation; raises OSError when it is to fail."""
        self.operations.append(operation)
        if number := self.errors.get(operation):
            raise OSError(number, os.strerror(number))


class _Operations:
    """What FUSE asks; paths begin with /."""

    use_ns: Final = True  # of mfusepy: times are nanoseconds

    def __init__(self, disk: FailingDisk) -> None:
        self._disk = disk

    def _path(self, path: str) -> Path:
        return self._disk.behind / path.removeprefix("/")

    def getattr(self, path: str, _number: int | None = None) -> dict[str, Any]:
        found = self._path(path).lstat()
        return {name: getattr(found, name) for name in ("st_mode", "st_nlink", "st_size", "st_uid", "st_gid")}

    def readdir(self, path: str, _number: int) -> list[str]:
        return [".", "..", *names(self._path(path))]

    def create(self, path: str, mode: int) -> int:
        self._disk.begin("create")
        return os.open(self._path(path), os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)

    def open(self, path: str, flags: int) -> int:
        return os.open(self._path(path), flags)

    def read(self, _path: str, size: int, offset: int, number: int) -> bytes:
        return os.pread(number, size, offset)

    def write(self, _path: str, data: bytes, offset: int, number: int) -> int:
        self._disk.begin("write")
        return os.pwrite(number, data, offset)

    def fsync(self, _path: str, _datasync: int, number: int) -> int:
        self._disk.begin("fsync")
        os.fsync(number)
        return 0

    def release(self, _path: str, number: int) -> int:
        os.close(number)
        return 0

    def rename(self, old: str, new: str) -> int:
        self._disk.begin("rename")
        self._path(old).rename(self._path(new))
        return 0

    def unlink(self, path: str) -> int:
        self._disk.begin("unlink")
        self._path(path).unlink()
        return 0

    def fsyncdir(self, _path: str, _datasync: int, _number: int) -> int:
        self._disk.begin("fsyncdir")
        return 0


_OPTIONS: Final = {"direct_io": True, "attr_timeout": 0, "entry_timeout": 0, "negative_timeout": 0}
"""The kernel shall keep nothing and hand everything on at once."""


@contextmanager
def mounted(place: Path, behind: Path) -> Iterator[FailingDisk]:
    """Mount on an empty directory what lies in another one; skips the test where that cannot be."""
    disk = FailingDisk(behind)
    with served(_Operations(disk), place, **_OPTIONS):
        yield disk
