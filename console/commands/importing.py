"""`jph import`: readings out of files, or out of the original system's tables, into a store."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final, cast

import typer

from agent.clock import SystemClock
from agent.configuration import load_configuration
from agent.records import use_harmless_records
from config.model import Configuration
from console import words
from console.commands.file_options import DatabaseOption, FormatOption, NodeOption, bounds_ms
from console.commands.history import file_alone, moment
from console.commands.options import ConfigOption, JsonOption, QuietOption, one_codifier
from console.formats.comma_separated import Columns
from console.formats.destination import explained
from console.formats.lines import FormError
from console.formats.registry import FORMATS, chosen
from console.histories import Place, place_to_write
from console.importing import Importer, Tally
from console.output import stdout, tell
from console.progress import Progress
from console.seat import find_configuration
from protocol.codifiers import is_codifier
from protocol.errors import JphError
from storage.postgres_options import PostgresOptions
from storage.store import Store

STANDARD_INPUT: Final = "-"
POSTGRES: Final = "postgres"


class NoOriginalError(JphError):
    """It is not clear where the original's tables are."""


def import_readings(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE...]", help="Files, - is standard input; with --original codifiers."),
    ] = None,
    *,
    asked: FormatOption = None,
    sensor: Annotated[
        str | None,
        typer.Option("--codifier", metavar="CODIFIER", parser=one_codifier, help="CSV: the sensor of all its lines."),
    ] = None,
    time_column: Annotated[str | None, typer.Option(metavar="NAME", help="CSV: the column of the time.")] = None,
    codifier_column: Annotated[str | None, typer.Option(metavar="NAME", help="CSV: the column of the sensor.")] = None,
    value_column: Annotated[str | None, typer.Option(metavar="NAME", help="CSV: the column of the value.")] = None,
    original: Annotated[bool, typer.Option("--original", help="Read the original system's tables sensor_xx.")] = False,
    origin: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="DSN|CODIFIER", help="With --original: the PostgreSQL they are in, or a node with it."
        ),
    ] = None,
    since: Annotated[
        float | None, typer.Option(metavar="WHEN", parser=moment, help="Only from then on: 7d, 2026-07-28; else all.")
    ] = None,
    until: Annotated[float | None, typer.Option(metavar="WHEN", parser=moment, help="Only up to then.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look whether everything can be read.")] = False,
    node: NodeOption = None,
    database: DatabaseOption = None,
    json: JsonOption = False,
    config: ConfigOption = None,
    quiet: QuietOption = False,
) -> int:
    """Store the readings of files. Those that are stored already stay as they are, so that it can be done again.

    Bad lines are told, and the others are stored. Fail (exit code 1) when there were any, or when a reading
    contradicts one that is stored. A sink may store into the same place meanwhile.
    """
    use_harmless_records()
    logging.basicConfig(format="jph: %(message)s", level=logging.WARNING)
    columns = Columns(time_column, codifier_column, value_column, sensor)
    _refuse_what_does_not_fit(sources or [], asked, columns, origin, is_original=original)
    configuration = _configuration(config, needed=original or (database is None and not dry_run))
    place = None if dry_run else _place(configuration, node, database)
    with _opened(place) as store:
        importer = Importer(store, SystemClock(), Progress(SystemClock(), is_quiet=quiet), bounds_ms(since, until))
        if original:
            whole = _take_tables(importer, configuration, sources, str(origin), as_json=json)
        else:
            whole = _take_files(importer, sources or [], asked, columns, as_json=json)
        hours = importer.roll_up()
    if place is not None and not quiet:
        _tell_where(place, importer, hours)
    return 0 if whole else 1


def _refuse_what_does_not_fit(
    sources: Sequence[str], asked: str | None, columns: Columns, origin: str | None, *, is_original: bool
) -> None:
    """Refuse what cannot be meant before anything is done; raises BadParameter and UnknownFormatError."""
    if is_original:
        _refuse_files(sources, origin)
        return
    if origin is not None:
        raise typer.BadParameter("it is for --original", param_hint="--from")
    if not sources:
        raise typer.BadParameter("name a file, or - for standard input", param_hint="FILE")
    names = {source: _format(asked, source) for source in sources}
    if any(columns) and set(names.values()) != {"csv"}:
        raise typer.BadParameter("only CSV has columns to be named", param_hint="--format")
    if not FORMATS[names.get(STANDARD_INPUT, "csv")].is_text:
        raise typer.BadParameter("this format cannot be read from standard input: name a file", param_hint="FILE")


def _format(asked: str | None, source: str) -> str:
    return asked or "csv" if source == STANDARD_INPUT else chosen(asked, source)


def _refuse_files(sources: Sequence[str], origin: str | None) -> None:
    for source in sources:
        one_codifier(source)
    if origin is None:
        advice = "name the original's database: postgresql://USER@HOST/DATABASE, or a node with `driver: postgres`"
        raise typer.BadParameter(advice, param_hint="--from")


def _configuration(source: str | None, *, needed: bool) -> Configuration:
    return find_configuration(source, load_configuration)[0] if needed or source is not None else Configuration()


def _place(configuration: Configuration, node: str | None, database: str | None) -> Place:
    return place_to_write(configuration, node) if database is None else file_alone(database, node)


@contextmanager
def _opened(place: Place | None) -> Iterator[Store | None]:
    if place is None:
        yield None
        return
    with closing(place.open_for_writing()) as store:
        yield store


def _take_files(
    importer: Importer, sources: Sequence[str], asked: str | None, columns: Columns, *, as_json: bool
) -> bool:
    tallies = []
    for source in sources:
        with _file(source) as file, explained(Path(source)), _named(source):
            tallies.append(importer.take(source, FORMATS[_format(asked, source)].read(file, columns)))
        _print(tallies[-1], as_json=as_json)
    return all(tally.is_whole for tally in tallies)


@contextmanager
def _named(source: str) -> Iterator[None]:
    """Let what is wrong with a file begin with its name: there may be many."""
    try:
        yield
    except FormError as error:
        raise FormError(f"{source}: {error.message}", error.hint) from error


def _file(source: str) -> AbstractContextManager[BinaryIO]:
    if source == STANDARD_INPUT:
        return nullcontext(sys.stdin.buffer)
    with explained(Path(source)):
        return Path(source).open("rb")


def _take_tables(
    importer: Importer, configuration: Configuration, named: Sequence[str] | None, origin: str, *, as_json: bool
) -> bool:
    """Take the tables of some sensors, by default of all that the configuration has."""
    from storage.postgres_original import import_original  # noqa: PLC0415 - psycopg, which no other source needs

    options = _original(configuration, origin)
    sensors = named or [sensor.codifier for _, sensor in configuration.sensors()]
    if not sensors:
        raise NoOriginalError("the configuration has no sensors", "name the codifiers whose tables are wanted")
    tallies = []
    for sensor in sensors:
        with closing(import_original(options, [sensor])) as readings:
            tallies.append(importer.take(sensor, readings))
        _print(tallies[-1], as_json=as_json)
    are_there = [tally.readings > 0 for tally in tallies]
    return all(tally.is_whole for tally in tallies) and (all(are_there) if named else any(are_there))


def _original(configuration: Configuration, origin: str) -> PostgresOptions:
    """Return how to reach the original's database: a node's, or what a connection string says."""
    if is_codifier(origin):
        node = configuration.nodes.get(origin)
        if node is None or node.driver != POSTGRES:
            raise NoOriginalError(f"{origin} is no node with `driver: {POSTGRES}`", "name one, or a connection string")
        return cast(PostgresOptions, node.options)
    try:
        return PostgresOptions(dsn=origin)
    except ValueError as error:
        raise NoOriginalError(str(error), "PGPASSWORD, PGPASSFILE and ~/.pgpass are read too") from None


def _print(tally: Tally, *, as_json: bool) -> None:
    output = stdout()
    if as_json:
        output.json(tally._asdict())
    else:
        output.line(str(tally))
    output.flush()


def _tell_where(place: Place, importer: Importer, hours: int) -> None:
    """Say where the readings are now, of how many hours roll-ups were computed, and what will not last."""
    tell(f"into {place.name}" + (f"; roll-ups of {words.counted(hours, 'hour')} were computed" if hours else ""))
    _tell_what_will_not_last(place.options, importer)


def _tell_what_will_not_last(options: Any, importer: Importer) -> None:
    """Say when the store's own options let go again of what was imported."""
    retention_s = getattr(options, "retention_s", None)
    if retention_s is not None and importer.is_older_than(retention_s):
        tell(f"what is older than its `retention` of {retention_s / 86_400:g} days is dropped again by its sink")
    kept = getattr(options, "stream", None)
    if kept is not None and importer.new > kept // 2:
        tell(f"it keeps the last {kept} readings of all sensors: see its `stream`")
