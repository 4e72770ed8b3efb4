"""Where the readings of a node come from: its driver, or the store that it fills."""

from typing import Protocol

from agent.listening import Reach
from agent.presence import Presence
from agent.sensing import Sensing
from agent.surroundings import Surroundings
from config.model import Configuration, Node
from protocol.frames import Frame
from protocol.instants import Instant
from storage.registry import STORES


class Source(Protocol):
    """Where a node's readings come from: a driver, or a store that tells how much it stored."""

    async def run(self) -> None:
        """Publish a reading every interval, until cancelled."""
        ...

    async def publish_now(self) -> None:
        """Publish a reading at once, when there is one."""
        ...

    async def set(self, value: float) -> None:
        """Take a value; raises DriverError."""
        ...

    async def step(self, by: float) -> None:
        """Change the value; raises DriverError."""
        ...

    def hear(self, frame: Frame, now: Instant) -> None:
        """Take a frame of one of the buses."""
        ...

    def hear_answer(self, frame: Frame, now: Instant) -> None:
        """Take a frame that came to this process alone."""
        ...

    def heard(self) -> None:
        """Look at what is to be done after some frames."""
        ...

    def configured(self, configuration: Configuration) -> None:
        """Take the configuration that holds for all nodes from now on."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


def make_source(node: Node, presence: Presence, surroundings: Surroundings, reach: Reach) -> Source:
    """Choose the source by the name of the node's driver; `reach` is for drivers that use other sensors."""
    if node.driver not in STORES:
        return Sensing(node, presence, surroundings, reach)
    from agent.sink import Sink  # noqa: PLC0415 - few agents store anything

    return Sink(node, presence, surroundings)
