"""One configured node at work: its presence on the bus, and the source of its readings."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from agent.accepted import Journal
from agent.listening import Listening, Reach
from agent.presence import GaveWay, Kept, Presence, Transmitter
from agent.sources import Source, make_source
from agent.supervisor import NotAnActuatorError
from agent.surroundings import Surroundings
from config.model import Node
from drivers.driver import DriverError, OutOfRangeError
from protocol.commands import Code
from protocol.frames import ControlFrame, Flag
from protocol.gate import Gate

log: Final = logging.getLogger("jph.node")

CLOSING_S: Final = 2.0  # for commands that are still being carried out when the node is to end

Spawn = Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]]
Reload = Callable[[ControlFrame], Awaitable[Code]]


class Station:
    """A node of this process. `run` lasts until it is cancelled; then `close` ends it in order."""

    def __init__(  # noqa: PLR0913 - each is a different part of the world
        self,
        node: Node,
        surroundings: Surroundings,
        *,
        bus: Transmitter,
        kept: Kept,
        gate: Gate,
        spawn: Spawn,
        reload: Reload,
        give_way: Callable[[GaveWay], None],
        listening: Listening,
    ) -> None:
        self.node = node
        self._journal = Journal(surroundings.state_directory, node.codifier)
        self.presence = Presence(
            node.codifier,
            node.keepalive_s,
            bus=bus,
            clock=surroundings.clock,
            spawn=self._begin,
            random_number=surroundings.random_number,
            carry_out=self.carry_out,
            give_way=give_way,
            kept=kept,
            gate=gate,
            journal=self._journal,
            takeover=surroundings.takeover,
        )
        self.source: Source = make_source(node, self.presence, surroundings, Reach(listening, gate, spawn))
        self._spawn = spawn
        self._begun: set[asyncio.Task[None]] = set()
        self._acts: dict[Flag, Callable[[ControlFrame], Awaitable[Code]]] = {
            Flag.START: self._start,
            Flag.HALT: self._halt,
            Flag.SET: self._set,
            Flag.STEP: self._step,
            Flag.RELOAD: reload,
        }

    async def run(self) -> None:
        """Announce the node and publish its readings."""
        await self.presence.recall_commands()
        self.presence.start(active=self.node.active)
        await self.presence.settled.wait()
        where = "is on the bus" if self.presence.announced else "waits for the network"
        log.info("%s (%s) %s", self.node.codifier, self.node.name or self.node.driver, where)
        self.presence.resume_numberings(sensor.codifier for sensor in self.node.sensors)
        await self.source.run()

    async def close(self) -> None:
        """Finish what was begun, let go of the device, then of the bus."""
        if self._begun:
            await asyncio.wait(self._begun, timeout=CLOSING_S)
        for task in self._begun:
            task.cancel()
        await self.source.close()
        self.presence.close()
        self._journal.close()

    async def carry_out(self, command: ControlFrame) -> Code:
        """Act on a command of the control bus and say how it ended."""
        try:
            code = await self._acts[command.flag](command)
        except OutOfRangeError as error:
            return self._refuse(command, Code.OUT_OF_RANGE, error)
        except NotAnActuatorError as error:
            return self._refuse(command, Code.NOT_A_CONTROL_SENSOR, error)
        except DriverError as error:
            return self._refuse(command, Code.DRIVER_FAILED, error)
        log.info("%s: %s from %s: %s", self.node.codifier, command.flag.name.lower(), command.source, code.name.lower())
        return code

    def _refuse(self, command: ControlFrame, code: Code, error: DriverError) -> Code:
        log.warning("%s: refused %s from %s: %s", self.node.codifier, command.flag.name.lower(), command.source, error)
        return code

    async def _start(self, _: ControlFrame) -> Code:
        self.presence.set_active(active=True)
        self._publish_soon()
        return Code.TAKEN

    async def _halt(self, _: ControlFrame) -> Code:
        self.presence.set_active(active=False)
        return Code.TAKEN

    async def _set(self, command: ControlFrame) -> Code:
        await self.source.set(_finite(command.number))
        self._publish_soon()
        return Code.TAKEN

    async def _step(self, command: ControlFrame) -> Code:
        await self.source.step(_finite(command.number))
        self._publish_soon()
        return Code.TAKEN

    def _publish_soon(self) -> None:
        """Publish once the command is answered: its own task runs after the answer was sent."""
        self._begin(self.source.publish_now(), f"{self.node.codifier} publishes")

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = self._spawn(work, name)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise OutOfRangeError(f"{number} is not a finite number")
    return number
