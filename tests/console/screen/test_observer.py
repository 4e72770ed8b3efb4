import math

import pytest

from console.screen import observer
from console.screen.observer import MAX_PENDING_EVENTS, Batch, NodeRow, NodeState, SensorRow
from console.screen.traces import TRACE_POINTS
from protocol.events import EventKind
from protocol.frames import Flag
from protocol.members import Status
from protocol.troubles import Said, Trouble
from tests.console.screen.feeding import START, Feed, lively


@pytest.fixture
def feed() -> Feed:
    """Return a network of which nothing was heard yet, and of which that was told already."""
    feed = Feed()
    feed.batch()
    return feed


def sensor(batch: Batch, codifier: str) -> SensorRow:
    return next(row for row in batch.sensors if row.codifier == codifier)


def node(batch: Batch, codifier: str) -> NodeRow:
    return next(row for row in batch.nodes if row.codifier == codifier)


def test_the_first_batch_has_everything_that_the_configuration_names() -> None:
    batch = Feed().batch()
    assert {row.codifier for row in batch.sensors} == {"C1", "C2", "F1", "F2", "FK"}
    assert {row.codifier for row in batch.nodes} == {"C1", "C2", "F1", "FK", "CC"}
    assert {row.status for row in batch.sensors} == {Status.UNHEARD}


def test_a_batch_has_only_what_has_changed(feed: Feed) -> None:
    feed.reading("C1", 48.5)
    assert [row.codifier for row in feed.batch().sensors] == ["C1"]
    assert feed.batch().sensors == ()


def test_a_row_tells_the_last_reading_and_all_that_was_counted(feed: Feed) -> None:
    feed.reading("F2", 44)
    feed.wait(1.0)
    feed.reading("F2", 45, {"raw": 1.2}, lost=2)
    row = sensor(feed.batch(), "F2")
    assert (row.node, row.status, row.value, row.attributes) == ("F1", Status.OK, 45, {"raw": 1.2})
    assert (row.received, row.missing, row.loss, row.last_sequence) == (2, 2, 0.5, 104)
    assert (row.flag, row.heard_s, row.timeout_s) == (Flag.JSON, START.monotonic_s + 1.0, 20.0)


def test_the_spark_has_a_gap_where_readings_are_missing(feed: Feed) -> None:
    feed.reading("C1", 1.0)
    feed.reading("C1", 2.0)
    feed.reading("C1", 3.0, lost=1)
    spark = sensor(feed.batch(), "C1").spark
    assert spark[:2] == (1.0, 2.0)
    assert math.isnan(spark[2])
    assert spark[3] == 3.0


def test_the_trace_has_a_gap_where_a_sensor_was_silent_beyond_its_timeout(feed: Feed) -> None:
    feed.reading("C1", 1.0)
    feed.wait(21.0)
    feed.reading("C1", 2.0)
    values = [point.value for point in feed.observer.points("C1")]
    assert math.isnan(values[1])
    assert [values[0], values[2]] == [1.0, 2.0]


def test_text_has_no_trace(feed: Feed) -> None:
    feed.reading("C1", "open")
    assert feed.observer.points("C1") == []
    assert sensor(feed.batch(), "C1").value == "open"


def test_a_number_beyond_all_floats_is_shown_but_not_charted(feed: Feed) -> None:
    feed.reading("C1", 10**400)
    assert feed.observer.points("C1") == []
    assert sensor(feed.batch(), "C1").value == 10**400


def test_a_sensor_that_goes_stale_is_told_without_anything_being_heard(feed: Feed) -> None:
    feed.control(Flag.NEW, "C1")
    feed.reading("C1", 48.5)
    feed.batch()
    feed.wait(21.0)
    batch = feed.batch()
    assert sensor(batch, "C1").status is Status.STALE
    assert sensor(batch, "C1").status_since_ms == batch.now.wall_ms
    assert [event.detail for event in batch.events] == ["ok -> stale"]


def test_a_node_that_falls_silent_is_told_too(feed: Feed) -> None:
    feed.control(Flag.NEW, "C1")
    assert node(feed.batch(), "C1").state is NodeState.ALIVE
    feed.wait(151.0)
    assert node(feed.batch(), "C1").state is NodeState.GONE


def test_a_halted_node_is_told_at_once(feed: Feed) -> None:
    feed.control(Flag.NEW, "C1")
    feed.control(Flag.ALIVE, "C1", active=False)
    assert node(feed.batch(), "C1").state is NodeState.HALTED


def test_a_node_that_was_never_heard_is_not_gone(feed: Feed) -> None:
    feed.wait(1_000.0)
    assert not feed.batch().nodes


def test_round_trips_and_offsets_come_with_the_node(feed: Feed) -> None:
    feed.pong("C1", 0.5)
    row = node(feed.batch(), "C1")
    assert row.round_trip_ms == pytest.approx(0.5)
    assert (row.round_trips.sent, row.round_trips.received) == (1, 1)
    assert row.offset_ms == pytest.approx(0.0, abs=1.0)


def test_a_ping_without_an_answer_is_something_to_show(feed: Feed) -> None:
    feed.roster.pinged("C1", 1.0, feed.now)
    feed.observer.pinged("C1")
    assert node(feed.batch(), "C1").round_trips.sent == 1


def test_two_instances_of_a_codifier_are_seen(feed: Feed) -> None:
    for port in (4101, 4102, 4101):
        feed.control(Flag.ALIVE, "C1", sender=("10.0.0.1", port))
    batch = feed.batch()
    assert node(batch, "C1").rivals == 1
    assert EventKind.DUPLICATED in [event.kind for event in batch.events]


def test_everything_heard_is_counted(feed: Feed) -> None:
    lively(feed)
    bus = feed.batch().bus
    assert bus.readings == 100
    assert bus.frames == 107


def test_events_that_nobody_fetches_are_bounded_and_the_dropped_ones_counted(feed: Feed) -> None:
    for _ in range(MAX_PENDING_EVENTS + 50):
        feed.control(Flag.NEW, "C1")
    batch = feed.batch()
    assert len(batch.events) == MAX_PENDING_EVENTS
    assert batch.events_dropped == 50
    assert feed.batch().events_dropped == 0


def test_a_reading_that_was_lost_is_no_gap_once_it_came(feed: Feed) -> None:
    feed.reading("C1", 1.0)
    feed.wait(2.0)
    feed.reading("C1", 3.0, lost=1)
    feed.batch()
    feed.wait(0.1)
    feed.answer("C1", 2.0, 1, 1.1)
    row = sensor(feed.batch(), "C1")
    assert row.spark == (1.0, 2.0, 3.0)
    assert [point.value for point in feed.observer.points("C1")] == [1.0, 2.0, 3.0]
    assert row.account is not None
    assert (row.account.heard, row.account.repaired, row.lost) == (2, 1, 0)


def test_the_past_that_was_asked_for_is_charted_and_counted_as_nothing(feed: Feed) -> None:
    feed.reading("C1", 50.0)
    feed.ask_back("C1", 3)
    for back in (1, 2, 3):
        feed.answer("C1", 50.0 - back, back, float(back))
    row = sensor(feed.batch(), "C1")
    assert [point.value for point in feed.observer.points("C1")] == [47.0, 48.0, 49.0, 50.0]
    assert row.account is not None
    assert (row.account.sent, row.account.heard, row.account.repaired, row.lost) == (1, 1, 0, 0)


def test_a_charted_sensor_keeps_more_than_others(feed: Feed) -> None:
    feed.reading("C1", 0.0)
    feed.observer.chart("C1")
    for number in range(2 * TRACE_POINTS):
        feed.reading("C1", float(number))
    assert len(feed.observer._traces["C1"].trace) == 2 * TRACE_POINTS + 1


def test_what_charted_sensors_keep_is_bounded(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observer, "MAX_CHARTED", TRACE_POINTS + 10)
    feed.observer._more_points = 15
    for codifier in ("C1", "C2"):
        feed.reading(codifier, 0.0)
        feed.observer.chart(codifier)
        for number in range(2 * TRACE_POINTS):
            feed.reading(codifier, float(number))
    kept = [len(feed.observer._traces[codifier].trace) for codifier in ("C1", "C2")]
    assert kept == [TRACE_POINTS + 10, TRACE_POINTS + 5]


def test_a_flood_of_unknown_codifiers_is_bounded_by_the_roster(feed: Feed) -> None:
    characters = [chr(code) for code in range(0x21, 0x7F)]
    codifiers = [one + other for one in characters for other in characters if one + other != "@@"]
    for codifier in codifiers:
        feed.reading(codifier, 1.0)
    batch = feed.batch()
    assert len(batch.sensors) < 2_100
    assert batch.bus.refused == len(codifiers) - len({row.codifier for row in batch.sensors})
    assert batch.bus.readings == len(codifiers)


def test_what_is_kept_of_a_sensor_is_bounded(feed: Feed) -> None:
    for number in range(2 * TRACE_POINTS):
        feed.reading("C1", float(number))
    assert len(feed.observer.points("C1")) == TRACE_POINTS


def test_a_batch_does_not_change_when_the_network_does(feed: Feed) -> None:
    feed.reading("C1", 1.0)
    before = feed.batch()
    kept = sensor(before, "C1")
    feed.reading("C1", 2.0)
    feed.batch()
    assert kept.value == 1.0
    assert kept.spark == (1.0,)


def test_a_trouble_that_ends_because_nobody_says_it_any_more_changes_its_node(feed: Feed) -> None:
    feed.control(Flag.ALIVE, "C1")
    feed.diagnosis("C1", Trouble.DRIVER_HANGING, 1)
    assert node(feed.batch(), "C1").troubles == (Said(Trouble.DRIVER_HANGING, 1),)
    feed.wait(140.0)
    feed.control(Flag.ALIVE, "C1")
    feed.batch()
    feed.wait(11.0)
    batch = feed.batch()
    assert node(batch, "C1").troubles == ()
    assert "no longer: driver hanging" in [event.detail for event in batch.events]
