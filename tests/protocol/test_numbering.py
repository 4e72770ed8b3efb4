"""Numbering: `n` before the first reading, then one more for each, and `n` again at the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import EncodeError
from protocol.frames import DataFrame, Flag, encode
from protocol.numbering import Numbering
from protocol.sequences import MODULUS, SequenceTracker, after
from tests.protocol.strategies import VALUES

NOW_MS = 1795334500510
TOO_LONG = "x" * 2000


def heard(tracker: SequenceTracker, frames: tuple[DataFrame, ...]) -> None:
    for frame in frames:
        if frame.flag is Flag.NUMBERING:
            tracker.announce(frame.sequence)
        else:
            tracker.observe(frame.sequence)


def test_the_first_reading_is_preceded_by_the_number_before_it() -> None:
    announcement, reading = Numbering("C1", 41).frames(48.312, None, NOW_MS)
    assert announcement == DataFrame(41, NOW_MS, Flag.NUMBERING, "C1", "@@", 41)
    assert reading == DataFrame(42, NOW_MS, Flag.FLOAT, "C1", "@@", 48.312)


def test_later_readings_are_not_announced_and_count_on() -> None:
    numbering = Numbering("C1", 41)
    numbering.frames(1, None, NOW_MS)
    (reading,) = numbering.frames(2, None, NOW_MS + 5000)
    assert reading.sequence == 43


def test_after_the_largest_number_comes_zero() -> None:
    announcement, reading = Numbering("C1", MODULUS - 1).frames(1, None, NOW_MS)
    assert (announcement.sequence, reading.sequence) == (MODULUS - 1, 0)


def test_the_announcement_at_the_end_names_the_last_reading() -> None:
    numbering = Numbering("C1", 41)
    *_, reading = numbering.frames(1, None, NOW_MS)
    assert numbering.announcement(NOW_MS).sequence == reading.sequence


def test_attributes_travel_with_the_value() -> None:
    *_, reading = Numbering("A4", 41).frames(21.5, {"voltage": 3.2}, NOW_MS)
    assert (reading.flag, reading.attributes) == (Flag.JSON, {"voltage": 3.2})


@pytest.mark.parametrize(
    ("value", "timestamp_ms"), [(float("nan"), NOW_MS), (float("inf"), NOW_MS), (TOO_LONG, NOW_MS), (1, -1)]
)
def test_a_reading_that_cannot_travel_uses_no_number(value: float | str, timestamp_ms: int) -> None:
    numbering = Numbering("C1", 41)
    with pytest.raises(EncodeError):
        numbering.frames(value, None, timestamp_ms)
    announcement, reading = numbering.frames(1, None, NOW_MS)
    assert (announcement.sequence, reading.sequence) == (41, 42)


@given(st.integers(0, MODULUS - 1), st.lists(VALUES, max_size=8))
def test_every_frame_can_be_sent_and_a_listener_misses_none(last: int, values: list[float | str]) -> None:
    numbering, tracker, published = Numbering("C1", last), SequenceTracker(), 0
    for value in values:
        try:
            frames = numbering.frames(value, None, NOW_MS)
        except EncodeError:
            continue
        assert all(encode(frame) for frame in frames)
        heard(tracker, frames)
        published += 1
    assert (tracker.received, tracker.missing, tracker.renumbered) == (published, 0, 0)


def test_a_listener_that_missed_the_last_reading_is_told_by_the_announcement_at_the_end() -> None:
    numbering, tracker = Numbering("C1", 41), SequenceTracker()
    heard(tracker, numbering.frames(1, None, NOW_MS))
    numbering.frames(2, None, NOW_MS)  # nobody hears this one
    heard(tracker, (numbering.announcement(NOW_MS),))
    assert (tracker.received, tracker.missing) == (1, 1)


def test_a_numbering_that_is_kept_over_a_restart_shows_what_was_lost_meanwhile() -> None:
    before, tracker = Numbering("C1", 41), SequenceTracker()
    heard(tracker, before.frames(1, None, NOW_MS))
    before.frames(2, None, NOW_MS)  # nobody hears this one, nor the end
    heard(tracker, Numbering("C1", before.last).frames(3, None, NOW_MS))
    assert (tracker.received, tracker.missing, tracker.last) == (2, 1, after(before.last))
