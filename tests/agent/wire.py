"""A bus that keeps what is sent, for what needs no network."""

import asyncio

from agent.presence import Presence
from protocol.commands import Code
from protocol.frames import Bus, ControlFrame, DataFrame, Frame, decode
from protocol.readings import Value
from tests.support.driven_time import DrivenLoop


class Wire:
    """Keeps what is sent, decoded; while it is not `up` it refuses everything."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.up = True
        self._sent = asyncio.Event()

    def send(self, bus: Bus, datagram: bytes) -> bool:
        if self.up:
            self.frames.append(decode(bus, datagram))
            self._sent.set()
        return self.up

    def take(self) -> list[Frame]:
        """Return what was sent since the last time."""
        taken, self.frames = self.frames, []
        return taken

    def flags(self) -> str:
        """Return the flags of what was sent since the last time."""
        return "".join(frame.flag for frame in self.take())

    async def number(self, number: int) -> list[Frame]:
        """Wait until so many frames were sent and return them."""
        while len(self.frames) < number:
            self._sent.clear()
            await self._sent.wait()
        return self.take()

    async def readings(self, number: int) -> list[tuple[str, Value]]:
        """Wait for so many readings and return sources and values, without the announcements of numberings."""
        while len(self._readings()) < number:
            self._sent.clear()
            await self._sent.wait()
        readings = self._readings()
        self.take()
        return readings

    def _readings(self) -> list[tuple[str, Value]]:
        return [
            (frame.source, frame.value) for frame in self.frames if isinstance(frame, DataFrame) and frame.flag != "n"
        ]


def presence(codifier: str, wire: Wire, loop: DrivenLoop) -> Presence:
    """Return the presence of a node that nobody commands."""
    return Presence(
        codifier,
        60.0,
        bus=wire,
        clock=loop.clock,
        spawn=lambda work, name: loop.create_task(work, name=name),
        random_number=lambda _: 0,
        carry_out=_refuse,
        give_way=lambda _: None,
    )


async def _refuse(command: ControlFrame) -> Code:
    raise AssertionError(command)
