"""What a sink did not hear it asks for: agents and sinks on real sockets, in time that the test drives."""

from pathlib import Path

import pytest

from agent.sink import FLUSH_S, Sink
from protocol.codifiers import EVERYBODY
from protocol.commands import pack_pair
from protocol.frames import Bus, ControlFrame, Flag
from protocol.life import PROBE_S
from protocol.responding import PER_TURN, TURN_S
from tests.agent.devices import Devices, until
from tests.agent.devices import devices as devices  # noqa: PLC0414 - a fixture
from tests.agent.hosts import Host, Lan
from tests.agent.hosts import lan as lan  # noqa: PLC0414 - a fixture
from tests.agent.peer import Peer
from tests.agent.peer import peer as peer  # noqa: PLC0414 - a fixture
from tests.agent.stored import account, numbers
from tests.agent.taking import SENSOR, sent, settle, take_readings
from tests.support.driven_time import DrivenLoop

pytestmark = pytest.mark.usefixtures("devices")


@pytest.fixture
def path(lan: Lan) -> Path:
    return lan.path / "history.db"


@pytest.fixture
def sink(path: Path) -> str:
    """Return the configuration of a sink."""
    return f"Q1: {{driver: sqlite, options: {{path: {path}}}, interval: 1h}}"


async def start(lan: Lan, sink: str) -> Host:
    """Start sinks and wait until they know how far their stores have got."""
    host = await lan.host(sink)
    for station in host.agent.stations.values():
        assert isinstance(station.source, Sink)
        await until(lambda intake=station.source.intake: intake.resumed)  # type: ignore[misc] # bound now
    return host


async def stop(host: Host) -> None:
    await host.stop()


async def test_a_sink_that_comes_late_stores_what_was_sent_before(
    lan: Lan, devices: Devices, driven_time: DrivenLoop, path: Path, sink: str
) -> None:
    sensor = await lan.host(SENSOR)
    await until(lambda: len(devices) == 1)
    await take_readings(sensor, devices, 150)
    storing = await start(lan, sink)
    await take_readings(sensor, devices, 1)
    await settle(driven_time)
    await stop(sensor)
    await stop(storing)
    assert numbers(path) == sent(sensor)
    assert numbers(path, "C2") == sent(sensor, "C2")


async def test_a_sink_that_was_down_asks_for_what_it_missed(
    lan: Lan, devices: Devices, driven_time: DrivenLoop, path: Path, sink: str
) -> None:
    sensor = await lan.host(SENSOR)
    await until(lambda: len(devices) == 1)
    for _ in range(3):
        storing = await start(lan, sink)
        await take_readings(sensor, devices, 5)
        await stop(storing)
        await take_readings(sensor, devices, 20)
    storing = await start(lan, sink)
    await take_readings(sensor, devices, 1)
    await settle(driven_time)
    await stop(sensor)
    await stop(storing)
    assert numbers(path) == sent(sensor)
    total = account(path)
    assert (total.sent, total.stored, total.pending, total.waiting) == (len(sent(sensor)), len(sent(sensor)), 0, 0)
    assert total.repaired >= 60


async def test_several_sinks_of_one_process_each_store_everything(
    lan: Lan, devices: Devices, driven_time: DrivenLoop, path: Path, sink: str
) -> None:
    second = path.with_name("second.db")
    sensor = await lan.host(SENSOR)
    await until(lambda: len(devices) == 1)
    storing = await start(lan, sink)
    await take_readings(sensor, devices, 5)
    await stop(storing)
    await take_readings(sensor, devices, 100)
    storing = await start(lan, f"{sink}\n{sink.replace('Q1', 'Q2').replace(str(path), str(second))}")
    await take_readings(sensor, devices, 1)
    await settle(driven_time, 10.0)
    await stop(sensor)
    await stop(storing)
    assert numbers(path) == numbers(second) == sent(sensor)


async def test_a_sink_that_was_down_finds_out_about_the_last_reading_of_a_halted_node(
    lan: Lan, devices: Devices, driven_time: DrivenLoop, path: Path, sink: str
) -> None:
    operator = await lan.operator()
    sensor = await lan.host("C1: {driver: device, interval: 1s, keepalive: 10s}")
    await until(lambda: len(devices) == 1)
    storing = await start(lan, sink)
    await take_readings(sensor, devices, 3)
    await stop(storing)
    await take_readings(sensor, devices, 3)
    assert (await operator.command(Flag.HALT, "C1")).ok
    storing = await start(lan, sink)
    await settle(driven_time, 15.0)
    await stop(storing)
    assert numbers(path) == sent(sensor)


async def test_a_node_that_is_restarted_by_a_new_configuration_numbers_on(
    lan: Lan, devices: Devices, driven_time: DrivenLoop
) -> None:
    sensor = await lan.host(SENSOR)
    await until(lambda: len(devices) == 1)
    await take_readings(sensor, devices, 3)
    before = sent(sensor)
    sensor.configuration = lan.configured(SENSOR.replace("device", "device, options: {note: new}"))
    sensor.agent.reload_soon()
    while len(devices) < 2:  # threads take their time to load and to close, then the probe takes its own
        await driven_time.advance(0.1)
    await take_readings(sensor, devices, 2)
    after = sent(sensor)
    assert after[: len(before)] == before
    assert len(after) >= len(before) + 2


async def test_without_a_spool_a_restarted_agent_is_named_in_the_accounts(
    lan: Lan, devices: Devices, driven_time: DrivenLoop, path: Path, sink: str
) -> None:
    storing = await start(lan, sink)
    first = await lan.host(SENSOR)
    await until(lambda: len(devices) == 1)
    await take_readings(first, devices, 5)
    await stop(first)
    second = await lan.host(SENSOR)
    await until(lambda: len(devices) == 2)
    await take_readings(second, devices, 5)
    await driven_time.advance(FLUSH_S)
    await settle(driven_time, 1.0)
    await stop(second)
    await stop(storing)
    assert set(numbers(path)) == {*sent(first), *sent(second)}
    assert account(path).restarts == 1


async def test_a_mad_requester_is_answered_at_the_pace_of_the_agent(
    lan: Lan, devices: Devices, driven_time: DrivenLoop, peer: Peer
) -> None:
    sensor = await lan.host(SENSOR)
    await until(lambda: len(devices) == 1)
    await take_readings(sensor, devices, 20)
    first = sent(sensor)[0]
    before = sensor.agent.bus.counters.sent
    heard = sensor.agent.bus.counters.received[Bus.CONTROL]
    for number in range(1_000):
        peer.say(ControlFrame(number, 0, Flag.REPEAT, "ZZ", "C1", pack_pair(first, 1 + number % 64), active=True))
    await until(lambda: sensor.agent.bus.counters.received[Bus.CONTROL] >= heard + 1_000)
    for _ in range(5):
        await driven_time.advance(TURN_S)
    assert 0 < sensor.agent.bus.counters.sent - before <= 7 * PER_TURN
    responder = sensor.agent.repeating.responder
    assert responder.refused + responder.repeated > 500


async def test_who_may_not_be_the_only_instance_refuses_nothing(
    lan: Lan, devices: Devices, driven_time: DrivenLoop, peer: Peer
) -> None:
    incumbent = await lan.host(SENSOR)
    await until(lambda: len(devices) == 1)
    await take_readings(incumbent, devices, 3)
    newcomer = lan.start(SENSOR, takeover=True)
    await newcomer.agent.started.wait()
    await driven_time.settle()
    heard = newcomer.agent.bus.counters.received[Bus.CONTROL]
    peer.control(Flag.REPEAT, "C2", pack_pair(sent(incumbent, "C2")[0], 3))
    await until(lambda: newcomer.agent.bus.counters.received[Bus.CONTROL] > heard)
    await until(lambda: incumbent.agent.repeating.responder.requests == 1)
    assert newcomer.agent.repeating.responder.requests == 0
    await driven_time.advance(PROBE_S)
    peer.control(Flag.REPEAT, "C2", pack_pair(1, 1))
    await until(lambda: newcomer.agent.repeating.responder.requests == 1)


async def test_requests_for_sensors_of_others_are_not_looked_at(lan: Lan, peer: Peer) -> None:
    sensor = await lan.host(SENSOR)
    for destination in ("ZZ", "Q1", EVERYBODY):
        peer.say(ControlFrame(1, 0, Flag.REPEAT, "ZY", destination, pack_pair(1, 1), active=True))
    await until(lambda: sensor.agent.bus.counters.unwanted == 3)
    assert sensor.agent.repeating.responder.requests == 0
