import pytest

from console.observer import Batch, BusFacts
from console.world import MAX_EVENTS, World, is_telling
from protocol.events import Event, EventKind
from protocol.frames import Flag
from protocol.instants import Instant
from protocol.members import Status
from tests.console.feeding import START, Feed, lively


def world_of(feed: Feed) -> World:
    world = World(feed.now)
    world.apply(feed.batch())
    return world


def test_batches_are_put_together() -> None:
    feed = lively(Feed())
    world = world_of(feed)
    feed.reading("C1", 99.0)
    world.apply(feed.batch())
    assert world.sensors["C1"].value == 99.0
    assert world.sensors["F1"].value == 21.19


def test_the_sensors_of_each_status_are_counted() -> None:
    assert world_of(lively(Feed())).counts == {Status.OK: 4, Status.WARNING: 1}


def test_readings_a_second_are_averaged() -> None:
    world = World(START)
    for second in range(20):
        world.apply(Batch(Instant(START.monotonic_s + second, 0.0), bus=BusFacts(readings=40 * second)))
    assert world.readings_per_s == pytest.approx(40.0)


def test_a_network_that_falls_silent_has_no_rate() -> None:
    world = World(START)
    for second in range(20):
        world.apply(Batch(Instant(START.monotonic_s + second, 0.0), bus=BusFacts(readings=40 * min(second, 5))))
    assert world.readings_per_s == 0.0


def test_events_are_bounded_and_all_of_them_counted() -> None:
    world = World(START)
    events = tuple(Event(0.0, EventKind.STARTED, "C1", str(number)) for number in range(900))
    for _ in range(4):
        world.apply(Batch(START, events=events, events_dropped=10))
    assert len(world.events) == MAX_EVENTS
    assert world.event_count == 3_640
    assert world.events[-1].detail == "899"


@pytest.mark.parametrize(
    ("kind", "detail", "telling"),
    [
        (EventKind.STATUS, "unheard -> ok", False),
        (EventKind.STATUS, "unheard -> warning", True),
        (EventKind.STATUS, "ok -> stale", True),
        (EventKind.STARTED, "unheard -> ok", True),
    ],
)
def test_that_a_first_value_is_good_is_no_event(kind: EventKind, detail: str, *, telling: bool) -> None:
    assert is_telling(Event(0.0, kind, "C1", detail)) is telling


def test_a_still_copy_stays_as_it_is() -> None:
    feed = lively(Feed())
    world = world_of(feed)
    still = world.still()
    feed.reading("C1", 99.0)
    feed.control(Flag.NEW, "C1")
    world.apply(feed.batch())
    assert still.sensors["C1"].value == 50.4
    assert len(still.events) < len(world.events)
