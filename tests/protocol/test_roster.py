"""The roster: what is known of every node and sensor from what was heard."""

import math
import sys

import pytest

from protocol.commands import Code, pack_pair
from protocol.events import Event, EventKind
from protocol.float32 import exact, pack
from protocol.frames import COMMANDS, LATEST_TIMESTAMP_MS, Bus, Flag, decode
from protocol.instants import Instant
from protocol.members import TOLD_AGAIN_AFTER_S, SensorRecord
from protocol.profiles import NodeProfile
from protocol.roster import Roster
from tests.protocol.listening import CONFIG_MS, HERE, THERE, WALL_MS, Listener, configured, kinds
from tests.protocol.recorded_session import CACHED, FRAMES, Cached

NAN = math.nan


# A session of the original system


def replayed() -> Roster:
    roster = Roster()
    for bus, hexadecimal in FRAMES:
        frame = decode(bus, bytes.fromhex(hexadecimal))
        roster.hear(frame, HERE, Instant(frame.timestamp_ms / 1000, frame.timestamp_ms))
    return roster


def as_cached(sensor: SensorRecord | None) -> tuple[str | None, int | None]:
    """Write a value as the original's cache does: a float32 with all the digits that it happens to have."""
    if sensor is None:
        return None, None
    value = exact(pack(sensor.value)) if sensor.flag is Flag.FLOAT and isinstance(sensor.value, float) else sensor.value
    return str(value), sensor.timestamp_ms


@pytest.mark.parametrize(("codifier", "cached"), CACHED.items())
def test_after_a_recorded_session_everybody_is_as_the_original_cache_held_them(codifier: str, cached: Cached) -> None:
    roster = replayed()
    assert as_cached(roster.sensors.get(codifier)) == (cached.value, cached.timestamp_ms)
    if cached.active is not None:
        assert roster.nodes[codifier].active is cached.active


def test_after_a_recorded_session_nobody_else_is_known() -> None:
    roster = replayed()
    assert roster.nodes.keys() | roster.sensors.keys() == CACHED.keys()


def test_the_losses_of_a_recorded_session_are_never_below_zero() -> None:
    roster = replayed()
    missing = {member.codifier: member.tracker.missing for member in roster.sensors.values()}
    assert missing == dict.fromkeys(roster.sensors, 0) | {"C1": 1}
    assert all(node.tracker.missing == 0 for node in roster.nodes.values())


# Readings


def test_a_reading_becomes_the_last_value_of_its_sensor() -> None:
    listener = configured()
    listener.reads(21.5, attributes={"voltage": 3.2})
    sensor = listener.sensor()
    assert (sensor.value, sensor.attributes, sensor.flag) == (21.5, {"voltage": 3.2}, Flag.JSON)
    assert (sensor.timestamp_ms, sensor.sender) == (WALL_MS, HERE)


def test_the_age_of_a_value_counts_from_when_it_was_heard() -> None:
    listener = configured()
    assert listener.sensor().age_s(listener.now.monotonic_s) is None
    listener.reads()
    listener.wait(7.5)
    assert listener.sensor().age_s(listener.now.monotonic_s) == 7.5


def test_readings_that_nobody_heard_are_missing() -> None:
    listener = configured()
    listener.reads()
    listener.lose("C1")
    listener.reads()
    assert listener.sensor().tracker.missing == 1


def test_a_reading_whose_announcement_was_heard_but_itself_lost_is_missing() -> None:
    listener = configured()
    listener.announces(41)
    listener.lose("C1")
    listener.reads()
    assert listener.sensor().tracker.missing == 1


def test_a_last_reading_that_was_lost_is_missing_once_the_sensor_stops() -> None:
    listener = configured()
    listener.reads(sequence=42)
    listener.announces(43)
    assert listener.sensor().tracker.missing == 1


def test_a_late_reading_does_not_replace_a_newer_one() -> None:
    listener = configured()
    listener.reads(1, sequence=10)
    listener.reads(3, sequence=12)
    listener.reads(2, sequence=11, timestamp_ms=int(WALL_MS) - 1)
    assert listener.sensor().value == 3
    assert listener.sensor().tracker.missing == 0


def test_a_late_reading_with_a_newer_timestamp_is_the_newer_one() -> None:
    listener = configured()
    listener.reads(3, sequence=12)
    listener.reads(2, sequence=11, timestamp_ms=int(WALL_MS) + 1)
    assert listener.sensor().value == 2


def test_a_reading_that_comes_twice_changes_nothing() -> None:
    listener = configured()
    listener.reads(1, sequence=10)
    listener.wait(5)
    listener.reads(1, sequence=10, timestamp_ms=int(WALL_MS))
    assert listener.sensor().age_s(listener.now.monotonic_s) == 5
    assert listener.sensor().tracker.duplicates == 1


@pytest.mark.parametrize("value", [NAN, math.inf, -math.inf])
def test_what_is_no_number_is_counted_as_bad_and_never_replaces_a_value(value: float) -> None:
    listener = configured()
    listener.reads(21.5)
    listener.wait(5)
    assert kinds(listener.reads_float(value)) == [EventKind.BAD_VALUE]
    sensor = listener.sensor()
    assert (sensor.value, sensor.bad, sensor.tracker.received) == (21.5, 1, 2)
    assert sensor.age_s(listener.now.monotonic_s) == 5


def test_bad_values_are_told_once_and_counted_always() -> None:
    listener = configured()
    events = [event for _ in range(100) for event in listener.reads_float(NAN)]
    assert kinds(events) == [EventKind.BAD_VALUE]
    assert listener.sensor().bad == 100


@pytest.mark.parametrize("value", [0, 2**32 - 1, -1, 2**64, -(10**500), 1e308, 5e-324, True, "", "on"])
def test_every_value_that_can_travel_is_taken(value: float | str) -> None:
    listener = configured()
    listener.reads(value)
    assert listener.sensor().value == value


@pytest.mark.parametrize("timestamp_ms", [0, LATEST_TIMESTAMP_MS])
def test_after_a_timestamp_of_another_age_the_next_reading_is_taken_all_the_same(timestamp_ms: int) -> None:
    listener = configured()
    listener.reads(1, timestamp_ms=timestamp_ms)
    listener.reads(2)
    assert (listener.sensor().value, listener.sensor().timestamp_ms) == (2, WALL_MS)


def test_one_forged_reading_from_the_far_future_does_not_silence_a_sensor_for_longer_than_its_timeout() -> None:
    listener = configured(timeout_s=20)
    listener.reads(1, sequence=500)
    listener.reads(666, sequence=100_400, timestamp_ms=LATEST_TIMESTAMP_MS)
    for sequence in range(501, 507):
        listener.wait(5)
        listener.reads(sequence, sequence=sequence)
    assert listener.sensor().value == 506
    assert listener.sensor().timestamp_ms == listener.now.wall_ms


def test_after_a_forged_jump_of_the_numbers_true_readings_are_still_the_newer_ones() -> None:
    listener = configured()
    listener.reads(1, sequence=500)
    listener.reads(666, sequence=100_400)
    listener.wait(5)
    listener.reads(2, sequence=501)
    assert listener.sensor().value == 2


# Numberings


def test_a_new_numbering_is_told_and_its_reading_taken() -> None:
    listener = configured()
    listener.reads(1, sequence=10)
    assert kinds(listener.reads(2, sequence=5_000_000)) == [EventKind.RENUMBERED]
    assert (listener.sensor().value, listener.sensor().tracker.missing) == (2, 0)


def test_an_announced_new_numbering_is_told() -> None:
    listener = configured()
    listener.reads(sequence=10)
    assert kinds(listener.announces(5_000_000)) == [EventKind.RENUMBERED]
    assert kinds(listener.reads()) == []


def test_two_programs_that_publish_the_same_sensor_are_told_once_a_minute() -> None:
    listener = configured()
    told = []
    for second in range(180):
        told += kinds(listener.reads(sequence=1000 + second)) + kinds(listener.reads(sequence=9_000_000 + second))
        listener.wait(1)
    assert told == [EventKind.RENUMBERED] * 3
    assert TOLD_AGAIN_AFTER_S == 60


def test_an_announcement_that_comes_twice_renumbers_nothing() -> None:
    listener = configured()
    listener.announces(41)
    listener.reads()
    assert listener.announces(41, timestamp_ms=int(WALL_MS)) == []
    listener.reads(sequence=43)
    tracker = listener.sensor().tracker
    assert (tracker.received, tracker.missing, tracker.renumbered) == (2, 0, 0)


def test_an_announcement_that_goes_back_but_is_newer_begins_a_numbering() -> None:
    listener = configured()
    listener.announces(41)
    listener.reads()
    listener.reads()
    listener.wait(60)
    assert kinds(listener.announces(42)) == [EventKind.RENUMBERED]
    listener.reads(7)
    assert (listener.sensor().value, listener.sensor().tracker.duplicates) == (7, 0)


# Nodes


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
        event for _ in range(3) for event in listener.says(Flag.ACKNOWLEDGE, pack_pair(7, Code.STALE), destination="CC")
    ]
    assert events == [Event(WALL_MS, EventKind.ANSWERED, "C1", "the command is stale or was replayed", by="CC")]
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
