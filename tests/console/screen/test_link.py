"""The buses in their own thread, on real sockets of loopback, with another program on the other side."""

import asyncio
import math
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from agent.bus import BusError
from agent.configuration import load_configuration
from agent.participant import Participant
from config.model import Network
from console.screen import link
from console.screen.app import ConsoleApp
from console.screen.link import BusThread
from console.screen.observer import Batch, NodeState
from console.screen.ordering import Key
from console.screen.symbols import UNICODE
from console.screen.themes import LOOKS
from console.screen.traces import Point
from console.screen.world import World
from protocol.commands import Code
from protocol.frames import Bus, ControlFrame, Flag, encode, reading_frame
from protocol.readings import Reading
from tests.console.calling import Shell, Site
from tests.console.screen.feeding import Feed, small_network
from tests.console.screen.operating import Operator


class Fan(Participant):
    """A node that takes every command."""

    def __init__(self, network: Network) -> None:
        super().__init__(small_network(network), "FK", present=True)
        self.commands: list[tuple[Flag, float]] = []

    async def carry_out(self, command: ControlFrame) -> Code:
        self.commands.append((command.flag, command.number))
        return Code.TAKEN

    def publish(self, sequence: int, value: float) -> None:
        self.bus.send(Bus.DATA, encode(reading_frame(Reading("FK", 1_700_000_000_000, sequence, value))))


@pytest.fixture
async def fan(network: Network) -> AsyncIterator[Fan]:
    """Have a fan on the network."""
    async with Fan(network) as fan:
        yield fan


async def until(buses: BusThread, seen: Callable[[World], bool]) -> World:
    """Take batches until something is seen in them."""
    first = await buses.take()
    world = World(first.now)
    world.apply(first)
    async with asyncio.timeout(20):
        while not seen(world):
            world.apply(await buses.take())
            await asyncio.sleep(0.005)
    return world


async def test_what_is_heard_comes_in_batches(network: Network, fan: Fan) -> None:
    with BusThread(small_network(network), "CC") as buses:
        fan.publish(1, 30.0)
        fan.publish(2, 31.5)
        world = await until(buses, lambda world: world.bus.readings == 2)
        assert world.sensors["FK"].value == 31.5
        assert [point.value for point in await buses.points("FK")] == [30.0, 31.5]
        assert await buses.points("C1") == []


async def test_the_first_batch_tells_which_network_is_heard(network: Network) -> None:
    with BusThread(small_network(network), "CC") as buses:
        batch: Batch = await buses.take()
    assert batch.bus.description.startswith("lo (127.0.0.1")
    assert batch.bus.trouble == ""
    assert len(batch.sensors) == 5


async def test_a_node_is_pinged(network: Network, fan: Fan) -> None:
    with BusThread(small_network(network), "CC", ping_every_s=0) as buses:
        await buses.ping("FK")
        world = await until(buses, lambda world: "FK" in world.nodes and world.nodes["FK"].round_trips.received == 1)
        assert world.nodes["FK"].state is NodeState.ALIVE
        assert world.nodes["C1"].round_trips.sent == 0


async def test_nodes_that_were_heard_are_pinged_by_themselves(network: Network, fan: Fan) -> None:
    with BusThread(small_network(network), "CC", ping_every_s=0.5) as buses:
        fan.send(Flag.ALIVE, "@@", 0.0)
        world = await until(buses, lambda world: "FK" in world.nodes and world.nodes["FK"].round_trips.received >= 1)
        assert world.nodes["C1"].round_trips.sent == 0


async def test_a_command_is_answered(network: Network, fan: Fan) -> None:
    with BusThread(small_network(network), "CC") as buses:
        answer = await buses.command(Flag.SET, "FK", 80.0)
        assert answer.ok
        assert answer.acknowledged
        assert fan.commands == [(Flag.SET, 80.0)]


async def test_a_value_is_set_from_the_screen_over_the_wire(network: Network, fan: Fan) -> None:
    configuration = small_network(network)
    with BusThread(configuration, "CC") as buses:
        app = ConsoleApp(configuration, buses, look=LOOKS["night"], symbols=UNICODE, armed=True, frames_per_s=0)
        async with app.run_test(size=(120, 36), notifications=True) as pilot:
            operator = Operator(app, pilot, Feed(configuration))
            await operator.frame()
            app.model.cursor = Key("FK")
            await operator.press("A")
            await operator.type("80")
            await operator.press("enter")
            await operator.finish()
            assert fan.commands == [(Flag.SET, 80.0)]
            assert "set FK 80  taken, " in operator.text()
            await until(buses, lambda world: len(world.events) >= 2)


def reaches(points: list[Point], since_ms: float) -> bool:
    """Tell whether points go back to a moment without a gap."""
    return bool(points) and points[0].at_ms <= since_ms and not any(math.isnan(point.value) for point in points)


async def test_the_minutes_before_the_console_was_opened_come_from_the_agents_ring(site: Site, shell: Shell) -> None:
    shell.jph("watch", "--from", "C1", "--flag", "f", "--count", "30", "--quiet", site.config)
    configuration = load_configuration(str(site.present))
    with BusThread(configuration, "CC") as buses:
        opened_ms = (await buses.take()).now.wall_ms
        async with asyncio.timeout(20):
            while not reaches(points := await buses.points("C1", opened_ms - 2_000), opened_ms - 2_000):
                await buses.take()
                await asyncio.sleep(0.01)
    assert len(points) >= 20
    assert [point.at_ms for point in points] == sorted(point.at_ms for point in points)


async def test_the_thread_ends_with_the_link_and_closing_twice_is_harmless(network: Network) -> None:
    before = threading.active_count()
    switch_s = sys.getswitchinterval()
    with BusThread(small_network(network), "CC") as buses:
        assert threading.active_count() == before + 1
        assert sys.getswitchinterval() == pytest.approx(link.SWITCH_S)
    assert threading.active_count() == before
    assert sys.getswitchinterval() == switch_s
    buses.__exit__(None, None, None)


async def test_asking_a_link_that_has_ended_says_so(network: Network) -> None:
    with BusThread(small_network(network), "CC") as buses:
        pass
    with pytest.raises(link.BusError, match="they were closed"):
        await buses.take()


async def test_an_error_that_nobody_expected_ends_the_link_and_is_told(network: Network) -> None:
    def fail() -> None:
        raise ArithmeticError("two and two is five")

    with BusThread(small_network(network), "CC") as buses:
        buses._loop.call_soon_threadsafe(fail)
        with pytest.raises(link.BusError, match="two and two is five"):
            await until(buses, lambda _: False)


def test_a_bus_that_cannot_be_opened_is_told_by_entering(network: Network) -> None:
    group = network.control
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as greedy:
        greedy.bind((group.address, group.port))  # without SO_REUSEADDR nobody else may have it
        buses = BusThread(small_network(network), "CC")
        with pytest.raises(BusError):
            buses.__enter__()
    buses.__exit__(None, None, None)
