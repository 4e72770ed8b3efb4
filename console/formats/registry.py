"""Every form in which readings are written to files and read again: adding one is a row here and a module beside it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePath
from typing import BinaryIO, Final, NamedTuple, Protocol

from console.formats import comma_separated, json_lines, parquet
from console.formats.comma_separated import Columns
from console.formats.lines import Found
from protocol.errors import JphError
from protocol.readings import Reading


class UnknownFormatError(JphError):
    """A file's name does not tell its format, or names none."""


class Writer(Protocol):
    """Writes readings to a file that somebody else opened."""

    def write(self, readings: Sequence[Reading]) -> None:
        """Write some readings; raises OSError."""

    def close(self) -> None:
        """Write what a file has to end with; the file itself stays open."""


class TextWriter:
    """Writes a line for each reading, as UTF-8."""

    def __init__(self, file: BinaryIO, line: Callable[[Reading], str], heading: str = "") -> None:
        self._file = file
        self._line = line
        self._write(heading)

    def write(self, readings: Sequence[Reading]) -> None:
        """Write some readings."""
        self._write("".join(map(self._line, readings)))

    def close(self) -> None:
        """Do nothing: lines have no end but their own."""

    def _write(self, text: str) -> None:
        self._file.write(text.encode())


class Format(NamedTuple):
    """How files of one kind end, are written and read. `is_text` tells that a terminal can show it."""

    endings: tuple[str, ...]
    writer: Callable[[BinaryIO], Writer]
    read: Callable[[BinaryIO, Columns], Iterator[Found]]
    is_text: bool = True


FORMATS: Final[dict[str, Format]] = {
    "csv": Format(
        (".csv",),
        lambda file: TextWriter(file, comma_separated.line, comma_separated.heading()),
        comma_separated.read,
    ),
    "jsonl": Format(
        (".jsonl", ".ndjson"),
        lambda file: TextWriter(file, json_lines.line),
        lambda file, _: json_lines.read(file),
    ),
    "parquet": Format((".parquet",), parquet.Writer, lambda file, _: parquet.read(file), is_text=False),
}


def format_of(path: str) -> str | None:
    """Return the format that a file's name ends with, None when it is that of none."""
    ending = PurePath(path).suffix.lower()
    return next((name for name, one in FORMATS.items() if ending in one.endings), None)


def chosen(asked: str | None, path: str) -> str:
    """Return the format that was asked for, else that of a file's name; raises UnknownFormatError."""
    name = asked or format_of(path)
    if name is None:
        endings = ", ".join(ending for one in FORMATS.values() for ending in one.endings)
        raise UnknownFormatError(f"{path} ends with none of {endings}", f"say --format {'|'.join(FORMATS)}")
    return name
