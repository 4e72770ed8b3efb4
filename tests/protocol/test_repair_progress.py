"""How a receiver that was started again goes on: from the progress that a store kept, and in its accounts."""

import pytest

from protocol.accounts import HOUR_MS
from protocol.holes import NO_HOUR_MS
from protocol.instants import Instant
from protocol.repair import BACKFILL, Missing, Progress
from protocol.sensor_repair import UNSURE
from protocol.sequences import MODULUS
from tests.protocol.repairing import LONG_S, WALL_MS, Receiver, reading

WAITED_S = 0.1
HOUR_S = 3600.0
HOUR = int(WALL_MS)


def resumed(*progress: Progress, backfill: int = 0, later_s: float = 0.0) -> Receiver:
    receiver = Receiver(backfill=backfill, now=Instant(5.0, WALL_MS + later_s * 1000))
    receiver.repairs.resume(progress)
    return receiver


# Progress


def test_nothing_is_known_of_a_sensor_that_was_never_heard() -> None:
    assert Receiver().repairs.progress() == []


def test_the_progress_names_the_newest_sequence_and_what_is_missing_before() -> None:
    receiver = Receiver()
    receiver.hears(10, 13, 14, 16)
    holes = (Missing(11, 2, HOUR), Missing(15, 1, HOUR))
    assert receiver.repairs.progress() == [Progress("C1", 16, holes)]


def test_the_progress_of_a_numbering_that_was_only_announced_names_what_came_before_it() -> None:
    receiver = Receiver()
    receiver.is_told(9)
    assert receiver.repairs.progress() == [Progress("C1", 9)]


def test_only_what_changed_since_is_told_again() -> None:
    receiver = Receiver()
    receiver.hears(10)
    receiver.hears(20, codifier="C2")
    receiver.repairs.progress()
    receiver.hears(21, codifier="C2")
    assert receiver.repairs.progress() == [Progress("C2", 21)]
    assert receiver.repairs.progress() == []


@pytest.mark.parametrize("refused", [True, False])
def test_what_was_filled_or_refused_is_a_change(refused: bool) -> None:  # noqa: FBT001 - a parameter of the test
    receiver = Receiver()
    receiver.hears(10, 12)
    receiver.asks(after_s=WAITED_S)
    receiver.repairs.progress()
    if refused:
        receiver.is_refused(11, 1)
    else:
        receiver.is_answered(11)
    assert receiver.repairs.progress() == [Progress("C1", 12)]


def test_what_is_asked_for_on_a_guess_is_named_without_an_hour() -> None:
    receiver = Receiver(backfill=BACKFILL)
    receiver.hears(1000)
    assert receiver.repairs.progress() == [Progress("C1", 1000, (Missing(1000 - BACKFILL, BACKFILL, NO_HOUR_MS),))]


# Going on


def test_what_was_missing_before_is_asked_for_again_at_once() -> None:
    receiver = resumed(Progress("C1", 16, (Missing(11, 2, HOUR), Missing(15, 1, HOUR))))
    assert receiver.asks() == [(11, 2), (15, 1)]
    assert receiver.is_answered(11, 12, 15) == [True, True, True]


def test_what_was_sent_meanwhile_is_missing_when_the_sensor_is_heard_again() -> None:
    receiver = resumed(Progress("C1", 16), backfill=BACKFILL)
    receiver.hears(20)
    assert receiver.asks(after_s=WAITED_S) == [(17, 3)]


def test_what_was_heard_before_is_not_new() -> None:
    receiver = resumed(Progress("C1", 16, (Missing(11, 2, HOUR),)))
    assert receiver.hears(17, 16, 3, 11) == [True, False, False, True]


def test_until_the_sensor_goes_on_only_the_store_knows_whether_what_comes_is_new() -> None:
    receiver = resumed(Progress("C1", 1600, (Missing(11, 2, HOUR),)))
    assert receiver.hears(11, 16, 1600) == [True, True, True]
    assert receiver.counts("restarts") == (0,)


@pytest.mark.parametrize("first", [0, 1500, 4990])
def test_a_sensor_that_was_numbered_anew_a_little_before_is_followed_from_there(first: int) -> None:
    receiver = resumed(Progress("C1", 5000), backfill=BACKFILL)
    numbers = range(first, first + UNSURE)
    assert all(receiver.hears(*numbers))
    assert receiver.counts("restarts") == (1,)
    assert receiver.hears(first + UNSURE + 1) == [True]
    receiver.asks(after_s=WAITED_S)
    assert receiver.is_answered(first + UNSURE) == [True]
    assert receiver.hears(4_000 + first) == [True]


def test_a_way_back_that_was_interrupted_goes_on_to_where_the_ring_begins() -> None:
    receiver = Receiver(backfill=BACKFILL)
    receiver.hears(1000)
    (progress,) = receiver.repairs.progress()
    again = resumed(progress, backfill=BACKFILL)
    first = 1000 - BACKFILL
    assert again.asks() == [(first, BACKFILL)]
    assert again.is_answered(*range(first, 1000)) == [True] * BACKFILL
    assert again.asks() == [(first - BACKFILL, BACKFILL)]


def test_a_way_back_that_had_come_to_its_end_but_for_a_lost_answer_is_not_begun_again() -> None:
    receiver = Receiver(backfill=BACKFILL)
    receiver.hears(1000)
    receiver.asks()
    first = 1000 - BACKFILL
    receiver.is_refused(first, 10)
    receiver.is_answered(*range(first + 10, 990), *range(991, 1000))
    (progress,) = receiver.repairs.progress()
    assert progress.holes == (Missing(990, 1, HOUR),)
    again = resumed(progress, backfill=BACKFILL)
    assert again.asks() == [(990, 1)]
    assert again.is_answered(990) == [True]
    assert again.asks(after_s=LONG_S) == []


def test_what_is_guessed_behind_a_reading_that_came_was_sent_and_its_loss_has_a_name() -> None:
    receiver = Receiver(backfill=BACKFILL)
    receiver.hears(1000)
    receiver.asks()
    assert receiver.counts("sent") == (1,)
    receiver.is_answered(990)
    assert receiver.counts("sent", "heard", "repaired") == (11, 1, 1)
    receiver.is_refused(991, 9)
    assert receiver.counts("sent", "not_kept") == (11, 9)


def test_what_was_refused_on_a_guess_is_a_loss_once_a_reading_before_it_came() -> None:
    receiver = Receiver(backfill=BACKFILL)
    receiver.hears(1000)
    receiver.asks()
    receiver.is_refused(990, 10)
    assert receiver.counts("sent", "not_kept") == (1, 0)
    receiver.is_answered(989)
    assert receiver.counts("sent", "repaired", "not_kept") == (12, 1, 10)


def test_a_way_back_that_had_come_to_its_end_is_not_begun_again() -> None:
    receiver = resumed(Progress("C1", 1000), backfill=BACKFILL)
    receiver.hears(1001)
    assert receiver.asks(after_s=LONG_S) == []


def test_it_goes_on_over_the_end_of_the_numbers() -> None:
    receiver = resumed(Progress("C1", 1, (Missing(MODULUS - 2, 3, HOUR),)))
    assert receiver.asks() == [(MODULUS - 2, 3)]
    assert receiver.is_answered(MODULUS - 2, MODULUS - 1, MODULUS) == [True, True, True]
    assert receiver.hears(2) == [True]
    assert receiver.missing() == []


def test_a_sensor_that_was_numbered_anew_meanwhile_loses_what_was_missing_in_the_hour_where_it_was_missed() -> None:
    receiver = resumed(Progress("C1", 16, (Missing(11, 2, HOUR),)), later_s=HOUR_S)
    receiver.hears(1_000_000_000)
    accounts = receiver.totals()
    assert accounts["C1", HOUR].renumbered == 2
    assert accounts["C1", HOUR + HOUR_MS].restarts == 1


def test_nothing_is_booked_by_going_on() -> None:
    assert resumed(Progress("C1", 16, (Missing(11, 2, HOUR),))).totals() == {}


def test_a_progress_that_was_taken_and_given_back_is_the_same() -> None:
    receiver = Receiver()
    receiver.hears(MODULUS - 5, MODULUS - 2, MODULUS + 1, MODULUS + 9)
    (progress,) = receiver.repairs.progress()
    again = resumed(progress)
    again.hears(10)
    assert again.repairs.progress() == [Progress("C1", 10, progress.holes)]


@pytest.mark.parametrize(
    "holes",
    [
        (Missing(11, 0, HOUR),),
        (Missing(11, -3, HOUR),),
        (Missing(15, 9, HOUR),),
        (Missing(17, 1, HOUR),),
        (Missing(11, 2, HOUR), Missing(12, 2, HOUR)),
    ],
)
def test_holes_that_cannot_be_are_left_out(holes: tuple[Missing, ...]) -> None:
    receiver = resumed(Progress("C1", 16, holes))
    receiver.asks()
    assert receiver.hears(17) == [True]
    assert all(10 < sequence < 17 for sequence in receiver.missing())
    assert len(set(receiver.missing())) == len(receiver.missing())


def test_a_sensor_may_go_on_that_is_not_heard_any_more() -> None:
    receiver = resumed(Progress("C1", 16, (Missing(11, 2, HOUR),)))
    assert all(receiver.asks(after_s=LONG_S) == [(11, 2)] for _ in range(10))


def test_asking_back_to_where_a_ring_begins_goes_on() -> None:
    first = 1001 - BACKFILL
    receiver = resumed(Progress("C1", 1000, (Missing(first, BACKFILL, NO_HOUR_MS),)), backfill=BACKFILL)
    assert receiver.asks() == [(first, BACKFILL)]
    receiver.is_answered(*range(first, 1001))
    assert receiver.asks() == [(first - BACKFILL, BACKFILL)]


def test_once_it_came_to_its_end_it_does_not_begin_again() -> None:
    receiver = Receiver(backfill=BACKFILL)
    receiver.hears(1000)
    receiver.asks()
    receiver.is_refused(1000 - BACKFILL, BACKFILL - 1)
    again = resumed(*receiver.repairs.progress(), backfill=BACKFILL)
    assert again.asks() == [(999, 1)]
    again.is_answered(999)
    assert again.asks() == []


def test_a_guess_is_asked_for_again_and_still_booked_only_when_it_comes() -> None:
    receiver = resumed(Progress("C1", 16, (Missing(10, 6, NO_HOUR_MS),)))
    receiver.asks()
    assert receiver.is_answered(15) == [True]
    receiver.is_refused(10, 5)
    assert receiver.counts("sent", "repaired", "not_kept", "pending") == (1, 1, 0, 0)


# Hours


def test_a_hole_keeps_the_hour_in_which_it_was_noticed() -> None:
    receiver = Receiver()
    receiver.hears(10, 12)
    receiver.asks(after_s=HOUR_S)
    receiver.is_answered(11)
    receiver.hears(13)
    assert receiver.hours_ms == [HOUR, HOUR, HOUR, HOUR + HOUR_MS]
    accounts = receiver.totals()
    first, second = accounts["C1", HOUR], accounts["C1", HOUR + HOUR_MS]
    assert (first.sent, first.heard, first.repaired, first.pending) == (3, 2, 1, 0)
    assert (second.sent, second.heard, second.pending) == (1, 1, 0)


def test_a_hole_keeps_its_hour_when_the_receiver_is_started_again() -> None:
    receiver = resumed(Progress("C1", 16, (Missing(11, 2, HOUR),)), later_s=5 * HOUR_S)
    receiver.asks()
    receiver.is_answered(11, 12)
    assert receiver.totals()["C1", HOUR].repaired == 2


def test_a_reading_that_was_only_guessed_belongs_to_the_hour_in_which_it_came() -> None:
    receiver = Receiver(backfill=1)
    receiver.hears(10)
    receiver.asks(after_s=HOUR_S)
    receiver.is_answered(9)
    account = receiver.totals()["C1", HOUR + HOUR_MS]
    assert (account.sent, account.repaired) == (1, 1)


def test_a_bad_value_that_was_repaired_belongs_to_the_hour_of_its_hole() -> None:
    receiver = Receiver()
    receiver.hears(10, 12)
    receiver.asks(after_s=HOUR_S)
    receiver.takes(reading(11)._replace(value=float("nan")), asked=True)
    account = receiver.totals()["C1", HOUR]
    assert (account.repaired, account.bad, account.waiting) == (1, 1, 2)


def test_accounts_that_were_taken_are_not_told_again() -> None:
    receiver = Receiver()
    receiver.hears(10)
    assert [account.sent for account in receiver.repairs.accounts()] == [1]
    assert receiver.repairs.accounts() == []
