import asyncio
from typing import Annotated

import typer

from console.commands.options import (
    AsOption,
    ConfigOption,
    QuietOption,
    codifier_or_everybody,
    complete_codifier,
    control_flag,
)
from console.commands.orders import finite
from console.seat import Seat, take_seat
from protocol.frames import Flag


def send(
    flag: Annotated[
        Flag,
        typer.Argument(metavar="FLAG", parser=control_flag, help="Its letter on the wire, or a word such as ping."),
    ],
    codifier: Annotated[
        str,
        typer.Argument(
            metavar="CODIFIER",
            parser=codifier_or_everybody,
            autocompletion=complete_codifier,
            help="To whom; @@ is everybody.",
        ),
    ],
    number: Annotated[
        float | None, typer.Argument(metavar="[NUMBER]", parser=finite, help="What the frame carries; else 0.")
    ] = None,
    *,
    config: ConfigOption = None,
    speak_as: AsOption = None,
    quiet: QuietOption = False,
) -> int:
    """Send without repeating and without asking whether it arrived; `jph watch` shows what follows."""
    seat = take_seat(config, speak_as, quiet=quiet)
    return asyncio.run(send_once(seat, flag, codifier, number or 0.0))


async def send_once(seat: Seat, flag: Flag, codifier: str, number: float) -> int:
    """Send one frame; fail when the network does not take it."""
    async with seat.join(()) as participant:
        participant.send(flag, codifier, number)
        return 0 if participant.bus.counters.send_errors == 0 else 1
