from collections.abc import Iterable

import pytest

from console.screen.catalogue import Catalogue
from console.screen.events import draw_event
from console.screen.model import Model
from console.screen.news import OPENING_S, News
from console.screen.symbols import UNICODE
from protocol.alarms import Alarms, Condition
from protocol.events import Event, EventKind
from protocol.frames import Flag
from protocol.instants import Instant
from protocol.members import Status
from protocol.troubles import Trouble
from tests.console.screen.feeding import START, Feed, patient_network


@pytest.fixture
def feed() -> Feed:
    """Return a network of which nothing was heard yet."""
    return Feed()


@pytest.fixture
def model(feed: Feed) -> Model:
    """Return the model of a console that was opened a moment ago."""
    return opened(feed)


def opened(feed: Feed) -> Model:
    model = Model(Catalogue(feed.configuration), feed.now)
    model.apply(feed.batch())
    return model


def settle(feed: Feed, model: Model) -> None:
    """Let the opening pass, and forget what was told of it."""
    model.apply(feed.batch())
    feed.wait(OPENING_S)
    model.apply(feed.batch())
    model.live.events.clear()


def told(model: Model, events: Iterable[Event] = ()) -> list[str]:
    """Return the lines of the event list without their times, without the names of the configuration."""
    shown = list(events) or model.world.events
    lines = (draw_event(event, Catalogue(Feed().configuration), 120, UNICODE).text for event in shown)
    return [" ".join(line.partition("  kastpi")[0].partition("  Fan")[0].split()[2:]) for line in lines]


def test_what_was_there_before_is_told_in_one_line(feed: Feed, model: Model) -> None:
    for codifier in ("C1", "C2", "F1"):
        feed.control(Flag.ALIVE, codifier)
        feed.reading(codifier, 20.0)
    model.apply(feed.batch())
    assert told(model) == ["heard 3 nodes, 3 sensors"]


def test_the_line_counts_on_and_stays_where_it_stands(feed: Feed, model: Model) -> None:
    feed.reading("C1", 20.0)
    model.apply(feed.batch())
    feed.wait(1.0)
    feed.control(Flag.HALT, "CC", destination="C1")
    feed.wait(1.0)
    feed.reading("C2", 20.0)
    model.apply(feed.batch())
    assert told(model) == ["heard 2 nodes, 2 sensors", "commanded C1 halt · by CC"]
    assert model.world.events[0].wall_ms == START.wall_ms
    assert model.world.event_count == 2


def test_who_appears_later_has_a_line_of_its_own(feed: Feed, model: Model) -> None:
    settle(feed, model)
    feed.control(Flag.ALIVE, "C1")
    model.apply(feed.batch())
    assert told(model) == ["appeared C1 heard from 10.0.0.1"]


def test_without_anything_heard_there_is_no_line(feed: Feed, model: Model) -> None:
    settle(feed, model)
    assert told(model) == []


@pytest.mark.parametrize("flag", [Flag.NEW, Flag.ALIVE])
def test_the_programs_of_operators_come_and_go_without_a_word(feed: Feed, model: Model, flag: Flag) -> None:
    settle(feed, model)
    feed.control(flag, "CC", START.wall_ms)
    feed.control(Flag.ALIVE, "CC", active=False)
    feed.control(Flag.ALIVE, "CC")
    model.apply(feed.batch())
    assert told(model) == []


def test_a_first_alarm_claims_no_past(feed: Feed, model: Model) -> None:
    feed.reading("C1", 90.0)
    model.apply(feed.batch())
    assert told(model)[-1] == "critical C1"


def test_an_alarm_that_needs_several_readings_claims_no_past_either() -> None:
    feed = Feed(patient_network(Alarms(critical=Condition(">", 80.0), hits=3)))
    model = opened(feed)
    for _ in range(3):
        feed.reading("C1", 90.0)
        model.apply(feed.batch())
    assert told(model)[-1] == "critical C1"


def test_an_alarm_after_good_readings_is_a_change() -> None:
    feed = Feed(patient_network(Alarms(critical=Condition(">", 80.0), hits=2)))
    model = opened(feed)
    for value in (20.0, 90.0, 90.0):
        feed.reading("C1", value)
        model.apply(feed.batch())
    assert told(model)[-1] == "critical C1 was ok"


def test_a_halt_and_its_end_are_told_once(feed: Feed, model: Model) -> None:
    feed.control(Flag.ALIVE, "C1")
    feed.reading("C1", 20.0)
    settle(feed, model)
    feed.reading("C1", 20.0)
    model.apply(feed.batch())
    feed.control(Flag.ALIVE, "C1", active=False)
    model.apply(feed.batch())
    assert told(model) == ["halted C1 sends no readings"]
    feed.wait(1.0)
    feed.control(Flag.ALIVE, "C1")
    feed.reading("C1", 20.0)
    model.apply(feed.batch())
    assert told(model)[1:] == ["resumed C1 sends readings"]


def test_a_node_that_is_found_halted_is_told(feed: Feed, model: Model) -> None:
    feed.control(Flag.ALIVE, "C1", active=False)
    model.apply(feed.batch())
    assert told(model)[-1] == "halted C1"


def test_a_sensor_that_goes_stale_and_comes_back_is_told(feed: Feed, model: Model) -> None:
    feed.reading("C1", 20.0)
    settle(feed, model)
    feed.wait(1.0)
    model.apply(feed.batch())
    feed.reading("C1", 20.0)
    model.apply(feed.batch())
    assert told(model) == ["stale C1 was ok", "ok C1 was stale"]


def test_a_repeated_command_is_told_once_also_when_two_speak_as_one_commander(feed: Feed, model: Model) -> None:
    settle(feed, model)
    for _ in range(4):
        feed.repeat(Flag.SET, "CC", 7, 4.0, destination="ZZ")
        feed.control(Flag.PING, "CC", destination="C1", sender=("10.0.0.7", 4999))
    model.apply(feed.batch())
    assert told(model) == ["commanded ZZ set 4 · by CC"]


def test_the_same_command_given_again_is_another_one(feed: Feed, model: Model) -> None:
    settle(feed, model)
    for sequence in (7, 8):
        feed.repeat(Flag.SET, "CC", sequence, 4.0, destination="ZZ")
    model.apply(feed.batch())
    assert len(told(model)) == 2


def test_the_opening_begins_with_the_first_look() -> None:
    news = News()
    assert news.is_opening(Instant(500.0, 0.0))
    assert news.is_opening(Instant(499.9 + OPENING_S, 0.0))
    assert not news.is_opening(Instant(500.0 + OPENING_S, 0.0))


@pytest.mark.parametrize("status", [Status.STALE, Status.GONE])
def test_a_status_of_somebody_unknown_is_told(model: Model, status: Status) -> None:
    event = Event(0.0, EventKind.STATUS, "X9", f"{Status.OK} -> {status}")
    assert told(model, [event]) == [f"{status} X9 was ok"]


def test_a_trouble_is_told_when_it_begins_and_when_it_ends(feed: Feed, model: Model) -> None:
    feed.control(Flag.ALIVE, "C1")
    settle(feed, model)
    feed.diagnosis("C1", Trouble.DRIVER_QUARANTINED, 5)
    feed.diagnosis("C1", Trouble.DRIVER_QUARANTINED, 6)
    feed.diagnosis("C1", Trouble.OVER, Trouble.DRIVER_QUARANTINED)
    model.apply(feed.batch())
    assert told(model) == [
        "trouble C1 driver quarantined: 5 failures in a row",
        "recovered C1 no longer: driver quarantined",
    ]


def test_a_trouble_that_was_there_before_is_told_too(feed: Feed, model: Model) -> None:
    feed.control(Flag.ALIVE, "C1")
    feed.diagnosis("C1", Trouble.DRIVER_QUARANTINED, 5)
    model.apply(feed.batch())
    assert "trouble C1 driver quarantined: 5 failures in a row" in told(model)
