"""Whatever arrives, a receiver keeps no more than its bounds say, and what it gives up has a name."""

import gc
import itertools
import tracemalloc

import pytest

from protocol import repair
from protocol.accounts import MAX_UNTAKEN_HOURS
from protocol.codifiers import is_codifier
from protocol.patience import MAX_RANGES
from protocol.repair import MAX_HOLES, MAX_SENSORS, SINK_RANGES, Repairs
from protocol.wanted import MAX_GIVEN_UP
from tests.protocol.repairing import NOW, Receiver, reading

CODIFIERS = ["".join(pair) for pair in itertools.product(map(chr, range(0x21, 0x7F)), repeat=2)]
MIB = 2**20


def holes(receiver: Receiver, codifier: str = "C1") -> int:
    return receiver.repairs._sensors[codifier].wanted.agenda.holes


def lose_every_other(receiver: Receiver, count: int, codifier: str = "C1") -> None:
    receiver.hears(*range(0, 2 * count + 1, 2), codifier=codifier)


# Holes


def test_beyond_the_holes_that_a_sensor_may_have_readings_are_lost_and_named() -> None:
    receiver = Receiver()
    lose_every_other(receiver, MAX_HOLES + 10)
    assert holes(receiver) == MAX_HOLES
    assert receiver.counts("too_many_holes", "pending") == (10, MAX_HOLES)


def test_as_few_readings_as_possible_are_lost() -> None:
    receiver = Receiver()
    receiver.hears(0, 501)
    receiver.hears(*range(503, 503 + 2 * MAX_HOLES, 2))
    assert receiver.counts("too_many_holes", "pending") == (1, 500 + MAX_HOLES - 1)
    assert 1 in receiver.missing()


def test_what_was_lost_for_want_of_room_is_taken_when_it_comes_all_the_same() -> None:
    receiver = Receiver()
    lose_every_other(receiver, MAX_HOLES + 1)
    assert receiver.hears(1) == [True]
    assert receiver.counts("too_many_holes", "pending") == (0, MAX_HOLES)


def test_answers_that_break_a_hole_to_pieces_keep_to_the_bound() -> None:
    receiver = Receiver()
    receiver.hears(0, 20_000)
    for _ in range(200):
        for first, count in receiver.asks(after_s=0.06):
            receiver.is_answered(*range(first + 1, first + count, 2))
        assert holes(receiver) <= MAX_HOLES + MAX_RANGES
    sent, arrived, unavailable, pending = receiver.counts("sent", "arrived", "unavailable", "pending")
    assert sent == arrived + unavailable + pending == 20_001
    assert pending == len(receiver.missing())


def test_when_all_sensors_have_many_holes_none_may_have_more_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "MAX_HOLES_IN_ALL", 2000)
    receiver = Receiver()
    codifiers = CODIFIERS[:40]
    for codifier in codifiers:
        lose_every_other(receiver, 100, codifier)
    assert sum(holes(receiver, codifier) for codifier in codifiers) <= 2 * 2000
    assert holes(receiver, codifiers[0]) == 100
    assert holes(receiver, codifiers[-1]) == 2000 // 40
    assert receiver.counts("too_many_holes", "pending", codifier=codifiers[-1]) == (50, 50)


def test_no_more_than_so_many_ranges_are_remembered_as_given_up() -> None:
    receiver = Receiver()
    lose_every_other(receiver, 3 * MAX_GIVEN_UP)
    for first, count in itertools.chain.from_iterable(iter(lambda: receiver.asks(after_s=0.1), [])):
        receiver.is_refused(first, count)
    assert len(receiver.repairs._sensors["C1"].wanted._given_up) == MAX_GIVEN_UP
    assert receiver.counts("not_kept") == (3 * MAX_GIVEN_UP,)


def test_a_long_range_that_is_not_kept_is_remembered_as_one() -> None:
    receiver = Receiver()
    receiver.hears(0, 10_000)
    for first, count in itertools.chain.from_iterable(iter(lambda: receiver.asks(after_s=0.1), [])):
        receiver.is_refused(first, count)
    assert len(receiver.repairs._sensors["C1"].wanted._given_up) == 1


def test_late_readings_that_break_what_was_given_up_to_pieces_keep_to_the_bound() -> None:
    receiver = Receiver()
    receiver.hears(0, 4 * MAX_GIVEN_UP)
    for first, count in itertools.chain.from_iterable(iter(lambda: receiver.asks(after_s=0.1), [])):
        receiver.is_refused(first, count)
    receiver.hears(*range(2, 4 * MAX_GIVEN_UP, 2))
    assert len(receiver.repairs._sensors["C1"].wanted._given_up) == MAX_GIVEN_UP


# Sensors and hours


def test_there_can_be_no_more_sensors_than_codifiers() -> None:
    assert sum(map(is_codifier, CODIFIERS)) == MAX_SENSORS


def test_accounts_that_nobody_takes_are_added_together_and_still_add_up() -> None:
    receiver = Receiver()
    for hour in range(MAX_UNTAKEN_HOURS + 30):
        receiver.hears(2 * hour)
        receiver.wait(3600.0)
    accounts = receiver.repairs.accounts()
    assert len(accounts) == MAX_UNTAKEN_HOURS
    assert sum(account.sent for account in accounts) == 2 * (MAX_UNTAKEN_HOURS + 30) - 1
    assert sum(account.pending for account in accounts) == MAX_UNTAKEN_HOURS + 29


# Bytes


def memory_of(sensors: int, holes_each: int) -> int:
    """Measure what it takes to follow so many sensors."""
    repairs = Repairs(SINK_RANGES, lambda: 0.0)
    gc.collect()
    tracemalloc.start()
    for codifier in CODIFIERS[:sensors]:
        for sequence in range(0, 2 * holes_each + 1, 2):
            repairs.hear(reading(sequence, codifier), NOW, asked=False)
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return used


def test_a_sensor_takes_little_and_so_all_that_there_can_be_are_followed() -> None:
    assert memory_of(500, 0) < 500 * 1700


def test_holes_take_what_their_bound_counts_on() -> None:
    assert memory_of(4, 1000) - memory_of(4, 0) < 4000 * 260


def test_what_all_sensors_together_may_take_is_bounded() -> None:
    assert MAX_SENSORS * 1700 + 2 * repair.MAX_HOLES_IN_ALL * 260 < 48 * MIB
