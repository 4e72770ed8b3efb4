"""Going through all readings, those that the network lost too: programs on real sockets, in driven time."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, Protocol

import msgspec
import pytest

import jph
from agent import iterations
from agent.bus import Datagram
from agent.iterations import Readings
from config.model import RingLimits
from protocol.frames import Bus, Flag
from protocol.instants import Instant
from protocol.life import PROBE_S
from protocol.responding import TURN_S
from tests.agent.devices import until
from tests.agent.hosts import Lan, Operator, passing_time
from tests.agent.hosts import lan as lan  # noqa: PLC0414 - a fixture
from tests.support.driven_time import DrivenLoop

NODES = """
C1: {driver: pipe, options: {path: /proc/loadavg, fields: {value: 1, load5: 2}}, proxies: {C2: {channel: load5}}}
T1: {driver: console}
"""


class Program(jph.Node):
    """A node on a network that loses what it is told to lose."""

    loses_data = False

    def _receive(self, bus: Bus, datagrams: list[Datagram], now: Instant) -> None:
        if bus is Bus.CONTROL or not self.loses_data:
            super()._receive(bus, datagrams, now)


class Join(Protocol):
    """Lets a program join."""

    async def __call__(self, codifier: str, rings: RingLimits = ...) -> Program: ...


@pytest.fixture
async def join(lan: Lan, driven_time: DrivenLoop) -> AsyncIterator[Join]:
    """Give a way to let a program join; it has left when the test ends."""
    stack = AsyncExitStack()

    async def join(codifier: str, rings: RingLimits = RingLimits()) -> Program:  # noqa: B008 - it is frozen
        configuration = msgspec.structs.replace(lan.configured(NODES), rings=rings)
        program = Program(codifier, configuration, clock=driven_time.clock)
        entering = driven_time.create_task(stack.enter_async_context(program))
        await driven_time.advance(PROBE_S)
        return await entering

    yield join
    await passing_time(driven_time, stack.aclose())


async def publish(writer: jph.Node, reader: jph.Node, values: range, loop: DrivenLoop) -> None:
    """Publish values, each of which has reached the reader's host before the next."""
    for value in values:
        arrived = reader.bus.counters.received[Bus.DATA]
        await writer.publish(value)
        await until(lambda arrived=arrived: reader.bus.counters.received[Bus.DATA] > arrived)  # type: ignore[misc] # bound now
        await loop.advance(TURN_S)


async def come(readings: Readings, count: int, loop: DrivenLoop) -> list[Any]:
    """Return the next values, and let the time pass that they need."""
    values: list[Any] = []
    while len(values) < count:
        values.append((await passing(loop, readings)).value)
    return values


async def passing(loop: DrivenLoop, readings: Readings) -> Any:
    coming = loop.create_task(anext(readings))
    while not coming.done():
        await loop.advance(TURN_S)
    return await coming


async def test_what_got_lost_comes_all_the_same_and_nothing_twice(join: Join, driven_time: DrivenLoop) -> None:
    writer, reader = await join("C1"), await join("T1")
    readings = reader.readings("C1", repaired=True)
    for first in range(0, 60, 20):
        await publish(writer, reader, range(first, first + 10), driven_time)
        reader.loses_data = True
        await publish(writer, reader, range(first + 10, first + 20), driven_time)
        reader.loses_data = False
    await publish(writer, reader, range(60, 61), driven_time)
    assert sorted(await come(readings, 61, driven_time)) == list(range(61))
    await driven_time.advance(10.0)
    readings.end()
    assert [reading async for reading in readings] == []
    assert (readings.lost, readings.dropped) == (0, 0)


async def test_a_last_reading_that_got_lost_comes_when_the_program_that_sent_it_ends(
    join: Join, driven_time: DrivenLoop
) -> None:
    writer, reader = await join("C1"), await join("T1")
    readings = reader.readings(repaired=True)
    await publish(writer, reader, range(1), driven_time)
    reader.loses_data = True
    await publish(writer, reader, range(1, 2), driven_time)
    reader.loses_data = False
    leaving = driven_time.create_task(writer.__aexit__())
    assert await come(readings, 2, driven_time) == [0, 1]
    await passing_time(driven_time, leaving)


async def test_an_iteration_that_is_slow_loses_nothing(
    join: Join, driven_time: DrivenLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(iterations, "MAX_QUEUED", 20)
    monkeypatch.setattr(iterations, "ROOM", 10)
    writer, reader = await join("C1"), await join("T1")
    readings = reader.readings("C1", repaired=True)
    await publish(writer, reader, range(100), driven_time)
    assert sorted(await come(readings, 100, driven_time)) == list(range(100))
    assert readings.dropped == 0


async def test_what_is_not_kept_any_more_is_counted(join: Join, driven_time: DrivenLoop) -> None:
    writer, reader = await join("C1", RingLimits(readings=8)), await join("T1")
    readings = reader.readings("C1", repaired=True)
    await publish(writer, reader, range(1), driven_time)
    reader.loses_data = True
    await publish(writer, reader, range(1, 50), driven_time)
    reader.loses_data = False
    await publish(writer, reader, range(50, 51), driven_time)
    await driven_time.advance(10.0)
    readings.end()
    values = [reading.value async for reading in readings]
    assert {0, 49, 50} <= set(values)
    assert len(values) + readings.lost == 51
    assert readings.lost > 0


@pytest.mark.parametrize("repaired", [True, False])
async def test_only_who_wants_it_asks(lan: Lan, join: Join, driven_time: DrivenLoop, *, repaired: bool) -> None:
    operator = await lan.operator()
    writer, reader = await join("C1"), await join("T1")
    readings = reader.readings("C1", repaired=repaired)
    await lose_one(writer, reader, driven_time)
    assert (await requests(operator, driven_time) > 0) == repaired
    readings.end()


async def test_an_iteration_that_nobody_holds_asks_for_nothing(lan: Lan, join: Join, driven_time: DrivenLoop) -> None:
    operator = await lan.operator()
    writer, reader = await join("C1"), await join("T1")
    readings = reader.readings("C1", repaired=True)
    writer.repeating.close()  # so that it would ask for ever
    await lose_one(writer, reader, driven_time)
    assert await requests(operator, driven_time) > 0
    del readings
    assert await requests(operator, driven_time) == 0


async def lose_one(writer: Program, reader: Program, loop: DrivenLoop) -> None:
    """Let a reading get lost, and another show it."""
    await publish(writer, reader, range(1), loop)
    reader.loses_data = True
    await publish(writer, reader, range(1, 2), loop)
    reader.loses_data = False
    await publish(writer, reader, range(2, 3), loop)


async def requests(operator: Operator, loop: DrivenLoop) -> int:
    """Return how many requests are heard in the next minute, and were before."""
    await loop.advance(60.0)
    count = sum(frame.flag is Flag.REPEAT for frame in operator.unseen)
    operator.unseen.clear()
    return count
