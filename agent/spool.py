"""What was sent, on disk: the rings of an agent survive a restart (docs/operations.md, "The spool").

A spool is a folder with two files that take turns. Each holds batches:

    offset  size  field
    0       4     length of the payload, u32 little-endian
    4       4     CRC-32 of the payload
    8       ...   payload, zlib-compressed: datagrams, each behind its length as u16

A power cut loses at most the batch that was being written: reading stops at the first one that does not fit its
checksum.
"""

import logging
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from protocol.errors import JphError

log: Final = logging.getLogger("jph.spool")

NAMES: Final = ("readings-a.spool", "readings-b.spool")
_BATCH: Final = struct.Struct("<II")
_LENGTH: Final = struct.Struct("<H")
MAX_BATCH_BYTES: Final = 16 * 2**20  # uncompressed; a length beyond it is damage, not a batch


class SpoolError(JphError):
    """The spool cannot be written."""


class Spool:
    """Keeps datagrams in batches, at most about `max_bytes` on disk. Blocking: used from a thread.

    `written_bytes` counts what went to the disk since the start.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self.written_bytes = 0
        self._current = 0

    def load(self) -> list[bytes]:
        """Return all datagrams that are kept, oldest first. A damaged file is set aside and said, never fatal."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            files = sorted((path for path in self._paths() if path.exists()), key=_age)
            self._current = NAMES.index(files[-1].name) if files else 0
            return [datagram for path in files for datagram in self._read(path)]
        except OSError as error:
            raise SpoolError(f"the spool {self.folder} cannot be read: {error.strerror}", "see `spool:`") from error

    def append(self, datagrams: Iterable[bytes]) -> None:
        """Write a batch, and wait until it is on the disk; raises SpoolError, and then nothing was kept of it."""
        batch = _pack(datagrams)
        path = self._paths()[self._current]
        try:
            if path.exists() and path.stat().st_size + len(batch) > self.max_bytes // 2:
                path = self._turn()
            _append(path, batch)
        except OSError as error:
            raise SpoolError(f"the spool {path} cannot be written: {error.strerror}", "make room on the disk") from error
        self.written_bytes += len(batch)

    def _paths(self) -> tuple[Path, ...]:
        return tuple(self.folder / name for name in NAMES)

    def _turn(self) -> Path:
        """Begin the other file anew: what it held is older than all that is to be kept."""
        self._current = 1 - self._current
        path = self._paths()[self._current]
        path.unlink(missing_ok=True)
        return path

    def _read(self, path: Path) -> list[bytes]:
        content = path.read_bytes()
        datagrams, end = [], 0
        for batch, end in _batches(content):
            datagrams += _unpack(batch)
        if end < len(content):
            self._mend(path, content, end)
        return datagrams

    def _mend(self, path: Path, content: bytes, end: int) -> None:
        """Keep what is whole, and set the rest aside."""
        aside = path.with_suffix(".damaged")
        aside.write_bytes(content[end:])
        with path.open("r+b") as file:
            file.truncate(end)
        log.warning("%s: %d bytes at its end are damaged; they are in %s", path, len(content) - end, aside)


def _age(path: Path) -> int:
    return path.stat().st_mtime_ns


def _append(path: Path, batch: bytes) -> None:
    before = path.stat().st_size if path.exists() else 0
    with path.open("ab") as file:
        try:
            file.write(batch)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            file.truncate(before)
            raise


def _pack(datagrams: Iterable[bytes]) -> bytes:
    payload = zlib.compress(b"".join(_LENGTH.pack(len(datagram)) + datagram for datagram in datagrams))
    return _BATCH.pack(len(payload), zlib.crc32(payload)) + payload


def _batches(content: bytes) -> Iterator[tuple[bytes, int]]:
    """Go through the whole batches as (uncompressed payload, offset of what follows)."""
    offset = 0
    while len(content) - offset >= _BATCH.size:
        length, checksum = _BATCH.unpack_from(content, offset)
        payload = content[offset + _BATCH.size : offset + _BATCH.size + length]
        if len(payload) != length or zlib.crc32(payload) != checksum:
            return
        offset += _BATCH.size + length
        yield zlib.decompressobj().decompress(payload, MAX_BATCH_BYTES), offset


def _unpack(batch: bytes) -> Iterator[bytes]:
    offset = 0
    while offset + _LENGTH.size <= len(batch):
        (length,) = _LENGTH.unpack_from(batch, offset)
        yield batch[offset + _LENGTH.size : offset + _LENGTH.size + length]
        offset += _LENGTH.size + length
