"""Readings that a sensor of an agent takes, one after the other, and which they were."""

import asyncio
from typing import Final

from protocol.responding import TURN_S
from tests.agent.devices import Devices, until
from tests.agent.hosts import Host
from tests.support.driven_time import DrivenLoop

SENSOR: Final = "C1: {driver: device, interval: 1s, proxies: {C2: {channel: humidity}}}"


async def take_readings(host: Host, devices: Devices, count: int, codifier: str = "C1") -> None:
    """Let a sensor be read so many times, each time with another value."""
    ring = host.agent.repeating.rings.open(codifier)
    for _ in range(count):
        kept, device = len(ring), devices[codifier]
        device.values = {"value": device.reads + 0.5, "humidity": device.reads}
        await host.loop.advance(1.0)
        await until(lambda kept=kept: len(ring) > kept)  # type: ignore[misc] # bound now


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
