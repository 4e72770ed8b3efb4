"""A range of the past, and the forms in which its readings are printed."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

from console import words
from console.formats import comma_separated, json_lines
from console.output import Column, Output, stdout, tell
from protocol.readings import Reading

LATEST_MS: Final = 2**64 - 1  # no timestamp of the wire is later

Write: TypeAlias = Callable[[Output, Sequence[Reading]], None]


class Range(NamedTuple):
    """What is wanted of the past: the newest `limit` readings of a sensor within both bounds, in ms, inclusive."""

    codifier: str
    since_ms: float
    until_ms: float
    limit: int


def write_range(readings: Sequence[Reading], wanted: Range, write: Write, *, quiet: bool) -> None:
    """Print what there is of a range, and tell when there may be more."""
    write(stdout(), readings)
    if len(readings) == wanted.limit and not quiet:
        tell(f"these are the newest {wanted.limit} readings; --limit prints more")


def write_text(output: Output, readings: Sequence[Reading]) -> None:
    """Print a table."""
    rows = [[words.date_and_time(reading.timestamp_ms), words.reading(reading.value)] for reading in readings]
    output.table((Column("time"), Column("value", right=True)), rows)


def write_json(output: Output, readings: Sequence[Reading]) -> None:
    """Print one object a line, under the keys of docs/cli.md, "history"."""
    for reading in readings:
        output.write(json_lines.line(reading))


def write_csv(output: Output, readings: Sequence[Reading]) -> None:
    """Print comma-separated values, the time as ISO 8601 with the offset from UTC."""
    output.write(comma_separated.heading())
    for reading in readings:
        output.write(comma_separated.line(reading))
