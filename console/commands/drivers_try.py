"""`jph drivers try`: what a driver reads here and now."""

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import msgspec
import typer

from agent.records import use_harmless_records
from agent.supervisor import SHORTEST_DEADLINE_S
from console import words
from console.commands.options import JsonOption, QuietOption, complete_driver, duration, one_codifier
from console.output import Output, json_line, stdout, tell
from console.trying import Attempt, Course, Given, Trial
from console.typed_options import typed_options
from console.words import visible
from drivers.driver import Driver, DriverClass, DriverError, DriverOptions, Measured, Offer, Place
from drivers.registry import driver_class
from protocol.readings import Value
from storage.registry import STORES

USUAL_INTERVAL_S: Final = 1.0

LONGEST_SHOWN: Final = 300
"""Characters of what a device said that are shown: the rest is for --json."""

DriverArgument = Annotated[
    str, typer.Argument(metavar="DRIVER", autocompletion=complete_driver, help="Which; `jph drivers` lists them.")
]
OptionArguments = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE...]", help="Its options, as in a configuration: field=1, fields.load5=2."),
]
CountOption = Annotated[int, typer.Option("--count", "-c", min=1, help="Read so often.")]
IntervalOption = Annotated[
    float | None,
    typer.Option(metavar="DURATION", parser=duration, help="How far apart (1s); a device that speaks is read at once."),
]
TimeoutOption = Annotated[
    float | None,
    typer.Option(metavar="DURATION", parser=duration, help=f"How long a read may take ({SHORTEST_DEADLINE_S:g}s)."),
]
CodifierOption = Annotated[
    str, typer.Option(metavar="CODIFIER", parser=one_codifier, help="Who the driver is told that it is.")
]


def try_driver(
    driver: DriverArgument,
    options: OptionArguments = None,
    *,
    count: CountOption = 1,
    interval: IntervalOption = None,
    timeout: TimeoutOption = None,
    codifier: CodifierOption = "TT",
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> int:
    """Read a driver as an agent would, and print each channel with its value; exit code 1 when a read failed.

    Nothing is sent, no configuration is needed, and what agents remember is left alone. An actuator that is tried is
    taken hold of, and left at its safe value.
    """
    if driver in STORES:
        raise DriverError(f"{driver} is a store, not a driver: there is nothing to read", "start a node with it")
    kind = driver_class(driver)
    built = typed_options(kind.Options, options or ())
    if hasattr(kind, "offers") and isinstance(built, DriverOptions) and not built.channels():
        _show_offers(stdout(), kind.offers(built), json=json)
        return 0
    if not quiet:
        for remark in _remarks(kind, built):
            tell(remark)
    units = built.units() if isinstance(built, DriverOptions) else {}
    nothing = _nothing(built, count)
    show = partial(_show_json, stdout(), units) if json else partial(_show, stdout(), units, nothing)
    course = Course(count, interval or USUAL_INTERVAL_S, timeout or SHORTEST_DEADLINE_S)
    use_harmless_records()
    logging.basicConfig(format="jph: %(message)s", level=logging.WARNING)
    with TemporaryDirectory(prefix="jph-try-") as directory, redirect_stdout(sys.stderr):  # libraries like to print
        place = Place(codifier, Path(directory), time.monotonic)
        return 0 if asyncio.run(_try(lambda place: kind(built, place), place, show, course)) else 1


async def _try(make: Callable[[Place], Driver], place: Place, show: Callable[[Attempt], None], course: Course) -> bool:
    return await Trial(make, place, show).run(course)


def _show_offers(output: Output, offers: Sequence[Offer], *, json: bool) -> None:
    """Print what the source has that options could name, as if it had been read, and on stderr how much it is."""
    width = max((len(visible(offer.name)) for offer in offers), default=0)
    for offer in offers:
        if json:
            said = Measured(offer.value, {"label": offer.label})._asdict()  # type: ignore[arg-type] # None is not known
            output.json({"read": 0, "channel": offer.name, **said, "error": None, "unit": offer.unit, "elapsed_s": 0})
        else:
            value = _shortened(words.reading(offer.value, offer.unit if offer.value is not None else ""))
            output.line(f"{visible(offer.name):{width}}  {value}  {_shortened(offer.label)}")
    output.flush()
    tell(f"nothing was named to be read; to be had: {words.counted(len(offers), 'value')}")


def _nothing(options: msgspec.Struct, count: int) -> str:
    """Say what it means that a read gave nothing."""
    if isinstance(options, DriverOptions) and not options.channels():
        return "no readings"
    return "nothing new" if count > 1 else "nothing new; what counts or speaks by itself needs more time: --count 5"


def _remarks(kind: DriverClass, options: msgspec.Struct) -> Iterator[str]:
    """Say what is otherwise than in an agent."""
    inputs = options.inputs() if isinstance(options, DriverOptions) else ()
    if inputs:
        whose = "others" if "@@" in inputs else words.listed(sorted(inputs))
        yield f"it uses the readings of {whose}: none is heard here"
    if hasattr(kind, "set"):
        yield "it takes commands: while it is tried nobody commands it, and it is left at its safe value"


def _show(output: Output, units: Mapping[str, str], nothing: str, attempt: Attempt) -> None:
    """Print what a read gave, a line for each channel, and on stderr how long it took or what went wrong."""
    width = max((len(visible(channel)) for channel in attempt.measurements), default=0)
    for channel, measured in attempt.measurements.items():
        output.line(f"{visible(channel):{width}}  {_in_words(measured, units.get(channel, ''))}")
    output.flush()
    values = [one for one in attempt.measurements.values() if not isinstance(one, DriverError)]
    found = words.counted(len(values), "value") if attempt.measurements else nothing
    said = found if attempt.error is None else _shortened(str(attempt.error))
    tell(f"read {attempt.number}, {words.milliseconds(attempt.elapsed_s * 1000)}: {said}")


def _in_words(measured: Given, unit: str) -> str:
    if isinstance(measured, DriverError):
        return f"{words.NOTHING}  {_shortened(str(measured))}"
    value, attributes, timestamp_ms = _whole(measured)
    said = [_shortened(words.reading(value, unit))]
    if attributes:
        said.append(_shortened(json_line(attributes)))
    if timestamp_ms is not None:
        said.append(f"measured {words.date_and_time(timestamp_ms)}")
    return "  ".join(said)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def _show_json(output: Output, units: Mapping[str, str], attempt: Attempt) -> None:
    """Print an object for each channel, or one without a channel when there is none, under the keys of docs/cli.md."""
    found = [{"channel": channel, **_as_json(given)} for channel, given in attempt.measurements.items()]
    for said in found or [{"channel": None, **_as_json(attempt.error)}]:
        unit = units.get(str(said["channel"]))
        output.json({"read": attempt.number, **said, "unit": unit, "elapsed_s": round(attempt.elapsed_s, 6)})
    output.flush()


def _as_json(given: Given | None) -> dict[str, object]:
    if given is None or isinstance(given, DriverError):
        return {**dict.fromkeys(Measured._fields), "error": None if given is None else str(given)}
    return {**_whole(given)._asdict(), "error": None}


def _whole(measured: Value | Measured) -> Measured:
    return measured if isinstance(measured, Measured) else Measured(measured)
