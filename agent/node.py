"""The node that a program of yours is: publish, hear, command (`import jph`)."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection
from typing import Any, Final, Self

from agent.clock import Clock
from agent.configuration import load_configuration
from agent.participant import Answer, Heard, Participant
from agent.presence import GaveWay
from config.model import Configuration
from protocol.commands import Code
from protocol.errors import JphError
from protocol.frames import ControlFrame, DataFrame, Flag
from protocol.readings import Attributes, Reading, Value

MAX_QUEUED: Final = 10_000  # readings that an iteration may fall behind; then the oldest are dropped and counted

Setter = Callable[[float], object]


class UnknownNodeError(JphError):
    """The configuration has no node of this codifier."""


class AlreadyRunningError(JphError):
    """Another instance of this codifier is on the bus."""


class Node(Participant):
    """One codifier on the bus, as a program of yours.

        async with jph.Node("C1", config="jph.yaml") as node:
            await node.publish(21.5)

    Entering waits until no other instance answered (1 s), and raises AlreadyRunningError otherwise. `on_set` is
    called with each value that the node is sent by `jph set`; it may raise ValueError to refuse it. `dropped`
    counts readings that an iteration was too slow for.
    """

    def __init__(
        self,
        codifier: str,
        config: str | Configuration | None = None,
        *,
        on_set: Setter | None = None,
        takeover: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """Load the configuration from a path, a URL or where it is found; raises ConfigError and UnknownNodeError."""
        configuration = config if isinstance(config, Configuration) else load_configuration(config)
        if codifier not in configuration.nodes:
            raise UnknownNodeError(f"{configuration.source} has no node {codifier}", "add it under `nodes:`")
        super().__init__(configuration, codifier, clock, present=True, takeover=takeover)
        self.dropped = 0
        self._on_set = on_set
        self._gave_way: asyncio.Future[GaveWay]
        self.heard.append(self._queue_reading)
        self._queues: list[tuple[Collection[str], deque[Reading], asyncio.Event]] = []

    async def __aenter__(self) -> Self:
        """Announce the node, and wait until it is known to be the only one."""
        self._gave_way = asyncio.get_running_loop().create_future()
        await super().__aenter__()
        settled = asyncio.ensure_future(self._presence.settled.wait())
        either: list[asyncio.Future[Any]] = [settled, self._gave_way]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        settled.cancel()
        if self._gave_way.done():
            await self.__aexit__()
            raise AlreadyRunningError(str(self._gave_way.result()), "stop it first, or use takeover=True")
        return self

    @property
    def active(self) -> bool:
        """Tell whether the node sends readings: `jph halt` stops it, `jph start` lets it go on."""
        return self._presence.active

    async def publish(
        self,
        value: Value,
        attributes: Attributes | None = None,
        *,
        codifier: str | None = None,
        timestamp_ms: int | None = None,
    ) -> bool:
        """Send a reading of this node, or of its proxy `codifier`; False when the node is halted.

        `timestamp_ms` is when it was measured, in ms since 1970-01-01 UTC; without it, now. Raises EncodeError for
        what cannot travel, such as NaN.
        """
        if self.active:
            self._presence.publish(codifier or self.codifier, value, attributes, timestamp_ms)
        return self.active

    async def readings(self, *codifiers: str) -> AsyncIterator[Reading]:
        """Go through the readings of these sensors, or of all, as they are heard."""
        queue = (codifiers, deque[Reading](), asyncio.Event())
        self._queues.append(queue)
        try:
            while True:
                await queue[2].wait()
                queue[2].clear()
                while queue[1]:
                    yield queue[1].popleft()
        finally:
            self._queues.remove(queue)

    async def set(self, codifier: str, value: float) -> Answer:
        """Set the value of a control sensor and wait for the confirmation."""
        return await self.command(Flag.SET, codifier, value)

    async def carry_out(self, command: ControlFrame) -> Code:
        """Act on a command that was sent to this node."""
        if command.flag in {Flag.START, Flag.HALT}:
            self._presence.life.set_active(active=command.flag is Flag.START)
            return Code.TAKEN
        if command.flag is not Flag.SET or self._on_set is None:
            return Code.NOT_A_CONTROL_SENSOR
        try:
            self._on_set(command.number)
        except ValueError:
            return Code.OUT_OF_RANGE
        return Code.TAKEN

    def give_way(self, other: GaveWay) -> None:
        """Let the incumbent be."""
        if not self._gave_way.done():
            self._gave_way.set_result(other)

    def _queue_reading(self, heard: Heard) -> None:
        frame = heard.frame
        if not isinstance(frame, DataFrame) or frame.flag is Flag.NUMBERING:
            return
        for codifiers, readings, arrived in self._queues:
            if not codifiers or frame.source in codifiers:
                self.dropped += len(readings) >= MAX_QUEUED
                if len(readings) >= MAX_QUEUED:
                    readings.popleft()
                readings.append(frame.reading())
                arrived.set()
