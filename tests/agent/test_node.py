"""The node that a program of one's own is, on real sockets; in time that the test drives."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

import jph
from agent import iterations
from agent.iterations import Readings
from config.model import Network
from protocol.commands import Code
from protocol.frames import Bus, ControlFrame, DataFrame, Flag
from protocol.instants import Instant
from protocol.life import PROBE_S
from protocol.readings import Reading
from tests.agent.hosts import Operator, configured, passing_time
from tests.support.driven_time import DrivenLoop

NODES = """
C1: {driver: pipe, options: {path: /proc/loadavg, fields: {value: 1, load5: 2}}, proxies: {C2: {channel: load5}}}
FK: {driver: control, options: {default: 0}}
CC: {driver: console}
"""

Join = Callable[..., Any]


@pytest.fixture
async def operator(network: Network, driven_time: DrivenLoop) -> AsyncIterator[Operator]:
    async with Operator(configured(network, NODES), "CC", driven_time.clock) as operator:
        yield operator


@pytest.fixture
async def join(network: Network, driven_time: DrivenLoop) -> AsyncIterator[Join]:
    """Give a way to let a node join; it has left when the test ends."""
    stack = AsyncExitStack()

    async def join(codifier: str, **choices: Any) -> jph.Node:
        node = jph.Node(codifier, configured(network, NODES), clock=driven_time.clock, **choices)
        entering = driven_time.create_task(stack.enter_async_context(node))
        await driven_time.advance(PROBE_S)
        return await entering

    yield join
    await passing_time(driven_time, stack.aclose())


async def test_entering_takes_until_nobody_objected(
    operator: Operator, network: Network, driven_time: DrivenLoop
) -> None:
    node = jph.Node("C1", configured(network, NODES), clock=driven_time.clock)
    entering = driven_time.create_task(node.__aenter__())
    await operator.hears("N", "C1")
    assert not entering.done()
    await driven_time.advance(PROBE_S)
    assert await entering is node
    await node.__aexit__()
    await operator.hears_flags("C1", "II")


async def test_what_is_published_is_numbered_and_heard(join: Join, operator: Operator) -> None:
    node = await join("C1")
    assert await node.publish(21.5)
    assert await node.publish("open")
    frames = [await operator.hears(flag, "C1") for flag in "nfs"]
    assert [frame.sequence - frames[0].sequence for frame in frames] == [0, 1, 2]


async def test_attributes_and_the_time_of_the_measurement_travel(join: Join, operator: Operator) -> None:
    node = await join("C1")
    await node.publish(21.5, {"voltage": 3.2}, timestamp_ms=1_600_000_000_123)
    frame = await operator.hears("j", "C1")
    assert isinstance(frame, DataFrame)
    assert frame.reading() == Reading("C1", 1_600_000_000_123, frame.sequence, 21.5, {"voltage": 3.2})


async def test_a_proxy_of_the_node_can_be_published_and_no_other(join: Join, operator: Operator) -> None:
    node = await join("C1")
    await node.publish(48, codifier="C2")
    await operator.hears("i", "C2")
    with pytest.raises(jph.UnknownNodeError, match="FK is no sensor of C1"):
        await node.publish(48, codifier="FK")


async def test_what_cannot_travel_is_refused(join: Join) -> None:
    node = await join("C1")
    with pytest.raises(jph.JphError):
        await node.publish(float("nan"))


async def test_a_node_that_nobody_configured_is_refused(network: Network) -> None:
    with pytest.raises(jph.UnknownNodeError, match="has no node ZZ; add it under `nodes:`"):
        jph.Node("ZZ", configured(network, NODES))


async def test_a_second_instance_is_refused_and_named(
    join: Join, network: Network, driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture
) -> None:
    node = await join("C1")
    with pytest.raises(jph.AlreadyRunningError) as refusal:
        await jph.Node("C1", configured(network, NODES), clock=driven_time.clock).__aenter__()
    assert str(refusal.value) == (
        f"C1 is already running at 127.0.0.1 (port {node.bus.address[1]}); stop it first, or use takeover=True"
    )


async def test_a_takeover_enters_all_the_same(join: Join) -> None:
    await join("C1")
    assert (await join("C1", takeover=True)).active


async def test_one_who_does_not_wait_for_the_end_of_the_probe_leaves_nothing_open(
    network: Network, driven_time: DrivenLoop
) -> None:
    entering = driven_time.create_task(jph.Node("C1", configured(network, NODES), clock=driven_time.clock).__aenter__())
    await driven_time.advance(PROBE_S / 2)
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering


async def test_readings_are_gone_through_as_they_come(join: Join) -> None:
    reader, writer = await join("FK"), await join("C1")
    readings = reader.readings("C1", "C2")
    await writer.publish(21.5)
    await writer.publish(48, codifier="C2")
    heard = [await anext(readings) for _ in range(2)]
    assert [(reading.codifier, reading.value) for reading in heard] == [("C1", 21.5), ("C2", 48)]


async def test_others_are_passed_over(join: Join) -> None:
    reader, writer = await join("FK"), await join("C1")
    readings = reader.readings("C2")
    await writer.publish(21.5)
    await writer.publish(48, codifier="C2")
    assert (await anext(readings)).codifier == "C2"


async def test_without_names_all_are_heard_its_own_too(join: Join) -> None:
    node = await join("C1")
    readings = node.readings()
    await node.publish(21.5)
    assert (await anext(readings)).value == 21.5


async def test_iterations_end_when_the_node_leaves(join: Join, driven_time: DrivenLoop) -> None:
    node = await join("C1")

    async def values() -> list[object]:
        return [reading.value async for reading in node.readings()]

    going = driven_time.create_task(values())
    await driven_time.settle()
    arrived = node.readings()
    await node.publish(21.5)
    await anext(arrived)
    await passing_time(driven_time, node.__aexit__())
    assert await going == [21.5]


def test_an_iteration_that_is_too_slow_loses_the_oldest_and_counts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iterations, "MAX_QUEUED", 3)

    async def fall_behind() -> tuple[list[object], int]:
        readings = Readings([])
        for number in range(5):
            frame = DataFrame(number, 1_700_000_000_000, Flag.INTEGER, "C1", "@@", number)
            readings.hear(frame, Instant(1.0, 1_700_000_000_000))
        readings.end()
        return [reading.value async for reading in readings], readings.dropped

    assert asyncio.run(fall_behind()) == ([2, 3, 4], 2)


async def test_an_iteration_that_nobody_holds_keeps_nothing(join: Join) -> None:
    node = await join("C1")
    readings = node.readings()
    assert len(node._iterations) == 1
    del readings
    assert len(node._iterations) == 0


async def test_a_halted_node_publishes_nothing(join: Join, operator: Operator) -> None:
    node = await join("C1")
    await node.publish(21.5)
    assert (await operator.command(Flag.HALT, "C1")).ok
    await operator.hears("n", "C1")
    await operator.hears("n", "C1")
    assert not await node.publish(22.0)
    assert (await operator.command(Flag.START, "C1")).ok
    assert await node.publish(22.5)
    reading = await operator.hears("f", "C1")
    assert isinstance(reading, DataFrame)
    assert reading.value == 22.5


async def test_a_set_value_is_handed_over(join: Join, operator: Operator) -> None:
    values: list[float] = []
    await join("FK", on_set=values.append)
    assert (await operator.command(Flag.SET, "FK", 80.0)).ok
    assert values == [80.0]


async def test_it_may_be_taken_by_a_coroutine(join: Join, operator: Operator) -> None:
    taken: list[float] = []

    async def take(value: float) -> None:
        await asyncio.sleep(0)
        taken.append(value)

    await join("FK", on_set=take, on_step=take)
    assert (await operator.command(Flag.SET, "FK", 80.0)).ok
    assert (await operator.command(Flag.STEP, "FK", -5.0)).ok
    assert taken == [80.0, -5.0]


def refuse(_: float) -> None:
    raise ValueError("at most 100")


def fail(_: float) -> None:
    raise ZeroDivisionError


def accept(_: float) -> None: ...


@pytest.mark.parametrize(
    ("choices", "flag", "code"),
    [
        ({}, Flag.SET, Code.NOT_A_CONTROL_SENSOR),
        ({}, Flag.STEP, Code.NOT_A_CONTROL_SENSOR),
        ({"on_set": refuse}, Flag.SET, Code.OUT_OF_RANGE),
        ({"on_set": fail}, Flag.SET, Code.DRIVER_FAILED),
        ({"on_set": accept}, Flag.STEP, Code.UNKNOWN_FLAG),
        ({"on_step": accept}, Flag.SET, Code.UNKNOWN_FLAG),
        ({"on_set": accept}, Flag.RELOAD, Code.UNKNOWN_FLAG),
    ],
)
async def test_what_it_cannot_do_is_refused_with_its_code(
    join: Join, operator: Operator, choices: dict[str, Any], flag: Flag, code: Code
) -> None:
    await join("FK", **choices)
    assert (await operator.command(flag, "FK", 800.0)).code is code


async def test_a_fault_of_the_program_is_shown(
    join: Join, operator: Operator, caplog: pytest.LogCaptureFixture
) -> None:
    await join("FK", on_set=fail)
    await operator.command(Flag.SET, "FK", 80.0)
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert (record.getMessage(), record.exc_info is not None) == ("FK: taking 80 failed", True)


async def test_a_node_sets_another(join: Join, operator: Operator) -> None:
    values: list[float] = []
    await join("FK", on_set=values.append)
    node = await join("C1")
    answer = await node.set("FK", 80.0)
    assert (answer.ok, values) == (True, [80.0])


async def test_it_answers_pings_and_keeps_alive(join: Join, operator: Operator, driven_time: DrivenLoop) -> None:
    await join("C1")
    operator.ping("C1")
    await operator.hears("T", "C1")
    operator.said("C1")
    await driven_time.advance(60.0)
    await operator.hears("I", "C1")


async def test_garbage_stops_nothing(join: Join, operator: Operator) -> None:
    node = await join("C1")
    readings = node.readings()
    for bus in Bus:
        operator.bus.send(bus, b"garbage")
    await node.publish(21.5)
    assert (await anext(readings)).value == 21.5
    assert node.roster.bad_datagrams.total >= 1


async def test_it_leaves_in_order(join: Join, operator: Operator, driven_time: DrivenLoop) -> None:
    node = await join("C1")
    await node.publish(21.5)
    await operator.hears("f", "C1")
    await passing_time(driven_time, node.__aexit__())
    await operator.hears("n", "C1")
    farewell = await operator.hears("I", "C1")
    assert isinstance(farewell, ControlFrame)
    assert not farewell.active
