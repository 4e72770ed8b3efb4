"""What a receiver takes for new, for missing and for lost, whatever arrives and in whichever order."""

import pytest

from protocol.frames import DataFrame, Flag
from protocol.repair import BACKFILL, MAX_REQUESTED
from protocol.sequences import MODULUS, RENUMBERED_BEYOND
from tests.protocol.repairing import LONG_S, Receiver, reading, unavailable

WAITED_S = 0.1


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


# Readings of the bus


def test_the_first_reading_is_new_whatever_its_number(receiver: Receiver) -> None:
    assert receiver.hears(1_704_936_402) == [True]
    assert receiver.counts("sent", "heard", "pending") == (1, 1, 0)


def test_readings_in_their_order_miss_nothing_also_over_the_end_of_the_numbers(receiver: Receiver) -> None:
    assert receiver.hears(*range(MODULUS - 3, MODULUS + 3)) == [True] * 6
    assert receiver.missing() == []
    assert receiver.asks(after_s=LONG_S) == []


def test_what_lies_between_two_readings_is_missing(receiver: Receiver) -> None:
    receiver.hears(10, 14)
    assert receiver.missing() == [11, 12, 13]
    assert receiver.counts("sent", "heard", "pending") == (5, 2, 3)


def test_what_is_missing_over_the_end_of_the_numbers_is_asked_for_in_one(receiver: Receiver) -> None:
    receiver.hears(MODULUS - 3, MODULUS + 2)
    assert receiver.asks(after_s=WAITED_S) == [(MODULUS - 2, 4)]


def test_a_reading_that_is_only_late_is_not_asked_for(receiver: Receiver) -> None:
    receiver.hears(10, 12)
    receiver.wait(0.04)
    assert receiver.hears(11) == [True]
    assert receiver.asks(after_s=LONG_S) == []
    assert receiver.counts("heard", "repaired") == (3, 0)


def test_a_reading_that_comes_again_is_stored_once(receiver: Receiver) -> None:
    assert receiver.hears(10, 11, 11, 10) == [True, True, False, False]
    assert receiver.counts("sent", "heard", "doubled") == (2, 2, 2)


def test_what_was_sent_before_the_first_reading_heard_is_not_asked_for(receiver: Receiver) -> None:
    receiver.hears(10, 11)
    assert receiver.asks(after_s=LONG_S) == []


def test_a_reading_from_before_the_first_one_heard_is_new_and_shows_what_else_is_missing(receiver: Receiver) -> None:
    assert receiver.hears(10, 7) == [True, True]
    assert receiver.missing() == [8, 9]


def test_a_sensor_is_not_confused_with_another(receiver: Receiver) -> None:
    receiver.hears(10, codifier="C1")
    receiver.hears(13, codifier="C2")
    assert receiver.hears(11, codifier="C1") == [True]
    assert receiver.missing("C2") == []


def test_bits_beyond_the_numbers_are_not_looked_at(receiver: Receiver) -> None:
    receiver.hears(10)
    assert receiver.takes(reading(10)._replace(sequence=10 + MODULUS)) is False
    assert receiver.takes(reading(11)._replace(sequence=11 + MODULUS)) is True


# Values that are none, and two readings under one number


def test_nan_is_counted_as_bad_and_not_stored(receiver: Receiver) -> None:
    receiver.hears(10)
    assert receiver.takes(DataFrame(11, 0, Flag.FLOAT, "C1", "@@", float("nan"))) is False
    assert receiver.hears(12) == [True]
    assert receiver.counts("sent", "heard", "bad", "pending") == (3, 3, 1, 0)


def test_nan_that_comes_again_is_counted_once(receiver: Receiver) -> None:
    for _ in range(3):
        receiver.takes(DataFrame(11, 0, Flag.FLOAT, "C1", "@@", float("nan")))
    assert receiver.counts("sent", "bad", "doubled") == (1, 1, 2)


def test_another_reading_under_the_same_number_is_given_to_the_store(receiver: Receiver) -> None:
    receiver.hears(10, 11)
    assert receiver.takes(reading(10, value=99.0)) is True
    assert receiver.counts("sent", "heard", "doubled") == (3, 3, 0)


def test_the_first_of_two_readings_under_one_number_is_still_known(receiver: Receiver) -> None:
    receiver.hears(10, 11)
    receiver.takes(reading(10, value=99.0))
    assert receiver.hears(10) == [False]


def test_a_repeated_reading_is_no_other_one_also_when_it_was_repaired(receiver: Receiver) -> None:
    receiver.hears(10, 12)
    receiver.asks(after_s=WAITED_S)
    receiver.is_answered(11)
    assert receiver.hears(11) == [False]
    assert receiver.counts("repaired", "doubled") == (1, 1)


# Announcements


def test_a_first_reading_that_was_lost_is_noticed_by_its_announcement(receiver: Receiver) -> None:
    receiver.is_told(9)
    receiver.hears(11)
    assert receiver.missing() == [10]


def test_a_last_reading_that_was_lost_is_noticed_by_the_announcement_at_the_end(receiver: Receiver) -> None:
    receiver.hears(10)
    receiver.is_told(12)
    assert receiver.missing() == [11, 12]


def test_an_announcement_that_names_the_last_reading_heard_changes_nothing(receiver: Receiver) -> None:
    receiver.hears(10)
    receiver.is_told(10, timestamp_ms=2_000_000_000_000)
    assert receiver.missing() == []
    assert receiver.counts("sent", "restarts") == (1, 0)


def test_an_announcement_is_no_reading(receiver: Receiver) -> None:
    receiver.is_told(10)
    assert receiver.stored == {}
    assert receiver.counts("sent", "heard") == (0, 0)


def test_an_announcement_that_is_overtaken_shows_that_the_first_reading_is_missing(receiver: Receiver) -> None:
    receiver.hears(11)
    receiver.is_told(9)
    assert receiver.missing() == [10]


def test_an_announcement_that_comes_twice_changes_nothing(receiver: Receiver) -> None:
    receiver.is_told(9)
    receiver.hears(10, 11)
    receiver.is_told(9)
    assert receiver.hears(12) == [True]
    assert receiver.counts("sent", "restarts") == (3, 0)


def test_an_announcement_to_us_alone_changes_nothing(receiver: Receiver) -> None:
    receiver.hears(10, 12)
    receiver.asks(after_s=WAITED_S)
    receiver.takes(DataFrame(11, 0, Flag.NUMBERING, "C1", "@@", 11), asked=True)
    assert receiver.missing() == [11]
    assert receiver.repairs.unasked == 1


# Answers


def test_an_answer_fills_what_was_asked_for(receiver: Receiver) -> None:
    receiver.hears(10, 13)
    receiver.asks(after_s=WAITED_S)
    assert receiver.is_answered(11, 12) == [True, True]
    assert receiver.missing() == []
    assert receiver.counts("sent", "heard", "repaired", "pending") == (4, 2, 2, 0)


def test_an_answer_that_comes_twice_is_stored_once(receiver: Receiver) -> None:
    receiver.hears(10, 12)
    receiver.asks(after_s=WAITED_S)
    assert receiver.is_answered(11, 11) == [True, False]
    assert receiver.counts("repaired", "doubled") == (1, 1)


def test_an_answer_to_a_request_that_was_given_up_for_lost_is_taken(receiver: Receiver) -> None:
    receiver.hears(10, 12)
    receiver.asks(after_s=WAITED_S)
    receiver.asks(after_s=LONG_S)
    assert receiver.is_answered(11) == [True]


def test_what_comes_late_over_the_bus_after_it_was_asked_for_is_heard(receiver: Receiver) -> None:
    receiver.hears(10, 12)
    receiver.asks(after_s=WAITED_S)
    assert receiver.hears(11) == [True]
    assert receiver.is_answered(11) == [False]
    assert receiver.counts("heard", "repaired", "doubled") == (3, 0, 1)


@pytest.mark.parametrize("sequence", [11, 12, 13, 500, 2_000_000_000])
def test_a_reading_to_us_alone_that_nobody_asked_for_changes_nothing(receiver: Receiver, sequence: int) -> None:
    receiver.hears(10, 12)
    receiver.totals()
    receiver.is_answered(sequence)
    assert receiver.stored == {"C1": [10, 12]}
    assert receiver.missing() == [11]
    assert receiver.counts("sent", "restarts", "pending") == (3, 0, 1)


def test_a_reading_of_an_unknown_sensor_to_us_alone_changes_nothing(receiver: Receiver) -> None:
    assert receiver.is_answered(10, codifier="ZZ") == [False]
    assert receiver.totals() == {}
    assert receiver.repairs.progress() == []


def test_what_is_asked_for_in_part_may_be_answered_in_that_part_only(receiver: Receiver) -> None:
    receiver.hears(0, 1000)
    asked = receiver.asks(after_s=WAITED_S)
    end = max(first + count for first, count in asked)
    assert receiver.is_answered(end - 1, end) == [True, False]
    assert receiver.repairs.unasked == 1


# No longer kept


def test_what_is_no_longer_kept_is_lost_and_not_asked_for_again(receiver: Receiver) -> None:
    receiver.hears(10, 14)
    receiver.asks(after_s=WAITED_S)
    receiver.is_refused(11, 3)
    assert receiver.missing() == []
    assert receiver.asks(after_s=LONG_S) == []
    assert receiver.counts("sent", "not_kept", "pending") == (5, 3, 0)


def test_a_part_may_be_kept_and_the_other_not(receiver: Receiver) -> None:
    receiver.hears(10, 15)
    receiver.asks(after_s=WAITED_S)
    receiver.is_refused(11, 2)
    assert receiver.is_answered(13, 14) == [True, True]
    assert receiver.counts("repaired", "not_kept", "pending") == (2, 2, 0)


def test_what_nobody_asked_for_cannot_be_refused(receiver: Receiver) -> None:
    receiver.hears(10, 14)
    receiver.is_refused(11, 3)
    assert receiver.missing() == [11, 12, 13]
    assert receiver.repairs.unasked == 1


def test_a_refusal_of_more_than_was_asked_for_counts_for_what_was(receiver: Receiver) -> None:
    receiver.hears(10, 12, 13, 15)
    receiver.asks(after_s=WAITED_S)
    receiver.hears(16, 18)
    receiver.is_refused(0, 2**20)
    assert receiver.missing() == [17]
    assert receiver.counts("sent", "not_kept") == (9, 2)


@pytest.mark.parametrize(("first", "count"), [(11, 0), (500, 3), (2_000_000_000, 64), (MODULUS - 1, 5)])
def test_a_refusal_of_what_is_not_missing_changes_nothing(receiver: Receiver, first: int, count: int) -> None:
    receiver.hears(10, 14)
    receiver.asks(after_s=WAITED_S)
    receiver.repairs.unavailable(unavailable(first, count), receiver.now)
    assert receiver.missing() == [11, 12, 13]
    assert receiver.repairs.unasked == 1


@pytest.mark.parametrize("number", [-1.0, 0.5, 2.0**53, 1e300])
def test_a_refusal_whose_number_is_no_pair_changes_nothing(receiver: Receiver, number: float) -> None:
    receiver.hears(10, 12)
    receiver.asks(after_s=WAITED_S)
    receiver.repairs.unavailable(unavailable(11, 1)._replace(number=number), receiver.now)
    assert receiver.missing() == [11]


def test_a_refusal_by_an_unknown_sensor_changes_nothing(receiver: Receiver) -> None:
    receiver.is_refused(11, 1, codifier="ZZ")
    assert receiver.totals() == {}


@pytest.mark.parametrize("asked", [True, False])
def test_a_reading_that_comes_although_it_was_refused_is_taken_and_the_loss_taken_back(
    receiver: Receiver,
    asked: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    receiver.hears(10, 14)
    receiver.asks(after_s=WAITED_S)
    receiver.is_refused(11, 3)
    assert receiver.takes(reading(12), asked=asked) is True
    assert receiver.counts("heard", "repaired", "not_kept", "pending") == (2 + (not asked), int(asked), 2, 0)
    assert receiver.takes(reading(12), asked=asked) is False


# A numbering begins anew


def test_after_a_restart_what_was_missing_is_lost_and_named(receiver: Receiver) -> None:
    receiver.hears(10, 13)
    receiver.is_told(1_000_000_000)
    assert receiver.missing() == []
    assert receiver.hears(1_000_000_001) == [True]
    assert receiver.counts("sent", "heard", "renumbered", "restarts", "pending") == (5, 3, 2, 1, 0)


def test_a_restart_is_noticed_without_its_announcement(receiver: Receiver) -> None:
    receiver.hears(10)
    assert receiver.hears(1_000_000_000, 1_000_000_001) == [True, True]
    assert receiver.counts("restarts", "sent") == (1, 3)


def test_a_restart_with_the_numbering_continued_loses_nothing(receiver: Receiver) -> None:
    receiver.hears(10)
    receiver.is_told(12)
    receiver.hears(13)
    assert receiver.missing() == [11, 12]
    assert receiver.counts("restarts") == (0,)


def test_a_restart_may_begin_a_little_before_where_the_numbering_was(receiver: Receiver) -> None:
    receiver.hears(*range(1000, 1200))
    receiver.is_told(1050, timestamp_ms=1_100_000_000_000)
    assert receiver.takes(reading(1051, timestamp_ms=1_100_000_000_000)) is True
    assert receiver.counts("restarts", "sent") == (1, 201)


def test_a_restart_a_little_before_is_noticed_without_its_announcement(receiver: Receiver) -> None:
    receiver.hears(*range(1000, 1200))
    assert receiver.takes(reading(1051, timestamp_ms=1_100_000_000_000)) is True
    assert receiver.takes(reading(1052, timestamp_ms=1_100_000_001_000)) is True
    assert receiver.counts("restarts", "sent") == (1, 202)


def test_a_late_reading_that_comes_twice_after_the_numbering_was_announced_far_ahead_begins_none(
    receiver: Receiver,
) -> None:
    receiver.hears(1000)
    receiver.is_told(1200)
    assert receiver.hears(1001, 1001) == [True, False]
    assert receiver.counts("restarts") == (0,)


def test_an_announcement_that_a_later_one_overtook_begins_none(receiver: Receiver) -> None:
    receiver.hears(1000)
    receiver.is_told(1200)
    receiver.is_told(1100)
    assert receiver.counts("restarts", "pending") == (0, 200)


def test_the_longest_gap_that_a_ring_explains_is_a_gap_and_a_longer_one_is_none(receiver: Receiver) -> None:
    receiver.hears(0, RENUMBERED_BEYOND + 1)
    assert receiver.counts("sent", "restarts") == (RENUMBERED_BEYOND + 2, 0)
    receiver.hears(RENUMBERED_BEYOND + 1 + RENUMBERED_BEYOND + 2)
    assert receiver.counts("sent", "restarts") == (RENUMBERED_BEYOND + 3, 1)


def test_a_silence_that_is_longer_than_a_ring_is_asked_back_as_far_as_a_ring_goes() -> None:
    receiver = Receiver(backfill=BACKFILL)
    receiver.hears(0)
    receiver.is_refused(-BACKFILL, BACKFILL)
    receiver.hears(1_000_000)
    assert receiver.asks(after_s=WAITED_S)[0] == (1_000_000 - RENUMBERED_BEYOND, MAX_REQUESTED)
    assert receiver.counts("sent", "restarts", "pending") == (2, 1, 0)


def test_a_restart_far_away_is_asked_back_like_any_first_reading() -> None:
    receiver = Receiver(backfill=BACKFILL)
    receiver.hears(0)
    receiver.hears(1_000_000_000)
    assert receiver.asks(after_s=WAITED_S) == [(1_000_000_000 - BACKFILL, BACKFILL)]


# Before the first one


def test_readings_before_the_first_one_heard_are_asked_for_when_they_are_wanted() -> None:
    receiver = Receiver(backfill=BACKFILL)
    receiver.hears(1000)
    assert receiver.asks() == [(1000 - BACKFILL, BACKFILL)]
    assert receiver.is_answered(999, 998) == [True, True]


def test_readings_before_numbers_that_were_never_used_are_asked_for_when_a_refusal_names_where_these_begin() -> None:
    receiver = Receiver(backfill=BACKFILL)
    receiver.hears(1000)
    receiver.asks()
    receiver.is_refused(800, 200)
    assert receiver.asks() == [(800 - BACKFILL, BACKFILL)]
    assert receiver.counts("sent", "not_kept") == (1, 0)


def test_a_refusal_does_not_lead_further_back_than_a_ring_goes() -> None:
    receiver = Receiver(backfill=BACKFILL)
    receiver.hears(1_000_000)
    receiver.asks()
    receiver.is_refused(1_000_000 - RENUMBERED_BEYOND - 10, RENUMBERED_BEYOND + 10)
    assert receiver.asks() == []


def test_that_they_were_ever_sent_is_known_when_they_come() -> None:
    receiver = Receiver(backfill=BACKFILL)
    receiver.hears(1000)
    receiver.asks()
    assert receiver.counts("sent", "pending") == (1, 0)
    receiver.is_answered(999)
    receiver.is_refused(1000 - BACKFILL, BACKFILL - 1)
    assert receiver.counts("sent", "repaired", "not_kept", "pending") == (2, 1, 0, 0)


def test_before_the_number_zero_lie_the_largest_ones() -> None:
    receiver = Receiver(backfill=BACKFILL)
    receiver.hears(2)
    assert receiver.asks() == [(MODULUS + 2 - BACKFILL, BACKFILL)]
    assert receiver.is_answered(-1, 0, 1) == [True, True, True]


def test_the_last_minutes_of_a_sensor_can_be_asked_for_before_it_is_heard(receiver: Receiver) -> None:
    receiver.repairs.ask_back("C1", 100)
    assert receiver.asks(after_s=LONG_S) == []
    receiver.hears(1000)
    assert receiver.asks() == [(900, 64), (964, 36)]


def test_the_last_minutes_of_a_sensor_can_be_asked_for_after_it_was_heard(receiver: Receiver) -> None:
    receiver.hears(1000, 1001)
    receiver.repairs.ask_back("C1", 10)
    assert receiver.asks() == [(992, 8)]


def test_what_is_asked_back_twice_is_asked_for_once(receiver: Receiver) -> None:
    receiver.hears(1000)
    receiver.repairs.ask_back("C1", 10)
    receiver.repairs.ask_back("C1", 10)
    assert receiver.asks() == [(991, 9)]


def test_no_more_is_asked_back_than_a_ring_holds(receiver: Receiver) -> None:
    receiver.hears(1_000_000)
    receiver.repairs.ask_back("C1", 10**9)
    assert receiver.asks()[0][0] == 1_000_001 - RENUMBERED_BEYOND


def test_a_reading_heard_among_those_asked_back_is_new(receiver: Receiver) -> None:
    receiver.hears(1000)
    receiver.repairs.ask_back("C1", 10)
    assert receiver.hears(995) == [True]
    assert receiver.counts("sent", "heard") == (6, 2)  # those between the two were sent as well
