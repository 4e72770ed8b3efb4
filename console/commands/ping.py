import asyncio
import signal
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from console import words
from console.commands.options import (
    AsOption,
    ConfigOption,
    JsonOption,
    QuietOption,
    complete_codifier,
    duration,
    one_codifier,
)
from console.output import Column, Output, Span, stdout, tell
from console.pinging import Answer, Course, Pings
from console.seat import Seat, take_seat
from protocol.frames import Bus
from protocol.members import NodeRecord

USUAL_INTERVAL_S: Final = 1.0
SHORTEST_INTERVAL_S: Final = 0.02  # a node answers 50 pings a second and drops the others
USUAL_TIMEOUT_S: Final = 1.0

COLUMNS: Final = (
    Column("codifier"),
    Column("sent", right=True),
    Column("received", right=True),
    Column("loss", right=True),
    Column("min", right=True),
    Column("median", right=True),
    Column("p99", right=True),
    Column("max", right=True),
    Column("clock", right=True),
)


def interval_between(text: str) -> float:
    """Read the interval between two pings; returned in seconds."""
    seconds = duration(text)
    if seconds < SHORTEST_INTERVAL_S:
        raise typer.BadParameter("a node answers 50 pings a second and drops the others: at least 20ms")
    return seconds


def ping(
    codifiers: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CODIFIER...]", parser=one_codifier, autocompletion=complete_codifier, help="Nodes."),
    ] = None,
    *,
    everybody: Annotated[bool, typer.Option("--all", help="All nodes that there are.")] = False,
    count: Annotated[int, typer.Option("--count", "-c", min=1, help="How often.")] = 5,
    interval: Annotated[
        float | None,
        typer.Option(metavar="DURATION", parser=interval_between, help="The time between two pings; else 1s."),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="DURATION", parser=duration, help="Wait at most so long for the last answer; else 1s."),
    ] = None,
    json: JsonOption = False,
    config: ConfigOption = None,
    speak_as: AsOption = None,
    quiet: QuietOption = False,
) -> int:
    """Fail (exit code 1) when nothing came back from one of the nodes, with --all when nothing came back at all.

    The clock is how far a node's clock is ahead of this computer's, taken from the fastest of its answers.
    The figures are those of the last 256 answers.
    """
    if bool(codifiers) == everybody:
        raise typer.BadParameter("name the nodes to ping, or say --all", param_hint="CODIFIER")
    seat = take_seat(config, speak_as, quiet=quiet)
    course = Course(count, interval or USUAL_INTERVAL_S, timeout or USUAL_TIMEOUT_S)
    return asyncio.run(measure(seat, tuple(codifiers or ()), course, stdout(), json=json))


async def measure(seat: Seat, codifiers: Sequence[str], course: Course, output: Output, *, json: bool) -> int:
    """Ping these nodes, or all, and print how long the answers took; return the exit code."""
    async with seat.join((Bus.CONTROL,)) as participant:
        pings = Pings(participant, codifiers)
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, pings.stop)
        await pings.run(course, lambda answer: None if json else show_answer(output, answer))
        show(output, pings.nodes(), json=json)
        return conclude(pings.nodes(), everybody=not codifiers)


def show_answer(output: Output, answer: Answer) -> None:
    """Print an answer as it comes."""
    rtt, clock = words.milliseconds(answer.rtt_ms), words.milliseconds(answer.offset_ms, signed=True)
    output.line(f"{answer.codifier}  {answer.received} of {answer.sent}  {rtt}  clock {clock}")
    output.flush()


def show(output: Output, nodes: Sequence[NodeRecord], *, json: bool) -> None:
    """Print the figures of all answers."""
    if not json:
        output.table(COLUMNS, [cells(node) for node in nodes])
        return
    for node in nodes:
        output.json(as_json(node))


def as_json(node: NodeRecord) -> dict[str, object]:
    """Return a node's figures under the keys of docs/cli.md, "ping"."""
    summary = node.round_trips.summary()
    names = ("min", "median", "p99", "max")
    return {
        "codifier": node.codifier,
        "sent": summary.sent,
        "received": summary.received,
        "rtt_ms": {name: words.rounded(getattr(summary, name)) for name in names},
        "offset_ms": words.rounded(node.round_trips.offset_ms),
    }


def cells(node: NodeRecord) -> list[Span]:
    """Return a node's row of the table."""
    summary = node.round_trips.summary()
    lost = 1 - summary.received / summary.sent if summary.sent else 0.0
    figures = (summary.min, summary.median, summary.p99, summary.max)
    return [
        node.codifier,
        str(summary.sent),
        str(summary.received),
        (words.share(lost), "red" if lost else ""),
        *map(words.milliseconds, figures),
        words.milliseconds(node.round_trips.offset_ms, signed=True),
    ]


def conclude(nodes: Sequence[NodeRecord], *, everybody: bool) -> int:
    """Return the exit code, and say from whom nothing came back."""
    silent = [node.codifier for node in nodes if not node.round_trips.received]
    if silent:
        tell(f"nothing came back from {words.listed(silent)}")
    if everybody and len(silent) == len(nodes):
        tell(f"no node answered; {words.NOBODY_HEARD}")
        return 1
    return 1 if silent and not everybody else 0
