"""Commands of one program: sent until they are confirmed, dated by their target's clock where that is needed."""

import asyncio
from itertools import pairwise
from typing import Final, NamedTuple, Protocol

from agent.clock import Clock
from agent.security import commanders
from config.limits import limits_in_words
from config.model import Configuration
from protocol.commands import REASONS, Code
from protocol.frames import ControlFrame, Flag, Frame
from protocol.freshness import WITHIN_MS
from protocol.gate import Gate
from protocol.instants import Instant
from protocol.pending import GIVES_UP_AFTER_S, REPEATS_AFTER_S, Confirmation, PendingCommand
from protocol.roster import Roster

ACKNOWLEDGES_WITHIN_S: Final = 1.4  # three sendings: a node that does not answer then is commanded without repeats
PAUSES_S: Final = (*(after - before for before, after in pairwise((0.0, *REPEATS_AFTER_S))), 1.8)
"""After each ping for a clock: they are repeated as commands are."""


class Answer(NamedTuple):
    """How a command ended. `code` is None when nobody answered; `acknowledged` is False for an original node.

    `limits` says in words which values the configuration allows; empty when it does not say. With no `attempts` nothing
    was sent, because `by`, as which this program speaks, holds no key for it; `hint` tells who does, or how to get one.
    """

    codifier: str
    code: Code | None
    acknowledged: bool
    elapsed_ms: float
    attempts: int
    limits: str = ""
    by: str = ""
    hint: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether the command was taken."""
        return self.code is Code.TAKEN

    @property
    def reason(self) -> str:
        """Say in words how the command ended."""
        if self.code is Code.NOT_AUTHORISED and not self.attempts:
            return f"{self.by} has no key to command {self.codifier}"
        if self.code is None:
            return f"no answer after {self.attempts} attempts in {self.elapsed_ms / 1000:.1f} s"
        allowed = f": {self.limits}" if self.limits and self.code is Code.OUT_OF_RANGE else ""
        return REASONS[self.code] + allowed


class Speaker(Protocol):
    """What commands need of the program that gives them."""

    configuration: Configuration
    codifier: str
    clock: Clock
    roster: Roster
    gate: Gate

    def send(self, flag: Flag, codifier: str, number: float, said: Instant | None = None) -> ControlFrame:
        """Send a control frame, which says that it is `said`, by default now."""
        ...

    def transmit(self, frame: ControlFrame) -> None:
        """Send a frame again."""
        ...

    def ping(self, codifier: str) -> float:
        """Send a ping and note it in the roster; returns its number."""
        ...


class _Waiting(NamedTuple):
    command: PendingCommand
    confirmation: asyncio.Future[Confirmation]


class Orders:
    """Gives the commands of one program.

    Where tags are made, a command is dated by the clock of its target, which is asked for first (docs/protocol.md,
    "Freshness"); one that came too late all the same was not carried out, and is given once more.
    """

    def __init__(self, speaker: Speaker) -> None:
        self._speaker = speaker
        self._waiting: list[_Waiting] = []
        self._pinged: dict[str, asyncio.Future[None]] = {}  # by codifier, those whose clock is asked for
        self._dated_ms: dict[str, float] = {}  # the last date of a command to each, on its own clock

    def hear(self, frame: Frame) -> None:
        """Take a frame that may end a command, after the roster did."""
        for waiting in self._waiting:
            confirmation = waiting.command.confirmation(frame)
            if confirmation is not None and not waiting.confirmation.done():
                waiting.confirmation.set_result(confirmation)
        answered = self._pinged.get(frame.source) if frame.flag is Flag.PONG else None
        if answered is not None and frame.destination == self._speaker.codifier and not answered.done():
            answered.set_result(None)

    async def command(self, flag: Flag, codifier: str, number: float) -> Answer:
        """Send a command, again and again until it is confirmed; gives up after 8 s."""
        if not self._speaker.gate.may_command(codifier, self._speaker.codifier):
            return self._without_key(codifier)
        answer = await self._command(flag, codifier, number)
        is_too_late = answer.code is Code.STALE and self._speaker.gate.keyring is not None
        return await self._command(flag, codifier, number) if is_too_late else answer

    def _without_key(self, codifier: str) -> Answer:
        by = self._speaker.codifier
        return Answer(
            codifier,
            Code.NOT_AUTHORISED,
            acknowledged=False,
            elapsed_ms=0.0,
            attempts=0,
            by=by,
            hint=self._who_could(codifier, by),
        )

    def _who_could(self, codifier: str, by: str) -> str:
        """Say under which codifier this user could give the command, or what the network's owner has to grant."""
        configuration, keyring = self._speaker.configuration, self._speaker.gate.keyring
        others = commanders(configuration.security, codifier)
        if others:
            return f"{' and '.join(others)} may: --as {others[0]}"
        node = configuration.nodes.get(by)
        role = "" if node is not None and not node.is_operator else " --operator"
        targets = ",".join(sorted({*(keyring.targets(by) if keyring else ()), codifier}))
        return f"on the computer with network.key: jph keys grant {by}{role} --targets {targets}"

    async def _command(self, flag: Flag, codifier: str, number: float) -> Answer:
        started_s = self._speaker.clock.now().monotonic_s
        if self._speaker.gate.keyring is not None:
            attempts = await self._ask_for_clock(codifier)
            if attempts is not None:
                elapsed_ms = (self._speaker.clock.now().monotonic_s - started_s) * 1000
                return Answer(codifier, None, acknowledged=False, elapsed_ms=elapsed_ms, attempts=attempts)
        repeated = flag is not Flag.STEP or await self._acknowledges(codifier)
        return await self._confirmed(flag, codifier, number, repeated=repeated)

    async def _ask_for_clock(self, codifier: str) -> int | None:
        """Ping a node until it answers; returns after how many pings it was given up, None when it answered."""
        answered = self._pinged[codifier] = asyncio.get_running_loop().create_future()
        try:
            for pause_s in PAUSES_S:
                self._speaker.ping(codifier)
                await asyncio.wait([answered], timeout=pause_s)
                if answered.done():
                    return None
        finally:
            if self._pinged.get(codifier) is answered:
                del self._pinged[codifier]
        return len(PAUSES_S)

    def _date(self, codifier: str) -> Instant:
        """Return this moment on the clock of a node, later than of any command to it before.

        One whose clock was set back since has forgotten those, and would take none that is dated so far ahead.
        """
        now = self._speaker.clock.now()
        node = self._speaker.roster.nodes.get(codifier)
        offset_ms = node.round_trips.offset_ms if node is not None else None
        if self._speaker.gate.keyring is None or offset_ms is None:
            return now
        dated_ms, before_ms = now.wall_ms + offset_ms, self._dated_ms.get(codifier, 0.0)
        if before_ms - dated_ms < WITHIN_MS:
            dated_ms = max(dated_ms, before_ms + 1)
        self._dated_ms[codifier] = dated_ms
        return now._replace(wall_ms=dated_ms)

    async def _acknowledges(self, codifier: str) -> bool:
        """Find out whether a node answers with `K`: a program of the original system would do a repeated step twice.

        A step by zero changes nothing, and a node that does not know `K` does not answer it.
        """
        node = self._speaker.roster.nodes.get(codifier)
        if node is None or not node.acknowledges:
            await self._confirmed(Flag.STEP, codifier, 0.0, repeated=True, within_s=ACKNOWLEDGES_WITHIN_S)
            node = self._speaker.roster.nodes.get(codifier)
        return node is not None and node.acknowledges

    async def _confirmed(
        self, flag: Flag, codifier: str, number: float, *, repeated: bool, within_s: float = GIVES_UP_AFTER_S
    ) -> Answer:
        frame = self._speaker.send(flag, codifier, number, self._date(codifier))
        sensor = self._speaker.roster.sensors.get(codifier)
        pending = PendingCommand(
            frame,
            self._speaker.clock.now().monotonic_s,
            repeated=repeated,
            shown_by_reading=self._shows_by_reading(codifier),
            known_ms=sensor.timestamp_ms if sensor else None,
        )
        pending.gives_up_s = pending.sent_s + within_s
        waiting = _Waiting(pending, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            confirmation = await self._repeat_until_confirmed(waiting)
        finally:
            self._waiting.remove(waiting)
        elapsed_ms = (self._speaker.clock.now().monotonic_s - pending.sent_s) * 1000
        if confirmation is None:
            return Answer(codifier, None, acknowledged=False, elapsed_ms=elapsed_ms, attempts=pending.attempts)
        return Answer(
            codifier,
            confirmation.code,
            confirmation.acknowledged,
            elapsed_ms,
            pending.attempts,
            limits_in_words(self._speaker.configuration, codifier),
        )

    def _shows_by_reading(self, codifier: str) -> bool:
        """Tell whether a reading can show that a value was set: not of a proxy, nor where `K` is to be expected."""
        node, owner = self._speaker.roster.nodes.get(codifier), self._speaker.configuration.owner(codifier)
        if node is not None and node.acknowledges:
            return False
        return owner is None or (owner.codifier == codifier and owner.control)

    async def _repeat_until_confirmed(self, waiting: _Waiting) -> Confirmation | None:
        pending = waiting.command
        while (now_s := self._speaker.clock.now().monotonic_s) < pending.gives_up_s:
            await asyncio.wait([waiting.confirmation], timeout=min(pending.due_s, pending.gives_up_s) - now_s)
            if waiting.confirmation.done():
                return waiting.confirmation.result()
            if frame := pending.repeat(self._speaker.clock.now().monotonic_s):
                self._speaker.transmit(frame)
        return None
