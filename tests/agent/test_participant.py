"""Programs of operators on real sockets: what they hear, ping and command; in time that the test drives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Protocol

import pytest

from agent.orders import Answer
from agent.participant import Heard, Participant
from agent.presence import GaveWay
from config.model import Configuration, Network, Node, Sensor
from protocol import frames
from protocol.commands import Code, pack_pair
from protocol.errors import DecodeError
from protocol.frames import Bus, ControlFrame, Flag, reading_frame
from protocol.life import PROBE_S
from protocol.members import Status
from protocol.pending import GIVES_UP_AFTER_S
from protocol.readings import Reading
from tests.support.driven_time import DrivenLoop


class Join(Protocol):
    """Lets a target join the network."""

    async def __call__(self, codifier: str, *, present: bool = False, settled: bool = False) -> "Target": ...


class Target(Participant):
    """A node that takes every command with `code`, and tells what it heard."""

    code = Code.TAKEN

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type] # the same as a participant's
        self.commands: list[ControlFrame] = []
        self.frames: list[Heard] = []
        self.heard.append(self._note)
        self._arrived = asyncio.Event()
        self.incumbents: list[GaveWay] = []

    async def hears(self, flags: str) -> None:
        """Wait until frames with these flags were heard, in this order; the network takes what time it needs."""
        while "".join(entry.frame.flag for entry in self.frames) != flags:
            await self._arrived.wait()
            self._arrived.clear()

    def _note(self, heard: Heard) -> None:
        self.frames.append(heard)
        self._arrived.set()

    async def carry_out(self, command: ControlFrame) -> Code:
        self.commands.append(command)
        return self.code

    def give_way(self, other: GaveWay) -> None:
        self.incumbents.append(other)


@pytest.fixture
def configuration(network: Network) -> Configuration:
    nodes = [
        Node(
            sensor=Sensor(codifier="FK", name="fan", timeout_s=20.0),
            driver="control",
            options={"default": 20, "min": 0, "max": 100},
            keepalive_s=10.0,
            control=True,
            proxies=(Sensor(codifier="FL", name="turns"),),
        ),
        Node(sensor=Sensor(codifier="CC"), driver="console"),
    ]
    return Configuration(network=network, nodes={node.codifier: node for node in nodes})


@pytest.fixture
async def join(configuration: Configuration, driven_time: DrivenLoop) -> AsyncIterator[Join]:
    async with AsyncExitStack() as stack:

        async def enter(codifier: str, *, present: bool = False, settled: bool = False) -> Target:
            participant = Target(configuration, codifier, driven_time.clock, present=present)
            await stack.enter_async_context(participant)
            if settled:
                await driven_time.advance(PROBE_S)  # until then it takes no commands
            return participant

        yield enter


async def no_answer_to(operator: Participant, driven_time: DrivenLoop, flag: Flag, number: float = 0.0) -> Answer:
    """Send a command that nobody answers and let time pass until it ended."""
    command = driven_time.create_task(operator.command(flag, "FK", number))
    await driven_time.advance(2 * GIVES_UP_AFTER_S)
    return await command


async def test_a_present_participant_announces_itself_and_stays(join: Join, driven_time: DrivenLoop) -> None:
    listener = await join("CC")
    await join("FK", present=True)
    await listener.hears("N")
    await driven_time.advance(1.0)
    await listener.hears("NI")
    await driven_time.advance(10.0)
    await listener.hears("NII")
    assert {entry.frame.source for entry in listener.frames} == {"FK"}


async def test_one_that_is_not_present_says_nothing_until_it_is_asked(join: Join, driven_time: DrivenLoop) -> None:
    listener = await join("CC")
    await driven_time.advance(100.0)
    assert listener.frames == []
    listener.ping()
    await listener.hears("NP")


async def test_a_ping_is_answered_and_measured(join: Join, driven_time: DrivenLoop) -> None:
    await join("FK", present=True)
    operator = await join("CC")
    operator.ping("FK")
    await operator.hears("NPT")
    summary = operator.roster.nodes["FK"].round_trips.summary()
    assert (summary.sent, summary.received, summary.min) == (1, 1, 0.0)


async def test_two_pings_of_one_moment_are_told_apart(join: Join) -> None:
    operator = await join("CC")
    assert operator.ping() != operator.ping()


async def test_a_command_is_confirmed(join: Join, driven_time: DrivenLoop) -> None:
    target = await join("FK", present=True, settled=True)
    operator = await join("CC")
    answer = await operator.command(Flag.SET, "FK", 80.0)
    assert (answer.ok, answer.acknowledged, answer.attempts) == (True, True, 1)
    assert [(command.flag, command.number) for command in target.commands] == [(Flag.SET, 80.0)]


async def test_a_refusal_says_why(join: Join, driven_time: DrivenLoop) -> None:
    target = await join("FK", present=True, settled=True)
    target.code = Code.OUT_OF_RANGE
    operator = await join("CC")
    answer = await operator.command(Flag.SET, "FK", 800.0)
    assert (answer.ok, answer.code) == (False, Code.OUT_OF_RANGE)
    assert answer.reason == "the value is outside the range that the node's configuration allows: 0 to 100"


async def test_without_an_answer_the_same_frame_is_sent_six_times(join: Join, driven_time: DrivenLoop) -> None:
    operator = await join("CC")
    answer = await no_answer_to(operator, driven_time, Flag.SET, 80.0)
    await operator.hears("N" + "A" * 6)
    sent = [entry.frame for entry in operator.frames if entry.frame.flag is Flag.SET]
    assert (answer.code, answer.attempts) == (None, 6)
    assert answer.elapsed_ms == pytest.approx(GIVES_UP_AFTER_S * 1000)
    assert sent == [sent[0]] * 6
    assert answer.reason == "no answer after 6 attempts in 8.0 s"


async def test_a_step_is_never_repeated_at_a_node_that_does_not_acknowledge(
    join: Join, driven_time: DrivenLoop
) -> None:
    operator = await join("CC")
    await no_answer_to(operator, driven_time, Flag.STEP, 5.0)
    await operator.hears("N" + "E" * 4)
    steps = [entry.frame for entry in operator.frames if entry.frame.flag is Flag.STEP]
    assert [step.number for step in steps if isinstance(step, ControlFrame)] == [0.0] * 3 + [5.0]


async def test_a_step_is_repeated_at_a_node_that_acknowledges(join: Join, driven_time: DrivenLoop) -> None:
    target = await join("FK", present=True, settled=True)
    operator = await join("CC")
    assert (await operator.command(Flag.STEP, "FK", 5.0)).ok
    assert [command.number for command in target.commands] == [0.0, 5.0]
    assert operator.roster.nodes["FK"].acknowledges


async def test_an_original_node_confirms_a_set_with_its_reading(join: Join, driven_time: DrivenLoop) -> None:
    operator = await join("CC")
    command = driven_time.create_task(operator.command(Flag.SET, "FK", 80.0))
    await operator.hears("NA")
    reading = Reading("FK", int(driven_time.clock.wall_ms), 5, 80.0)
    operator.bus.send(Bus.DATA, frames.encode(reading_frame(reading)))
    answer = await command
    assert (answer.ok, answer.acknowledged) == (True, False)


async def no_belief_in_readings(operator: Target, driven_time: DrivenLoop, codifier: str) -> None:
    """Set a sensor whose reading has the value already, and expect that nothing confirms it."""
    so_far = "".join(entry.frame.flag for entry in operator.frames)
    command = driven_time.create_task(operator.command(Flag.SET, codifier, 80.0))
    await operator.hears(f"{so_far}NA")
    reading = Reading(codifier, int(driven_time.clock.wall_ms) + 1, 5, 80.0)
    operator.bus.send(Bus.DATA, frames.encode(reading_frame(reading)))
    await operator.hears(f"{so_far}NAf")
    await driven_time.advance(2 * GIVES_UP_AFTER_S)
    assert (await command).code is None


async def test_the_reading_of_a_proxy_confirms_nothing(join: Join, driven_time: DrivenLoop) -> None:
    await no_belief_in_readings(await join("CC"), driven_time, "FL")


async def test_the_reading_of_a_node_that_acknowledges_confirms_nothing(join: Join, driven_time: DrivenLoop) -> None:
    operator = await join("CC")
    fan = await join("FK")
    fan.send(Flag.ACKNOWLEDGE, "CX", pack_pair(1, Code.TAKEN))
    await operator.hears("NK")
    await no_belief_in_readings(operator, driven_time, "FK")


async def test_two_commands_at_once_get_their_own_answers(join: Join, driven_time: DrivenLoop) -> None:
    operator = await join("CC")
    first = driven_time.create_task(operator.command(Flag.SET, "FK", 1.0))
    second = driven_time.create_task(operator.command(Flag.SET, "FK", 2.0))
    await operator.hears("NAA")
    sequences = [entry.frame.sequence for entry in operator.frames if entry.frame.flag is Flag.SET]
    fan = await join("FK")
    fan.send(Flag.ACKNOWLEDGE, "CC", pack_pair(sequences[1], Code.OUT_OF_RANGE))
    fan.send(Flag.ACKNOWLEDGE, "CC", pack_pair(sequences[0], Code.TAKEN))
    assert ((await first).code, (await second).code) == (Code.TAKEN, Code.OUT_OF_RANGE)


async def test_a_person_takes_no_commands(join: Join, configuration: Configuration, driven_time: DrivenLoop) -> None:
    async with Participant(configuration, "FK", driven_time.clock, present=True):
        await driven_time.advance(PROBE_S)
        operator = await join("CC")
        answer = await operator.command(Flag.HALT, "FK")
    assert answer.code is Code.NOT_A_CONTROL_SENSOR


async def test_readings_fill_the_roster(join: Join, driven_time: DrivenLoop) -> None:
    operator = await join("CC")
    operator.bus.send(Bus.DATA, frames.encode(reading_frame(Reading("FK", 1_700_000_000_000, 5, 21.5))))
    await operator.hears("f")
    now_s = driven_time.clock.monotonic_s
    assert operator.roster.sensors["FK"].value == 21.5
    assert [operator.roster.status("FK", now_s + later_s) for later_s in (0, 19, 21)] == [
        Status.OK,
        Status.OK,
        Status.STALE,
    ]


async def test_a_datagram_that_is_no_frame_is_counted_and_told(join: Join, driven_time: DrivenLoop) -> None:
    operator = await join("CC")
    refused: asyncio.Future[tuple[str, bytes]] = driven_time.create_future()

    def note(error: DecodeError, datagram: bytes, *_: object) -> None:
        refused.set_result((error.kind, datagram))

    operator.refused.append(note)
    operator.bus.send(Bus.DATA, b"garbage")
    assert await refused == ("short", b"garbage")
    assert operator.roster.bad_datagrams.total == 1


async def test_closing_twice_is_harmless(join: Join) -> None:
    operator = await join("CC", present=True)
    await operator.__aexit__(None, None, None)
    await operator.__aexit__(None, None, None)
    assert operator.bus.send(Bus.CONTROL, b"") is False
