from hypothesis import given
from hypothesis import strategies as st

from protocol.accounts import HOUR_MS
from protocol.readings import Reading
from storage.booking import booked, written
from storage.judging import Outcome
from storage.store import Account, Batch, Written
from tests.storage.conformance import NO_READINGS, NOON_MS, reading

STORED, DUPLICATE, CONFLICT, REJECTED = Outcome
LATER_MS = NOON_MS + HOUR_MS


def test_outcomes_are_counted() -> None:
    assert written([STORED, REJECTED, STORED, DUPLICATE, CONFLICT, STORED]) == Written(3, 1, 1, 1)
    assert written([]) == Written()


def test_nothing_books_nothing() -> None:
    assert booked(Batch(), [], NOON_MS) == []


def test_accounts_of_a_batch_are_handed_on() -> None:
    accounts = [Account("C1", LATER_MS, sent=3), Account("A1", NOON_MS, doubled=1), Account("C1", NOON_MS, heard=2)]
    assert booked(Batch(accounts=accounts), [], NOON_MS) == [accounts[1], accounts[2], accounts[0]]


def test_an_outcome_is_booked_in_the_hour_of_its_reading() -> None:
    batch = Batch([reading(1), reading(2)], accounts=[Account("C1", LATER_MS, sent=9)], hours_ms=[NOON_MS, LATER_MS])
    assert booked(batch, [STORED, DUPLICATE], 0) == [
        Account("C1", NOON_MS, stored=1),
        Account("C1", LATER_MS, sent=9, duplicate=1),
    ]


def test_else_in_the_newest_account_of_its_sensor() -> None:
    accounts = [Account("C1", LATER_MS, sent=1), Account("C1", NOON_MS, sent=1), Account("F1", LATER_MS + HOUR_MS)]
    (noon, later, _) = booked(Batch([reading(1)], accounts=accounts), [STORED], 0)
    assert (noon.stored, later.stored) == (0, 1)


def test_else_in_the_present_hour() -> None:
    assert booked(Batch([reading(1)]), [STORED], LATER_MS + 1) == [Account("C1", LATER_MS, stored=1)]


def test_what_names_no_sensor_is_booked_under_everybody() -> None:
    batch = Batch([NO_READINGS["a long codifier"], NO_READINGS["before 1970"]])
    assert booked(batch, [REJECTED, REJECTED], NOON_MS) == [
        Account("@@", NOON_MS, rejected=1),
        Account("C1", NOON_MS, rejected=1),
    ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["C1", "F1"]),
            st.sampled_from([NOON_MS, LATER_MS]),
            st.sampled_from(list(Outcome)),
            st.booleans(),
        )
    )
)
def test_whatever_came_is_accounted_for(arrivals: list[tuple[str, int, Outcome, bool]]) -> None:
    accounts = [
        Account(codifier, hour_ms, sent=1, heard=not is_repaired, repaired=is_repaired)
        for codifier, hour_ms, _, is_repaired in arrivals
    ]
    readings = [Reading(codifier, NOON_MS, 1, 20) for codifier, *_ in arrivals]
    batch = Batch(readings, accounts=accounts, hours_ms=[hour_ms for _, hour_ms, _, _ in arrivals])
    books = booked(batch, [outcome for _, _, outcome, _ in arrivals], NOON_MS)
    assert [account for account in books if account.waiting or account.pending] == []
    assert len({account[:2] for account in books}) == len(books)
