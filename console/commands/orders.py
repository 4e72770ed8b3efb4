"""The commands that a node confirms: start, halt, reload, set and step."""

import asyncio
import math
from collections.abc import Sequence
from typing import Annotated, TypeAlias

import typer

from agent.orders import Answer
from console import words
from console.addressees import SETTING, refusal, remark_on_strangers
from console.commands.options import AsOption, Codifiers, ConfigOption, JsonOption, QuietOption, shown_as
from console.output import Output, stdout, tell
from console.seat import Seat, take_seat
from protocol.frames import Flag


@shown_as("number")
def finite(text: str) -> float:
    """Read a number that can be sent."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise typer.BadParameter(f"{text!r} is no number; write 80, -5 or 21.5")
    return number


NumberArgument: TypeAlias = Annotated[float, typer.Argument(metavar="NUMBER", parser=finite, help="The value.")]


def start(
    codifiers: Codifiers,
    *,
    json: JsonOption = False,
    config: ConfigOption = None,
    speak_as: AsOption = None,
    quiet: QuietOption = False,
) -> int:
    """Wait for the nodes' confirmation; fail (exit code 1) and say why when one did not confirm."""
    return order(take_seat(config, speak_as, quiet=quiet), Flag.START, codifiers, json=json)


def halt(
    codifiers: Codifiers,
    *,
    json: JsonOption = False,
    config: ConfigOption = None,
    speak_as: AsOption = None,
    quiet: QuietOption = False,
) -> int:
    """Wait for the nodes' confirmation; fail (exit code 1) and say why when one did not confirm."""
    return order(take_seat(config, speak_as, quiet=quiet), Flag.HALT, codifiers, json=json)


def reload(
    codifiers: Codifiers,
    *,
    json: JsonOption = False,
    config: ConfigOption = None,
    speak_as: AsOption = None,
    quiet: QuietOption = False,
) -> int:
    """Wait for the nodes' confirmation; fail (exit code 1) when one keeps its old configuration.

    The agent that runs a node reads the configuration again for all of its nodes, and starts only those anew that
    were changed. With a bad configuration it keeps the old one and runs on; its log says what is wrong.
    """
    return order(take_seat(config, speak_as, quiet=quiet), Flag.RELOAD, codifiers, json=json)


def set_value(
    codifiers: Codifiers,
    number: NumberArgument,
    *,
    json: JsonOption = False,
    config: ConfigOption = None,
    speak_as: AsOption = None,
    quiet: QuietOption = False,
) -> int:
    """Wait for the sensors' confirmation; fail (exit code 1) and say why when one did not confirm.

    A value outside the range that the sensor's configuration allows is refused, and so is a proxy: its node is named.
    """
    return order(take_seat(config, speak_as, quiet=quiet), Flag.SET, codifiers, number, json=json)


def step(
    codifiers: Codifiers,
    number: NumberArgument,
    *,
    json: JsonOption = False,
    config: ConfigOption = None,
    speak_as: AsOption = None,
    quiet: QuietOption = False,
) -> int:
    """Wait for the sensors' confirmation; fail (exit code 1) and say why when one did not confirm.

    However often a step is repeated on a bad network, it acts once.
    """
    return order(take_seat(config, speak_as, quiet=quiet), Flag.STEP, codifiers, number, json=json)


def order(seat: Seat, flag: Flag, codifiers: Sequence[str], number: float = 0.0, *, json: bool) -> int:
    """Command all of them at the same time, print how each command ended, and return the exit code."""
    this = Order(flag, number, stdout(), json=json)
    named = list(dict.fromkeys(codifiers))
    refusals = {codifier: refusal(seat.configuration, flag, codifier, number) for codifier in named}
    for codifier in filter(refusals.get, named):
        this.report_refusal(codifier, refusals[codifier])
    worth_trying = [codifier for codifier in named if not refusals[codifier]]
    remark_on_strangers(seat.configuration, worth_trying)
    taken = asyncio.run(command_all(seat, this, worth_trying)) if worth_trying else True
    return 0 if taken and not any(refusals.values()) else 1


async def command_all(seat: Seat, this: "Order", codifiers: Sequence[str]) -> bool:
    """Send the order to each of them once; return whether all took it."""
    async with seat.join() as participant:
        answers = [participant.command(this.flag, codifier, this.number) for codifier in codifiers]
        return all([this.report(await answer) for answer in asyncio.as_completed(answers)])


class Order:
    """What is commanded, and where it is told how that ended."""

    def __init__(self, flag: Flag, number: float, output: Output, *, json: bool) -> None:
        self.flag = flag
        self.number = number
        self._output = output
        self._json = json

    def report(self, answer: Answer) -> bool:
        """Print how the order to one of them ended, a failure on stderr; return whether it was taken."""
        if self._json:
            self._output.json(self._document(answer, answer.reason))
        elif answer.ok:
            self._output.line(f"{self._words(answer.codifier)}: taken in {words.milliseconds(answer.elapsed_ms)}")
        else:
            tell(f"{self._words(answer.codifier)}: {answer.reason}{_advice(answer)}")
        self._output.flush()
        return answer.ok

    def report_refusal(self, codifier: str, reason: str) -> None:
        """Print that the order was not sent to one of them, and why."""
        if self._json:
            not_sent = Answer(codifier, None, acknowledged=False, elapsed_ms=0.0, attempts=0)
            self._output.json(self._document(not_sent, reason))
        else:
            tell(f"{self._words(codifier)}: {reason}")

    def _words(self, codifier: str) -> str:
        value = f" {words.quantity(self.number)}" if self.flag in SETTING else ""
        return f"{codifier} {self.flag.name.lower()}{value}"

    def _document(self, answer: Answer, reason: str) -> dict[str, object]:
        return {
            "codifier": answer.codifier,
            "command": self.flag.name.lower(),
            "number": self.number if self.flag in SETTING else None,
            "taken": answer.ok,
            "code": answer.code,
            "reason": reason,
            "acknowledged": answer.acknowledged,
            "elapsed_ms": words.rounded(answer.elapsed_ms),
            "attempts": answer.attempts,
        }


def _advice(answer: Answer) -> str:
    """Say what can be done about a command that nobody answered, or that could not be given."""
    if answer.hint:
        return f"\n{answer.hint}"
    return f"; `jph ping {answer.codifier}` tells whether it is there" if answer.code is None else ""
