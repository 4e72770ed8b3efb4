import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Final, NamedTuple

import typer

from agent.participant import Heard, Participant
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
from console.seat import Seat, take_seat
from protocol.codifiers import EVERYBODY
from protocol.frames import Bus, ControlFrame, Flag
from protocol.members import NodeRecord
from protocol.profiles import NodeProfile

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


@dataclass(frozen=True, slots=True)
class Course:
    """How often, how fast and for how long to ping. `timeout_s` is for the answer to the last ping."""

    count: int
    interval_s: float
    timeout_s: float


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


class Answer(NamedTuple):
    """One answer: the how manyeth of so many pings, its round trip, and how far the clock seems ahead by now."""

    codifier: str
    received: int
    sent: int
    rtt_ms: float | None
    offset_ms: float | None


class Pings:
    """A number of pings to some nodes, or to all when `codifiers` is empty."""

    def __init__(self, participant: Participant, codifiers: Sequence[str]) -> None:
        self._participant = participant
        self._roster = participant.roster
        self._codifiers = codifiers
        self._received: Counter[str] = Counter()
        self._answers: list[Answer] = []  # those of one turn of the loop, which hears at most 64 frames
        self._changed = asyncio.Event()
        self._stopped = False
        self._roster.expect([NodeProfile(codifier) for codifier in codifiers if codifier not in self._roster.nodes], [])
        participant.heard.append(self._hear)

    async def run(self, course: Course, tell: Callable[[Answer], None]) -> None:
        """Send the pings and tell the answers as they come, until the last is there or its time is over."""
        for number in range(1, course.count + 1):
            for codifier in self._codifiers or [EVERYBODY]:
                self._participant.ping(codifier)
            if number < course.count:
                await self._listen(course.interval_s, tell, lambda: self._stopped)
            if self._stopped:
                return
        await self._listen(course.timeout_s, tell, lambda: self._stopped or self._complete())

    def stop(self) -> None:
        """Send no more and wait no longer."""
        self._stopped = True
        self._changed.set()

    def nodes(self) -> list[NodeRecord]:
        """Return the nodes concerned: those that were named; else all that answered or that should have."""
        if self._codifiers:
            return [self._roster.nodes[codifier] for codifier in self._codifiers]
        return [node for node in self._roster.nodes.values() if node.round_trips.received or self._is_expected(node)]

    def _is_expected(self, node: NodeRecord) -> bool:
        return node.codifier in self._participant.configuration.nodes and not node.operator

    def _complete(self) -> bool:
        """Tell whether all answers are there; of an answer from everybody nobody knows how many there will be."""
        return bool(self._codifiers) and all(
            node.round_trips.received >= node.round_trips.sent for node in self.nodes()
        )

    async def _listen(self, seconds: float, tell: Callable[[Answer], None], done: Callable[[], bool]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not done():
                    await self._changed.wait()
                    self._changed.clear()
                    self._hand_on(tell)

    def _hand_on(self, tell: Callable[[Answer], None]) -> None:
        answers, self._answers = self._answers, []
        for answer in answers:
            tell(answer)

    def _hear(self, heard: Heard) -> None:
        frame = heard.frame
        if not isinstance(frame, ControlFrame) or frame.flag is not Flag.PONG:
            return
        node = self._roster.nodes.get(frame.source)
        if node is None or node.round_trips.received == self._received[frame.source]:
            return  # the answer to somebody else's ping
        trips = node.round_trips
        self._received[frame.source] = trips.received
        self._answers.append(Answer(frame.source, trips.received, trips.sent, trips.last_ms, trips.offset_ms))
        self._changed.set()


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
    return {
        "codifier": node.codifier,
        "sent": summary.sent,
        "received": summary.received,
        "rtt_ms": {"min": summary.min, "median": summary.median, "p99": summary.p99, "max": summary.max},
        "offset_ms": node.round_trips.offset_ms,
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
        tell("no node answered: see that the interface is the right one (network.interface), and that an agent runs")
        return 1
    return 1 if silent and not everybody else 0
