import csv
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from agent.clock import SystemClock
from agent.configuration import load_configuration
from config.durations import NotReadableError, parse_duration
from config.model import Configuration
from console import words
from console.commands.options import ConfigOption, JsonOption, complete_codifier, one_codifier
from console.output import Column, Output, stdout, tell
from console.seat import find_configuration
from console.words import visible
from protocol.errors import JphError
from protocol.readings import Reading
from storage.sqlite import SqliteOptions, open_for_reading
from storage.store import History

USUAL_SINCE_S: Final = 3600.0
USUAL_LIMIT: Final = 10_000
LATEST_MS: Final = 2**64 - 1  # no timestamp of the wire is later

CSV_HEADINGS: Final = ("time", "timestamp_ms", "codifier", "sequence", "value")


class NoHistoryError(JphError):
    """There is no place from which readings of the past could be had."""


def moment(text: str) -> float:
    """Read a moment: how long ago (1h), or a local date with or without a time; returned in ms since 1970 UTC."""
    try:
        return SystemClock().now().wall_ms - parse_duration(text) * 1000
    except NotReadableError:
        return _date(text)


def history(
    sensor: Annotated[
        str,
        typer.Argument(metavar="CODIFIER", parser=one_codifier, autocompletion=complete_codifier, help="Which sensor."),
    ],
    *,
    since: Annotated[
        float | None,
        typer.Option(
            metavar="WHEN", parser=moment, help="From then on: 1h, 7d, 2026-07-28, '2026-07-28 12:00'; else 1h."
        ),
    ] = None,
    until: Annotated[
        float | None, typer.Option(metavar="WHEN", parser=moment, help="Up to then; else up to now.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = USUAL_LIMIT,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print comma-separated values with a line of headings.")
    ] = False,
    database: Annotated[
        str | None, typer.Option(metavar="FILE", help="The file of an SQLite node; else the configuration's.")
    ] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
) -> int:
    """Read the file that a node with `driver: sqlite` writes on this computer. Fail (exit code 1) when it has none.

    Times are those of the sensors' clocks, printed as local time.
    """
    if as_csv and json:
        raise typer.BadParameter("--json is another form: take one of them", param_hint="--csv")
    since_ms = moment(f"{USUAL_SINCE_S}s") if since is None else since
    with closing(open_for_reading(database or database_of(find_configuration(config, load_configuration)[0]))) as store:
        readings = store.history(sensor, int(since_ms), LATEST_MS if until is None else int(until), limit)
        write = write_csv if as_csv else write_json if json else write_text
        write(stdout(), readings)
        return conclude(store, sensor, readings, limit)


def database_of(configuration: Configuration) -> str:
    """Return the file of the configuration's SQLite node, of several that of the first whose file is here."""
    stores = [node.options for node in configuration.nodes.values() if isinstance(node.options, SqliteOptions)]
    if not stores:
        lack = "has no node that stores readings" if configuration.source else "there is no configuration"
        raise NoHistoryError(
            f"{configuration.source} {lack}".lstrip(),
            "give it one with `driver: sqlite`, or name a file with --database",
        )
    paths = [store.path for store in stores]
    return next((path for path in paths if Path(path).expanduser().exists()), paths[0])


def write_text(output: Output, readings: Sequence[Reading]) -> None:
    """Print a table."""
    rows = [[words.date_and_time(reading.timestamp_ms), words.reading(reading.value)] for reading in readings]
    output.table((Column("time"), Column("value", right=True)), rows)


def write_json(output: Output, readings: Sequence[Reading]) -> None:
    """Print one object a line, under the keys of docs/cli.md, "history"."""
    for reading in readings:
        document = reading._asdict()
        if reading.attributes is None:
            del document["attributes"]
        output.json(document)


def write_csv(output: Output, readings: Sequence[Reading]) -> None:
    """Print comma-separated values, the time as ISO 8601 with the offset from UTC."""
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(CSV_HEADINGS)
    for reading in readings:
        value = visible(reading.value) if isinstance(reading.value, str) else reading.value
        writer.writerow(
            (words.iso_time(reading.timestamp_ms), reading.timestamp_ms, reading.codifier, reading.sequence, value)
        )


def conclude(store: History, sensor: str, readings: Sequence[Reading], limit: int) -> int:
    """Return the exit code, and say when there is nothing, or more than was printed."""
    if len(readings) == limit:
        tell(f"these are the newest {limit} readings; --limit prints more")
    if readings:
        return 0
    known = store.codifiers()
    tell(f"there are no readings of {sensor} in that time")
    tell(
        "--since looks further back" if sensor in known else f"there are readings of {words.listed(known) or 'nobody'}"
    )
    return 1


def _date(text: str) -> float:
    try:
        return datetime.fromisoformat(text).astimezone().timestamp() * 1000
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{visible(text)!r} is no time; write 1h, 2026-07-28 or '2026-07-28 12:00'") from None
