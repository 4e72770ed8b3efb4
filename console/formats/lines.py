"""The lines of a text file, each by itself: what is wrong with one is told of that one, and the others are read."""

from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple, TypeAlias

from protocol.errors import JphError
from protocol.readings import Reading
from storage.judging import refusal

LONGEST_LINE: Final = 2**20  # bytes, far more than a reading needs: a file without line ends fills no memory


class FormError(JphError):
    """A file as a whole is not of the form that it should have."""


class Line(NamedTuple):
    """The text of a line without its end, and its number, from 1; `has_end` is False for one that may be cut off."""

    number: int
    text: str
    has_end: bool


class BadLine(NamedTuple):
    """Why a line, or a row, is no reading."""

    number: int
    reason: str


Found: TypeAlias = Reading | BadLine


def lines_of(file: BinaryIO) -> Iterator[Line | BadLine]:
    """Go through the lines that are not empty; raises OSError."""
    number = 0
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            _skip_the_rest(file)
            yield BadLine(number, f"longer than {LONGEST_LINE} bytes")
        elif text := line.rstrip(b"\r\n"):
            yield _decoded(number, text, has_end=line.endswith(b"\n"))


def checked(number: int, reading: Reading) -> Found:
    """Return a reading that stores take, or say why they take none of that kind."""
    reason = refusal(reading)
    return reading if reason is None else BadLine(number, reason)


def _skip_the_rest(file: BinaryIO) -> None:
    while (part := file.readline(LONGEST_LINE)) and not part.endswith(b"\n"):
        pass


def _decoded(number: int, line: bytes, *, has_end: bool) -> Line | BadLine:
    try:
        return Line(number, line.decode("utf-8-sig" if number == 1 else "utf-8"), has_end)
    except UnicodeDecodeError as error:
        return BadLine(number, f"no UTF-8 from byte {error.start + 1} on")
