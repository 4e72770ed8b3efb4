"""What a program of the library publishes is not lost: real nodes and sinks on real sockets, in driven time."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

import msgspec
import pytest

import jph
from agent.publisher import LAST_REQUESTS_S, MAX_ROUNDS
from agent.sink import Sink
from config.model import SpoolPlace
from protocol.commands import pack_pair
from protocol.frames import Bus, Flag
from protocol.life import PROBE_S
from protocol.responding import TURN_S
from tests.agent.devices import until
from tests.agent.hosts import Host, Lan, passing_time
from tests.agent.hosts import lan as lan  # noqa: PLC0414 - a fixture
from tests.agent.peer import Peer
from tests.agent.peer import peer as peer  # noqa: PLC0414 - a fixture
from tests.agent.stored import account, readings
from tests.agent.taking import settle
from tests.support.driven_time import DrivenLoop

NODES = """
C1: {driver: pipe, options: {path: /proc/loadavg, fields: {value: 1, load5: 2}}, proxies: {C2: {channel: load5}}}
"""


class Join(Protocol):
    """Lets a program join as the node C1."""

    async def __call__(self, **choices: Any) -> jph.Node: ...


@pytest.fixture
def path(lan: Lan) -> Path:
    return lan.path / "history.db"


@pytest.fixture
async def join(lan: Lan, driven_time: DrivenLoop) -> AsyncIterator[Join]:
    """Give a way to let a program join, with or without a spool; it has left when the test ends."""
    stack = AsyncExitStack()

    async def join(*, spool: Path | None = None, **choices: Any) -> jph.Node:
        place = None if spool is None else SpoolPlace(path=str(spool))
        configuration = msgspec.structs.replace(lan.configured(NODES), spool=place)
        node = jph.Node("C1", configuration, clock=driven_time.clock, **choices)
        return await passing_time_of_the_probe(driven_time, stack, node)

    yield join
    await passing_time(driven_time, stack.aclose())


async def passing_time_of_the_probe(loop: DrivenLoop, stack: AsyncExitStack, node: jph.Node) -> jph.Node:
    entering = loop.create_task(stack.enter_async_context(node))
    while not entering.done():  # a thread that reads the spool takes the time that it takes
        await loop.advance(PROBE_S if loop.is_due_within(PROBE_S) else 0.0)
    return await entering


async def sink(lan: Lan, path: Path) -> Host:
    """Start a sink and wait until it knows how far its store has got."""
    host = await lan.host(f"Q1: {{driver: sqlite, options: {{path: {path}}}, interval: 1h}}")
    source = host.agent.stations["Q1"].source
    assert isinstance(source, Sink)
    await until(lambda: source.intake.resumed)
    return host


def stored(path: Path, codifier: str = "C1") -> list[object]:
    return [reading.value for reading in readings(path, codifier)]


async def publish(node: jph.Node, values: range, loop: DrivenLoop) -> None:
    """Publish these values of both sensors, a second apart."""
    for value in values:
        await node.publish(value)
        await node.publish(value, codifier="C2")
        await loop.advance(1.0)


async def test_a_sink_that_comes_late_has_what_was_published_before(
    lan: Lan, path: Path, join: Join, driven_time: DrivenLoop
) -> None:
    node = await join()
    await publish(node, range(150), driven_time)
    storing = await sink(lan, path)
    await publish(node, range(150, 151), driven_time)
    await settle(driven_time)
    await storing.stop()
    assert stored(path) == stored(path, "C2") == list(range(151))


async def test_who_misses_the_last_readings_has_them_before_the_program_ends(
    lan: Lan, path: Path, join: Join, driven_time: DrivenLoop
) -> None:
    node = await join()
    storing = await sink(lan, path)
    await publish(node, range(3), driven_time)
    await storing.stop()
    await publish(node, range(3, 6), driven_time)
    storing = await sink(lan, path)
    leaving = driven_time.create_task(node.__aexit__())
    while not leaving.done():
        await driven_time.advance(TURN_S)
    await storing.stop()
    assert stored(path) == stored(path, "C2") == list(range(6))
    assert account(path).pending == 0


async def test_a_program_that_is_asked_for_ever_ends_all_the_same(
    join: Join, peer: Peer, driven_time: DrivenLoop
) -> None:
    node = await join()
    await node.publish(21.5)
    leaving = driven_time.create_task(node.__aexit__())
    for number in range(MAX_ROUNDS):
        peer.control(Flag.REPEAT, "C1", pack_pair(number, 1))
        await until(lambda asked=number + 1: node.repeating.responder.requests == asked)  # type: ignore[misc] # bound now
        assert not leaving.done()
        await driven_time.advance(LAST_REQUESTS_S)
    await leaving


async def test_a_program_that_published_nothing_ends_at_once(join: Join) -> None:
    await (await join()).__aexit__()


async def test_a_newcomer_refuses_nothing_before_nobody_objected(lan: Lan, peer: Peer, driven_time: DrivenLoop) -> None:
    node = jph.Node("C1", lan.configured(NODES), clock=driven_time.clock)
    entering = driven_time.create_task(node.__aenter__())
    await driven_time.settle()
    heard = node.bus.counters.received[Bus.CONTROL]
    peer.control(Flag.REPEAT, "C1", pack_pair(1, 1))
    await until(lambda: node.bus.counters.received[Bus.CONTROL] > heard)
    assert node.repeating.responder.requests == 0
    await driven_time.advance(PROBE_S)
    await entering
    peer.control(Flag.REPEAT, "C1", pack_pair(1, 1))
    await until(lambda: node.repeating.responder.requests == 1)
    await node.__aexit__()


async def test_with_a_spool_a_program_that_starts_again_numbers_on_and_has_what_it_sent(
    lan: Lan, path: Path, join: Join, driven_time: DrivenLoop, tmp_path: Path
) -> None:
    for values in (range(5), range(5, 10)):
        node = await join(spool=tmp_path / "spool")
        await publish(node, values, driven_time)
        await passing_time(driven_time, node.__aexit__())
    node = await join(spool=tmp_path / "spool")
    storing = await sink(lan, path)
    await publish(node, range(10, 11), driven_time)
    await settle(driven_time)
    await storing.stop()
    assert stored(path) == stored(path, "C2") == list(range(11))
    assert account(path).restarts == 0


async def test_with_a_spool_a_program_that_starts_again_names_the_last_reading_of_before(
    lan: Lan, path: Path, join: Join, driven_time: DrivenLoop, tmp_path: Path
) -> None:
    node = await join(spool=tmp_path / "spool")
    await publish(node, range(5), driven_time)
    await passing_time(driven_time, node.__aexit__())
    storing = await sink(lan, path)
    await join(spool=tmp_path / "spool")
    await settle(driven_time)
    await storing.stop()
    assert stored(path) == stored(path, "C2") == list(range(5))


async def test_two_programs_do_not_write_to_one_spool(
    join: Join, driven_time: DrivenLoop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = await join(spool=tmp_path / "spool")
    second = await join(spool=tmp_path / "spool", takeover=True)
    assert "is used by another program" in caplog.text
    await publish(second, range(3), driven_time)
    await publish(first, range(2), driven_time)
    for node in (second, first):
        await passing_time(driven_time, node.__aexit__())
    again = await join(spool=tmp_path / "spool")
    assert [len(ring) for ring in again.repeating.rings] == [2, 2]


async def test_a_network_that_there_is_not_leaves_no_spool_locked(
    lan: Lan, join: Join, driven_time: DrivenLoop, tmp_path: Path
) -> None:
    network = msgspec.structs.replace(lan.network, interface="nowhere")
    spool = SpoolPlace(path=str(tmp_path / "spool"))
    nowhere = msgspec.structs.replace(lan.configured(NODES), network=network, spool=spool)
    with pytest.raises(jph.JphError, match="nowhere"):
        await jph.Node("C1", nowhere, clock=driven_time.clock).__aenter__()
    node = await join(spool=tmp_path / "spool")
    await node.publish(21.5)
    await passing_time(driven_time, node.__aexit__())
    assert list((tmp_path / "spool" / "C1").glob("*.spool"))
