"""Agents, sinks, operators and programs of the library with tags: on real sockets, in time that the test drives."""

from collections.abc import Callable, Sequence
from itertools import permutations
from pathlib import Path

import pytest

import jph
from agent.sink import Sink
from config import rotation
from config.keyfile import NetworkFile
from protocol import gate
from protocol.commands import Code, pack_pair
from protocol.frames import Bus, ControlFrame, DataFrame, Flag, Frame
from protocol.gate import Gate, Mode
from protocol.life import PROBE_S
from protocol.responding import TURN_S
from tests.agent.devices import Devices, until
from tests.agent.devices import devices as devices  # noqa: PLC0414 - a fixture
from tests.agent.hosts import Host, passing_time
from tests.agent.hosts import lan as lan  # noqa: PLC0414 - a fixture
from tests.agent.secured import Heard, OffClock, SecuredLan
from tests.agent.secured import secured as secured  # noqa: PLC0414 - a fixture
from tests.agent.stored import numbers
from tests.agent.taking import SENSOR, sent, settle, take_readings
from tests.protocol.holders import OTHER_KEY, node, owner, reader, ring
from tests.support.driven_time import DrivenLoop

pytestmark = pytest.mark.usefixtures("devices")

FAN = "FK: {driver: fan-device, interval: 1h, control: true}"
HOUR_S = 3_600.0
READER = Gate(Mode.REQUIRE, ring(reader()))


def sink(secured: SecuredLan) -> str:
    return f"Q1: {{driver: sqlite, options: {{path: {path(secured)}}}, interval: 1h}}"


def path(secured: SecuredLan) -> Path:
    return secured.lan.path / "history.db"


def stored(secured: SecuredLan, codifier: str = "C1") -> list[int]:
    return numbers(path(secured), codifier)


async def storing(secured: SecuredLan) -> Host:
    """Start a sink at a place of its own, and wait until it knows how far its store has got."""
    host = await secured.host(sink(secured), "cellar")
    source = host.agent.stations["Q1"].source
    assert isinstance(source, Sink)
    await until(lambda: source.intake.resumed)
    return host


async def sensing(secured: SecuredLan, devices: Devices, nodes: str = SENSOR, mode: Mode = Mode.REQUIRE) -> Host:
    """Start an agent and wait until its devices are there."""
    before = len(devices)
    host = await secured.host(nodes, mode=mode)
    await until(lambda: len(devices) > before)
    return host


# Who believes whom


@pytest.mark.parametrize(
    ("says", "hears", "believed"),
    [
        (Mode.REQUIRE, Mode.REQUIRE, True),
        (Mode.PREFER, Mode.REQUIRE, True),
        (Mode.OFF, Mode.REQUIRE, False),
        (Mode.REQUIRE, Mode.PREFER, True),
        (Mode.OFF, Mode.PREFER, True),
        (Mode.REQUIRE, Mode.OFF, True),
        (Mode.OFF, Mode.OFF, True),
    ],
)
async def test_a_reading_is_believed_as_the_mode_of_who_hears_it_says(
    secured: SecuredLan, devices: Devices, driven_time: DrivenLoop, says: Mode, hears: Mode, *, believed: bool
) -> None:
    operator = await secured.operator(SENSOR, mode=hears)
    host = await sensing(secured, devices, mode=says)
    await take_readings(host, devices, 1)
    await driven_time.settle()
    assert (operator.roster.sensors["C1"].value is not None) is believed
    assert {kind for _, kind in operator.roster.refusals._cases} == (set() if believed else {gate.UNSIGNED})


@pytest.mark.parametrize(
    ("commands", "takes", "code"),
    [
        (Mode.REQUIRE, Mode.REQUIRE, Code.TAKEN),
        (Mode.PREFER, Mode.REQUIRE, Code.TAKEN),
        (Mode.OFF, Mode.REQUIRE, Code.NOT_AUTHORISED),
        (Mode.REQUIRE, Mode.PREFER, Code.TAKEN),
        (Mode.OFF, Mode.PREFER, Code.TAKEN),
        (Mode.PREFER, Mode.OFF, Code.TAKEN),
        (Mode.OFF, Mode.OFF, Code.TAKEN),
    ],
)
async def test_a_command_is_taken_as_the_mode_of_its_target_says(
    secured: SecuredLan, devices: Devices, commands: Mode, takes: Mode, code: Code
) -> None:
    await sensing(secured, devices, FAN, takes)
    operator = await secured.operator(FAN, ["FK"], commands)
    assert (await operator.command(Flag.SET, "FK", 80.0)).code is code
    assert devices["FK"].calls == (["set 80"] if code is Code.TAKEN else [])


async def test_a_node_answers_the_pings_of_who_may_read(secured: SecuredLan, devices: Devices) -> None:
    host = await sensing(secured, devices)
    operator = await secured.operator(SENSOR)
    operator.ping()
    await operator.hears("T", "C1")
    operator.ping("C1")
    await operator.hears("T", "C1")
    stranger = await secured.stranger()
    await stranger.say(ControlFrame(1, 0, Flag.PING, "CC", "C1", 1.0, active=True))
    assert host.agent.bad_datagrams.by_sender == {stranger.address: {gate.UNSIGNED: 1}}


async def test_nodes_of_the_original_are_believed_where_they_are_listed_but_command_nothing(
    secured: SecuredLan, devices: Devices, driven_time: DrivenLoop
) -> None:
    host = await secured.host(f"{sink(secured)}\n{FAN}", unsigned=["X1"])
    source = host.agent.stations["Q1"].source
    assert isinstance(source, Sink)
    await until(lambda: source.intake.resumed)
    original = await secured.stranger()
    for codifier in ("X1", "X2"):
        for sequence in (7, 8):
            await original.say(DataFrame(sequence, 1, Flag.FLOAT, codifier, "@@", 21.5))
    now_ms = int(driven_time.clock.now().wall_ms)
    await original.say(ControlFrame(1, now_ms, Flag.SET, "X1", "FK", 80.0, active=True))
    answer = (await original.hears("K", "FK")).frame
    assert isinstance(answer, ControlFrame)
    assert answer.number == pack_pair(1, Code.NOT_AUTHORISED)
    await host.stop()
    assert (stored(secured, "X1"), stored(secured, "X2")) == ([7, 8], [])
    assert "set 80" not in devices["FK"].calls


# Repair


async def asked(secured: SecuredLan, first: int, count: int, *, signed: bool) -> Sequence[Heard]:
    """Ask C1 for readings, as a reader or as somebody without keys, and return what was answered."""
    stranger = await secured.stranger()
    request = ControlFrame(7, 0, Flag.REPEAT, "Q9", "C1", pack_pair(first, count), active=True)
    await stranger.say(request, *([reader()] if signed else []))
    await secured.lan.loop.advance(2 * TURN_S)
    return stranger.answers


async def test_what_is_sent_again_is_what_was_sent_bit_for_bit(
    secured: SecuredLan, devices: Devices, driven_time: DrivenLoop
) -> None:
    stranger = await secured.stranger()
    host = await sensing(secured, devices)
    await take_readings(host, devices, 3)
    await driven_time.settle()
    said = [heard.datagram for heard in stranger.heard if heard.source == "C1" and heard.flag is Flag.FLOAT]
    answers = await asked(secured, sent(host)[0], 3, signed=True)
    assert [answer.datagram for answer in answers] == said[:3]


async def test_that_readings_are_not_kept_is_said_with_a_tag(secured: SecuredLan, devices: Devices) -> None:
    host = await sensing(secured, devices)
    await take_readings(host, devices, 1)
    [answer] = await asked(secured, sent(host)[0] - 5, 5, signed=True)
    frame = READER.open(Bus.CONTROL, answer.datagram)
    assert (frame.flag, frame.source, frame.tag[0]) == (Flag.UNAVAILABLE, "C1", 1)


async def test_who_has_no_key_is_sent_nothing_again(secured: SecuredLan, devices: Devices) -> None:
    host = await sensing(secured, devices)
    await take_readings(host, devices, 3)
    assert await asked(secured, sent(host)[0], 3, signed=False) == []
    assert (host.agent.repeating.responder.requests, host.agent.bad_datagrams.total) == (0, 1)


async def test_a_sink_that_was_down_stores_what_it_missed(
    secured: SecuredLan, devices: Devices, driven_time: DrivenLoop
) -> None:
    sensor = await sensing(secured, devices)
    await take_readings(sensor, devices, 2)
    for _ in range(2):
        cellar = await storing(secured)
        await take_readings(sensor, devices, 3)
        await cellar.stop()
        await take_readings(sensor, devices, 10)
    cellar = await storing(secured)
    await take_readings(sensor, devices, 1)
    await settle(driven_time)
    await sensor.stop()
    await cellar.stop()
    assert (stored(secured), stored(secured, "C2")) == (sent(sensor), sent(sensor, "C2"))


async def test_a_sink_stores_only_what_is_genuine(secured: SecuredLan, devices: Devices) -> None:
    cellar = await storing(secured)
    sensor = await sensing(secured, devices)
    await take_readings(sensor, devices, 3)
    stranger = await secured.stranger()
    forged = DataFrame(sent(sensor)[-1] + 1, int(secured.lan.loop.clock.wall_ms), Flag.FLOAT, "C1", "@@", 99.0)
    await stranger.say(forged)
    await stranger.say(forged, owner(1, OTHER_KEY))
    await stranger.say(forged, owner(2))
    await stranger.say(forged._replace(source="C3"), node("C1"))  # sent without a tag: this key tags nothing of C3
    await take_readings(sensor, devices, 1)
    await sensor.stop()
    await cellar.stop()
    assert stored(secured) == sent(sensor)
    assert cellar.agent.bad_datagrams.by_sender[stranger.address] == {
        gate.UNSIGNED: 2,
        gate.FORGED: 1,
        gate.UNKNOWN_KEY: 1,
    }


# Commands


@pytest.mark.parametrize("by_s", [-HOUR_S, HOUR_S])
async def test_a_node_whose_clock_is_wrong_is_commanded_by_its_own_clock(
    secured: SecuredLan, devices: Devices, driven_time: DrivenLoop, by_s: float
) -> None:
    await secured.host(FAN, clock=OffClock(driven_time.clock, by_s))
    operator = await secured.operator(FAN, ["FK"])
    for speed in (80.0, 20.0):
        answer = await operator.command(Flag.SET, "FK", speed)
        assert (answer.code, answer.attempts) == (Code.TAKEN, 1)
    assert devices["FK"].calls == ["set 80", "set 20"]


@pytest.mark.parametrize("by_s", [-HOUR_S, -40.0, -20.0, HOUR_S])
@pytest.mark.parametrize("restarts", [False, True])
async def test_a_node_whose_clock_was_set_is_commanded_at_once(
    secured: SecuredLan, devices: Devices, driven_time: DrivenLoop, by_s: float, *, restarts: bool
) -> None:
    clock = OffClock(driven_time.clock)
    host = await secured.host(FAN, clock=clock)
    operator = await secured.operator(FAN, ["FK"])
    assert (await operator.command(Flag.SET, "FK", 80.0)).ok
    clock.by_s += by_s
    if restarts:
        await host.stop()
        await secured.host(FAN, clock=clock)
    answer = await operator.command(Flag.SET, "FK", 20.0)
    assert (answer.code, answer.attempts) == (Code.TAKEN, 1)
    assert devices["FK"].calls[-1] == "set 20"


async def test_what_was_dated_by_another_clock_is_stale(
    secured: SecuredLan, devices: Devices, driven_time: DrivenLoop
) -> None:
    await secured.host(FAN, clock=OffClock(driven_time.clock, HOUR_S))
    operator = await secured.operator(FAN, ["FK"])
    command = operator.send(Flag.SET, "FK", 80.0)
    answer = await operator.hears("K", "FK")
    assert isinstance(answer, ControlFrame)
    assert answer.number == pack_pair(command.sequence, Code.STALE)
    await until(lambda: len(devices) == 1)
    assert devices["FK"].calls == []


async def test_a_step_that_is_repeated_is_done_once_and_answered_each_time(
    secured: SecuredLan, devices: Devices
) -> None:
    await sensing(secured, devices, FAN)
    operator = await secured.operator(FAN, ["FK"])
    step = operator.send(Flag.STEP, "FK", -5.0)
    answers: list[Frame] = [await operator.hears("K", "FK")]
    for _ in range(3):
        operator.transmit(step)
        answers.append(await operator.hears("K", "FK"))
    assert {answer.number for answer in answers if isinstance(answer, ControlFrame)} == {
        pack_pair(step.sequence, Code.TAKEN)
    }
    assert devices["FK"].calls == ["set 25"]


async def test_a_repeat_that_comes_after_a_restart_is_not_carried_out(
    secured: SecuredLan, devices: Devices, driven_time: DrivenLoop
) -> None:
    host = await sensing(secured, devices, FAN)
    operator = await secured.operator(FAN, ["FK"])
    step = operator.send(Flag.STEP, "FK", -5.0)
    await operator.hears("K", "FK")
    await host.stop()
    await sensing(secured, devices, FAN)
    operator.transmit(step)
    await driven_time.settle()
    assert (await operator.command(Flag.SET, "FK", 60.0)).ok
    assert devices.calls("FK") == [["set 25", "close"], ["set 60"]]


async def test_no_command_is_sent_for_which_there_is_no_key(secured: SecuredLan, devices: Devices) -> None:
    stranger = await secured.stranger()
    await sensing(secured, devices, f"{FAN}\n{SENSOR}")
    operator = await secured.operator(f"{FAN}\n{SENSOR}", ["FK"])
    answer = await operator.command(Flag.HALT, "C1")
    assert (answer.code, answer.attempts) == (Code.NOT_AUTHORISED, 0)
    assert "has no key to command C1" in answer.reason
    assert [heard for heard in stranger.heard if heard.flag is Flag.HALT] == []


# The change of keys


STEPS: Sequence[Callable[[NetworkFile], NetworkFile]] = (
    lambda file: rotation.begin_change(file, OTHER_KEY, 0),
    lambda file: rotation.use_new(file, 0),
    lambda file: rotation.forget_old(file, 0, at_once=True),
)


@pytest.mark.parametrize("order", list(permutations(["shed", "cellar", "desk of CC"])), ids=" ".join)
async def test_no_reading_is_lost_while_the_key_is_changed(
    secured: SecuredLan, devices: Devices, driven_time: DrivenLoop, order: Sequence[str]
) -> None:
    """In three steps, each of which reaches the computers in any order; a sink stores and asks for what it missed."""
    everything = f"{SENSOR}\n{sink(secured)}"
    hosts = {"shed": await sensing(secured, devices), "cellar": await storing(secured)}
    operator = await secured.operator(everything, ["C1", "Q1"])
    nodes = {"shed": "C1", "cellar": "Q1", "desk of CC": "CC"}
    for step in STEPS:
        secured.file = step(secured.file)
        for place in order:
            await take_readings(hosts["shed"], devices, 1)
            if place == "desk of CC":  # who commands starts a program for it each time
                operator = await secured.operator(everything, ["C1", "Q1"])
            else:
                host = hosts[place]
                assert not isinstance(host.configuration, Exception)
                secured.place(place).grant(secured.file, host.configuration, nodes[place])
                assert (await operator.command(Flag.RELOAD, nodes[place])).code is Code.TAKEN
                await until(lambda host=host: keys_of(host) == tuple(key.id for key in secured.file.keys))  # type: ignore[misc] # bound now
            await take_readings(hosts["shed"], devices, 1)
    await settle(driven_time)
    await hosts["shed"].stop()
    await hosts["cellar"].stop()
    assert stored(secured) == sent(hosts["shed"])
    assert [host.agent.bad_datagrams.total for host in hosts.values()] == [0, 0]
    assert operator.roster.nodes["C1"].key_id == 2


def keys_of(host: Host) -> tuple[int, ...]:
    keyring = host.agent.gate.keyring
    return () if keyring is None else tuple(sorted(keyring.key_ids))


# Programs of the library


async def test_a_node_of_the_library_speaks_hears_and_commands_with_its_keys(
    secured: SecuredLan, devices: Devices, driven_time: DrivenLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(secured.state("study")))
    await sensing(secured, devices, FAN)
    nodes = "B1: {driver: control, options: {default: 0}}"
    configuration = secured.configured(f"{nodes}\n{FAN}", "study")
    secured.place("study").grant(secured.file, configuration, "B1", reads=["FK"], targets=["FK"])
    operator = await secured.operator(f"{nodes}\n{FAN}", ["B1"])
    taken: list[float] = []
    program = jph.Node("B1", configuration, clock=driven_time.clock, on_set=taken.append)
    entering = driven_time.create_task(program.__aenter__())
    await operator.hears("N", "B1")
    await driven_time.advance(PROBE_S)
    await entering
    await program.publish(21.5)
    reading = await operator.hears("f", "B1")
    assert (await program.set("FK", 80.0)).code is Code.TAKEN
    assert (await operator.command(Flag.SET, "B1", 5.0)).code is Code.TAKEN
    await passing_time(driven_time, program.__aexit__())
    assert (reading.tag[0], taken, devices["FK"].calls) == (1, [5.0], ["set 80"])


async def test_a_node_of_the_library_believes_no_forged_reading(
    secured: SecuredLan, driven_time: DrivenLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(secured.state("study")))
    configuration = secured.configured(f"{FAN}\nB1: {{driver: control, options: {{default: 0}}}}", "study")
    secured.place("study").grant(secured.file, configuration, "B1", reads=["FK"])
    stranger = await secured.stranger()
    program = jph.Node("B1", configuration, clock=driven_time.clock)
    entering = driven_time.create_task(program.__aenter__())
    await stranger.hears("N", "B1")
    await driven_time.advance(PROBE_S)
    await entering
    readings = program.readings("FK")
    genuine = DataFrame(8, 1, Flag.FLOAT, "FK", "@@", 30.0)
    await stranger.say(genuine._replace(value=99.0))
    await stranger.say(genuine, node("FK"))
    assert (await anext(readings)).value == 30.0
    await passing_time(driven_time, program.__aexit__())
