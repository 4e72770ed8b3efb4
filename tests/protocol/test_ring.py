"""What a sensor keeps of what it sent: the very same datagrams, within bounds of number, age and memory."""

import gc
import math
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.frames import DataFrame, Flag, encode
from protocol.readings import Value
from protocol.ring import CHUNK, CHUNK_BYTES, Ring
from protocol.sequences import MODULUS, RENUMBERED_BEYOND
from tests.protocol.repairing import reading
from tests.protocol.strategies import DATA_FRAMES

FIRST = st.integers(0, MODULUS - 1) | st.sampled_from([0, 1, MODULUS - 1, MODULUS - 100])
MAX_BYTES_PER_NUMBER = 32


def datagram(sequence: int, value: Value = 21.5, codifier: str = "C1") -> bytes:
    return encode(reading(sequence, codifier, value=value))


def filled(first: int, count: int, *, max_readings: int = 1_000_000, max_age_s: float = 1e9) -> Ring:
    """Return a ring into which readings were put, one a second."""
    ring = Ring("C1", max_readings, max_age_s)
    for index in range(count):
        ring.add(datagram(first + index), float(index))
    return ring


def kept(ring: Ring) -> list[int]:
    return [sequence for sequence, _ in ring.datagrams(ring.first or 0, len(ring))]


# What is kept


def test_nothing_is_kept_at_first() -> None:
    ring = Ring("C1")
    assert (len(ring), ring.first, ring.last, ring.datagram(0), ring.size_bytes) == (0, None, None, None, 0)


@given(FIRST, st.lists(DATA_FRAMES, min_size=1, max_size=30))
def test_every_frame_is_given_back_bit_for_bit(first: int, frames: list[DataFrame]) -> None:
    ring = Ring(frames[0].source)
    sent = []
    for index, frame in enumerate(frames):
        sequence = (first + index) % MODULUS
        sent.append((sequence, encode(frame._replace(source=frames[0].source, sequence=sequence))))
        ring.add(sent[-1][1], 1.0)
    assert list(ring.datagrams(first, len(frames))) == sent


@pytest.mark.parametrize(
    "value", [0, 2**32 - 1, -1, 2**53 + 1, 21.3, -0.0, 1e-45, 0.1 + 0.2, 1e308, "", "18 °C", "a" * 1000]
)
def test_values_of_every_kind_are_kept(value: Value) -> None:
    ring = Ring("C1")
    ring.add(datagram(7, value), 1.0)
    assert ring.datagram(7) == datagram(7, value)


def test_a_tag_is_kept() -> None:
    ring = Ring("C1")
    tagged = encode(reading(7)._replace(tag=bytes(range(1, 8))))
    ring.add(tagged, 1.0)
    assert ring.datagram(7) == tagged


def test_what_is_no_number_of_this_sensor_to_everybody_is_kept_as_it_is() -> None:
    ring = Ring("C1")
    odd = [
        encode(DataFrame(7, 1, Flag.FLOAT, "C1", "@@", math.nan)),
        encode(reading(8)._replace(destination="Q1")),
        encode(reading(9, "C2")),
    ]
    for each in odd:
        ring.add(each, 1.0)
    assert [ring.datagram(sequence) for sequence in (7, 8, 9)] == odd


@given(FIRST, st.integers(1, 700), st.integers(-700, 1400))
def test_a_reading_is_found_by_its_sequence_and_no_other(first: int, count: int, offset: int) -> None:
    ring = filled(first, count)
    found = ring.datagram((first + offset) % MODULUS)
    assert found == (datagram(first + offset) if 0 <= offset < count else None)


@given(FIRST, st.integers(0, 600), st.integers(-100, 700), st.integers(1, 64))
def test_a_part_of_what_is_asked_for_may_be_kept(first: int, count: int, offset: int, asked: int) -> None:
    ring = filled(first, count)
    wanted = [first + index for index in range(offset, offset + asked) if 0 <= index < count]
    given_back = list(ring.datagrams((first + offset) % MODULUS, asked))
    assert given_back == [(sequence % MODULUS, datagram(sequence)) for sequence in wanted]


def test_the_first_and_the_last_sequence_are_known_over_the_end_of_the_numbers() -> None:
    ring = filled(MODULUS - 300, 600)
    assert (ring.first, ring.last, len(ring)) == (MODULUS - 300, 299, 600)


def test_a_reading_that_does_not_follow_the_last_one_empties_the_ring() -> None:
    ring = filled(10, 5)
    ring.add(datagram(20), 6.0)
    assert kept(ring) == [20]


# What is not kept


@given(FIRST, st.integers(0, 600), st.integers(0, 300), st.integers(-700, 1400), st.integers(1, 64))
def test_how_many_are_not_kept_is_counted_up_to_one_that_is(
    first: int, count: int, skipped: int, offset: int, asked: int
) -> None:
    ring = filled(first, count)
    ring.skip_to((first + count + skipped) % MODULUS)
    ring.add(datagram(first + count + skipped), 1.0)
    keeps = [ring.datagram((first + offset + index) % MODULUS) is not None for index in range(asked)]
    assert ring.unkept((first + offset) % MODULUS, asked) == (keeps.index(True) if True in keeps else asked)


def test_numbers_that_were_skipped_are_not_kept_and_those_before_are() -> None:
    ring = filled(10, 5)
    ring.skip_to(20)
    ring.add(datagram(20), 6.0)
    assert kept(ring) == [10, 11, 12, 13, 14, 20]
    assert (ring.unkept(15, 64), ring.unkept(13, 64)) == (5, 0)


def test_where_numbers_that_were_skipped_begin_is_known() -> None:
    ring = filled(MODULUS - 5, 5)
    ring.skip_to(20)
    ring.add(datagram(20), 6.0)
    assert [ring.unkept_since(first) for first in (0, 7, 19)] == [0, 0, 0]


def test_before_the_oldest_and_after_the_newest_reading_nothing_was_skipped() -> None:
    ring = filled(10, 5)
    ring.skip_to(20)
    assert [ring.unkept_since(first) for first in (5, 17, 20, 25)] == [5, 17, 20, 25]
    assert [Ring("C1").unkept_since(first) for first in (0, 5)] == [0, 5]


def test_skipping_to_the_next_number_skips_none() -> None:
    ring = filled(10, 5)
    ring.skip_to(15)
    ring.skip_to(15)
    ring.add(datagram(15), 6.0)
    assert kept(ring) == [10, 11, 12, 13, 14, 15]


@pytest.mark.parametrize("sequence", [9, 14, 16 + RENUMBERED_BEYOND])
def test_skipping_back_or_too_far_empties_the_ring(sequence: int) -> None:
    ring = filled(10, 5)
    ring.skip_to(sequence)
    ring.add(datagram(sequence), 6.0)
    assert kept(ring) == [sequence]


# Bounds


@pytest.mark.parametrize("max_readings", [1, 2, 7, 8, 100, 1000, 3000])
def test_no_more_readings_are_kept_than_allowed_and_nearly_as_many(max_readings: int) -> None:
    ring = filled(0, 4000, max_readings=max_readings)
    assert max_readings * 7 // 8 <= len(ring) <= max_readings
    assert kept(ring) == list(range(4000 - len(ring), 4000))


def test_readings_that_are_too_old_are_forgotten_when_the_next_one_is_added() -> None:
    ring = filled(0, 3 * CHUNK, max_age_s=CHUNK + 0.5)
    assert kept(ring) == list(range(CHUNK, 3 * CHUNK))


def test_readings_of_the_time_that_is_to_be_kept_are_all_there() -> None:
    ring = filled(0, 5000, max_age_s=1000.0)
    assert 1000 <= len(ring) <= 1000 + CHUNK


def test_the_age_is_not_that_of_the_timestamps() -> None:
    ring = Ring("C1", max_age_s=60.0)
    for sequence in range(10):
        ring.add(encode(reading(sequence, timestamp_ms=sequence * 10**9)), float(sequence))
    assert len(ring) == 10


def test_the_oldest_can_be_dropped_until_nothing_is_left_and_the_numbering_goes_on() -> None:
    ring = filled(0, CHUNK + 10)
    ring.drop_oldest()
    assert kept(ring) == list(range(CHUNK, CHUNK + 10))
    ring.drop_oldest()
    ring.drop_oldest()
    assert (len(ring), ring.size_bytes) == (0, 0)
    ring.add(datagram(CHUNK + 10), 0.0)
    assert kept(ring) == [CHUNK + 10]


# Memory


def memory_of(values: list[Value]) -> tuple[int, int]:
    """Return what a ring's readings take by its own count, and as measured."""
    datagrams = [datagram(index, value) for index, value in enumerate(values)]
    ring = Ring("C1", max_readings=10**9, max_age_s=1e9)
    gc.collect()
    tracemalloc.start()
    for each in datagrams:
        ring.add(bytes(bytearray(each)), 1.0)
    del each
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return ring.size_bytes, used


def test_a_number_takes_at_most_32_bytes() -> None:
    count = 50_000
    counted, used = memory_of([index / 10 for index in range(count)])
    assert used <= counted <= count * MAX_BYTES_PER_NUMBER


@pytest.mark.parametrize(
    "values",
    [
        [1],
        list(range(CHUNK - 1)),
        list(range(CHUNK + 1)),
        ["on", "off"] * 500,
        ["a" * 1000] * 100,
        [1, "one"] * 500,
        [-1] * 1000,
    ],
    ids=lambda values: f"{len(values)} like {str(values[-1])[:5]}",
)
def test_a_ring_counts_no_less_memory_than_it_takes(values: list[Value]) -> None:
    counted, used = memory_of(values)
    assert used <= counted


def test_texts_begin_a_new_chunk_before_they_are_many() -> None:
    ring = Ring("C1")
    for sequence in range(100):
        ring.add(datagram(sequence, "a" * 1100), 1.0)
    before = ring.size_bytes
    ring.drop_oldest()
    assert before - ring.size_bytes < CHUNK_BYTES + 2000
