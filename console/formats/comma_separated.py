"""Readings as comma-separated values (docs/cli.md, "jph export"), and what other programs write in that form.

The cell `type` says how the cell of the value is to be read, so that 22, 22.0 and the text 22 stay three things:

    int     whole number
    float   the shortest decimal of exactly this float
    text    text, all of whose characters are printable
    json    text as a JSON string, because some of its characters are not
"""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, Final, NamedTuple

from console import words
from console.formats.lines import BadLine, FormError, Found, Line, checked, lines_of
from console.output import json_line
from console.words import visible
from protocol import documents, sequences
from protocol.readings import Attributes, Reading, Value

HEADINGS: Final = ("time", "timestamp_ms", "codifier", "sequence", "value", "type", "attributes")

TIMES: Final = ("timestamp_ms", "timestamp", "time")  # the first that a heading has is the time
DELIMITERS: Final = ",;\t"  # the one that is most often in the heading
DECIMAL_COMMA: Final = ";"  # programs write this between cells where a comma stands in numbers

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_INTEGER: Final = re.compile(r"[-+]?\d+", re.ASCII)
_FLOAT: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_NOTHING: Final = frozenset({"", "nan", "inf", "-inf", "infinity", "-infinity", "null", "none", "n/a"})


class NoColumnError(FormError):
    """A column that is needed, or was named, is not in the file."""


class Columns(NamedTuple):
    """What the operator says of a file: the names of columns, or the one sensor that the whole file is of."""

    time: str | None = None
    codifier: str | None = None
    value: str | None = None
    sensor: str | None = None


class _Places(NamedTuple):
    """Where a line has what: indices of its cells, None for what it has not. `cells` is how many there are."""

    cells: int
    delimiter: str
    time: int
    value: int
    codifier: int | None
    sequence: int | None
    type: int | None
    attributes: int | None


class _Echo:
    """What csv writes into to get its text back."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text


_WRITER: Final = csv.writer(_Echo(), lineterminator="\n")


def heading() -> str:
    """Write the line of headings."""
    return str(_WRITER.writerow(HEADINGS))


def line(reading: Reading) -> str:
    """Write a reading; its time is local, as ISO 8601 with the offset from UTC."""
    codifier, timestamp_ms, sequence, value, attributes = reading
    kind, text = _written(value)
    more = "" if attributes is None else json_line(attributes)
    time = words.iso_time(timestamp_ms)
    return str(_WRITER.writerow((time, timestamp_ms, codifier, sequence, text, kind, more)))


def read(file: BinaryIO, columns: Columns) -> Iterator[Found]:
    """Go through the readings of a file; raises OSError, and NoColumnError when its heading does not tell enough."""
    lines = lines_of(file)
    first = next(lines, None)
    if first is None:
        return
    if isinstance(first, BadLine):
        raise _no_heading(first.reason)
    places = _places(first.text, columns)
    for one in lines:
        yield one if isinstance(one, BadLine) else _found(one, places, columns.sensor)


def _written(value: Value) -> tuple[str, str]:
    if isinstance(value, float):
        return "float", repr(value)
    if isinstance(value, int):
        return "int", str(int(value))
    return ("text", value) if value.isprintable() else ("json", json_line(value))


def _places(text: str, columns: Columns) -> _Places:
    delimiter = max(DELIMITERS, key=text.count)
    try:
        names = [name.strip() for name in _split(text, delimiter)]
    except ValueError as error:
        raise _no_heading(str(error)) from error
    at = {name.lower(): place for place, name in reversed(list(enumerate(names)))}
    time = next((name for name in TIMES if name in at), TIMES[-1])
    return _Places(
        cells=len(names),
        delimiter=delimiter,
        time=_place(at, "time", columns.time or time),
        value=_place(at, "value", columns.value or "value"),
        codifier=None if columns.sensor else _place(at, "codifier", columns.codifier or "codifier"),
        sequence=at.get("sequence"),
        type=None if columns.value else at.get("type"),
        attributes=at.get("attributes"),
    )


def _no_heading(reason: str) -> NoColumnError:
    return NoColumnError(f"the heading cannot be read: {reason}", "the first line names the columns")


def _place(at: Mapping[str, int], meaning: str, name: str) -> int:
    place = at.get(name.strip().lower())
    if place is None:
        known = ", ".join(visible(one) for one in reversed(list(at))) or "none"
        raise NoColumnError(f"there is no column {name!r}; there are: {known}", _ADVICE[meaning])
    return place


_ADVICE: Final = {
    "time": "name the column of the time with --time-column",
    "value": "name the column of the value with --value-column",
    "codifier": "name the column of the sensor with --codifier-column, or the sensor with --codifier",
}


def _found(line: Line, places: _Places, sensor: str | None) -> Found:
    try:
        return checked(line.number, _reading(_cells(line, places), places, sensor))
    except ValueError as error:
        return BadLine(line.number, str(error))


def _cells(line: Line, places: _Places) -> list[str]:
    cells = _split(line.text, places.delimiter)
    if len(cells) != places.cells:
        raise ValueError(f"{len(cells)} cells where the heading has {places.cells}")
    if not line.has_end and places.attributes == places.cells - 1:  # which may be empty, or cut off
        raise ValueError("the line has no end: the file was cut off")
    return cells


def _split(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise ValueError(str(error)) from error


def _reading(cells: Sequence[str], places: _Places, sensor: str | None) -> Reading:
    timestamp_ms = _timestamp_ms(cells[places.time])
    numbered = _cell(cells, places.sequence)
    attributes = _cell(cells, places.attributes)
    return Reading(
        sensor or _cell(cells, places.codifier),
        timestamp_ms,
        _integer(numbered) if numbered else sequences.of_time(timestamp_ms),
        _value(_cell(cells, places.type), cells[places.value], places.delimiter),
        _attributes(attributes) if attributes else None,
    )


def _cell(cells: Sequence[str], place: int | None) -> str:
    return "" if place is None else cells[place]


def _timestamp_ms(text: str) -> int:
    """Read milliseconds since 1970, or ISO 8601: without an offset from UTC it is local time."""
    if _INTEGER.fullmatch(text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment.astimezone(UTC) - _EPOCH) // _MS
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time: neither ISO 8601 nor whole milliseconds") from None


def _value(kind: str, text: str, delimiter: str) -> Value:
    if not kind:
        return _guessed(text.strip(), delimiter)
    if kind not in _VALUES:
        raise ValueError(f"{kind!r} is no type: {', '.join(_VALUES)}")
    value: Value = _VALUES[kind](text)
    return value


def _guessed(text: str, delimiter: str) -> Value:
    """Read what another program wrote: a whole number, a number, else text."""
    if text.lower() in _NOTHING:
        raise ValueError(f"{text!r} is no value")
    number = text.replace(",", ".") if delimiter == DECIMAL_COMMA else text
    if _INTEGER.fullmatch(number):
        return int(number)
    return float(number) if _FLOAT.fullmatch(number) else text


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"{text!r} is no whole number")
    return int(text)


def _float(text: str) -> float:
    if not _FLOAT.fullmatch(text):
        raise ValueError(f"{text!r} is no number")
    return float(text)


def _text_of_json(text: str) -> str:
    found = json.loads(text)
    if not isinstance(found, str):
        raise ValueError(f"{text!r} is no text as JSON")  # noqa: TRY004 - one kind of error for all
    return found


def _attributes(text: str) -> Attributes:
    return documents.parse(text)


_VALUES: Final[Mapping[str, Callable[[str], Any]]] = {
    "int": _integer,
    "float": _float,
    "text": str,
    "json": _text_of_json,
}
