"""The control panel without Textual: what can be commanded, what it does to whom, and how it ended.

The keys are the flags of the wire, so that who knows one knows the other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from console.screen import figures
from console.screen.catalogue import Catalogue, Entry
from console.screen.lines import EMPTY, Ink, Line, Span, clip, line, spread
from console.screen.model import Given, Model
from console.screen.observer import SensorRow
from console.screen.symbols import Symbols
from console.screen.world import World
from console.words import clock_time, visible
from protocol.frames import Flag
from protocol.members import Status

MOST_NAMED: Final = 12
"""Targets that a dialog names one by one; of the others it tells how many there are."""

AT_ONCE: Final = 8
"""Commands under way at the same time: many nodes answering at once would lose each other's answers."""

_NOT_PRESENT: Final = frozenset({Status.STALE, Status.HALTED, Status.GONE})  # what was heard last may hold no more


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `asks` is what its number is called; empty when it has none."""

    flag: Flag
    action: str
    word: str
    effect: str
    asks: str = ""


COMMANDS: Final = (
    Command(Flag.START, "start", "Start", "sends readings again"),
    Command(Flag.HALT, "halt", "Halt", "sends no more readings until it is started"),
    Command(Flag.RELOAD, "reload", "Reload", "reads its configuration again; a bad one is refused"),
    Command(Flag.SET, "set", "Set", "takes this value", asks="value"),
    Command(Flag.STEP, "step", "Step", "changes its value by this much", asks="change"),
)
BY_ACTION: Final = {command.action: command for command in COMMANDS}
BY_FLAG: Final = {command.flag: command for command in COMMANDS}


@dataclass(frozen=True, slots=True)
class Order:
    """A command with its targets, before it is given."""

    command: Command
    targets: tuple[str, ...]

    @property
    def title(self) -> str:
        """What is about to happen, in a few words: `Halt C1`, `Halt 12 nodes`."""
        return (
            f"{self.command.word} {self.targets[0]}"
            if len(self.targets) == 1
            else f"{self.command.word} {len(self.targets)} nodes"
        )

    @property
    def typed(self) -> str:
        """What the operator must type before many targets are commanded; empty for a single one."""
        return "" if len(self.targets) == 1 else f"{self.command.action} {len(self.targets)}"


def describe_target(codifier: str, catalogue: Catalogue) -> str:
    """Name a target with everything that the command concerns: `F1 Room temperature (sends F1, F2)`."""
    entry = catalogue[codifier]
    sensors = catalogue.published_by(codifier)
    name = f" {entry.name}" if entry.name else "" if entry.configured else " (not in the configuration)"
    sends = f" (sends {', '.join(sensors)})" if len(sensors) > 1 else ""
    return visible(codifier + name + sends)


def describe_targets(order: Order, catalogue: Catalogue) -> list[str]:
    """Name the targets of an order, a line each."""
    lines = [describe_target(codifier, catalogue) for codifier in order.targets[:MOST_NAMED]]
    rest = len(order.targets) - MOST_NAMED
    return [*lines, f"and {rest} more"] if rest > 0 else lines


def unfit(order: Order, catalogue: Catalogue) -> list[str]:
    """Name the targets of which the configuration says that they cannot take the command."""
    if not order.command.asks:
        return []
    entries = [catalogue[codifier] for codifier in order.targets]
    return [entry.codifier for entry in entries if entry.configured and not entry.control]


def describe_values(order: Order, catalogue: Catalogue, world: World) -> list[str]:
    """Say what each target of a command with a number has now and may have, a line each; nothing of others."""
    if not order.command.asks:
        return []
    lines = [_describe_value(codifier, catalogue[codifier], world) for codifier in order.targets[:MOST_NAMED]]
    return lines if len(order.targets) > 1 else [text.partition(": ")[2] for text in lines]


def _describe_value(codifier: str, entry: Entry, world: World) -> str:
    unit = f" {entry.unit}" if entry.unit else ""
    limits = f", takes {entry.limits}{unit}" if entry.limits else ""
    return visible(f"{codifier}: {_present(world.sensors.get(codifier), unit)}{limits}")


def _present(row: SensorRow | None, unit: str) -> str:
    if row is None or row.value is None:
        return "its value was not heard yet"
    remark = f" ({row.status})" if row.status in _NOT_PRESENT else ""
    return f"now {figures.value_text(row.value)}{unit}{remark}"


def parse_number(text: str) -> float | None:
    """Read the number of a command; None when it is none that can be sent."""
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def outcome(given: Given) -> tuple[str, Ink]:
    """Say how a command ended: the node's word, after how many milliseconds, at which attempt."""
    answer = given.answer
    if answer is None:
        return "waiting for the answer", Ink.DIM
    if answer.code is None:
        return answer.reason, Ink.CRITICAL
    if not answer.attempts:
        return f"{answer.reason}; {answer.hint}", Ink.WARNING
    attempts = "1 attempt" if answer.attempts == 1 else f"{answer.attempts} attempts"
    how = "" if answer.acknowledged else ", seen not confirmed"
    words = f"{answer.reason}, {figures.milliseconds(answer.elapsed_ms)}, {attempts}{how}"
    return words, Ink.OK if answer.ok else Ink.WARNING


def order_words(given: Given) -> str:
    """Say what was commanded: `set FK 80`."""
    number = "" if given.number is None else f" {given.number:g}"
    return f"{BY_FLAG[given.flag].action} {given.codifier}{number}"


def draw_control(
    model: Model, keys: Sequence[tuple[str, str]], width: int, height: int, symbols: Symbols
) -> list[Line]:
    """Draw the panel: what the next command would go to, the keys (key, word), and the last answers, newest first."""
    head = [_targets_line(model, width, symbols), *_key_lines(keys, width)] if model.armed else _read_only(width)
    room = max(0, height - len(head))
    return [*head, *(_given_line(given, width, symbols) for given in list(reversed(model.given))[:room])]


def _read_only(width: int) -> list[Line]:
    words = [Span(" read-only", Ink.STRONG), Span("   a arms the commands", Ink.DIM)]
    return [clip(line(words), width)]


def _targets_line(model: Model, width: int, symbols: Symbols) -> Line:
    targets = model.targets()
    if not targets:
        return EMPTY
    described = (
        describe_target(targets[0], model.catalogue)
        if len(targets) == 1
        else f"{len(targets)} nodes: {' '.join(targets)}"
    )
    marked = [Span(f"{len(model.marks)} {symbols.mark} ", Ink.ACCENT)] if model.marks else []
    return spread([Span(" to ", Ink.DIM), Span(described, Ink.STRONG)], marked, width)


def _key_lines(keys: Sequence[tuple[str, str]], width: int) -> list[Line]:
    """Draw the keys on as many lines as they take."""
    lines: list[list[Span]] = [[]]
    used = 0
    for key, word in keys:
        length = len(key) + len(word) + 3
        if used + length > width:
            lines.append([])
            used = 0
        used += length
        lines[-1] += [Span(f" {key}", Ink.KEY), Span(f" {word} ", Ink.TEXT)]
    return [clip(line(spans), width) for spans in lines]


def _given_line(given: Given, width: int, symbols: Symbols) -> Line:
    words, ink = outcome(given)
    spans = [
        Span(f" {clock_time(given.wall_ms)[:8]} ", Ink.DIM),
        Span(f"{order_words(given)}  ", Ink.STRONG),
        Span(visible(words), ink),
    ]
    return clip(line(spans), width, symbols.ellipsis)
