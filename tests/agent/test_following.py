"""A program that shows readings asks the agents for the past and for what it missed, on real sockets."""

import pytest

from agent.following import MAX_LOOK_BACKS, Following
from protocol.commands import unpack_pair
from protocol.frames import Bus, ControlFrame, DataFrame, Flag, reading_frame
from protocol.lookback import STEP, End
from protocol.readings import Reading
from protocol.repair import CONSOLE_PATIENCE, CONSOLE_RANGES
from tests.agent.devices import SENSOR, Devices, until
from tests.agent.devices import devices as devices  # noqa: PLC0414 - a fixture
from tests.agent.hosts import Host, Lan, Operator
from tests.agent.hosts import lan as lan  # noqa: PLC0414 - a fixture
from tests.agent.peer import NOON_MS, Peer
from tests.agent.peer import peer as peer  # noqa: PLC0414 - a fixture
from tests.agent.taking import sent, settle, take_readings
from tests.support.driven_time import DrivenLoop

pytestmark = pytest.mark.usefixtures("devices")


class Answers:
    """The readings that came to an operator because they were asked for."""

    def __init__(self, operator: Operator) -> None:
        self.readings: list[Reading] = []
        following_of(operator).answered.append(lambda frame, _: self.readings.append(frame.reading()))

    @property
    def numbers(self) -> list[int]:
        """The sequences that came, in their order."""
        return sorted(reading.sequence for reading in self.readings)


def following_of(operator: Operator) -> Following:
    assert operator.following is not None
    return operator.following


def heard(operator: Operator) -> set[int]:
    """Return the numbers of the readings that an operator heard."""
    return {frame.sequence for frame in operator.unseen if isinstance(frame, DataFrame) and frame.flag in "if"}


async def running(lan: Lan, devices: Devices, readings: int) -> Host:
    host = await lan.host(SENSOR)
    await until(lambda: len(devices) == 1)
    await take_readings(host, devices, readings)
    return host


async def test_who_comes_late_has_the_past_at_once(lan: Lan, devices: Devices, driven_time: DrivenLoop) -> None:
    host = await running(lan, devices, 200)
    operator = await lan.operator(follow=True)
    answers = Answers(operator)
    look = following_of(operator).look_back("C1", 0.0)
    await take_readings(host, devices, 1)
    await settle(driven_time, 2.0)
    assert answers.numbers == [number for number in sent(host) if number < min(heard(operator))]
    assert len(answers.numbers) >= 200
    assert look.end is End.NO_MORE


async def test_no_further_than_it_was_wanted(lan: Lan, devices: Devices, driven_time: DrivenLoop) -> None:
    host = await running(lan, devices, 400)
    operator = await lan.operator(follow=True)
    answers = Answers(operator)
    wanted_ms = driven_time.clock.wall_ms - 60_000
    look = following_of(operator).look_back("C1", wanted_ms)
    await take_readings(host, devices, 1)
    await settle(driven_time, 2.0)
    assert look.end is End.REACHED
    assert answers.numbers == [number for number in sent(host) if answers.numbers[0] <= number < min(heard(operator))]
    assert min(reading.timestamp_ms for reading in answers.readings) <= wanted_ms
    assert len(answers.readings) <= STEP


async def test_what_the_network_lost_is_asked_for(lan: Lan, devices: Devices, driven_time: DrivenLoop) -> None:
    host = await running(lan, devices, 3)
    operator = await lan.operator(follow=True)
    answers = Answers(operator)
    await take_readings(host, devices, 2)
    operator.loses_data = True
    before = len(sent(host))
    await take_readings(host, devices, 5)
    operator.loses_data = False
    lost = sent(host)[before:]
    await take_readings(host, devices, 1)
    await settle(driven_time, 1.0)
    assert answers.numbers == lost
    [account] = following_of(operator).repairs.accounts()
    assert len(lost) >= 5
    assert (account.repaired, account.pending, account.sent) == (len(lost), 0, account.heard + len(lost))


async def test_answers_are_no_part_of_what_the_roster_counts(
    lan: Lan, devices: Devices, driven_time: DrivenLoop
) -> None:
    host = await running(lan, devices, 50)
    operator = await lan.operator(follow=True)
    answers = Answers(operator)
    following_of(operator).look_back("C1", 0.0)
    await take_readings(host, devices, 1)
    await settle(driven_time, 2.0)
    tracker = operator.roster.sensors["C1"].tracker
    assert len(answers.readings) >= 50
    assert (tracker.received, tracker.missing, tracker.late) == (len(heard(operator)), 0, 0)


async def test_a_node_that_ignores_requests_is_given_up(lan: Lan, peer: Peer, driven_time: DrivenLoop) -> None:
    operator = await lan.operator(follow=True)
    look = following_of(operator).look_back("X1", 0.0)
    peer.say(reading_frame(Reading("X1", NOON_MS, 1_000, 21.5)))
    await operator.hears("f", "X1")
    await settle(driven_time, 20.0)
    requests = [frame for frame in operator.unseen if frame.flag is Flag.REPEAT]
    assert look.end is End.SILENT
    assert CONSOLE_PATIENCE <= len(requests) <= CONSOLE_RANGES * CONSOLE_PATIENCE


async def test_what_nobody_asked_for_is_not_believed(lan: Lan, peer: Peer, driven_time: DrivenLoop) -> None:
    operator = await lan.operator(follow=True)
    answers = Answers(operator)
    peer.say(reading_frame(Reading("X1", NOON_MS, 1_000, 21.5)))
    await operator.hears("f", "X1")
    assert operator.bus.address is not None
    peer.answer(operator.bus.address, reading_frame(Reading("X1", NOON_MS - 1_000, 999, 99.0)))
    peer.answer(operator.bus.address, b"what is this")
    await until(lambda: operator.bus.counters.received_unicast == 2)
    assert answers.readings == []
    assert operator.roster.bad_datagrams.total == 1


async def test_who_does_not_follow_asks_for_nothing(lan: Lan, devices: Devices, driven_time: DrivenLoop) -> None:
    host = await running(lan, devices, 1)
    operator = await lan.operator()
    await take_readings(host, devices, 1)
    operator.loses_data = True
    await take_readings(host, devices, 2)
    operator.loses_data = False
    await take_readings(host, devices, 1)
    await settle(driven_time, 1.0)
    assert [frame for frame in operator.unseen if frame.flag is Flag.REPEAT] == []


async def test_requests_name_ranges_of_at_most_64(lan: Lan, devices: Devices, driven_time: DrivenLoop) -> None:
    host = await running(lan, devices, 150)
    operator = await lan.operator(follow=True)
    following_of(operator).look_back("C1", 0.0)
    await take_readings(host, devices, 1)
    await settle(driven_time, 2.0)
    requests = [frame for frame in operator.unseen if frame.flag is Flag.REPEAT]
    assert requests
    for frame in requests:
        assert isinstance(frame, ControlFrame)
        _, count = unpack_pair(frame.number) or (0, 0)
        assert 1 <= count <= 64


async def test_the_sensors_whose_past_is_wanted_are_bounded(lan: Lan) -> None:
    operator = await lan.operator(follow=True)
    following = following_of(operator)
    for number in range(2 * MAX_LOOK_BACKS):
        following.look_back(str(number), 0.0)
    assert len(following._looks) == MAX_LOOK_BACKS
    assert operator.bus.counters.received[Bus.DATA] == 0
