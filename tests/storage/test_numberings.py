import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.sequences import MODULUS, RENUMBERED_BEYOND
from storage.numberings import MAX_NUMBERINGS, Numberings
from storage.store import SAME_SEQUENCE_MS

NOW_MS = 1_795_348_800_000

sequences = st.integers(0, MODULUS - 1) | st.integers(0, 50) | st.integers(MODULUS - 50, MODULUS - 1)
timestamps = st.integers(NOW_MS, NOW_MS + 100) | st.integers(
    NOW_MS - 5 * SAME_SEQUENCE_MS, NOW_MS + 5 * SAME_SEQUENCE_MS
)


def of(*readings: tuple[int, int]) -> Numberings:
    numberings = Numberings()
    for sequence, timestamp_ms in readings:
        numberings.take(sequence, timestamp_ms)
    return numberings


@given(st.lists(st.tuples(sequences, timestamps), max_size=60), st.integers(1 - SAME_SEQUENCE_MS, SAME_SEQUENCE_MS - 1))
def test_what_was_taken_is_held_within_a_day(readings: list[tuple[int, int]], delay_ms: int) -> None:
    numberings = of(*readings)
    assert all(numberings.may_have(sequence, timestamp_ms + delay_ms) for sequence, timestamp_ms in readings)


@given(st.lists(st.tuples(sequences, timestamps), max_size=60))
def test_what_was_written_down_is_read_again(readings: list[tuple[int, int]]) -> None:
    written = of(*readings).to_json()
    assert Numberings.from_json(written).to_json() == written


@given(st.lists(st.tuples(sequences, timestamps), max_size=60))
def test_there_are_never_many(readings: list[tuple[int, int]]) -> None:
    assert of(*readings).to_json().count("[") <= MAX_NUMBERINGS + 1


def test_nothing_is_held_at_first() -> None:
    assert not Numberings().may_have(1, NOW_MS)


def test_what_follows_is_new() -> None:
    numberings = of((7, NOW_MS), (8, NOW_MS + 1000))
    assert not numberings.may_have(9, NOW_MS + 2000)
    assert not numberings.may_have(6, NOW_MS - 1000)


def test_what_follows_the_largest_sequence_is_new() -> None:
    numberings = of((MODULUS - 1, NOW_MS), (0, NOW_MS + 1))
    assert not numberings.may_have(1, NOW_MS + 2)
    assert not numberings.may_have(MODULUS - 2, NOW_MS + 2)
    assert numberings.to_json().count("[") == 2


def test_what_lies_between_may_be_there() -> None:
    assert of((10, NOW_MS), (20, NOW_MS)).may_have(15, NOW_MS)


def test_after_a_day_it_is_new() -> None:
    assert not of((7, NOW_MS)).may_have(7, NOW_MS + SAME_SEQUENCE_MS)
    assert not of((7, NOW_MS)).may_have(7, NOW_MS - SAME_SEQUENCE_MS)


def test_a_new_numbering_does_not_stretch_the_old_one() -> None:
    numberings = of((1000, NOW_MS), (1000 + 3 * RENUMBERED_BEYOND, NOW_MS + 1))
    assert not numberings.may_have(1000 + RENUMBERED_BEYOND, NOW_MS)


def test_of_many_the_oldest_are_taken_for_one() -> None:
    starts = [number * 10 * RENUMBERED_BEYOND for number in range(MAX_NUMBERINGS + 1)]
    numberings = of(*((start, NOW_MS + number) for number, start in enumerate(starts)))
    assert numberings.may_have(starts[1] // 2, NOW_MS)
    assert not numberings.may_have((starts[-1] + starts[-2]) // 2, NOW_MS)


def test_two_that_lie_across_the_end_are_joined_the_shorter_way() -> None:
    far = [(MODULUS - 10 * RENUMBERED_BEYOND, NOW_MS), (10 * RENUMBERED_BEYOND, NOW_MS + 1)]
    newer = [
        (MODULUS // 2 + number * 10 * RENUMBERED_BEYOND, NOW_MS + 9 + number) for number in range(MAX_NUMBERINGS - 1)
    ]
    numberings = of(*far, *newer)
    assert numberings.may_have(0, NOW_MS)
    assert not numberings.may_have(MODULUS // 4, NOW_MS)


@pytest.mark.parametrize("text", ["", "5", "[5]", "[[1]]", '[["a", 1, 1, 1]]', "[[1, 2, 3, 4, 5]]", "[null]"])
def test_what_nobody_wrote_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Numberings.from_json(text)
