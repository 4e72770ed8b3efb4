"""The options of the commands that read and write files of readings."""

from typing import Annotated, TypeAlias

import typer

from console.commands.options import one_codifier, shown_as
from console.formats.registry import FORMATS
from console.words import visible
from protocol.frames import LATEST_TIMESTAMP_MS


@shown_as("format")
def format_name(text: str) -> str:
    """Accept the name of a format of files."""
    if text not in FORMATS:
        raise typer.BadParameter(f"{visible(text)!r} is no format; formats are {', '.join(FORMATS)}")
    return text


def bounds_ms(since: float | None, until: float | None) -> tuple[int, int]:
    """Return between which moments readings are meant, both inclusive; raises BadParameter when that is none."""
    if since is not None and until is not None and until <= since:
        raise typer.BadParameter("--since is later", param_hint="--until")
    return 0 if since is None else int(since), LATEST_TIMESTAMP_MS if until is None else int(until)


FormatOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--format", metavar="|".join(FORMATS), parser=format_name, help="The format; else that of the file's ending."
    ),
]
NodeOption: TypeAlias = Annotated[
    str | None, typer.Option("--node", metavar="CODIFIER", parser=one_codifier, help="The node whose store is used.")
]
DatabaseOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--database", metavar="FILE", help="An SQLite file, instead of the configuration's stores."),
]
