"""What was sent, on disk, so that the rings of an agent survive a restart (docs/configuration.md, "spool").

A spool is a folder with two files that take turns. Each holds batches:

    offset  size  field
    0       4     length of the payload, u32 little-endian
    4       4     CRC-32 of the payload
    8       ...   payload, zlib-compressed: datagrams, each behind its length as u16

A power cut damages at most the batch that was being written, the last one of the newer file. Which one that is their
times of modification tell, which are kept in order also by a clock that goes back, as that of a Pi without one does.
"""

import errno
import fcntl
import logging
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from io import BufferedWriter, FileIO
from pathlib import Path
from typing import Final

from protocol.errors import JphError
from protocol.troubles import Trouble

log: Final = logging.getLogger("jph.spool")

NAMES: Final = ("readings-a.spool", "readings-b.spool")
LOCK: Final = "lock"
MAX_BATCH_BYTES: Final = 16 * 2**20  # uncompressed: what a minute of 8,000 readings a second takes

COARSEST_NS: Final = 2 * 10**9  # what the times of files are rounded to, on FAT

_BATCH: Final = struct.Struct("<II")
_LENGTH: Final = struct.Struct("<H")

_FOLDER: Final = "see that the folder of `spool` is there, and its owner and mode"
_TROUBLES: Final = {errno.ENOSPC: Trouble.SPOOL_FULL, errno.EDQUOT: Trouble.SPOOL_FULL}


class SpoolError(JphError):
    """The spool cannot be read or written; `trouble` is what everybody is told."""

    def __init__(self, message: str, hint: str = "", trouble: Trouble = Trouble.SPOOL_UNUSABLE) -> None:
        super().__init__(message, hint)
        self.trouble = trouble


class Spool:
    """Keeps datagrams in batches, at most about `max_bytes` on disk. Blocking: used from one thread at a time.

    `written_bytes` and `batches` count what went to the disk; `is_torn` tells, after `load`, that something is missing
    in the midst or at the end, and how far the numbers went is not known.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self.written_bytes = 0
        self.batches = 0
        self.is_torn = False
        self._current = 0
        self._largest_bytes = 0  # of the batches that were read
        self._lock: BufferedWriter | None = None

    def load(self) -> Iterator[bytes]:
        """Go through all datagrams that are kept, oldest first; raises SpoolError.

        What is damaged is set aside and said, never fatal. From now on no other process can use the folder.
        """
        try:
            self._seize()
            files = sorted((path for path in self._paths() if path.exists()), key=_age)
            self._current = NAMES.index(files[-1].name) if files else 0
            for path in files:
                yield from self._read(path, is_newest=path is files[-1])
        except OSError as error:
            raise SpoolError(f"the spool {self.folder} cannot be read: {error.strerror}", _FOLDER) from error

    def append(self, datagrams: Iterable[bytes]) -> None:
        """Write a batch and wait until it is on the disk; raises SpoolError, and then nothing was kept of it."""
        batch = _pack(datagrams)
        path = self._paths()[self._current]
        try:
            if path.exists() and path.stat().st_size + len(batch) > self.max_bytes // 2:
                path = self._turn()
            _append(path, batch, self._paths()[1 - self._current])
        except OSError as error:
            message = f"the spool {path} cannot be written: {error.strerror}"
            trouble = _TROUBLES.get(error.errno or 0, Trouble.SPOOL_UNUSABLE)
            advice = "make room on the disk" if trouble is Trouble.SPOOL_FULL else _FOLDER
            raise SpoolError(message, advice, trouble) from error
        self.written_bytes += len(batch)
        self.batches += 1

    def close(self) -> None:
        """Let go of the folder; closing twice is harmless."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _seize(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / LOCK).open("wb")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise SpoolError(f"the spool {self.folder} is used by another program", "run each node once") from error

    def _paths(self) -> tuple[Path, ...]:
        return tuple(self.folder / name for name in NAMES)

    def _turn(self) -> Path:
        """Begin the other file anew: what it held is older than all that is to be kept."""
        self._current = 1 - self._current
        path = self._paths()[self._current]
        path.unlink(missing_ok=True)
        return path

    def _read(self, path: Path, *, is_newest: bool) -> Iterator[bytes]:
        content = path.read_bytes()
        offset = whole_bytes = 0
        while (size := _whole(content, offset)) is not None:
            datagrams = _unpack(content[offset + _BATCH.size : offset + size])
            yield from datagrams
            self._largest_bytes = max(self._largest_bytes, size)
            offset = whole_bytes = offset + size
        if whole_bytes < len(content):
            # A batch that a power cut tore is hardly larger than those before it; anything else is another damage.
            self.is_torn |= not is_newest or len(content) - whole_bytes > 2 * self._largest_bytes
            _mend(path, content, whole_bytes)


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns


def _mend(path: Path, content: bytes, end: int) -> None:
    """Keep what is whole, and set the rest aside."""
    aside = path.with_suffix(".damaged")
    aside.write_bytes(content[end:])
    os.truncate(path, end)
    log.warning("%s: %d bytes at its end are damaged; they are in %s", path, len(content) - end, aside)


def _append(path: Path, batch: bytes, older: Path) -> None:
    before = path.stat().st_size if path.exists() else 0
    # Unbuffered: what a full disk did not take would else be tried again when the file is closed.
    with path.open("ab", buffering=0) as file:
        try:
            _write_whole(file, batch)
            _make_newer(path, older)
            os.fsync(file.fileno())
        except OSError:
            file.truncate(before)
            raise


def _make_newer(path: Path, older: Path) -> None:
    """Let the time of modification of a file be later than that of another one."""
    if older.exists() and _age(path) <= (age_ns := _age(older)):
        os.utime(path, ns=(age_ns, age_ns + COARSEST_NS))


def _write_whole(file: FileIO, batch: bytes) -> None:
    if file.write(batch) != len(batch):  # a disk that is nearly full takes a part
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _pack(datagrams: Iterable[bytes]) -> bytes:
    payload = zlib.compress(b"".join(_LENGTH.pack(len(datagram)) + datagram for datagram in datagrams))
    return _BATCH.pack(len(payload), zlib.crc32(payload)) + payload


def _whole(content: bytes, offset: int) -> int | None:
    """Return the size of the batch at this offset, None when there is no whole one."""
    if len(content) - offset < _BATCH.size:
        return None
    length, checksum = _BATCH.unpack_from(content, offset)
    payload = content[offset + _BATCH.size : offset + _BATCH.size + length]
    return _BATCH.size + length if len(payload) == length and zlib.crc32(payload) == checksum else None


def _unpack(payload: bytes) -> list[bytes]:
    batch = zlib.decompressobj().decompress(payload, MAX_BATCH_BYTES)
    datagrams, offset = [], 0
    while offset + _LENGTH.size <= len(batch):
        (length,) = _LENGTH.unpack_from(batch, offset)
        datagrams.append(batch[offset + _LENGTH.size : offset + _LENGTH.size + length])
        offset += _LENGTH.size + length
    return datagrams
