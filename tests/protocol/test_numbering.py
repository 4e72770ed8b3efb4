"""Numbering: `n` before the first reading, then one more for each, and `n` again at the end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import EncodeError
from protocol.frames import DataFrame, Flag, decode_data
from protocol.numbering import Numbering
from protocol.readings import Attributes, Value
from protocol.sequences import MODULUS, after
from protocol.tracking import SequenceTracker
from tests.protocol.strategies import VALUES

NOW_MS = 1795334500510
TOO_LONG = "x" * 2000


def publish(
    numbering: Numbering, value: Value, attributes: Attributes | None = None, timestamp_ms: int = NOW_MS
) -> tuple[DataFrame, ...]:
    """Publish a reading and return the frames that listeners hear."""
    return tuple(map(decode_data, numbering.datagrams(value, attributes, timestamp_ms)))


def heard(tracker: SequenceTracker, frames: tuple[DataFrame, ...]) -> None:
    for frame in frames:
        if frame.flag is Flag.NUMBERING:
            tracker.announce(frame.sequence)
        else:
            tracker.observe(frame.sequence)


def test_the_first_reading_is_preceded_by_the_number_before_it() -> None:
    announcement, reading = publish(Numbering("C1", 41), 48.312)
    assert announcement == DataFrame(41, NOW_MS, Flag.NUMBERING, "C1", "@@", 41)
    assert reading == DataFrame(42, NOW_MS, Flag.FLOAT, "C1", "@@", 48.312)


def test_later_readings_are_not_announced_and_count_on() -> None:
    numbering = Numbering("C1", 41)
    publish(numbering, 1)
    (reading,) = publish(numbering, 2, timestamp_ms=NOW_MS + 5000)
    assert reading.sequence == 43


def test_after_the_largest_number_comes_zero() -> None:
    announcement, reading = publish(Numbering("C1", MODULUS - 1), 1)
    assert (announcement.sequence, reading.sequence) == (MODULUS - 1, 0)


def test_the_announcement_at_the_end_names_the_last_reading() -> None:
    numbering = Numbering("C1", 41)
    *_, reading = publish(numbering, 1)
    assert numbering.announcement(NOW_MS).sequence == reading.sequence


def test_attributes_travel_with_the_value() -> None:
    *_, reading = publish(Numbering("A4", 41), 21.5, {"voltage": 3.2})
    assert (reading.flag, reading.attributes) == (Flag.JSON, {"voltage": 3.2})


@pytest.mark.parametrize(
    ("value", "timestamp_ms"), [(float("nan"), NOW_MS), (float("inf"), NOW_MS), (TOO_LONG, NOW_MS), (1, -1)]
)
def test_a_reading_that_cannot_travel_uses_no_number(value: float | str, timestamp_ms: int) -> None:
    numbering = Numbering("C1", 41)
    with pytest.raises(EncodeError):
        publish(numbering, value, timestamp_ms=timestamp_ms)
    announcement, reading = publish(numbering, 1)
    assert (announcement.sequence, reading.sequence) == (41, 42)


@given(st.integers(0, MODULUS - 1), st.lists(VALUES, max_size=8))
def test_every_frame_can_be_sent_and_a_listener_misses_none(last: int, values: list[float | str]) -> None:
    numbering, tracker, published = Numbering("C1", last), SequenceTracker(), 0
    for value in values:
        try:
            frames = publish(numbering, value)
        except EncodeError:
            continue
        heard(tracker, frames)
        published += 1
    assert (tracker.received, tracker.missing, tracker.renumbered) == (published, 0, 0)


def test_a_listener_that_missed_the_last_reading_is_told_by_the_announcement_at_the_end() -> None:
    numbering, tracker = Numbering("C1", 41), SequenceTracker()
    heard(tracker, publish(numbering, 1))
    publish(numbering, 2)  # nobody hears this one
    heard(tracker, (numbering.announcement(NOW_MS),))
    assert (tracker.received, tracker.missing) == (1, 1)


def test_a_numbering_that_is_kept_over_a_restart_shows_what_was_lost_meanwhile() -> None:
    before, tracker = Numbering("C1", 41), SequenceTracker()
    heard(tracker, publish(before, 1))
    publish(before, 2)  # nobody hears this one, nor the end
    heard(tracker, publish(Numbering("C1", before.last), 3))
    assert (tracker.received, tracker.missing, tracker.last) == (2, 1, after(before.last))
