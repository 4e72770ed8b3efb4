"""The console as a program: from a terminal to the screen and back (`jph console`)."""

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from config.model import Configuration
from console.link import BusThread
from console.screen import ConsoleApp
from console.stage import HUNG_UP
from console.symbols import choose_symbols
from console.themes import LOOKS, choose_look, is_plain
from protocol.errors import JphError

PLAIN_TWINS: Final = "without one use jph watch, jph sensors, jph nodes, jph get or jph ping"
DEAF_TERMINALS: Final = frozenset({"", "dumb", "unknown"})
"""What TERM says of a terminal on which nothing can be placed: there is no screen to draw."""


class NoTerminalError(JphError):
    """The console was started where there is no terminal that can show a screen."""


def run_console(
    configuration: Configuration,
    codifier: str,
    *,
    control: bool = False,
    theme: str | None = None,
    environment: Mapping[str, str] = os.environ,
) -> int:
    """Show the console until the operator leaves it, and return the exit code of the program.

    `codifier` is who the console is on the bus, `control` arms its commands from the start, `theme` names a row of
    console.themes.LOOKS. Raises NoTerminalError, UnknownThemeError, and what opening the bus raises.
    """
    check_terminal(environment)
    look = choose_look(theme, environment)
    looks = [look] if is_plain(environment) else list(LOOKS.values())
    symbols = choose_symbols(environment, sys.__stderr__.encoding if sys.__stderr__ else "")
    with _silent_log(), BusThread(configuration, codifier) as link:
        app = ConsoleApp(configuration, link, look=look, symbols=symbols, looks=looks, armed=control)
        app.run()
    if app.failure is not None:
        raise app.failure
    code = app.return_code or 0
    if code == HUNG_UP or (app.terminal is not None and app.terminal.stuck):
        # The terminal is gone, or a thread still waits for it and holds the lock of its stream: the interpreter
        # could not write what is left, and would fail or wait for ever. Everything of ours is closed already.
        os._exit(code)
    return code


def check_terminal(environment: Mapping[str, str]) -> None:
    """Raise NoTerminalError unless keys can be read and a screen can be drawn."""
    # Textual reads stdin and draws on stderr; who redirects stdout wants text.
    streams = (sys.__stdin__, sys.__stdout__, sys.__stderr__)
    if not all(stream is not None and stream.isatty() for stream in streams):
        raise NoTerminalError("the console needs a terminal", PLAIN_TWINS)
    if environment.get("TERM", "") in DEAF_TERMINALS:
        raise NoTerminalError(f"this terminal (TERM={environment.get('TERM', '')}) cannot show a screen", PLAIN_TWINS)


@contextmanager
def _silent_log() -> Iterator[None]:
    """Keep log lines off the screen; handlers that write elsewhere go on."""
    root = logging.getLogger()
    before = root.handlers[:]
    root.handlers = [handler for handler in before if not _writes_to_terminal(handler)] or [logging.NullHandler()]
    try:
        yield
    finally:
        root.handlers = before


def _writes_to_terminal(handler: logging.Handler) -> bool:
    return isinstance(handler, logging.StreamHandler) and handler.stream in {sys.stdout, sys.stderr}
