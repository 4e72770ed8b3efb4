"""`jph drivers` and `jph drivers show`: what drivers there are, and what one takes."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Final

import typer

from config.messages import suggestion
from console.commands.options import JsonOption, complete_driver
from console.output import Column, Output, Span, stdout
from console.words import NOTHING
from drivers.described import Description, Library, Option, describe, describe_all, libraries, options_in_words
from drivers.driver import OWN_CHANNEL, DriverError
from drivers.libraries import how_to_install
from drivers.registry import names, origin_of
from storage.registry import STORES
from storage.registry import options_of as options_of_store

COLUMNS: Final = (Column("driver"), Column("library"), Column("what it reads"), Column("options"))

NameArgument = Annotated[
    str | None,
    typer.Argument(metavar="[DRIVER]", autocompletion=complete_driver, help="Explain this one; else list them all."),
]


def show(name: NameArgument = None, *, json: JsonOption = False) -> int:
    """List all drivers and stores, those of other packages too, or say what one reads and which options it takes.

    Nothing is read: `jph drivers try` does that.
    """
    output = stdout()
    described = list(_everything()) if name is None else [_described(name)]
    if json:
        for each in described:
            output.json(as_json(each))
    elif name is None:
        output.table(COLUMNS, [_cells(each) for each in described])
    else:
        _explain(output, described[0])
    return 0


def _everything() -> Iterator[Description]:
    yield from describe_all()
    yield from map(_store, STORES)


def _described(name: str) -> Description:
    if name in STORES:
        return _store(name)
    if origin_of(name) is None:
        raise DriverError(f"there is no driver and no store {name!r}", suggestion(name, (*names(), *STORES)))
    return describe(name)


def _store(name: str) -> Description:
    """Describe a store: its node has one value, how much it stored."""
    options = options_of_store(name)
    return Description(
        name,
        STORES[name].summary,
        channels=(OWN_CHANNEL,),
        libraries=libraries(STORES[name].extra or name),
        options=options_in_words(options) if options else (),
    )


def as_json(described: Description) -> dict[str, object]:
    """Return a driver under the keys of docs/cli.md, "drivers show"."""
    return {
        "driver": described.name,
        "summary": described.summary,
        "package": described.package,
        "channels": described.channels,
        "units": dict(described.units),
        "commands": described.commands,
        "libraries": [library._asdict() for library in described.libraries],
        "options": [_option_json(option) for option in described.options],
        "problem": described.problem or None,
    }


def _option_json(option: Option) -> dict[str, object]:
    return {
        "name": option.name,
        "type": option.kind,
        "default": option.default,
        "required": option.required,
        "meaning": option.meaning,
    }


def _cells(described: Description) -> list[Span]:
    if described.problem:
        return [described.name, ("broken", "red"), described.problem, ""]
    names = (option.name for option in described.options if "." not in option.name)
    return [described.name, _library(described.libraries), described.summary, ", ".join(names)]


def _library(needed: Iterable[Library]) -> Span:
    needed = list(needed)
    missing = [library.name for library in needed if library.version is None]
    if missing:
        return f"missing: {', '.join(missing)}", "yellow"
    return ", ".join(library.name for library in needed) or NOTHING


def _explain(output: Output, described: Description) -> None:
    """Write what is known of one driver, a few lines for each option."""
    output.line((described.name, "bold"), f": {described.problem or described.summary}")
    if described.problem:
        return
    for heading, words in _facts(described):
        output.line(f"  {heading:9}  ", words)
    for option in described.options:
        output.line()
        output.line("  ", (option.name, "bold"), f": {option.kind}{_default(option)}")
        output.line(f"      {option.meaning}")
    output.line()
    to_try = "" if described.name in STORES else f" To try it: jph drivers try {described.name} KEY=VALUE..."
    output.line(f"docs/drivers.md has examples.{to_try}")


def _facts(described: Description) -> Iterator[tuple[str, Span]]:
    if described.package:
        yield "package", described.package
    yield "channels", "as the options say" if described.channels is None else _channels(described) or "none"
    yield "commands", "set, step" if described.commands else "none"
    for library in described.libraries:
        yield "library", _installed(library, described.name)


def _channels(described: Description) -> str:
    units = {channel: f" ({unit})" for channel, unit in described.units.items()}
    return ", ".join(f"{channel}{units.get(channel, '')}" for channel in described.channels or ())


def _installed(library: Library, extra: str) -> Span:
    if library.version is None:
        return f"{library.name} is not installed: {how_to_install(library.name, extra)}", "yellow"
    return f"{library.name} {library.version}"


def _default(option: Option) -> str:
    if option.required:
        return ", must be given"
    return "" if option.default is None else f", by default {option.default}"
