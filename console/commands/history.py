from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import Annotated, Final

import typer

from agent.clock import SystemClock
from agent.configuration import load_configuration
from config.durations import NotReadableError, parse_duration
from console import words
from console.commands.options import ConfigOption, JsonOption, QuietOption, complete_codifier, one_codifier
from console.formats import comma_separated, json_lines
from console.histories import Place, named_file, open_first, places
from console.output import Column, Output, stdout, tell
from console.seat import find_configuration
from console.words import visible
from protocol.readings import Reading
from storage.store import History

USUAL_SINCE_S: Final = 3600.0
USUAL_LIMIT: Final = 10_000
LATEST_MS: Final = 2**64 - 1  # no timestamp of the wire is later

NodeOption = Annotated[
    str | None,
    typer.Option(
        "--node", metavar="CODIFIER", parser=one_codifier, help="The node whose store is read; else the best."
    ),
]


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
        str | None, typer.Option(metavar="FILE", help="The file of an SQLite node; else the configuration's stores.")
    ] = None,
    node: NodeOption = None,
    json: JsonOption = False,
    config: ConfigOption = None,
    quiet: QuietOption = False,
) -> int:
    """Read what the configuration's nodes have stored. Fail (exit code 1) when there is nothing of that time.

    An SQLite file on this computer comes first, then PostgreSQL, then Redis with a `stream`. Times are those of the
    sensors' clocks, printed as local time.
    """
    if as_csv and json:
        raise typer.BadParameter("--json is another form: take one of them", param_hint="--csv")
    since_ms = moment(f"{USUAL_SINCE_S}s") if since is None else since
    if until is not None and until <= since_ms:
        raise typer.BadParameter(_no_time_between(since), param_hint="--until")
    place, store = open_first(where(config, node, database))
    with closing(store):
        if not quiet:
            tell(f"from {place.name}")
        readings = store.history(sensor, int(since_ms), LATEST_MS if until is None else int(until), limit)
        write = write_csv if as_csv else write_json if json else write_text
        write(stdout(), readings)
        if len(readings) == limit and not quiet:
            tell(f"these are the newest {limit} readings; --limit prints more")
        return 0 if readings else explain_nothing(store, sensor)


def _no_time_between(since: float | None) -> str:
    begin = "the hour that is printed without --since begins" if since is None else "--since is"
    return f"{begin} later: write the longer time into --since (--since 2h --until 1h)"


def where(config: str | None, node: str | None, database: str | None) -> list[Place]:
    """Return where to look for the past: in a file, at a node, or at all nodes of the configuration that keep it."""
    if database is None:
        return places(find_configuration(config, load_configuration)[0], node)
    if node is not None:
        raise typer.BadParameter("--database names another place: take one of them", param_hint="--node")
    return named_file(database)


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


def explain_nothing(store: History, sensor: str) -> int:
    """Say why there is nothing, and return the exit code."""
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
