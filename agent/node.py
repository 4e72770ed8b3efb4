"""The node that a program of yours is: publish, hear, command (`import jph`)."""

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any, Final, Literal, Self, overload

from agent.clock import Clock
from agent.configuration import load_configuration
from agent.iterations import Iterations, Readings, RepairedReadings
from agent.orders import Answer
from agent.presence import GaveWay
from agent.publisher import Publisher
from config.model import Configuration
from protocol.commands import Code
from protocol.errors import JphError
from protocol.frames import ControlFrame, Flag
from protocol.readings import Attributes, Value

log: Final = logging.getLogger("jph.node")

Setter = Callable[[float], Any]
"""Takes a number that the node was sent; may be a coroutine function, and may raise ValueError to refuse it."""


class UnknownNodeError(JphError):
    """The configuration has no such node, or the node no such sensor."""


class AlreadyRunningError(JphError):
    """Another instance of this codifier is on the bus."""


class Node(Publisher):
    """One codifier on the bus, as a program of yours.

        async with jph.Node("C1", config="jph.yaml") as node:
            await node.publish(21.5)

    Entering waits until no other instance answered (1 s), and raises AlreadyRunningError otherwise, or BusError when
    there is no network. `on_set` is called with each value that `jph set` sends, `on_step` with what `jph step` sends.
    """

    def __init__(  # noqa: PLR0913 - each is a different choice of the program
        self,
        codifier: str,
        config: str | Configuration | None = None,
        *,
        on_set: Setter | None = None,
        on_step: Setter | None = None,
        takeover: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """Load the configuration from a path, a URL or where it is found; raises ConfigError and UnknownNodeError."""
        configuration = config if isinstance(config, Configuration) else load_configuration(config)
        if codifier not in configuration.nodes:
            raise UnknownNodeError(f"{configuration.source} has no node {codifier}", "add it under `nodes:`")
        super().__init__(configuration, codifier, clock, takeover=takeover)
        self._own = frozenset(sensor.codifier for sensor in configuration.nodes[codifier].sensors)
        self._setters = {Flag.SET: on_set, Flag.STEP: on_step}
        self._gave_way: asyncio.Future[GaveWay]
        self._iterations = Iterations()
        self.followers.append(self._iterations)

    async def __aenter__(self) -> Self:
        """Announce the node, and wait until it is known to be the only one."""
        self._gave_way = asyncio.get_running_loop().create_future()
        try:
            await super().__aenter__()
            await self._settle()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Leave the bus, and end the iterations; leaving twice is harmless."""
        self._iterations.close()
        await super().__aexit__(*exc_info)

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
        what cannot travel, such as NaN, and UnknownNodeError for a codifier that is not this node's.
        """
        codifier = codifier or self.codifier
        if codifier not in self._own:
            raise UnknownNodeError(f"{codifier} is no sensor of {self.codifier}", "add it to the node's `proxies:`")
        if self.active:
            self._presence.publish(codifier, value, attributes, timestamp_ms)
        return self.active

    @overload
    def readings(self, *codifiers: str, repaired: Literal[False] = False) -> Readings: ...
    @overload
    def readings(self, *codifiers: str, repaired: Literal[True]) -> RepairedReadings: ...
    @overload
    def readings(self, *codifiers: str, repaired: bool) -> Readings: ...
    def readings(self, *codifiers: str, repaired: bool = False) -> Readings:
        """Return the readings of these sensors, or of all, as they are heard from now on.

        With `repaired` their agents are asked for those that did not arrive, as a sink does: each comes exactly once,
        though not always in order.
        """
        readings = RepairedReadings(codifiers, self.send, self.clock) if repaired else Readings(codifiers)
        self._iterations.add(readings)
        return readings

    async def set(self, codifier: str, value: float) -> Answer:
        """Set the value of a control sensor and wait for the confirmation."""
        return await self.command(Flag.SET, codifier, value)

    async def carry_out(self, command: ControlFrame) -> Code:
        """Act on a command that was sent to this node."""
        if command.flag in {Flag.START, Flag.HALT}:
            self._presence.set_active(active=command.flag is Flag.START)
            return Code.TAKEN
        if command.flag is Flag.RELOAD:
            return Code.UNKNOWN_FLAG  # whoever wrote the program knows what its configuration is
        setter = self._setters[command.flag]
        if setter is None:
            return Code.UNKNOWN_FLAG if any(self._setters.values()) else Code.NOT_A_CONTROL_SENSOR
        return await self._hand_over(setter, command.number)

    def give_way(self, other: GaveWay) -> None:
        """Let the incumbent be."""
        if not self._gave_way.done():
            self._gave_way.set_result(other)

    async def _settle(self) -> None:
        settled = asyncio.ensure_future(self._presence.settled.wait())
        either: list[asyncio.Future[Any]] = [settled, self._gave_way]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            settled.cancel()
        if self._gave_way.done():
            raise AlreadyRunningError(str(self._gave_way.result()), "stop it first, or use takeover=True")

    async def _hand_over(self, setter: Setter, number: float) -> Code:
        try:
            outcome = setter(number)
            if inspect.isawaitable(outcome):
                await outcome
        except ValueError as error:
            log.warning("%s: %g was refused: %s", self.codifier, number, error)
            return Code.OUT_OF_RANGE
        except Exception:  # the program's own fault is answered, so that nobody waits for it, and shown
            log.exception("%s: taking %g failed", self.codifier, number)
            return Code.DRIVER_FAILED
        return Code.TAKEN
