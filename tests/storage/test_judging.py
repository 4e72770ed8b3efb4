import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.readings import Reading
from storage.judging import Known, Outcome, judge, refusal, to_json
from storage.store import SAME_SEQUENCE_MS
from tests.storage.conformance import NO_READINGS, NOON_MS, attributes, reading, readings

STORED, DUPLICATE, CONFLICT, REJECTED = Outcome


def test_what_is_new_is_stored_and_known_from_then_on() -> None:
    known: Known = {}
    assert judge([reading(1)], known) == [STORED]
    assert known == {("C1", 1): [reading(1)]}


def test_what_is_known_is_a_duplicate() -> None:
    assert judge([reading(1)], {("C1", 1): [reading(1)]}) == [DUPLICATE]


@pytest.mark.parametrize("other", [{"battery": 4}, None, {}])
def test_attributes_count_unless_there_are_none(other: dict[str, object] | None) -> None:
    known = {("C1", 1): [reading(1, attributes={"battery": 3})]}
    assert judge([reading(1, attributes=other)], known) == [CONFLICT]


def test_no_attributes_and_empty_attributes_say_the_same() -> None:
    assert judge([reading(1, attributes={})], {("C1", 1): [reading(1)]}) == [DUPLICATE]


def test_the_one_with_the_same_time_decides() -> None:
    near = reading(1, value=30)._replace(timestamp_ms=NOON_MS)
    assert judge([reading(1)], {("C1", 1): [near, reading(1)]}) == [DUPLICATE]


@pytest.mark.parametrize(
    ("delay_ms", "value", "outcome"),
    [
        (1, 30, CONFLICT),
        (SAME_SEQUENCE_MS - 1, 30, CONFLICT),
        (SAME_SEQUENCE_MS, 30, STORED),
        (-SAME_SEQUENCE_MS, 30, STORED),
        (1, 20, STORED),
    ],
)
def test_another_value_under_the_same_sequence(delay_ms: int, value: int, outcome: Outcome) -> None:
    first = reading(1, value=20)
    other = first._replace(timestamp_ms=first.timestamp_ms + delay_ms, value=value)
    assert judge([first, other], {}) == [STORED, outcome]


def test_what_is_in_conflict_is_not_known() -> None:
    known: Known = {}
    judge([reading(1, value=20), reading(1, value=30)], known)
    assert known == {("C1", 1): [reading(1, value=20)]}


@pytest.mark.parametrize("bad", NO_READINGS.values(), ids=NO_READINGS)
def test_what_is_no_reading_is_rejected_with_a_reason(bad: Reading) -> None:
    known: Known = {}
    assert judge([bad], known) == [REJECTED]
    assert refusal(bad)
    assert not known


@given(st.lists(readings, max_size=10))
def test_what_frames_bring_is_never_rejected(batch: list[Reading]) -> None:
    assert REJECTED not in judge(batch, {})


@given(st.lists(readings, max_size=10), st.randoms())
def test_what_is_written_again_is_never_stored_again(batch: list[Reading], random: Random) -> None:
    known: Known = {}
    judge(batch, known)
    assert STORED not in judge(random.sample(batch, len(batch)), known)


@given(readings, attributes)
def test_what_is_kept_apart_can_be_read(one: Reading, said: dict[str, object] | None) -> None:
    assert Reading(**json.loads(to_json(one._replace(attributes=said)))) == one._replace(attributes=said)
