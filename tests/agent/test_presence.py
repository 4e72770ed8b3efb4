"""One codifier on the bus: announced, kept alive, answering, numbered; in time that the test drives."""

from collections.abc import Callable, Coroutine, Iterator
from itertools import count
from typing import Any

import pytest

from agent.presence import RIVAL_AGAIN_S, GaveWay, Presence
from protocol.commands import Code, pack_pair
from protocol.errors import EncodeError
from protocol.frames import ControlFrame, DataFrame, Flag
from protocol.members import Sender
from protocol.troubles import Area, Trouble
from tests.agent.wire import Wire
from tests.support.driven_time import DrivenLoop

ELSEWHERE: Sender = ("192.0.2.7", 40_000)


class Host:
    """One presence with the rest of the world around it."""

    def __init__(self, loop: DrivenLoop, *, code: Code = Code.TAKEN, takeover: bool = False) -> None:
        self.loop = loop
        self.wire = Wire()
        self.commands: list[ControlFrame] = []
        self.gave_way: list[GaveWay] = []
        self.code = code
        self.presence = Presence(
            "C1",
            10.0,
            bus=self.wire,
            clock=loop.clock,
            spawn=self.spawn,
            random_number=lambda _: 41,
            carry_out=self.carry_out,
            give_way=self.gave_way.append,
            takeover=takeover,
        )

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> object:
        return self.loop.create_task(work, name=name)

    async def carry_out(self, command: ControlFrame) -> Code:
        self.commands.append(command)
        return self.code

    async def hear(self, flag: Flag, number: float = 0.0, *, source: str = "CC", sequence: int = 7) -> None:
        now = self.loop.clock.now()
        frame = ControlFrame(sequence, int(now.wall_ms), flag, source, "C1", number, active=True)
        self.presence.hear(frame, ELSEWHERE, now)
        await self.loop.settle()


@pytest.fixture
def host(driven_time: DrivenLoop) -> Iterator[Host]:
    host = Host(driven_time)
    yield host
    host.presence.close()


async def test_a_start_is_announced_and_settles_after_the_probe(host: Host, driven_time: DrivenLoop) -> None:
    host.presence.start()
    assert (host.wire.flags(), host.presence.settled.is_set()) == ("N", False)
    await driven_time.advance(1.0)
    assert (host.wire.flags(), host.presence.settled.is_set()) == ("I", True)


async def test_the_last_reading_of_a_silent_proxy_is_named_though_its_node_goes_on(
    host: Host, driven_time: DrivenLoop
) -> None:
    host.presence.start()
    await driven_time.advance(1.0)
    host.presence.publish("C2", 48)
    for second in range(40):
        host.presence.publish("C1", second)
        await driven_time.advance(1.0)
    said = [frame for frame in host.wire.take() if frame.source == "C2"]
    assert "".join(frame.flag for frame in said) == "ninnn"
    assert {frame.sequence for frame in said[1:]} == {42}


async def test_a_sensor_that_goes_on_is_not_named(host: Host, driven_time: DrivenLoop) -> None:
    host.presence.start()
    await driven_time.advance(1.0)
    for second in range(40):
        host.presence.publish("C1", second)
        host.presence.publish("C2", second)
        await driven_time.advance(1.0)
    assert "".join(frame.flag for frame in host.wire.take() if frame.source == "C2") == "n" + 40 * "i"


async def test_a_silent_node_keeps_alive(host: Host, driven_time: DrivenLoop) -> None:
    host.presence.start()
    await driven_time.advance(1.0)
    host.wire.take()
    await driven_time.advance(35.0)
    assert host.wire.flags() == "III"


async def test_readings_of_its_own_stand_for_keep_alives(host: Host, driven_time: DrivenLoop) -> None:
    host.presence.start()
    await driven_time.advance(1.0)
    host.wire.take()
    for _ in range(8):
        host.presence.publish("C1", 21.5)
        await driven_time.advance(5.0)
    assert host.wire.flags() == "n" + "f" * 8


async def test_readings_of_a_proxy_do_not(host: Host, driven_time: DrivenLoop) -> None:
    host.presence.start()
    await driven_time.advance(1.0)
    host.wire.take()
    for _ in range(4):
        host.presence.publish("C2", 21.5)
        await driven_time.advance(5.0)
    assert host.wire.flags() == "nffInffIn"


async def test_each_sensor_is_announced_once_and_numbered_by_itself(host: Host) -> None:
    for codifier in ("C1", "F2", "C1", "F2"):
        host.presence.publish(codifier, 1)
    sent = [(frame.source, frame.flag, frame.sequence) for frame in host.wire.take()]
    assert sent == [
        ("C1", "n", 41),
        ("C1", "i", 42),
        ("F2", "n", 41),
        ("F2", "i", 42),
        ("C1", "i", 43),
        ("F2", "i", 43),
    ]


async def test_a_value_that_cannot_travel_uses_no_number(host: Host) -> None:
    with pytest.raises(EncodeError):
        host.presence.publish("C1", float("nan"))
    host.presence.publish("C1", 1)
    assert [frame.sequence for frame in host.wire.take()] == [41, 42]


async def test_a_reading_carries_the_time_at_which_it_was_measured(host: Host) -> None:
    host.presence.publish("C1", 1, timestamp_ms=1_600_000_000_123)
    assert {frame.timestamp_ms for frame in host.wire.take()} == {1_600_000_000_123}


async def test_a_command_is_carried_out_and_answered(host: Host, driven_time: DrivenLoop) -> None:
    host.presence.start()
    await driven_time.advance(1.0)
    host.wire.take()
    await host.hear(Flag.SET, 80.0)
    (answer,) = host.wire.take()
    assert isinstance(answer, ControlFrame)
    assert (answer.flag, answer.destination, answer.number) == (Flag.ACKNOWLEDGE, "CC", pack_pair(7, Code.TAKEN))
    assert [command.number for command in host.commands] == [80.0]


async def test_a_refused_command_is_answered_with_the_reason(driven_time: DrivenLoop) -> None:
    host = Host(driven_time, code=Code.OUT_OF_RANGE)
    await host.hear(Flag.SET, 800.0)
    (answer,) = host.wire.take()
    assert isinstance(answer, ControlFrame)
    assert answer.number == pack_pair(7, Code.OUT_OF_RANGE)


async def test_the_same_command_again_acts_once_and_is_answered_again(host: Host) -> None:
    await host.hear(Flag.STEP, 5.0)
    await host.hear(Flag.STEP, 5.0)
    assert (host.wire.flags(), len(host.commands)) == ("KK", 1)


async def test_a_reload_is_answered_and_then_announced(host: Host) -> None:
    await host.hear(Flag.RELOAD)
    assert host.wire.flags() == "KN"


async def test_an_incumbent_makes_a_newcomer_give_way(host: Host) -> None:
    host.presence.start()
    await host.hear(Flag.ALIVE, 1.0, source="C1")
    assert [(other.codifier, other.sender) for other in host.gave_way] == [("C1", ELSEWHERE)]


async def test_a_takeover_does_not_give_way(driven_time: DrivenLoop) -> None:
    host = Host(driven_time, takeover=True)
    host.presence.start()
    await host.hear(Flag.ALIVE, 1.0, source="C1")
    await driven_time.advance(1.0)
    assert (host.gave_way, host.presence.settled.is_set()) == ([], True)
    host.presence.close()


async def test_a_second_instance_is_logged_once_an_hour(
    host: Host, driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture
) -> None:
    host.presence.start()
    await driven_time.advance(1.0)
    sequences: Callable[[], int] = count(100).__next__
    for _ in range(2):
        for _ in range(3):
            await host.hear(Flag.ALIVE, 1.0, source="C1", sequence=sequences())
            await driven_time.advance(60.0)
        await driven_time.advance(RIVAL_AGAIN_S)
    assert [record.getMessage() for record in caplog.records] == [
        "another C1 is running at 192.0.2.7 (port 40000): stop one of them"
    ] * 2


async def test_an_orderly_end_names_the_last_readings_and_that_no_more_come(
    host: Host, driven_time: DrivenLoop
) -> None:
    host.presence.start()
    await driven_time.advance(1.0)
    host.presence.publish("C1", 21.5)
    host.wire.take()
    host.presence.close()
    host.presence.close()
    last, leave = host.wire.take()
    assert isinstance(last, DataFrame)
    assert isinstance(leave, ControlFrame)
    assert (last.flag, last.sequence) == (Flag.NUMBERING, 42)
    assert (leave.flag, leave.active) == (Flag.ALIVE, False)


async def test_after_its_end_nothing_is_sent(host: Host, driven_time: DrivenLoop) -> None:
    host.presence.start()
    host.presence.close()
    host.wire.take()
    await driven_time.advance(100.0)
    assert host.wire.take() == []


async def test_a_node_that_nobody_could_hear_starts_anew_when_the_network_works(
    host: Host, driven_time: DrivenLoop
) -> None:
    host.wire.up = False
    host.presence.start()
    await driven_time.advance(5.0)
    host.wire.up = True
    host.presence.network_is_back()
    await driven_time.advance(1.0)
    assert host.wire.flags() == "NI"


async def test_it_gives_way_then_to_the_one_that_was_there(host: Host, driven_time: DrivenLoop) -> None:
    host.wire.up = False
    host.presence.start()
    await driven_time.advance(5.0)
    host.wire.up = True
    host.presence.network_is_back()
    await host.hear(Flag.ALIVE, 1.0, source="C1")
    assert [other.codifier for other in host.gave_way] == ["C1"]


async def test_a_node_that_was_heard_says_at_once_that_it_is_still_there(host: Host, driven_time: DrivenLoop) -> None:
    host.presence.start()
    await driven_time.advance(1.0)
    host.wire.take()
    host.presence.network_is_back()
    assert host.wire.flags() == "I"
    await driven_time.advance(15.0)
    assert host.wire.flags() == "I"


async def test_a_network_that_comes_back_during_the_probe_changes_nothing(host: Host, driven_time: DrivenLoop) -> None:
    host.presence.start()
    host.presence.network_is_back()
    assert host.wire.flags() == "N"


async def test_a_halt_names_the_last_reading_of_each_sensor(host: Host) -> None:
    host.presence.publish("C1", 1)
    host.presence.publish("F2", 1)
    host.wire.take()
    host.presence.set_active(active=False)
    assert [(frame.source, frame.flag, frame.sequence) for frame in host.wire.take()] == [
        ("C1", "n", 42),
        ("F2", "n", 42),
    ]


async def test_what_is_wrong_is_said_at_once_and_after_every_pong(host: Host, driven_time: DrivenLoop) -> None:
    host.presence.start()
    host.presence.diagnose(Area.DRIVER, {Trouble.DRIVER_HANGING: 1})
    assert host.wire.flags() == "N"
    await driven_time.advance(1.0)
    assert host.wire.flags() == "ID"
    host.presence.diagnose(Area.STORE, {Trouble.STORE_AWAY: 7})
    assert host.wire.flags() == "DD"
    await host.hear(Flag.PING)
    assert host.wire.flags() == "TDD"
    host.presence.diagnose(Area.DRIVER, {})
    host.presence.diagnose(Area.STORE, {})
    await driven_time.advance(5.0)
    assert host.wire.flags().strip("D") == ""


async def test_what_is_too_much_for_the_pace_is_said_a_second_later(host: Host, driven_time: DrivenLoop) -> None:
    host.presence.start()
    await driven_time.advance(1.0)
    host.wire.take()
    for number in range(20):
        host.presence.diagnose(Area.STORE, {} if number % 2 else {Trouble.STORE_AWAY: number})
    await driven_time.advance(0.5)
    before = len(host.wire.take())
    await driven_time.advance(1.0)
    assert (before, host.wire.flags()) == (4, "D")


async def test_after_its_end_a_node_says_nothing_of_itself(host: Host, driven_time: DrivenLoop) -> None:
    host.presence.start()
    await driven_time.advance(1.0)
    host.presence.close()
    host.wire.take()
    host.presence.diagnose(Area.STORE, {Trouble.STORE_AWAY: 7})
    await driven_time.advance(100.0)
    assert host.wire.flags() == ""
