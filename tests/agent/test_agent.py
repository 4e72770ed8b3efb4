"""The nodes of one process on one bus, on real sockets; in time that the test drives."""

import threading

import pytest

from agent.agent import Agent, Ending, NothingToRunError
from agent.surroundings import Surroundings
from protocol.commands import Code
from protocol.frames import Bus, ControlFrame, DataFrame, Flag
from storage.sqlite import open_for_reading
from tests.agent.devices import BOTH, FAN, SENSOR, Devices, Fan, until
from tests.agent.devices import devices as devices  # noqa: PLC0414 - a fixture
from tests.agent.hosts import Lan, messages
from tests.agent.hosts import lan as lan  # noqa: PLC0414 - a fixture
from tests.support.driven_time import DrivenLoop

pytestmark = pytest.mark.usefixtures("devices")


async def test_nodes_and_proxies_are_heard(lan: Lan, devices: Devices, driven_time: DrivenLoop) -> None:
    operator = await lan.operator()
    await lan.host("F1: {driver: device, interval: 1s, proxies: {F2: {channel: humidity}}}\n" + FAN)
    await until(lambda: len(devices) == 2)
    devices["F1"].values = {"value": 21.5, "humidity": 48}
    await driven_time.advance(1.0)
    await operator.hears("i", "F2")
    values = {codifier: record.value for codifier, record in operator.roster.sensors.items()}
    assert values == {"F1": 21.5, "F2": 48, "FK": 30.0}


async def test_a_node_announces_itself_then_its_numbering_then_reads(lan: Lan, driven_time: DrivenLoop) -> None:
    operator = await lan.operator()
    await lan.host(SENSOR)
    await driven_time.advance(0.25)
    await operator.hears_flags("C1", "NInf")


async def test_a_codifier_that_is_named_twice_runs_once(lan: Lan) -> None:
    host = lan.start(SENSOR)
    host.codifiers = ["C1", "C1"]
    await host.begin()
    assert await host.stop() is Ending.STOPPED


async def test_there_must_be_something_to_run(lan: Lan, driven_time: DrivenLoop) -> None:
    surroundings = Surroundings(lan.path, clock=driven_time.clock)
    agent = Agent(lan.configured(SENSOR), lambda: lan.configured(SENSOR), lambda _: [], surroundings)
    with pytest.raises(NothingToRunError, match="has no node for this host; name the codifiers"):
        await agent.run()


async def test_a_ping_to_everybody_is_answered_by_every_node(lan: Lan) -> None:
    operator = await lan.operator()
    await lan.host(BOTH)
    operator.ping()
    answers = {(await operator.hears("T")).source for _ in range(2)}
    assert answers == {"C1", "FK"}


async def test_a_set_value_is_confirmed_and_then_read(lan: Lan, devices: Devices) -> None:
    operator = await lan.operator()
    await lan.host(FAN)
    await operator.hears("f", "FK")
    assert (await operator.command(Flag.SET, "FK", 80.0)).code is Code.TAKEN
    reading = await operator.hears("f", "FK")
    assert isinstance(reading, DataFrame)
    assert (reading.value, devices["FK"].calls) == (80.0, ["set 80"])


async def test_a_step_goes_from_the_value_that_is_set(lan: Lan, devices: Devices) -> None:
    operator = await lan.operator()
    await lan.host(FAN)
    await operator.command(Flag.SET, "FK", 80.0)
    assert (await operator.command(Flag.STEP, "FK", -5.0)).ok
    assert devices["FK"].speed == 75.0


@pytest.mark.parametrize(
    ("flag", "codifier", "code"),
    [
        (Flag.SET, "FK", Code.OUT_OF_RANGE),
        (Flag.SET, "C1", Code.NOT_A_CONTROL_SENSOR),
        (Flag.STEP, "C1", Code.NOT_A_CONTROL_SENSOR),
        (Flag.SET, "Q1", Code.NOT_A_CONTROL_SENSOR),
    ],
)
async def test_what_cannot_be_done_is_refused_with_its_code(
    lan: Lan, caplog: pytest.LogCaptureFixture, flag: Flag, codifier: str, code: Code
) -> None:
    operator = await lan.operator()
    await lan.host(f"{BOTH}\nQ1: {{driver: sqlite, options: {{path: {lan.path}/history.db}}}}")
    assert (await operator.command(flag, codifier, 800.0)).code is code
    assert f"{codifier}: refused {flag.name.lower()} from CC" in caplog.text


async def test_a_driver_that_fails_refuses_the_command(lan: Lan, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = await lan.operator()
    await lan.host(FAN)
    monkeypatch.delattr(Fan, "set")
    monkeypatch.setattr(Fan, "set", lambda _fan, _value: 1 / 0, raising=False)
    assert (await operator.command(Flag.SET, "FK", 80.0)).code is Code.DRIVER_FAILED


async def test_a_halted_node_says_so_names_its_last_reading_and_reads_no_more(
    lan: Lan, devices: Devices, driven_time: DrivenLoop
) -> None:
    operator = await lan.operator()
    await lan.host(SENSOR)
    last = await operator.hears("f", "C1")
    assert (await operator.command(Flag.HALT, "C1")).ok
    end = await operator.hears("n", "C1")
    alive = await operator.hears("I", "C1")
    assert isinstance(alive, ControlFrame)
    assert (end.sequence, alive.active) == (last.sequence, False)
    await driven_time.advance(30.0)
    assert devices["C1"].reads == 1


async def test_a_started_node_reads_at_once(lan: Lan) -> None:
    operator = await lan.operator()
    await lan.host(SENSOR)
    await operator.hears("f", "C1")
    await operator.command(Flag.HALT, "C1")
    assert (await operator.command(Flag.START, "C1")).ok
    await operator.hears("f", "C1")


async def test_a_node_that_is_configured_so_starts_halted(lan: Lan, devices: Devices) -> None:
    operator = await lan.operator()
    await lan.host("C1: {driver: device, active: false}")
    alive = await operator.hears("I", "C1")
    assert isinstance(alive, ControlFrame)
    assert (alive.active, len(devices)) == (False, 0)


async def test_a_node_ends_with_its_last_number_and_a_farewell(lan: Lan) -> None:
    operator = await lan.operator()
    host = await lan.host(SENSOR)
    last = await operator.hears("f", "C1")
    assert await host.stop() is Ending.STOPPED
    assert (await operator.hears("n", "C1")).sequence == last.sequence
    farewell = await operator.hears("I", "C1")
    assert isinstance(farewell, ControlFrame)
    assert not farewell.active


async def test_an_actuator_is_left_safe(lan: Lan, devices: Devices) -> None:
    operator = await lan.operator()
    host = await lan.host(FAN)
    await operator.command(Flag.SET, "FK", 80.0)
    await host.stop()
    assert devices["FK"].speed == Fan.SAFE


async def test_a_driver_that_hangs_keeps_nobody(lan: Lan, devices: Devices, driven_time: DrivenLoop) -> None:
    operator = await lan.operator()
    host = await lan.host(BOTH)
    heard = {(await operator.hears("f")).source for _ in range(2)}
    for codifier in heard:
        devices[codifier].trouble = threading.Event()
    await driven_time.advance(1.0)
    await until(lambda: devices["C1"].reads == devices["FK"].reads == 2)
    assert await host.stop(hanging=True) is Ending.STOPPED
    await until(lambda: devices.calls("C1") == devices.calls("FK") == [["close"]])


async def test_a_command_that_came_before_the_end_is_answered(
    lan: Lan, devices: Devices, driven_time: DrivenLoop
) -> None:
    operator = await lan.operator()
    host = await lan.host(FAN)
    await operator.hears("f", "FK")
    devices["FK"].trouble = release = threading.Event()
    await driven_time.advance(1.0)
    await until(lambda: devices["FK"].reads == 2)
    command = driven_time.create_task(operator.command(Flag.SET, "FK", 80.0))
    await driven_time.settle()
    host.agent.stop()
    await driven_time.settle()
    release.set()
    answer = await command
    assert (answer.code, await host.ended()) == (Code.DRIVER_FAILED, Ending.STOPPED)
    assert devices.calls("FK") == [["close"]]


async def test_a_sink_stores_what_the_others_said_last(lan: Lan) -> None:
    path = lan.path / "history.db"
    operator = await lan.operator()
    host = await lan.host(f"{SENSOR}\nQ1: {{driver: sqlite, options: {{path: {path}}}}}")
    last = await operator.hears("f", "C1")
    await host.stop()
    history = open_for_reading(path)
    assert [reading.sequence for reading in history.history("C1", 0, 2**62, 10)] == [last.sequence]
    history.close()


async def test_a_fault_of_the_program_ends_it_but_leaves_actuators_safe(lan: Lan, devices: Devices) -> None:
    operator = await lan.operator()
    host = await lan.host(FAN)
    await operator.command(Flag.SET, "FK", 80.0)
    host.agent._taken = lambda _: 1 / 0  # type: ignore[assignment] # a fault
    host.agent.reload_soon()
    with pytest.raises(ExceptionGroup) as fault:
        await host.run
    assert fault.group_contains(ZeroDivisionError)
    assert devices["FK"].speed == Fan.SAFE


async def test_to_stop_twice_and_after_the_end_is_harmless(lan: Lan) -> None:
    host = await lan.host(SENSOR)
    host.agent.stop()
    assert await host.stop() is Ending.STOPPED
    host.agent.stop()
    host.agent.reload_soon()


async def test_they_are_counted_by_sender_and_kind_and_said_once(lan: Lan, caplog: pytest.LogCaptureFixture) -> None:
    operator = await lan.operator()
    host = await lan.host(f"{SENSOR}\nQ1: {{driver: sqlite, options: {{path: {lan.path}/history.db}}}}")
    for _ in range(3):
        operator.bus.send(Bus.CONTROL, b"garbage")
        operator.bus.send(Bus.DATA, b"\0" * 1_300)
    await until(lambda: host.agent.bad_datagrams.total == 6)
    sender = operator.bus.address
    assert sender is not None
    assert host.agent.bad_datagrams.by_sender[sender] == {"short": 3, "oversized": 3}
    assert [text for text in messages(caplog) if "bad datagram" in text] == [
        f"bad datagram on the control bus from 127.0.0.1 port {sender[1]}: 7 bytes are less than a header of 28",
        f"bad datagram on the data bus from 127.0.0.1 port {sender[1]}: 1300 bytes are more than 1200",
    ]


async def test_what_others_say_to_each_other_is_not_looked_at(lan: Lan) -> None:
    operator = await lan.operator()
    host = await lan.host(SENSOR)
    before = host.agent.bus.counters.unwanted
    operator.send(Flag.SET, "ZZ", 80.0)
    operator.ping("C1")
    await operator.hears("T", "C1")
    assert host.agent.bus.counters.unwanted == before + 2  # `N` and `A`
