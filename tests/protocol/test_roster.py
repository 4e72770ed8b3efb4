"""The roster: what is known of every node and sensor from what was heard."""

import math

import pytest

from protocol.events import EventKind
from protocol.float32 import exact, pack
from protocol.frames import LATEST_TIMESTAMP_MS, Flag, decode
from protocol.instants import Instant
from protocol.members import TOLD_AGAIN_AFTER_S, SensorRecord
from protocol.roster import Roster
from tests.protocol.listening import HERE, WALL_MS, configured, kinds
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
