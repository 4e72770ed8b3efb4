"""What is wrong with a node: codes and words (docs/protocol.md, "Diagnosis")."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.troubles import MAX_AMOUNT, MAX_CODE, WORDS, Area, Said, Trouble, unpack


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (Said(Trouble.STORE_FULL, 120), "store's disk full: 120 readings wait"),
        (Said(Trouble.STORE_FULL, 1), "store's disk full: 1 reading waits"),
        (Said(Trouble.STORE_FULL, 0), "store's disk full"),
        (Said(Trouble.DRIVER_QUARANTINED, 5), "driver quarantined: 5 failures in a row"),
        (Said(Trouble.CONFLICTS, 3), "conflicting readings: 3 readings since the start"),
        (Said(Trouble.SPOOL_WRITES, 700), "spool: writes 700 KiB a day"),
        (Said(999, 7), "trouble 999: 7"),
        (Said(999, 0), "trouble 999"),
    ],
)
def test_it_is_said_in_words_with_its_amount(said: Said, text: str) -> None:
    assert said.text == text


@pytest.mark.parametrize("code", Trouble, ids=lambda code: code.name)
def test_every_code_has_words_and_an_area(code: Trouble) -> None:
    assert WORDS[code].name
    assert code.area in Area


@given(st.integers(0, MAX_CODE), st.integers(0, MAX_AMOUNT))
def test_what_is_packed_is_unpacked(code: int, amount: int) -> None:
    assert unpack(Said(code, amount).packed()) == Said(code, amount)


@pytest.mark.parametrize(("amount", "sent"), [(MAX_AMOUNT + 1, MAX_AMOUNT), (-1, 0)])
def test_an_amount_that_has_no_room_stops_at_the_limit(amount: int, sent: int) -> None:
    assert unpack(Said(Trouble.STORE_AWAY, amount).packed()) == Said(Trouble.STORE_AWAY, sent)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_number_is_more_than_a_reader_can_take(number: float) -> None:
    said = unpack(number)
    assert said is None or said.text.startswith(said.name)
