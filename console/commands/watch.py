import asyncio
import os
import signal
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated

import typer

from agent.participant import Heard
from config.model import Configuration
from console.commands.options import (
    AsOption,
    ConfigOption,
    JsonOption,
    QuietOption,
    codifier_or_everybody,
    complete_codifier,
    duration,
    flag,
    one_codifier,
)
from console.frame_words import bad_json, bad_line, frame_json, frame_line
from console.output import Output, Span, stdout, tell
from console.seat import Seat, take_seat
from console.tape import Entry, Filter, Tape
from protocol.frames import Bus, Flag


def watch(
    *,
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--from", metavar="CODIFIER", parser=one_codifier, autocompletion=complete_codifier, help="Sent by it."
        ),
    ] = None,
    destinations: Annotated[
        list[str] | None,
        typer.Option("--to", metavar="CODIFIER", parser=codifier_or_everybody, help="Sent to it; @@ is everybody."),
    ] = None,
    involving: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODIFIER", parser=one_codifier, autocompletion=complete_codifier, help="Sent by it or to it."
        ),
    ] = None,
    bus: Annotated[Bus | None, typer.Option(help="Only this bus.")] = None,
    flags: Annotated[
        list[Flag] | None,
        typer.Option("--flag", metavar="FLAG", parser=flag, help="Only this kind: a letter, or a word such as set."),
    ] = None,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many.")] = None,
    seconds: Annotated[
        float | None, typer.Option(metavar="DURATION", parser=duration, help="End after this time.")
    ] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
    speak_as: AsOption = None,
    quiet: QuietOption = False,
) -> int:
    """Show who says what to whom, and datagrams that are no frames, until it is interrupted (Ctrl-C; exit code 0).

    Frames whose tag is not believed are shown with the reason; who they are from is what they say.

    Options that are given several times widen: --from C1 --from F1. With --count and --seconds it fails
    (exit code 1) when the time is over before as many were seen.
    """
    seat = take_seat(config, speak_as, quiet=quiet)
    wanted = Filter(
        frozenset(sources or ()), frozenset(destinations or ()), frozenset(involving or ()), frozenset(flags or ())
    )
    tape = Tape(wanted, count)
    asyncio.run(show(seat, (bus,) if bus else tuple(Bus), tape, seconds, json=json))
    return 1 if tape.left else 0


async def show(seat: Seat, listen: Collection[Bus], tape: Tape, seconds: float | None, *, json: bool) -> None:
    """Write what comes until the tape ends, the time is over or the operator interrupts."""
    output = stdout()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, tape.end)
    async with seat.join(listen) as participant:
        participant.heard.append(tape.hear)
        participant.refused.append(tape.refuse)
        with torn_when_unread(tape, output), suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await copy(tape, output, seat.configuration, json=json)
        if tape.given_up:
            tell(f"{tape.given_up} lines were given up: they came faster than they could be written")
        seat.say_how_it_went(participant)


async def copy(tape: Tape, output: Output, configuration: Configuration, *, json: bool) -> None:
    """Write the tape's entries until it ends."""
    while entries := await tape.take():
        for entry in entries:
            if json:
                output.json(as_json(entry))
            else:
                output.line(*as_line(entry, configuration))
        output.flush()


def as_json(entry: Entry) -> dict[str, object]:
    """Return an entry as one object."""
    return frame_json(entry.frame, entry.sender) if isinstance(entry, Heard) else bad_json(entry)


def as_line(entry: Entry, configuration: Configuration) -> list[Span]:
    """Return an entry as one line."""
    if isinstance(entry, Heard):
        return frame_line(entry.frame, entry.sender, entry.now.wall_ms, configuration)
    return bad_line(entry, configuration)


@contextmanager
def torn_when_unread(tape: Tape, output: Output) -> Iterator[None]:
    """Tear the tape when our output is a pipe whose reader went away: on a quiet bus no write would tell."""
    pipe = output.stream.fileno()
    if not stat.S_ISFIFO(os.fstat(pipe).st_mode):
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_reader(pipe, tape.tear)  # of the end of a pipe that is written to, epoll tells only that it is broken
    try:
        yield
    finally:
        loop.remove_reader(pipe)
