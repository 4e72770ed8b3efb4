"""A node that commands others: what it gives is repeated until it is confirmed, while its driver goes on."""

import asyncio
import logging
from typing import Final

from agent.clock import Clock
from agent.listening import Reach
from agent.orders import Answer, Orders
from agent.presence import Presence
from config.model import Configuration
from drivers.driver import DriverError
from protocol.codifiers import EVERYBODY
from protocol.frames import COMMANDS, ControlFrame, Flag
from protocol.instants import Instant

log: Final = logging.getLogger("jph.node")

MAX_UNDER_WAY: Final = 32  # commands of one node that nobody confirmed yet; each is given up after some seconds


class Commanding:
    """Gives the commands of one node, and waits for none of them.

    A command that sets a state takes the place of the one before it to the same node: that one is not repeated any
    more, lest it arrive after the newer one. Steps are all given. How a command ended is said in the log when it ended
    badly, once for each target and reason.
    """

    def __init__(self, presence: Presence, reach: Reach, clock: Clock) -> None:
        self.configuration = Configuration()
        self.codifier = presence.codifier
        self.clock = clock
        self.gate = reach.gate
        self.roster = reach.listening.roster
        self._presence = presence
        self._listening = reach.listening
        self._spawn = reach.spawn
        self._orders = Orders(self)
        self._under_way: dict[asyncio.Task[None], tuple[Flag, str]] = {}
        self._told: dict[str, str] = {}  # by target, why its last command ended badly
        self._last_ping = 0.0
        self._listening.ears.append(self._orders.hear)

    def give(self, flag: Flag, codifier: str, number: float) -> None:
        """Send a control frame: a command again and again until it is confirmed, anything else once."""
        if flag not in COMMANDS or codifier == EVERYBODY:
            self._presence.say(flag, codifier, number)
            return
        if flag is not Flag.STEP:
            self._forget(flag, codifier)
        if len(self._under_way) >= MAX_UNDER_WAY:
            raise DriverError(f"{len(self._under_way)} commands of {self.codifier} wait for their confirmation")
        task = self._spawn(self._give(flag, codifier, number), f"{self.codifier} commands {codifier}")
        self._under_way[task] = (flag, codifier)
        task.add_done_callback(lambda task: self._under_way.pop(task, None))

    def close(self) -> None:
        """Give up what is not confirmed; closing twice is harmless."""
        if self._orders.hear in self._listening.ears:
            self._listening.ears.remove(self._orders.hear)
        for task in self._under_way:
            task.cancel()

    def send(self, flag: Flag, codifier: str, number: float, said: Instant | None = None) -> ControlFrame:
        """Send a control frame of the node; it is dated `said`, by default now."""
        return self._presence.say(flag, codifier, number, said)

    def transmit(self, frame: ControlFrame) -> None:
        """Send a frame of the node again."""
        self._presence.transmit(frame)

    def ping(self, codifier: str) -> float:
        """Send a ping and note it in the roster; returns its number."""
        now = self.clock.now()
        self._last_ping = max(now.wall_ms, self._last_ping + 2**-10)  # pings of the same moment are told apart
        self.roster.pinged(codifier, self._last_ping, now)
        self.send(Flag.PING, codifier, self._last_ping)
        return self._last_ping

    def _forget(self, flag: Flag, codifier: str) -> None:
        for task, given in self._under_way.items():
            if given == (flag, codifier):
                task.cancel()

    async def _give(self, flag: Flag, codifier: str, number: float) -> None:
        answer = await self._orders.command(flag, codifier, number)
        reason = "" if answer.ok else _why(answer)
        if reason and self._told.get(codifier) != reason:
            log.error("%s: %s to %s: %s", self.codifier, flag.name.lower(), codifier, reason)
        self._told[codifier] = reason


def _why(answer: Answer) -> str:
    reason = answer.reason if answer.attempts == 0 or answer.code is not None else "no answer"
    return f"{reason}; {answer.hint}" if answer.hint else reason
