from typing import Annotated

import typer

from agent.configuration import load_configuration
from console.app import run_console
from console.commands.options import AsOption, ConfigOption
from console.seat import take_seat


def console(
    *,
    control: Annotated[bool, typer.Option("--control", help="Let it command from the start.")] = False,
    theme: Annotated[str | None, typer.Option(metavar="NAME", help="Its colours.")] = None,
    config: ConfigOption = None,
    speak_as: AsOption = None,
) -> int:
    """Show everything on one screen, made for SSH. It only looks until it is told that it may command.

    Needs a terminal; `jph nodes`, `jph get` and `jph watch` print the same.
    """
    seat = take_seat(config, speak_as, load=load_configuration)
    return run_console(seat.configuration, seat.codifier, control=control, theme=theme)
