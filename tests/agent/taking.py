"""Readings that a sensor of an agent takes, one after the other, and which they were."""

import asyncio
import math
import time
from collections.abc import Callable
from typing import Final

from agent.sensing import Sensing
from agent.sink import Sink
from agent.sources import Source
from protocol.responding import TURN_S
from tests.agent.devices import Devices, until
from tests.agent.hosts import Host, Lan
from tests.support.driven_time import DrivenLoop

SLOW_S: Final = 0.1  # of real time, after which a reading does not come by itself
SENSOR: Final = "C1: {driver: device, interval: 1s, proxies: {C2: {channel: humidity}}}"


async def take_readings(host: Host, devices: Devices, count: int, codifier: str = "C1") -> None:
    """Let a sensor be read so many times, each time with another value, and all be heard by who hears it.

    Where time passed over a thread that this computer was slow to run, the driver seemed to hang, and is left alone for
    a while.
    """
    ring = host.agent.repeating.rings.open(codifier)
    for _ in range(count):
        kept, device = len(ring), devices[codifier]
        device.values = {"value": device.reads + 0.5, "humidity": device.reads}
        while len(ring) == kept:
            await host.loop.advance(1.0)
            give_up_s = time.monotonic() + SLOW_S
            await until(lambda kept=kept, late_s=give_up_s: len(ring) > kept or time.monotonic() > late_s)  # type: ignore[misc] # bound now
    await host.loop.settle()


def sent(host: Host, codifier: str = "C1") -> list[int]:
    """Return the numbers of all readings that a sensor sent."""
    ring = host.agent.repeating.rings.get(codifier)
    assert ring is not None
    assert ring.first is not None
    return [sequence for sequence, _ in ring.datagrams(ring.first, len(ring))]


async def settle(loop: DrivenLoop, seconds: float = 5.0) -> None:
    """Let so much time pass in small steps, each with all that the threads have to do."""
    for _ in range(int(seconds / TURN_S)):
        await loop.advance(TURN_S)
        await asyncio.sleep(0)


async def pass_time(lan: Lan, seconds: float) -> None:
    """Let so much time pass in small steps, none while a driver is read or a store is used.

    On a busy machine a thread may take so long that a driver seems to hang.
    """
    for _ in range(math.ceil(seconds / TURN_S)):
        await until(lambda: not any(_is_busy(station.source) for host in lan.hosts for station in host.stations))
        await lan.loop.advance(TURN_S)
        await asyncio.sleep(0)


async def pass_time_until(lan: Lan, condition: Callable[[], bool]) -> None:
    """Let time pass, as `pass_time` does, until the condition holds."""
    while not condition():
        await pass_time(lan, TURN_S)


def _is_busy(source: Source) -> bool:
    if isinstance(source, Sensing):
        return source._reading.locked()
    return isinstance(source, Sink) and not source.resting
