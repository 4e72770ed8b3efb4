"""The options that several commands have, and how what is typed becomes what is meant."""

from collections.abc import Callable, Iterator
from typing import Annotated, Final, TypeAlias, TypeVar

import typer

from config.durations import NotReadableError, parse_duration
from console.output import QUIET_HELP
from console.seat import find_configuration
from console.words import visible
from protocol.codifiers import EVERYBODY, is_codifier
from protocol.errors import JphError
from protocol.frames import CONTROL_FLAGS, Flag

T = TypeVar("T")

Parser: TypeAlias = Callable[[str], T]

FLAG_WORDS: Final = {flag.name.lower(): flag for flag in Flag}


def shown_as(kind: str) -> Callable[[Parser[T]], Parser[T]]:
    """Say in the help that an argument is a `kind`; typer shows the name of its parser there."""

    def rename(parser: Parser[T]) -> Parser[T]:
        parser.__name__ = kind
        return parser

    return rename


@shown_as("codifier")
def one_codifier(text: str) -> str:
    """Accept what can name one component."""
    if not is_codifier(text):
        raise typer.BadParameter(f"{visible(text)!r} is no codifier; two printable characters are, such as C1")
    return text


@shown_as("codifier")
def codifier_or_everybody(text: str) -> str:
    """Accept what can name one component, and `@@` for all."""
    return text if text == EVERYBODY else one_codifier(text)


def duration(text: str) -> float:
    """Read a duration with its unit, such as 200ms, or a number of seconds; returned in seconds."""
    try:
        return parse_duration(text)
    except NotReadableError as error:
        raise typer.BadParameter(f"{error.message}; {error.advice}") from error


def flag(text: str) -> Flag:
    """Read a flag: its letter as it is on the wire, or its word."""
    found = FLAG_WORDS.get(text.lower()) or next((known for known in Flag if known == text), None)
    if found is None:
        words = ", ".join(f"{known} {word}" for word, known in FLAG_WORDS.items())
        raise typer.BadParameter(f"{visible(text)!r} is no flag; flags are {words}")
    return found


@shown_as("flag")
def control_flag(text: str) -> Flag:
    """Read a flag of the control bus."""
    found = flag(text)
    if found not in CONTROL_FLAGS:
        raise typer.BadParameter(
            f"{text!r} is a reading's flag; only control frames can be sent: readings come from agents"
        )
    return found


def complete_codifier(incomplete: str) -> Iterator[tuple[str, str]]:
    """Offer the codifiers of the configuration to the shell that completes a command."""
    try:
        configuration, _ = find_configuration(None)
    except JphError:
        return
    for _, sensor in configuration.sensors():
        if sensor.codifier.startswith(incomplete):
            yield sensor.codifier, sensor.name


def complete_driver(incomplete: str) -> list[str]:
    """Offer the names of drivers to the shell that completes a command."""
    from drivers.registry import DRIVERS  # noqa: PLC0415 - most commands that have these options need no driver

    return [name for name in DRIVERS if name.startswith(incomplete)]


ConfigOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--config", metavar="FILE|URL", help="The configuration; else JPH_CONFIG, else ./jph.yaml and so on."),
]
AsOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--as", metavar="CODIFIER", parser=one_codifier, help="Speak as this codifier; else JPH_SENSOR."),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON object a line (keys: docs/cli.md).")
]
QuietOption: TypeAlias = Annotated[bool, typer.Option("--quiet", "-q", help=QUIET_HELP)]
Codifiers: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="CODIFIER...", parser=one_codifier, autocompletion=complete_codifier, help="Whom it is for."
    ),
]
SomeCodifiers: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[CODIFIER...]",
        parser=one_codifier,
        autocompletion=complete_codifier,
        help="Which sensors; without any, all of them.",
    ),
]
SecondsOption: TypeAlias = Annotated[
    float | None,
    typer.Option(metavar="DURATION", parser=duration, help="Listen so long, whoever was heard already."),
]
