"""The commands that a node took, so that none is taken again after a restart (docs/protocol.md, "Freshness")."""

import logging
import os
from binascii import crc32
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

from agent.threads import DaemonThreads
from config.whole_file import whole_file
from protocol.commands import MAX_REMEMBERED
from protocol.frames import ControlFrame
from protocol.freshness import Stamp

log: Final = logging.getLogger("jph.node")

# One line for each command: source, sequence, timestamp in ms, CRC-32 of these as hexadecimal. An empty line stands
# before each, so that one which a power cut tore spoils no other.
#
#     CK 12345 1795000000000 3c2a91f0
_ENOUGH_BYTES: Final = 2**20


class Accepted(NamedTuple):
    """A command that was taken, as it is known again."""

    source: str
    sequence: int
    timestamp_ms: int


class AcceptedCommands:
    """Keeps the last commands of one node, in a file to which each is added before it is carried out.

    Blocking: used from one thread at a time. What cannot be kept is said in the log, once.
    """

    def __init__(self, directory: Path, codifier: str) -> None:
        self._codifier = codifier
        self._path = directory / f"{quote(codifier, safe='')}.commands"
        self._kept: deque[Accepted] = deque(maxlen=MAX_REMEMBERED)
        self._lines = 0
        self._failing = False

    def load(self) -> list[Accepted]:
        """Return the commands that were taken before, oldest first; lines that are damaged are left out."""
        try:
            with self._path.open("rb") as file:
                lines = [line for line in file.read(_ENOUGH_BYTES).splitlines() if line]
        except FileNotFoundError:
            lines = []
        except OSError as error:
            log.error("%s: the commands of before are not known: %s", self._codifier, error)
            lines = []
        self._kept.extend(found for found in map(_read, lines) if found is not None)
        self._lines = len(lines)
        return list(self._kept)

    def note(self, command: ControlFrame) -> None:
        """Add a command, and wait until it is on the disk."""
        accepted = Accepted(command.source, command.sequence, command.timestamp_ms)
        self._kept.append(accepted)
        try:
            if self._lines < 2 * MAX_REMEMBERED:
                self._append(accepted)
            else:
                self._write_anew()
            self._failing = False
        except OSError as error:
            if not self._failing:
                log.error("%s: commands that are taken now could be played again later: %s", self._codifier, error)
            self._failing = True

    def _append(self, accepted: Accepted) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(_line(accepted))
            file.flush()
            os.fsync(file.fileno())
        self._lines += 1

    def _write_anew(self) -> None:
        with whole_file(self._path) as file:
            file.writelines(map(_line, self._kept))
        self._lines = len(self._kept)


class Journal:
    """The same off the event loop: `note` is awaited before a command is carried out."""

    def __init__(self, directory: Path, codifier: str) -> None:
        self._accepted = AcceptedCommands(directory, codifier)
        self._thread = DaemonThreads(f"commands {codifier}", limit=1)

    async def load(self) -> list[Accepted]:
        """Return the commands that were taken before, oldest first."""
        return await self._thread.call(self._accepted.load)

    async def note(self, command: ControlFrame) -> None:
        """Add a command, and wait until it is on the disk."""
        await self._thread.call(lambda: self._accepted.note(command))

    def close(self) -> None:
        """Let the thread end; closing twice is harmless."""
        self._thread.close()


def stamps(accepted: Iterable[Accepted]) -> Mapping[str, Stamp]:
    """Return the last stamp of each source."""
    found: dict[str, Stamp] = {}
    for one in accepted:
        stamp = Stamp(one.timestamp_ms, one.sequence)
        found[one.source] = max(stamp, found.get(one.source, stamp))
    return found


def _line(accepted: Accepted) -> bytes:
    text = f"{accepted.source} {accepted.sequence} {accepted.timestamp_ms}".encode("ascii")
    return b"\n%b %08x\n" % (text, crc32(text))


def _read(line: bytes) -> Accepted | None:
    text, _, checksum = line.rpartition(b" ")
    if checksum != b"%08x" % crc32(text):
        return None
    source, sequence, timestamp_ms = text.decode("ascii").split(" ")
    return Accepted(source, int(sequence), int(timestamp_ms))
