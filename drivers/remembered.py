"""One number that survives a restart, in a file of the state directory."""

import logging
from binascii import crc32
from pathlib import Path
from typing import Final
from urllib.parse import quote

from config.whole_file import whole_file

log: Final = logging.getLogger("jph.driver")

# The file is one line: codifier, number, CRC-32 of these two as hexadecimal.
#
#     FK 80.0 3c2a91f0
_ENOUGH_BYTES: Final = 1024  # the longest line has 300 digits

SET: Final = "the value that was set is lost, the default is taken"
"""What is said of a damaged file whose number was set by a command."""


class RememberedNumber:
    """Keeps a number of one codifier. The file is whole or not there, whenever the power fails.

    `kind` is the end of the file's name; `loss` says in the log what a damaged file means.
    """

    def __init__(self, directory: Path, codifier: str, *, kind: str = "value", loss: str = SET) -> None:
        self._codifier = codifier
        self._loss = loss
        self._path = directory / f"{quote(codifier, safe='')}.{kind}"
        self._kept: int | float | None = None
        self._failing = False

    def recall(self) -> int | float | None:
        """Return the number, or None when none was kept. A damaged file is none as well, and is said in the log."""
        try:
            with self._path.open("rb") as file:
                line = file.read(_ENOUGH_BYTES)
            self._kept = self._unpacked(line)
        except FileNotFoundError:
            self._kept = None
        except (OSError, ValueError) as error:
            log.warning("%s: %s: %s", self._codifier, self._loss, error)
            self._kept = None
        return self._kept

    def remember(self, number: float) -> None:
        """Keep a number. When that fails the log says so, once; the number holds until the program ends."""
        if repr(number) == repr(self._kept):
            return  # flash memory wears out
        try:
            self._write(self._packed(number))
            self._kept, self._failing = number, False
        except OSError as error:
            if not self._failing:
                log.warning("%s: the value %s will not survive a restart: %s", self._codifier, number, error)
            self._failing = True

    def _write(self, line: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(self._path) as file:
            file.write(line)

    def _packed(self, number: float) -> bytes:
        said = f"{self._codifier} {number!r}".encode()
        return b"%s %08x\n" % (said, crc32(said))

    def _unpacked(self, line: bytes) -> int | float:
        said, _, _ = line.rpartition(b" ")
        codifier, _, number = said.decode(errors="replace").partition(" ")
        if line != b"%s %08x\n" % (said, crc32(said)) or codifier != self._codifier:
            raise ValueError(f"{self._path} is damaged")
        return _number(number)


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)
