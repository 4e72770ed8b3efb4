"""Readings as JSON, one object a line (docs/cli.md, "jph export")."""

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from console.formats.lines import BadLine, Found, Line, checked, lines_of
from console.output import json_line
from protocol import documents, sequences
from protocol.readings import Attributes, Reading, Value

DEEPEST: Final = documents.MAX_DEPTH + 1  # attributes are one object deeper here than on the wire


def line(reading: Reading) -> str:
    """Write a reading, under the keys of docs/cli.md, "history"."""
    document = reading._asdict()
    if reading.attributes is None:
        del document["attributes"]
    return json_line(document) + "\n"


def read(file: BinaryIO) -> Iterator[Found]:
    """Go through the readings of a file; raises OSError."""
    return (one if isinstance(one, BadLine) else _found(one) for one in lines_of(file))


def _found(line: Line) -> Found:
    try:
        document = documents.parse(line.text, DEEPEST)
        return checked(line.number, _reading(document))
    except ValueError as error:
        return BadLine(line.number, str(error))


def _reading(document: dict[str, Any]) -> Reading:
    return Reading(
        _text(document, "codifier"),
        timestamp_ms := _integer(document, "timestamp_ms"),
        _integer(document, "sequence") if "sequence" in document else sequences.of_time(timestamp_ms),
        _value(document),
        _attributes(document),
    )


def _text(document: dict[str, Any], key: str) -> str:
    found = document.get(key)
    if not isinstance(found, str):
        raise ValueError(f"no text as {key!r}")  # noqa: TRY004 - one kind of error for all that a line can lack
    return found


def _integer(document: dict[str, Any], key: str) -> int:
    found = document.get(key)
    if not isinstance(found, int) or isinstance(found, bool):
        raise ValueError(f"no whole number as {key!r}")  # noqa: TRY004 - the same
    return found


def _value(document: dict[str, Any]) -> Value:
    found = document.get("value")
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        raise ValueError("no number or text as 'value'")  # noqa: TRY004 - the same
    return found


def _attributes(document: dict[str, Any]) -> Attributes | None:
    found = document.get("attributes")
    if found is not None and not isinstance(found, dict):
        raise ValueError("no object as 'attributes'")
    return found
