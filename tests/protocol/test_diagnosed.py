"""What a roster knows of the troubles of nodes: as long as it may be believed, and bounded."""

from itertools import pairwise

import pytest

from protocol.diagnosed import AFTER_START_S, MAX_SAID
from protocol.events import Event, EventKind
from protocol.frames import LATEST_TIMESTAMP_MS, Flag
from protocol.troubles import MAX_AMOUNT, MAX_CODE, Said, Trouble
from tests.protocol.listening import CONFIG_MS, WALL_MS, Listener, configured, kinds

FULL = Said(Trouble.STORE_FULL, 7)
KEEPALIVE_S = 60.0


def hear(listener: Listener, code: int, amount: int = 0) -> list[Event]:
    return listener.says(Flag.DIAGNOSIS, Said(code, amount).packed())


def ill() -> Listener:
    """Return a listener that knows C1, and heard that the disk of its store is full."""
    listener = configured(KEEPALIVE_S)
    listener.says(Flag.ALIVE)
    hear(listener, *FULL)
    return listener


def test_a_trouble_that_begins_is_an_event_in_words() -> None:
    listener = configured()
    listener.says(Flag.ALIVE)
    assert hear(listener, *FULL) == [
        Event(WALL_MS, EventKind.TROUBLE, "C1", "store's disk full: 7 readings wait"),
    ]
    assert listener.node().diagnosed.troubles() == (FULL,)


def test_a_trouble_that_goes_on_is_told_once_and_its_amount_kept() -> None:
    listener = ill()
    assert hear(listener, Trouble.STORE_FULL, 90) == []
    assert listener.node().diagnosed.troubles() == (Said(Trouble.STORE_FULL, 90),)


def test_a_trouble_that_ends_is_an_event() -> None:
    listener = ill()
    assert hear(listener, Trouble.OVER, Trouble.STORE_FULL) == [
        Event(WALL_MS, EventKind.RECOVERED, "C1", "no longer: store's disk full"),
    ]
    assert hear(listener, Trouble.OVER, Trouble.STORE_FULL) == []
    assert listener.node().diagnosed.troubles() == ()


def test_one_trouble_that_ends_leaves_the_others() -> None:
    listener = ill()
    hear(listener, Trouble.DRIVER_HANGING, 1)
    hear(listener, Trouble.OVER, Trouble.STORE_FULL)
    assert listener.node().diagnosed.troubles() == (Said(Trouble.DRIVER_HANGING, 1),)


def test_over_without_a_code_ends_all() -> None:
    listener = ill()
    hear(listener, Trouble.DRIVER_HANGING, 1)
    assert kinds(hear(listener, Trouble.OVER)) == [EventKind.RECOVERED] * 2
    assert listener.node().diagnosed.troubles() == ()


def test_a_measurement_is_known_and_no_trouble() -> None:
    listener = ill()
    assert hear(listener, Trouble.SPOOL_WRITES, 700) == []
    assert listener.node().diagnosed.measured(Trouble.SPOOL_WRITES) == 700
    assert listener.node().diagnosed.troubles() == (FULL,)


def test_an_unknown_code_is_shown_by_its_number() -> None:
    listener = ill()
    (event,) = hear(listener, MAX_CODE, MAX_AMOUNT)
    assert event.detail == f"trouble {MAX_CODE}: {MAX_AMOUNT}"


def test_what_is_not_said_any_more_is_not_believed_any_longer() -> None:
    listener = ill()
    listener.wait(2.5 * KEEPALIVE_S)
    assert listener.tick() == []
    listener.wait(0.1)
    now_s = listener.now.monotonic_s
    assert listener.node().diagnosed.troubles(now_s) == ()
    listener.says(Flag.ALIVE)
    assert [event.detail for event in listener.tick() if event.kind is not EventKind.STATUS] == [
        "no longer: store's disk full"
    ]


def test_of_a_node_that_is_gone_nobody_knows_whether_it_is_well() -> None:
    listener = ill()
    listener.wait(2.5 * KEEPALIVE_S + 0.1)
    told = [event for event in listener.tick() if event.kind is not EventKind.STATUS]
    assert told == [Event(listener.now.wall_ms, EventKind.TROUBLE, "C1", "said no more: store's disk full")]


def test_what_is_said_again_and_again_is_believed() -> None:
    listener = ill()
    for _ in range(5):
        listener.wait(KEEPALIVE_S)
        hear(listener, *FULL)
        assert listener.tick() == []
    assert listener.node().diagnosed.troubles(listener.now.monotonic_s) == (FULL,)


def test_a_node_that_starts_anew_says_it_again_or_it_is_over() -> None:
    listener = ill()
    hear(listener, Trouble.DRIVER_HANGING, 1)
    listener.wait(10.0)
    listener.says(Flag.NEW, CONFIG_MS + 1)
    hear(listener, *FULL)
    listener.wait(AFTER_START_S + 0.1)
    assert [event.detail for event in listener.tick()] == ["no longer: driver hanging"]
    assert listener.node().diagnosed.troubles(listener.now.monotonic_s) == (FULL,)


def test_a_late_frame_says_nothing_of_the_present_state() -> None:
    listener = configured()
    listener.says(Flag.ALIVE, sequence=500)
    early = listener.now.wall_ms
    listener.wait(1.0)
    listener.says(Flag.DIAGNOSIS, Said(Trouble.OVER, Trouble.STORE_FULL).packed(), sequence=502)
    late = listener.says(Flag.DIAGNOSIS, FULL.packed(), sequence=501, timestamp_ms=int(early))
    assert late == []
    assert listener.node().diagnosed.troubles() == ()


def test_a_frame_that_comes_twice_says_nothing_the_second_time() -> None:
    listener = ill()
    hear(listener, Trouble.OVER, Trouble.STORE_FULL)
    last = listener.node().tracker.last
    assert last is not None
    listener.says(Flag.DIAGNOSIS, FULL.packed(), sequence=last - 1)
    assert listener.node().diagnosed.troubles() == ()


@pytest.mark.parametrize("number", [-1.0, 0.5, 2.0**53, 1.7e308, 5e-324])
def test_what_nobody_understands_is_not_told(number: float) -> None:
    listener = ill()
    assert listener.says(Flag.DIAGNOSIS, number, timestamp_ms=LATEST_TIMESTAMP_MS) == []
    assert listener.node().diagnosed.troubles() == (FULL,)


def test_a_node_that_invents_codes_takes_bounded_room() -> None:
    listener = configured()
    for code in range(1, 10 * MAX_SAID):
        hear(listener, code, 1)
    troubles = listener.node().diagnosed.troubles()
    assert len(troubles) <= MAX_SAID
    assert all(one < other for one, other in pairwise(troubles))
