"""Agents that read their configuration again; in time that the test drives."""

import threading

import pytest

from agent.agent import Ending
from agent.sensing import FIRST_READINGS_WITHIN_S
from config.model import ConfigError, Problem
from protocol.commands import Code, pack_pair
from protocol.frames import Bus, ControlFrame, Flag
from protocol.life import PROBE_S
from tests.agent.devices import BOTH, FAN, SENSOR, Devices, until
from tests.agent.devices import devices as devices  # noqa: PLC0414 - a fixture
from tests.agent.hosts import Lan, messages
from tests.agent.hosts import lan as lan  # noqa: PLC0414 - a fixture
from tests.support.driven_time import DrivenLoop
from tests.support.loopback import LoopbackNetworks

pytestmark = pytest.mark.usefixtures("devices")


async def test_only_what_changed_is_restarted(lan: Lan, devices: Devices, driven_time: DrivenLoop) -> None:
    operator = await lan.operator()
    host = await lan.host(BOTH)
    await operator.hears("f", "FK")
    host.configuration = lan.configured(BOTH.replace("C1: {", "C1: {options: {note: new}, "))
    assert (await operator.command(Flag.RELOAD, "FK")).code is Code.TAKEN
    await until(lambda: [len(devices.calls("C1"))] == [1] and devices.calls("C1") == [["close"]])
    await driven_time.advance(PROBE_S + 0.25)
    await until(lambda: len(devices.calls("C1")) == 2)
    assert (devices.calls("FK"), host.agent.configuration) == ([[]], host.configuration)


async def test_it_is_confirmed_and_announced(lan: Lan) -> None:
    operator = await lan.operator()
    await lan.host(SENSOR)
    await operator.hears("I", "C1")
    await operator.command(Flag.RELOAD, "C1")
    operator.said("C1")
    await operator.command(Flag.RELOAD, "C1")
    await operator.hears("N", "C1")


async def test_a_restarted_node_is_no_rival_of_its_former_self(
    lan: Lan, driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture
) -> None:
    operator = await lan.operator()
    host = await lan.host(SENSOR)
    await operator.hears("f", "C1")
    host.configuration = lan.configured(SENSOR.replace("1s", "2s"))
    await operator.command(Flag.RELOAD, "C1")
    await operator.hears("N", "C1")
    await operator.hears("N", "C1")
    await driven_time.advance(PROBE_S + 0.25)
    await operator.hears("f", "C1")
    assert messages(caplog) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (ConfigError((Problem("jph.yaml", 3, "unknown key"),)), "jph.yaml:3: unknown key"),
        (RecursionError("too deep"), "RecursionError: too deep"),
    ],
    ids=["wrong", "unreadable"],
)
async def test_a_bad_configuration_is_refused_and_the_old_one_kept(
    lan: Lan, devices: Devices, caplog: pytest.LogCaptureFixture, found: Exception, said: str
) -> None:
    operator = await lan.operator()
    host = await lan.host(SENSOR)
    await operator.hears("f", "C1")
    former = host.agent.configuration
    host.configuration = found
    assert (await operator.command(Flag.RELOAD, "C1")).code is Code.BAD_CONFIGURATION
    assert (host.agent.configuration, devices.calls("C1"), host.taken) == (former, [[]], [])
    assert "the configuration was not taken, the old one is kept" in caplog.text
    assert said in caplog.text


async def test_one_without_a_node_for_this_process_is_bad_too(lan: Lan) -> None:
    operator = await lan.operator()
    host = await lan.host(SENSOR)
    host.codifiers = []
    assert (await operator.command(Flag.RELOAD, "C1")).code is Code.BAD_CONFIGURATION


async def test_nodes_come_and_go(lan: Lan) -> None:
    operator = await lan.operator()
    host = await lan.host(BOTH)
    await operator.hears("f", "FK")
    host.configuration = lan.configured(f"{FAN}\nC2: {{driver: device}}")
    await operator.command(Flag.RELOAD, "FK")
    farewell = await operator.hears("I", "C1")
    assert isinstance(farewell, ControlFrame)
    await operator.hears("N", "C2")
    assert (farewell.active, sorted(host.agent.stations)) == (False, ["C2", "FK"])


async def test_told_to_everybody_it_is_done_once_and_confirmed_by_each(lan: Lan) -> None:
    operator = await lan.operator()
    host = await lan.host(BOTH)
    command = operator.send(Flag.RELOAD, "@@", 0.0)
    answers = [await operator.hears("K") for _ in range(2)]
    assert {answer.source for answer in answers} == {"C1", "FK"}
    assert {answer.number for answer in answers if isinstance(answer, ControlFrame)} == {
        pack_pair(command.sequence, Code.TAKEN)
    }
    assert host.loads == 1


async def test_told_to_everybody_each_node_that_is_restarted_confirms_before(lan: Lan, driven_time: DrivenLoop) -> None:
    operator = await lan.operator()
    host = await lan.host(BOTH)
    await operator.hears("I", "C1")
    await operator.hears("I", "FK")
    host.configuration = lan.configured(BOTH.replace("1s", "2s"))
    operator.send(Flag.RELOAD, "@@", 0.0)
    for _ in range(2):
        await operator.hears("K")
    await until(lambda: len(host.agent.stations) == 2 and bool(host.taken))
    await driven_time.advance(PROBE_S)
    await driven_time.settle()
    assert operator.roster.nodes["C1"].active
    assert operator.roster.nodes["FK"].active


async def test_of_two_at_once_the_later_holds(lan: Lan) -> None:
    host = await lan.host(BOTH)
    host.configuration = lan.configured(f"{FAN}\nC2: {{driver: device}}")
    host.agent.reload_soon()
    await until(lambda: host.loads == 1)
    host.configuration = lan.configured(f"{FAN}\nC3: {{driver: device}}")
    host.agent.reload_soon()
    await until(lambda: len(host.taken) == 2 and sorted(host.agent.stations) == ["C3", "FK"])


async def test_a_stop_while_nodes_are_restarted_is_a_stop(lan: Lan, devices: Devices, driven_time: DrivenLoop) -> None:
    operator = await lan.operator()
    host = await lan.host(SENSOR)
    await operator.hears("f", "C1")
    devices["C1"].trouble = threading.Event()
    await driven_time.advance(1.0)
    await until(lambda: devices["C1"].reads == 2)
    host.configuration = lan.configured(SENSOR.replace("1s", "2s"))
    host.agent.reload_soon()
    await until(lambda: not host.agent.stations)
    assert await host.stop(hanging=True) is Ending.STOPPED
    assert len(devices) == 1


async def test_who_uses_the_configuration_is_told_of_the_new_one(lan: Lan) -> None:
    operator = await lan.operator()
    host = await lan.host(SENSOR)
    await operator.command(Flag.RELOAD, "C1")
    await until(lambda: bool(host.taken))
    assert host.taken == [host.configuration]


async def test_a_new_network_is_gone_to(lan: Lan, loopback_networks: LoopbackNetworks, driven_time: DrivenLoop) -> None:
    host = await lan.host(SENSOR)
    lan.network = loopback_networks.new()
    operator = await lan.operator()
    host.configuration = lan.configured(SENSOR)
    host.agent.reload_soon()
    await operator.hears("N", "C1")
    await driven_time.advance(PROBE_S)
    assert await host.stop() is Ending.STOPPED


async def test_a_stop_on_the_way_there_is_a_stop(
    lan: Lan, loopback_networks: LoopbackNetworks, devices: Devices, driven_time: DrivenLoop
) -> None:
    operator = await lan.operator()
    host = await lan.host(SENSOR)
    await operator.hears("f", "C1")
    devices["C1"].trouble = threading.Event()
    await driven_time.advance(1.0)
    await until(lambda: devices["C1"].reads == 2)
    lan.network = loopback_networks.new()
    host.configuration = lan.configured(SENSOR)
    host.agent.reload_soon()
    await until(lambda: not host.agent.stations)
    assert await host.stop(hanging=True) is Ending.STOPPED
    assert len(devices) == 1


async def test_a_sink_that_is_added_hears_readings(lan: Lan, driven_time: DrivenLoop) -> None:
    operator = await lan.operator()
    host = await lan.host(SENSOR)
    host.configuration = lan.configured(f"{SENSOR}\nQ1: {{driver: sqlite, options: {{path: {lan.path}/history.db}}}}")
    await operator.command(Flag.RELOAD, "C1")
    await operator.hears("N", "Q1")
    await driven_time.advance(PROBE_S + FIRST_READINGS_WITHIN_S)
    await operator.hears("f", "C1")
    await until(lambda: host.agent.stations["Q1"].source.waiting > 0)  # type: ignore[attr-defined] # a sink


async def test_an_agent_without_a_sink_does_not_hear_readings(lan: Lan) -> None:
    host = await lan.host(SENSOR)
    assert set(host.agent.bus.counters.received) == {Bus.CONTROL}
