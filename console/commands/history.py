import asyncio
from contextlib import closing
from datetime import datetime
from typing import Annotated, Final

import typer

from agent.clock import SystemClock
from agent.configuration import load_configuration
from config.durations import NotReadableError, parse_duration
from console import words
from console.commands.options import (
    AsOption,
    ConfigOption,
    JsonOption,
    QuietOption,
    complete_codifier,
    duration,
    one_codifier,
)
from console.histories import NoHistoryError, Opened, Place, Wanted, named_file, open_first, places
from console.output import tell
from console.ranges import LATEST_MS, Range, Write, write_csv, write_json, write_range, write_text
from console.recalling import ask_ring, tell_recalled
from console.seat import find_configuration, take_seat
from console.words import visible
from storage.store import History

USUAL_SINCE_S: Final = 3600.0
USUAL_LIMIT: Final = 10_000

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
    live: Annotated[bool, typer.Option("--live", help="Ask the sensor's agent, whatever is stored.")] = False,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="DURATION", parser=duration, help="Wait at most so long for an agent; else 30s."),
    ] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
    speak_as: AsOption = None,
    quiet: QuietOption = False,
) -> int:
    """Read what the configuration's nodes have stored. Fail (exit code 1) when there is nothing of that time.

    An SQLite file on this computer comes first, then PostgreSQL, then Redis with a `stream`. Where none can be read,
    the sensor's own agent is asked, which keeps what it sent. Times are those of the sensors' clocks, printed as local
    time.
    """
    if as_csv and json:
        raise typer.BadParameter("--json is another form: take one of them", param_hint="--csv")
    write = write_csv if as_csv else write_json if json else write_text
    range_ = _range(sensor, since, until, limit)
    if live and (node or database):
        raise typer.BadParameter("--live asks the agent: take one of them", param_hint="--node, --database")
    opened = None if live else stored(config, node, database, quiet=quiet)
    if opened is not None:
        return tell_stored(opened, range_, write, quiet=quiet)
    seat = take_seat(config, speak_as, quiet=quiet, load=load_configuration)
    return tell_recalled(asyncio.run(ask_ring(seat, range_, timeout)), range_, write, quiet=quiet)


def stored(config: str | None, node: str | None, database: str | None, *, quiet: bool) -> Opened | None:
    """Open the place where the past is kept; None, which is told, when there is none and none was named."""
    try:
        return open_first(where(config, node, database))
    except NoHistoryError as error:
        if node is not None or database is not None:
            raise
        if not quiet:
            tell(f"{error}\nso its agent is asked for what it keeps")
        return None


def tell_stored(opened: Opened, wanted: Range, write: Write, *, quiet: bool) -> int:
    """Print what a store has, and return the exit code."""
    place, store = opened
    with closing(store):
        if not quiet:
            tell(f"from {place.name}")
        readings = store.history(wanted.codifier, int(wanted.since_ms), int(wanted.until_ms), wanted.limit)
        write_range(readings, wanted, write, quiet=quiet)
        return 0 if readings else explain_nothing(store, wanted.codifier)


def _range(sensor: str, since_ms: float | None, until_ms: float | None, limit: int) -> Range:
    """Return which readings are meant; raises BadParameter when there is no time between the two moments."""
    begin_ms = moment(f"{USUAL_SINCE_S}s") if since_ms is None else since_ms
    if until_ms is not None and until_ms <= begin_ms:
        begin = "the hour that is printed without --since begins" if since_ms is None else "--since is"
        advice = "write the longer time into --since (--since 2h --until 1h)"
        raise typer.BadParameter(f"{begin} later: {advice}", param_hint="--until")
    return Range(sensor, begin_ms, LATEST_MS if until_ms is None else until_ms, limit)


def where(config: str | None, node: str | None, database: str | None, wanted: Wanted = Wanted.READINGS) -> list[Place]:
    """Return where to look for the past: in a file, at a node, or at all nodes of the configuration that keep it."""
    if database is None:
        return places(find_configuration(config, load_configuration)[0], node, wanted)
    return [file_alone(database, node)]


def file_alone(database: str, node: str | None) -> Place:
    """Return the place that --database names; raises BadParameter when --node names one too."""
    if node is not None:
        raise typer.BadParameter("--database names another place: take one of them", param_hint="--node")
    return named_file(database)


def explain_nothing(store: History, sensor: str) -> int:
    """Say why there is nothing, and return the exit code."""
    known = store.codifiers()
    tell(f"there are no readings of {sensor} in that time")
    tell(
        "--since looks further back" if sensor in known else f"there are readings of {words.listed(known) or 'nobody'}"
    )
    tell("--live asks the sensor's agent for what it keeps")
    return 1


def _date(text: str) -> float:
    try:
        return datetime.fromisoformat(text).astimezone().timestamp() * 1000
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{visible(text)!r} is no time; write 1h, 2026-07-28 or '2026-07-28 12:00'") from None
