"""What the commands write: tables and lines for people, JSON for programs. Data goes to stdout, all else to stderr."""

import io
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple, TypeAlias, cast

from console.words import visible
from protocol.errors import JphError

if TYPE_CHECKING:
    from rich.console import Console

Span: TypeAlias = str | tuple[str, str]
"""Text, or (text, style): a style as rich names it, such as "bold red". What is not printable is shown escaped."""

QUIET_HELP: Final = "Tell nothing beside the data but what went wrong."

GAP: Final = "  "  # between two columns

STATUS_STYLES: Final = {
    "ok": "green",
    "warning": "yellow",
    "critical": "bold red",
    "stale": "magenta",
    "halted": "cyan",
    "gone": "bold magenta",
    "unheard": "dim",
    "alive": "green",
}


class Column(NamedTuple):
    """A column of a table: its heading, and whether its cells end at the same place instead of beginning there."""

    heading: str
    right: bool = False


class OutputError(JphError):
    """What was to be written to standard output did not get there."""


class Output:
    """One of the two streams. Colours only where a terminal shows them and nobody forbade them (NO_COLOR)."""

    def __init__(self, stream: IO[str], environment: Mapping[str, str] = os.environ) -> None:
        self.stream = stream
        self.is_terminal = stream.isatty()
        self.coloured = self.is_terminal and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
        self._console: Console | None = None

    def line(self, *spans: Span) -> None:
        """Write one line."""
        if self.coloured:
            self._paint([_styled(span) for span in spans])
        else:
            self.write("".join(map(plain, spans)) + "\n")

    def json(self, document: Mapping[str, object]) -> None:
        """Write one object on one line."""
        self.write(json_line(document) + "\n")

    def write(self, text: str) -> None:
        """Write text as it is; raises OutputError."""
        with _explained():
            self.stream.write(text)

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[Span]]) -> int:
        """Write a table, the most important columns first; return how many had no room on this terminal."""
        headings: list[Span] = [(column.heading, "bold") for column in columns]
        whole = [headings, *rows]
        widths = [max(map(_width, cells)) for cells in zip(*whole, strict=True)]
        shown = _fitting(widths, shutil.get_terminal_size().columns) if self.is_terminal else len(columns)
        for row in whole:
            self.line(*_padded(columns[:shown], row, widths))
        return len(columns) - shown

    def flush(self) -> None:
        """Hand on what was written so far; raises OutputError."""
        with _explained():
            self.stream.flush()

    def binary(self) -> BinaryIO:
        """Return the stream for bytes; what is written to it raises OutputError."""
        return cast(BinaryIO, _Bytes(self.stream))

    def _paint(self, spans: Sequence[tuple[str, str]]) -> None:
        from rich.console import Console  # noqa: PLC0415 - 40 ms that only a terminal with colours needs
        from rich.text import Text  # noqa: PLC0415 - the same

        if self._console is None:
            self._console = Console(file=self.stream, markup=False, highlight=False, emoji=False)
        self._console.print(Text.assemble(*spans), soft_wrap=True)


class _Bytes(io.RawIOBase):
    """The bytes of a stream, which stays open."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def write(self, content: Any) -> int:
        """Write bytes as they are, and hand them on; raises OutputError."""
        with _explained():
            self._stream.flush()
            self._stream.buffer.write(content)  # type: ignore[attr-defined] # a text stream has one
            self._stream.flush()
        return len(content)


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what the system says of a write into an OutputError; that nobody reads any more stays what it is."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"the output cannot be written: {error.strerror}", "write it elsewhere") from error


def stdout() -> Output:
    """Return the stream for data."""
    return Output(sys.stdout)


def at_terminal() -> bool:
    """Tell whether a person sits before this program: it can show a screen and read keys."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def json_line(document: Mapping[str, object] | str) -> str:
    """Write an object or a text as one line of JSON in which every character is printable.

    What is no finite number becomes null.
    """
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    except ValueError:  # 1e999 is good JSON and infinite in Python
        finite = json.loads(json.dumps(document), parse_constant=lambda _: None)
        text = json.dumps(finite, ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else json.dumps(character)[1:-1] for character in text)


def tell(message: str) -> None:
    r"""Write a remark for the operator to stderr, each line by itself; only `\n` ends one."""
    for line in message.rstrip("\n").split("\n"):
        sys.stderr.write(f"jph: {visible(line)}\n")
    sys.stderr.flush()


def status_span(status: str) -> Span:
    """Return a status word in its colour."""
    return status, STATUS_STYLES.get(status, "")


def plain(span: Span) -> str:
    """Return the text of a span as it may be shown on any terminal."""
    return visible(span if isinstance(span, str) else span[0])


def _styled(span: Span) -> tuple[str, str]:
    return plain(span), "" if isinstance(span, str) else span[1]


def _width(span: Span) -> int:
    from rich.cells import cell_len  # noqa: PLC0415 - what only JSON is asked for does without rich

    return cell_len(plain(span))


def _fitting(widths: Sequence[int], room: int) -> int:
    """Count the columns that fit into `room`, the first one always."""
    used = widths[0]
    for shown, width in enumerate(widths[1:], start=1):
        used += len(GAP) + width
        if used > room:
            return shown
    return len(widths)


def _padded(columns: Sequence[Column], row: Sequence[Span], widths: Sequence[int]) -> list[Span]:
    """Pad the cells of a row to the columns' widths; nothing follows the last cell."""
    spans: list[Span] = []
    for column, cell, width in zip(columns, row, widths, strict=False):
        padding = " " * (width - _width(cell))
        spans += [padding, cell, GAP] if column.right else [cell, padding + GAP]
    return spans[:-1]
