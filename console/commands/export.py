"""`jph export`: any range of any sensors out of any store, into a file or to standard output."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from itertools import islice
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import typer

from agent.clock import SystemClock
from console import words
from console.commands.file_options import DatabaseOption, FormatOption, NodeOption, bounds_ms
from console.commands.history import moment, where
from console.commands.options import ConfigOption, QuietOption, complete_codifier, one_codifier
from console.formats.destination import fresh_file
from console.formats.registry import FORMATS, Format, chosen
from console.histories import open_first
from console.output import stdout, tell
from console.progress import Progress
from protocol.readings import Reading
from storage.store import History
from storage.walking import PAGE

STANDARD_OUTPUT: Final = "-"


def export(
    sensors: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CODIFIER...]",
            parser=one_codifier,
            autocompletion=complete_codifier,
            help="Which sensors; without any, all that the store has.",
        ),
    ] = None,
    *,
    since: Annotated[
        float | None,
        typer.Option(metavar="WHEN", parser=moment, help="From then on: 7d, 2026-07-28; else from the beginning."),
    ] = None,
    until: Annotated[float | None, typer.Option(metavar="WHEN", parser=moment, help="Up to then; else all.")] = None,
    asked: FormatOption = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="The file; else standard output.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    node: NodeOption = None,
    database: DatabaseOption = None,
    config: ConfigOption = None,
    quiet: QuietOption = False,
) -> int:
    """Write stored readings so that `jph import` gets exactly them back. Fail (exit code 1) when there are none.

    The format is that of the file's ending; on standard output CSV, unless --format says other. A file appears when it
    is complete. Nothing has to be stopped: sinks go on storing meanwhile.
    """
    bounds = bounds_ms(since, until)
    path = None if output in {None, STANDARD_OUTPUT} else output
    form = FORMATS[asked or "csv" if path is None else chosen(asked, path)]
    if path is None and not form.is_text and sys.stdout.isatty():
        raise typer.BadParameter("this format is not for a terminal: name a file with --output", param_hint="--format")
    place, history = open_first(where(config, node, database))
    with closing(history):
        wanted = sensors or history.codifiers()
        exported = export_all(history, wanted, bounds, form, path, is_forced=force, is_quiet=quiet)
    return _told(exported, f"from {place.name}{f' to {path}' if path else ''}", is_quiet=quiet)


def export_all(
    history: History,
    sensors: Sequence[str],
    bounds: tuple[int, int],
    form: Format,
    path: str | None,
    *,
    is_forced: bool,
    is_quiet: bool,
) -> dict[str, int]:
    """Write all readings, and return how many each sensor had."""
    progress = Progress(SystemClock(), is_quiet=is_quiet)
    counts = dict.fromkeys(sensors, 0)
    with _opened(path, is_forced=is_forced) as file:
        writer = form.writer(file)
        for sensor in counts:
            for piece in _pieces(history.walk(sensor, *bounds)):
                writer.write(piece)
                counts[sensor] += len(piece)
                progress.tell(f"{sum(counts.values())} readings so far, now {sensor}")
        writer.close()
    return counts


def _opened(path: str | None, *, is_forced: bool) -> AbstractContextManager[BinaryIO]:
    return nullcontext(stdout().binary()) if path is None else fresh_file(Path(path), is_forced=is_forced)


def _pieces(readings: Iterable[Reading]) -> Iterator[list[Reading]]:
    rest = iter(readings)
    while piece := list(islice(rest, PAGE)):
        yield piece


def _told(exported: dict[str, int], way: str, *, is_quiet: bool) -> int:
    count = sum(exported.values())
    without = [sensor for sensor, readings in exported.items() if not readings]
    if without:
        tell(f"there are no readings of {words.listed(without)} in that time")
    if not is_quiet:
        sensors = words.counted(len(exported) - len(without), "sensor")
        tell(f"{words.counted(count, 'reading')} of {sensors} {way}")
    return 0 if count else 1
