"""Accounts: what became of every reading, by sensor and hour."""

from hypothesis import given
from hypothesis import strategies as st

from protocol.accounts import HOUR_MS, MAX_UNTAKEN_HOURS, Account, Ledger, Lost, hour_of

HOUR = 497_315 * HOUR_MS
COUNTS = st.lists(st.integers(0, 1000), min_size=len(Account._fields) - 2, max_size=len(Account._fields) - 2)


@given(st.floats(0, 1e13))
def test_an_hour_is_named_by_its_beginning(wall_ms: float) -> None:
    assert hour_of(wall_ms) % HOUR_MS == 0
    assert 0 <= wall_ms - hour_of(wall_ms) < HOUR_MS


def test_what_is_missing_is_what_was_sent_and_neither_came_nor_was_lost() -> None:
    account = Account("C1", HOUR, sent=100, heard=70, repaired=20, not_kept=3, renumbered=2, too_many_holes=1)
    assert (account.arrived, account.unavailable, account.pending) == (90, 6, 4)


def test_what_came_waits_until_a_store_says_what_became_of_it() -> None:
    account = Account("C1", HOUR, heard=70, repaired=20, stored=80, duplicate=3, bad=2, rejected=1, conflict=1)
    assert account.waiting == 3


def test_arrivals_of_what_had_arrived_and_restarts_stand_outside_the_sums() -> None:
    account = Account("C1", HOUR, doubled=5, restarts=2)
    assert (account.pending, account.waiting) == (0, 0)


@given(COUNTS, COUNTS)
def test_what_happened_since_is_added_field_by_field(some: list[int], more: list[int]) -> None:
    total = Account("C1", HOUR, *some).plus(Account("C1", HOUR, *more))
    assert total == Account("C1", HOUR, *(one + other for one, other in zip(some, more, strict=True)))


def test_every_reason_for_a_loss_is_a_field_and_counts_as_unavailable() -> None:
    assert [Account("C1", HOUR, **{why: 1}).unavailable for why in Lost] == [1] * len(Lost)


# The ledger


def test_a_ledger_tells_each_sensor_and_hour_once() -> None:
    ledger = Ledger()
    ledger.book("C1", HOUR, sent=2, heard=1)
    ledger.book("C1", HOUR, sent=1)
    ledger.book("C1", HOUR + HOUR_MS, doubled=1)
    ledger.book("C2", HOUR, restarts=1)
    assert sorted(ledger.take()) == [
        Account("C1", HOUR, sent=3, heard=1),
        Account("C1", HOUR + HOUR_MS, doubled=1),
        Account("C2", HOUR, restarts=1),
    ]


def test_a_ledger_begins_anew_when_it_is_taken() -> None:
    ledger = Ledger()
    ledger.book("C1", HOUR, sent=2)
    ledger.take()
    assert ledger.take() == []
    ledger.book("C1", HOUR, sent=1)
    assert ledger.take() == [Account("C1", HOUR, sent=1)]


def test_what_was_booked_wrongly_is_taken_back() -> None:
    ledger = Ledger()
    ledger.book("C1", HOUR, sent=2, not_kept=2)
    ledger.book("C1", HOUR, repaired=1, not_kept=-1)
    assert ledger.take() == [Account("C1", HOUR, sent=2, repaired=1, not_kept=1)]


@given(st.permutations(range(MAX_UNTAKEN_HOURS + 20)))
def test_however_many_hours_nobody_takes_they_are_few_and_their_sum_is_the_same(hours: list[int]) -> None:
    ledger = Ledger()
    for hour in hours:
        ledger.book("C1", hour * HOUR_MS, sent=1)
    accounts = ledger.take()
    assert sum(account.sent for account in accounts) == len(hours)
    assert len(accounts) == MAX_UNTAKEN_HOURS


def test_the_newest_hours_stay_apart() -> None:
    ledger = Ledger()
    for hour in range(MAX_UNTAKEN_HOURS + 20):
        ledger.book("C1", hour * HOUR_MS, sent=1)
    assert [account.sent for account in ledger.take()] == [21] + [1] * (MAX_UNTAKEN_HOURS - 1)
