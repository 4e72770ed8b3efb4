import socket
from pathlib import Path
from typing import Annotated

import typer

from config.template import template
from console.machine import temperature_file
from console.output import stdout
from protocol.errors import JphError


class NotWrittenError(JphError):
    """The configuration could not be written."""


def init(
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="Where to.")] = Path("jph.yaml"),
    *,
    interface: Annotated[
        str | None, typer.Option(metavar="NAME|ADDRESS|NETWORK", help="Use this interface; else the default route's.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> int:
    """Write a configuration that works at once: this computer's load, memory and temperature, and a history.

    Its comments tell how to go on. Nothing is asked, and nothing is overwritten without --force.
    """
    thermal = temperature_file()
    text = template(socket.gethostname(), interface, str(thermal) if thermal else None)
    write(file, text, force=force)
    output = stdout()
    output.line(f"{file} is written. Now:")
    for command, purpose in next_steps(file):
        output.line(f"  {command:32}  {purpose}")
    return 0


def write(file: Path, text: str, *, force: bool) -> None:
    """Write the file, over an old one only by `force`; raises NotWrittenError."""
    try:
        with file.open("w" if force else "x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise NotWrittenError(f"{file} is there already", "name another file, or write over it with --force") from None
    except OSError as error:
        raise NotWrittenError(f"{file} cannot be written: {error.strerror}", "name another file") from error


def next_steps(file: Path) -> tuple[tuple[str, str], ...]:
    """Return what to do with a new configuration: a command and its purpose each."""
    named = "" if file == Path("jph.yaml") else f" --config {file}"
    return (
        (f"jph check{named}", "after each change"),
        (f"jph-agent{named}", "reads this computer's sensors, until Ctrl-C"),
        (f"jph console{named}", "shows them, in another shell"),
    )
