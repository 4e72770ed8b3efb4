import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from config.keyfile import NETWORK_NAME
from config.keystore import KeyStore, directory
from config.template import template
from console.machine import temperature_file
from console.network_key import make_network_key
from console.output import stdout
from protocol.errors import JphError
from protocol.gate import Mode


class NotWrittenError(JphError):
    """The configuration could not be written."""


def init(
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="Where to.")] = Path("jph.yaml"),
    *,
    interface: Annotated[
        str | None, typer.Option(metavar="NAME|ADDRESS|NETWORK", help="Use this interface; else the default route's.")
    ] = None,
    without_tags: Annotated[
        bool, typer.Option("--open", help="No keys: whoever is on the network may command, as in the original system.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a configuration that is there.")] = False,
) -> int:
    """Write a configuration that works at once: this computer's load, memory and temperature, and a history.

    Its comments tell how to go on. The network's key is made too, unless there is one: frames without a tag that only
    its keys can make are not believed. Nothing is asked, nothing is overwritten without --force, and a key never.
    """
    thermal = temperature_file()
    mode = Mode.OFF if without_tags else Mode.REQUIRE
    text = template(socket.gethostname(), interface, str(thermal) if thermal else None, mode)
    write(file, text, force=force)
    output = stdout()
    output.line(f"{file} is written.")
    if not without_tags:
        output.line(f"{make_key()}: a copy belongs where no thief finds it.")
    output.line("Now:")
    for command, purpose in next_steps(file):
        output.line(f"  {command:32}  {purpose}")
    if not without_tags:
        output.line(f"Every other computer needs the same {file.name}, and keys for its nodes:")
        output.line("  jph keys grant CODIFIER... | ssh HOST jph keys install -")
    return 0


def make_key() -> str:
    """Make the network's key where it is looked for, unless there is one; return what is there in words.

    Raises KeyFileError.
    """
    store = KeyStore(directory(None, os.environ))
    if store.has(NETWORK_NAME):
        return f"{store.path(NETWORK_NAME)} was there already and stays the network's key"
    return f"{make_network_key(store)} is made, from which all keys come"


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
