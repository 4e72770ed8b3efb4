"""What the roster knows of nodes: starts, states, second instances, commands, answers and pings."""

import sys

import pytest

from protocol.commands import Code, pack_pair
from protocol.events import Event, EventKind
from protocol.frames import COMMANDS, LATEST_TIMESTAMP_MS, Bus, Flag
from protocol.profiles import NodeProfile
from tests.protocol.listening import CONFIG_MS, HERE, THERE, WALL_MS, Listener, configured, kinds

# Starts and states


def test_the_first_frame_of_a_node_lets_it_appear() -> None:
    assert configured().says(Flag.ALIVE) == [Event(WALL_MS, EventKind.APPEARED, "C1", "heard from 10.0.0.1")]


def test_a_node_appears_once_also_when_its_readings_were_heard_before() -> None:
    listener = configured()
    listener.reads()
    assert kinds(listener.says(Flag.ALIVE)) == [EventKind.APPEARED]
    assert kinds(listener.says(Flag.ALIVE)) == []


def test_a_node_that_starts_tells_so_and_how_far_its_clock_is_from_ours() -> None:
    (event,) = configured().says(Flag.NEW, timestamp_ms=int(WALL_MS) - 90_000)
    assert (event.kind, event.detail) == (EventKind.STARTED, "clock -90.0 s from ours")


def test_a_start_is_kept_with_its_time_here_and_its_config_time_there() -> None:
    listener = configured()
    listener.says(Flag.NEW, CONFIG_MS)
    node = listener.node()
    assert (node.starts, node.started_wall_ms, node.config_time_ms, node.active) == (1, WALL_MS, CONFIG_MS, True)


@pytest.mark.parametrize("number", [-1.0, LATEST_TIMESTAMP_MS + 1.0, 1e308])
def test_a_config_time_that_no_calendar_has_is_none(number: float) -> None:
    listener = configured()
    listener.says(Flag.NEW, CONFIG_MS)
    listener.says(Flag.ALIVE, number)
    assert listener.node().config_time_ms is None


def test_a_start_that_is_heard_twice_happened_once() -> None:
    listener = configured()
    listener.says(Flag.NEW, sequence=500)
    listener.says(Flag.ALIVE, sequence=501)
    assert listener.says(Flag.NEW, sequence=500) == []
    assert (listener.node().starts, listener.node().tracker.missing) == (1, 0)


def test_each_start_with_another_config_time_is_one() -> None:
    listener = configured()
    for start in range(3):
        assert EventKind.STARTED in kinds(listener.says(Flag.NEW, CONFIG_MS + start, sequence=10 * start))
    assert (listener.node().starts, listener.node().tracker.missing) == (3, 0)


@pytest.mark.parametrize("flag", [Flag.ALIVE, Flag.PONG])
def test_that_a_node_halts_and_resumes_is_told_by_whichever_frame_shows_it_first(flag: Flag) -> None:
    listener = configured()
    listener.says(Flag.NEW)
    assert kinds(listener.says(flag, active=False)) == [EventKind.HALTED]
    assert kinds(listener.says(Flag.ALIVE, active=False)) == []
    assert kinds(listener.says(flag, active=True)) == [EventKind.RESUMED]


def test_a_late_frame_says_nothing_of_the_present_state() -> None:
    listener = configured()
    listener.says(Flag.ALIVE, active=True, sequence=10)
    listener.says(Flag.ALIVE, active=False, sequence=12)
    assert listener.says(Flag.ALIVE, active=True, sequence=11) == []
    assert listener.node().active is False


def test_a_node_that_numbers_all_its_frames_alike_is_still_believed() -> None:
    listener = configured()
    listener.says(Flag.ALIVE, active=True, sequence=0)
    listener.wait(1)
    assert kinds(listener.says(Flag.ALIVE, active=False, sequence=0)) == [EventKind.HALTED]


def test_a_control_frame_that_nobody_heard_is_missing() -> None:
    listener = configured()
    listener.says(Flag.NEW)
    listener.lose("C1", Bus.CONTROL)
    listener.says(Flag.ALIVE)
    assert listener.node().tracker.missing == 1


@pytest.mark.parametrize("flag", [Flag.NEW, Flag.ALIVE, Flag.PING, Flag.PONG, Flag.ACKNOWLEDGE, *sorted(COMMANDS)])
@pytest.mark.parametrize("number", [0.0, -0.0, -1.0, 0.5, 2.0**53, sys.float_info.max, 5e-324])
def test_no_number_under_any_flag_is_more_than_a_roster_can_take(flag: Flag, number: float) -> None:
    listener = configured()
    listener.says(flag, number)
    listener.says(flag, number, destination="C1", timestamp_ms=LATEST_TIMESTAMP_MS)
    assert listener.node().tracker.received == 2


# Duplicates


def alternate(listener: Listener, *senders: tuple[str, int], sequences: tuple[int, ...]) -> list[EventKind]:
    return [
        kind
        for sender, sequence in zip(senders, sequences, strict=True)
        for kind in kinds(listener.says(Flag.ALIVE, sequence=sequence, sender=sender))
    ]


def test_two_instances_that_speak_in_turn_are_told_with_both_addresses() -> None:
    listener = configured()
    alternate(listener, HERE, THERE, sequences=(10, 5_000_000))
    (event,) = listener.says(Flag.ALIVE, sequence=11, sender=HERE)
    assert (event.kind, event.detail) == (EventKind.DUPLICATED, "speaks from 10.0.0.1:40001 and from 10.0.0.2:40002")
    assert listener.node().rivals == 1


def test_two_instances_that_both_count_from_zero_are_told() -> None:
    told = alternate(configured(), HERE, THERE, HERE, THERE, sequences=(0, 0, 1, 1))
    assert EventKind.DUPLICATED in told


def test_a_duplicate_is_told_once_a_minute_and_counted_always() -> None:
    listener = configured()
    told = []
    for second in range(120):
        told += alternate(listener, HERE, THERE, sequences=(10 + second, 5_000_000 + second))
        listener.wait(1)
    assert told.count(EventKind.DUPLICATED) == 2
    assert listener.node().rivals == 2 * 120 - 2


def test_two_instances_lose_nothing_by_speaking_in_turn() -> None:
    listener = configured()
    alternate(listener, HERE, THERE, HERE, THERE, HERE, sequences=(10, 5_000_000, 11, 5_000_001, 12))
    assert (listener.node().tracker.received, listener.node().tracker.missing) == (5, 0)


def test_a_newcomer_that_gives_way_at_once_is_told_too() -> None:
    listener = configured()
    listener.says(Flag.ALIVE, sequence=10)
    listener.says(Flag.NEW, CONFIG_MS + 1, sequence=5_000_000, sender=THERE)
    assert kinds(listener.says(Flag.ALIVE, sequence=11)) == [EventKind.DUPLICATED]


def test_a_restart_under_another_address_is_no_duplicate() -> None:
    listener = configured()
    told = alternate(listener, HERE, THERE, THERE, sequences=(10, 5_000_000, 5_000_001))
    assert EventKind.DUPLICATED not in told
    assert (listener.node().sender, listener.node().former_sender) == (THERE, HERE)


def test_an_agent_whose_address_changes_and_changes_back_is_no_duplicate_and_loses_nothing() -> None:
    listener = configured()
    told = alternate(listener, HERE, THERE, THERE, HERE, HERE, sequences=(10, 11, 12, 13, 14))
    assert EventKind.DUPLICATED not in told
    assert (listener.node().rivals, listener.node().tracker.missing) == (0, 0)


def test_several_programs_of_operators_may_share_a_codifier() -> None:
    listener = Listener([NodeProfile("C1", operator=True)])
    told = alternate(listener, HERE, THERE, HERE, THERE, sequences=(10, 5_000_000, 11, 5_000_001))
    assert EventKind.DUPLICATED not in told
    assert listener.node().rivals == 0


# Commands and answers


@pytest.mark.parametrize(
    ("flag", "number", "detail"),
    [
        (Flag.START, 0.0, "start"),
        (Flag.HALT, 1e300, "halt"),
        (Flag.RELOAD, -1.0, "reload"),
        (Flag.SET, 80.0, "set 80"),
        (Flag.SET, 21.123456789, "set 21.123456789"),
        (Flag.STEP, -2.25, "step -2.25"),
    ],
)
def test_a_command_is_told_with_who_gave_it_and_to_whom(flag: Flag, number: float, detail: str) -> None:
    listener = configured()
    listener.says(Flag.NEW, source="CC")
    (event,) = listener.says(flag, number, "CC", "FK")
    assert event == Event(WALL_MS, EventKind.COMMANDED, "FK", detail, by="CC")


def test_commands_that_are_repeated_in_turn_are_told_once_each() -> None:
    listener = configured()
    listener.says(Flag.NEW, source="CC", sequence=1)
    told = []
    for _ in range(5):
        for sequence, destination in ((2, "FK"), (3, "FG")):
            told += listener.says(Flag.SET, 80.0, "CC", destination, sequence=sequence, timestamp_ms=int(WALL_MS) + 5)
    assert [event.codifier for event in told] == ["FK", "FG"]


def test_an_answer_is_told_in_words_and_once() -> None:
    listener = configured()
    listener.says(Flag.NEW)
    events = [
        event
        for _ in range(3)
        for event in listener.says(Flag.ACKNOWLEDGE, pack_pair(7, Code.TOO_MANY), destination="CC")
    ]
    assert events == [Event(WALL_MS, EventKind.ANSWERED, "C1", "too many commands at once", by="CC")]
    assert listener.node().acknowledges


@pytest.mark.parametrize("number", [pack_pair(7, 99), -1.0, 0.5, 1e300])
def test_an_answer_that_nobody_understands_is_not_told(number: float) -> None:
    listener = configured()
    listener.says(Flag.NEW)
    assert listener.says(Flag.ACKNOWLEDGE, number, destination="CC") == []


# Pings


@pytest.mark.parametrize("destination", ["C1", "@@"])
def test_a_pong_to_our_ping_is_a_round_trip(destination: str) -> None:
    listener = configured()
    listener.roster.pinged(destination, 7.0, listener.now)
    listener.wait(0.0025)
    listener.says(Flag.PONG, 7.0, destination="CC")
    assert listener.node().round_trips.last_ms == pytest.approx(2.5)


@pytest.mark.parametrize("destination", ["X9", "@@"])
def test_a_node_that_is_first_heard_by_its_pong_has_a_round_trip(destination: str) -> None:
    listener = configured()
    listener.roster.pinged(destination, 7.0, listener.now)
    listener.wait(0.0025)
    listener.says(Flag.PONG, 7.0, source="X9", destination="CC")
    assert listener.node("X9").round_trips.last_ms == pytest.approx(2.5)


def test_a_node_that_starts_later_did_not_lose_the_pings_of_before() -> None:
    listener = configured()
    for number in range(10):
        listener.roster.pinged("@@", float(number), listener.now)
    listener.says(Flag.NEW, source="X9")
    assert listener.node("X9").round_trips.sent == 0


def test_a_ping_to_one_node_is_none_to_another() -> None:
    listener = configured()
    listener.says(Flag.NEW, source="X9")
    listener.roster.pinged("X9", 7.0, listener.now)
    assert listener.node("C1").round_trips.sent == 0


def test_pongs_to_others_tell_no_round_trip() -> None:
    listener = configured()
    listener.says(Flag.PONG, 7.0, destination="CL")
    assert listener.node().round_trips.last_ms is None
