"""A participant with readings of its own, of which none is lost: what the programs of the library are on the bus.

It keeps what it publishes and sends it again to whoever did not hear it (docs/protocol.md, "Repair"), as an agent does.
"""

import asyncio
from typing import Final, Self

from agent.accepted import Journal
from agent.clock import Clock, SystemClock
from agent.configuration import state_directory
from agent.participant import Heard, Participant
from agent.repeating import Repeating, rings_within
from agent.security import open_gate
from agent.spooling import Spooling
from config.model import Configuration
from protocol.frames import ControlFrame, Flag

LAST_REQUESTS_S: Final = 0.3  # in which who misses the last reading asks: after 75 ms, or once more when that is lost
SILENT_ROUNDS: Final = 2  # so often nobody must have asked: what names the last reading may be lost as well
MAX_ROUNDS: Final = 10  # 3 s: a program that is to end does end, also when it is asked for ever


class Publisher(Participant):
    """A participant that publishes readings of its codifier and of its proxies.

    What it sends is kept in rings as large as the configuration's `rings:` says, and with `spool:` on disk, where no
    other program with the same first codifier writes. Its numberings go on from there.
    """

    def __init__(
        self, configuration: Configuration, codifier: str, clock: Clock | None = None, *, takeover: bool
    ) -> None:
        clock = clock or SystemClock()
        gate = open_gate(configuration.security, [codifier])
        self.repeating = Repeating(rings_within(configuration.rings), clock, gate)
        self._journal = Journal(state_directory(), codifier)
        super().__init__(
            configuration,
            codifier,
            clock,
            present=True,
            takeover=takeover,
            kept=self.repeating,
            gate=gate,
            journal=self._journal,
        )
        self.heard.append(self._hear_request)
        place = configuration.spool
        self._spooling = None if place is None else Spooling(place, codifier, self.repeating, clock)

    async def __aenter__(self) -> Self:
        """Take up what is kept on disk, open the bus, and announce the codifier."""
        try:
            if self._spooling is not None:
                await self._spooling.load()
            await self._presence.recall_commands()
            await super().__aenter__()
        except BaseException:
            await self._let_go()
            raise
        self.repeating.open(self._sensors(), self.bus.send_to)
        self._spawn(self._resume(), f"{self.codifier} resumes its numberings")
        if self._spooling is not None:
            self._spawn(self._spooling.run(), f"{self.codifier} spools")
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Answer who misses the last readings, and leave the bus; closing twice is harmless."""
        try:
            if self.bus.address is not None and any(map(len, self.repeating.rings)):
                await self._answer_the_last()
        finally:
            await super().__aexit__(*exc_info)
            await self._let_go()

    def _sensors(self) -> list[str]:
        """Return the codifiers for which this program answers; one that is a proxy stands for itself alone."""
        node = self.configuration.nodes.get(self.codifier)
        return [sensor.codifier for sensor in node.sensors] if node is not None else [self.codifier]

    def _hear_request(self, heard: Heard) -> None:
        frame = heard.frame
        if isinstance(frame, ControlFrame) and frame.flag is Flag.REPEAT and self._may_answer(frame.destination):
            self.repeating.request(frame, heard.sender, heard.now)

    def _may_answer(self, codifier: str) -> bool:
        """Tell whether there are readings of a sensor here, or certainly none elsewhere: until then nothing is said."""
        return self.repeating.last(codifier) is not None or self._presence.settled.is_set()

    async def _resume(self) -> None:
        """Name the last readings of before, once no other instance answered."""
        await self._presence.settled.wait()
        self._presence.resume_numberings(self._sensors())

    async def _answer_the_last(self) -> None:
        """Name the last reading of each sensor, and stay for as long as somebody still asks for some."""
        silent_rounds, responder = 0, self.repeating.responder
        for _ in range(MAX_ROUNDS):
            before = responder.requests
            self._presence.end_numbering()
            await asyncio.sleep(LAST_REQUESTS_S)
            silent_rounds = silent_rounds + 1 if (responder.requests, responder.waiting) == (before, 0) else 0
            if silent_rounds == SILENT_ROUNDS:
                return

    async def _let_go(self) -> None:
        """Answer nothing more, and write the rest to the disk."""
        self.repeating.close()
        self._journal.close()
        if self._spooling is not None:
            await self._spooling.close()
