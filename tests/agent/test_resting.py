"""Readings in lots: what a program gains that does not need each of them at once, and what it must not lose."""

from agent.bus import Bus as BusSockets
from agent.clock import SystemClock
from agent.receiver import STREAM_S, STREAM_TURNS
from config.model import Network
from protocol.frames import Bus
from tests.support.driven_time import DrivenLoop
from tests.support.hearing import Hearing

REST_S = 0.025


def resting_bus(network: Network, hearing: Hearing) -> BusSockets:
    return BusSockets(network, SystemClock(), frozenset(Bus), hearing.receive, data_rest_s=REST_S)


def eager_bus(driven_time: DrivenLoop, network: Network, hearing: Hearing) -> BusSockets:
    return BusSockets(network, driven_time.clock, frozenset(Bus), hearing.receive)


async def send_one_by_one(driven_time: DrivenLoop, bus: BusSockets, count: int, pause_s: float = 0.0) -> None:
    """Send readings, each after the one before was heard if it is not left for later."""
    for number in range(count):
        bus.send(Bus.DATA, b"%d" % number)
        await driven_time.advance(pause_s)


async def test_what_comes_during_the_rest_is_taken_together_after_it(driven_time: DrivenLoop, network: Network) -> None:
    hearing = Hearing()
    async with resting_bus(network, hearing) as bus:
        bus.send(Bus.DATA, b"0")
        await driven_time.settle()
        for number in (b"1", b"2", b"3"):
            bus.send(Bus.DATA, number)
        await driven_time.settle()
        assert hearing.turns == [1]
        await driven_time.advance(REST_S)
        assert hearing.turns == [1, 3]
        assert hearing.datagrams == [b"0", b"1", b"2", b"3"]


async def test_the_control_bus_does_not_rest(driven_time: DrivenLoop, network: Network) -> None:
    hearing = Hearing()
    async with resting_bus(network, hearing) as bus:
        for number in (b"ping", b"pong"):
            bus.send(Bus.CONTROL, number)
            await driven_time.settle()
        assert hearing.turns == [1, 1]


async def test_a_bus_that_always_has_more_is_read_without_a_rest(driven_time: DrivenLoop, network: Network) -> None:
    hearing = Hearing()
    async with resting_bus(network, hearing) as bus:
        for number in range(200):
            bus.send(Bus.DATA, b"%d" % number)
        await driven_time.settle()
        assert len(hearing.datagrams) == 200


async def test_a_bus_can_be_closed_while_it_rests(driven_time: DrivenLoop, network: Network) -> None:
    hearing = Hearing()
    async with resting_bus(network, hearing) as bus:
        bus.send(Bus.DATA, b"0")
        await driven_time.settle()
    await driven_time.advance(REST_S)
    assert hearing.turns == [1]


async def test_readings_that_do_not_stream_are_taken_one_by_one(driven_time: DrivenLoop, network: Network) -> None:
    hearing = Hearing()
    async with eager_bus(driven_time, network, hearing) as bus:
        await send_one_by_one(driven_time, bus, 3 * STREAM_TURNS, pause_s=STREAM_S)
        assert hearing.turns == [1] * (3 * STREAM_TURNS)


async def test_a_stream_of_readings_is_taken_in_lots(driven_time: DrivenLoop, network: Network) -> None:
    hearing = Hearing()
    async with eager_bus(driven_time, network, hearing) as bus:
        await driven_time.advance(STREAM_S)
        await send_one_by_one(driven_time, bus, STREAM_TURNS + 6)
        assert hearing.turns == [1] * (STREAM_TURNS + 1)
        await driven_time.advance(STREAM_S)
        assert hearing.turns == [1] * (STREAM_TURNS + 1) + [5]


async def test_a_stream_that_ends_is_forgotten(driven_time: DrivenLoop, network: Network) -> None:
    hearing = Hearing()
    async with eager_bus(driven_time, network, hearing) as bus:
        await send_one_by_one(driven_time, bus, STREAM_TURNS + 6)
        await driven_time.advance(3 * STREAM_S)
        await send_one_by_one(driven_time, bus, 3)
        assert hearing.turns[-3:] == [1, 1, 1]
        assert len(hearing.datagrams) == STREAM_TURNS + 9
