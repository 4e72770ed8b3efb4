"""Sequence numbers: every one between the lowest and the highest known is received or missing, in whichever order."""

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from protocol.sequences import MODULUS, RENUMBERED_BEYOND, after, distance
from protocol.tracking import MAX_GAPS, Arrival, SequenceTracker

ANY = st.integers(0, MODULUS - 1)
FIRST = ANY | st.sampled_from([0, 1, MODULUS - 1, MODULUS - 20])
WINDOW = 40  # numbers that a test's frames span: fewer gaps than a tracker keeps
OFFSETS = st.integers(0, WINDOW)


def tracked(sequences: Iterable[int]) -> SequenceTracker:
    tracker = SequenceTracker()
    for sequence in sequences:
        tracker.observe(sequence)
    return tracker


def counts(tracker: SequenceTracker) -> dict[str, int]:
    return {name: getattr(tracker, name) for name in ("received", "missing", "late", "duplicates", "renumbered")}


# Arithmetic


def test_after_the_largest_sequence_comes_zero() -> None:
    assert [after(MODULUS - 2), after(MODULUS - 1), after(0)] == [MODULUS - 1, 0, 1]


@given(ANY, st.integers(-(MODULUS // 2), MODULUS // 2 - 1))
def test_the_distance_is_the_shorter_way_round(sequence: int, steps: int) -> None:
    assert distance((sequence + steps) % MODULUS, sequence) == steps


# One frame after the other


def test_nothing_is_known_before_the_first_frame() -> None:
    tracker = SequenceTracker()
    assert tracker.last is None
    assert tracker.loss() == 0.0


@given(FIRST, st.integers(1, 50))
def test_frames_in_their_order_miss_nothing_also_over_the_end_of_the_numbers(first: int, count: int) -> None:
    tracker = tracked((first + index) % MODULUS for index in range(count))
    assert counts(tracker) == {"received": count, "missing": 0, "late": 0, "duplicates": 0, "renumbered": 0}
    assert tracker.last == (first + count - 1) % MODULUS


def test_the_first_frame_may_have_any_number() -> None:
    assert SequenceTracker().observe(1_704_936_402) is Arrival.NEXT


def test_a_gap_is_counted_as_missing() -> None:
    tracker = tracked([10])
    assert tracker.observe(14) is Arrival.GAP
    assert (tracker.received, tracker.missing, tracker.loss()) == (2, 3, 0.6)


def test_a_gap_over_the_end_of_the_numbers_is_counted_as_missing() -> None:
    assert tracked([MODULUS - 2, 1]).missing == 2


def test_a_late_frame_is_no_longer_missing() -> None:
    tracker = tracked([10, 12])
    assert tracker.observe(11) is Arrival.LATE
    assert (tracker.received, tracker.missing, tracker.late) == (3, 0, 1)


def test_a_late_frame_inside_a_wide_gap_leaves_both_its_ends_missing() -> None:
    tracker = tracked([10, 20, 15, 11, 19])
    assert tracker.missing == 6
    assert [tracker.observe(sequence) for sequence in (14, 16, 15)] == [Arrival.LATE, Arrival.LATE, Arrival.DUPLICATE]


@pytest.mark.parametrize("repeated", [10, 11, 12])
def test_a_frame_that_comes_again_is_a_duplicate_and_nothing_else(repeated: int) -> None:
    tracker = tracked([10, 11, 12])
    assert tracker.observe(repeated) is Arrival.DUPLICATE
    assert counts(tracker) == {"received": 3, "missing": 0, "late": 0, "duplicates": 1, "renumbered": 0}


def test_a_late_frame_that_comes_again_is_a_duplicate() -> None:
    tracker = tracked([10, 12, 11])
    assert tracker.observe(11) is Arrival.DUPLICATE


def test_a_frame_from_before_the_first_one_heard_is_late() -> None:
    tracker = tracked([10])
    assert tracker.observe(9) is Arrival.LATE
    assert counts(tracker) == {"received": 2, "missing": 0, "late": 1, "duplicates": 0, "renumbered": 0}


def test_between_a_frame_and_an_earlier_first_one_the_rest_is_missing() -> None:
    tracker = tracked([10, 7])
    assert tracker.missing == 2
    assert [tracker.observe(sequence) for sequence in (8, 9, 7)] == [Arrival.LATE, Arrival.LATE, Arrival.DUPLICATE]
    assert tracker.missing == 0


def test_the_largest_jump_that_a_ring_explains_is_a_gap_and_the_next_a_new_numbering() -> None:
    assert tracked([5]).observe(6 + RENUMBERED_BEYOND) is Arrival.GAP
    assert tracked([5]).observe(7 + RENUMBERED_BEYOND) is Arrival.RENUMBERED


def test_a_new_numbering_misses_nothing_and_keeps_what_was_counted() -> None:
    tracker = tracked([10, 12])
    assert tracker.observe(2_000_000) is Arrival.RENUMBERED
    assert tracker.observe(2_000_001) is Arrival.NEXT
    assert counts(tracker) == {"received": 4, "missing": 1, "late": 0, "duplicates": 0, "renumbered": 1}


def test_what_an_old_numbering_missed_cannot_be_found_in_the_new_one() -> None:
    tracker = tracked([10, 12, 2_000_000, 11])
    assert (tracker.missing, tracker.renumbered) == (1, 2)


@given(ANY)
def test_bits_beyond_the_numbers_are_not_looked_at(sequence: int) -> None:
    tracker = tracked([sequence])
    assert tracker.observe(sequence + MODULUS) is Arrival.DUPLICATE
    assert tracker.observe(after(sequence) + MODULUS) is Arrival.NEXT
    assert counts(tracker) == {"received": 2, "missing": 0, "late": 0, "duplicates": 1, "renumbered": 0}


def test_after_more_frames_than_there_are_numbers_a_duplicate_is_still_a_duplicate() -> None:
    tracker = tracked([5])
    tracker.received += MODULUS  # as many frames as the numbers go round once
    assert tracker.observe(5) is Arrival.DUPLICATE


# Announcements


def test_a_numbering_begins_after_the_first_announcement() -> None:
    tracker = SequenceTracker()
    assert tracker.announce(41) is Arrival.NEXT
    assert tracker.observe(42) is Arrival.NEXT
    assert counts(tracker) == {"received": 1, "missing": 0, "late": 0, "duplicates": 0, "renumbered": 0}


def test_a_lost_first_reading_is_missing_because_the_numbering_was_announced() -> None:
    tracker = SequenceTracker()
    tracker.announce(41)
    assert tracker.observe(43) is Arrival.GAP
    assert tracker.missing == 1


def test_an_announcement_at_the_end_changes_nothing_when_the_last_reading_was_heard() -> None:
    tracker = tracked([42])
    assert tracker.announce(42) is Arrival.NEXT
    assert counts(tracker) == counts(tracked([42]))


def test_an_announcement_at_the_end_names_the_last_readings_that_were_lost() -> None:
    tracker = tracked([42])
    assert tracker.announce(44) is Arrival.GAP
    assert (tracker.missing, tracker.last) == (2, 44)
    assert tracker.observe(43) is Arrival.LATE
    assert tracker.observe(45) is Arrival.NEXT
    assert tracker.missing == 1


def test_an_announcement_after_a_restart_begins_a_new_numbering() -> None:
    tracker = tracked([42])
    assert tracker.announce(1_000_000) is Arrival.RENUMBERED
    assert tracker.observe(1_000_001) is Arrival.NEXT
    assert (tracker.missing, tracker.renumbered) == (0, 1)


def test_an_announcement_that_comes_late_or_twice_begins_nothing() -> None:
    tracker = SequenceTracker()
    tracker.announce(41)
    tracker.observe(42)
    assert tracker.announce(41) is Arrival.LATE
    assert tracker.observe(43) is Arrival.NEXT
    assert counts(tracker) == {"received": 2, "missing": 0, "late": 0, "duplicates": 0, "renumbered": 0}


def test_an_announcement_that_is_overtaken_shows_that_a_first_reading_was_lost() -> None:
    tracker = tracked([44])
    assert tracker.announce(41) is Arrival.LATE
    assert tracker.missing == 2


def test_a_numbering_that_is_known_to_begin_anew_may_go_back_a_little() -> None:
    tracker = tracked([42, 43])
    assert tracker.announce(41, anew=True) is Arrival.RENUMBERED
    assert tracker.observe(42) is Arrival.NEXT
    assert counts(tracker) == {"received": 3, "missing": 0, "late": 0, "duplicates": 0, "renumbered": 1}


# Frames that begin a numbering


def test_a_frame_may_say_that_the_numbering_begins_with_itself() -> None:
    tracker = tracked([42])
    assert tracker.restart(44) is Arrival.RENUMBERED
    assert tracker.observe(45) is Arrival.NEXT
    assert (tracker.received, tracker.missing) == (3, 0)


def test_a_frame_that_says_so_in_its_order_changes_nothing() -> None:
    tracker = tracked([42])
    assert tracker.restart(43) is Arrival.NEXT
    assert counts(tracker) == counts(tracked([42, 43]))


def test_the_very_first_frame_may_say_so() -> None:
    tracker = SequenceTracker()
    assert tracker.restart(MODULUS - 1) is Arrival.NEXT
    assert tracker.observe(0) is Arrival.NEXT
    assert tracker.renumbered == 0


# Any order


class Span:
    """The rule in its simplest form, with unlimited memory: a set of numbers and its two ends."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.ends: tuple[int, int] | None = None
        self.duplicates = 0

    def observe(self, number: int) -> None:
        self.duplicates += number in self.seen
        self.seen.add(number)
        self._reach(number, number + 1)

    def announce(self, number: int) -> None:
        self._reach(number + 1, number + 1)

    @property
    def missing(self) -> int:
        return self.ends[1] - self.ends[0] - len(self.seen) if self.ends else 0

    def _reach(self, low: int, high: int) -> None:
        self.ends = (min(low, self.ends[0]), max(high, self.ends[1])) if self.ends else (low, high)


@given(FIRST, st.lists(st.tuples(st.booleans(), OFFSETS), max_size=60))
def test_whatever_comes_in_whichever_order_counts_as_a_set_of_numbers_would(
    first: int, frames: list[tuple[bool, int]]
) -> None:
    tracker, span = SequenceTracker(), Span()
    for is_reading, offset in frames:
        sequence = (first + offset) % MODULUS
        if is_reading:
            tracker.observe(sequence)
            span.observe(offset)
        else:
            tracker.announce(sequence)
            span.announce(offset)
        assert (tracker.received, tracker.missing, tracker.duplicates) == (
            len(span.seen),
            span.missing,
            span.duplicates,
        )
    assert tracker.renumbered == 0


@given(FIRST, st.sets(OFFSETS, min_size=1).map(sorted).flatmap(st.permutations))
def test_every_order_of_the_same_frames_counts_the_same(first: int, offsets: list[int]) -> None:
    def totals(order: list[int]) -> tuple[int, int, int]:
        tracker = tracked((first + offset) % MODULUS for offset in order)
        return tracker.received, tracker.missing, tracker.duplicates

    assert totals(offsets) == totals(sorted(offsets))


def test_all_orders_of_five_frames_with_one_lost_count_the_same() -> None:
    totals = {
        (tracker.received, tracker.missing, tracker.duplicates)
        for order in itertools.permutations([0, 1, 2, 4, 5])
        for tracker in [tracked((MODULUS - 2 + offset) % MODULUS for offset in order)]
    }
    assert totals == {(5, 1, 0)}


# Bounds


def test_beyond_the_gaps_that_are_kept_the_oldest_stays_missing() -> None:
    tracker = tracked(range(0, 4 * MAX_GAPS, 2))
    missing = tracker.missing
    assert missing == 2 * MAX_GAPS - 1
    assert tracker.observe(1) is Arrival.DUPLICATE
    assert tracker.observe(4 * MAX_GAPS - 3) is Arrival.LATE
    assert tracker.missing == missing - 1


def test_frames_that_go_back_do_not_push_out_the_newest_gaps() -> None:
    tracker = tracked([1000 + 2 * index for index in range(MAX_GAPS + 1)])
    tracker.observe(500)
    assert tracker.missing == MAX_GAPS + 499
    assert tracker.observe(1000 + 2 * MAX_GAPS - 1) is Arrival.LATE


class AnyNumbers(RuleBasedStateMachine):
    """A tracker that is told anything."""

    def __init__(self) -> None:
        super().__init__()
        self.tracker = SequenceTracker()
        self.observed = 0
        self.base = 0

    @initialize(base=FIRST)
    def begin(self, base: int) -> None:
        self.base = base

    @rule(steps=st.lists(st.integers(-300, 300) | st.integers(-RENUMBERED_BEYOND, RENUMBERED_BEYOND), max_size=20))
    def hear_near(self, steps: list[int]) -> None:
        for step in steps:
            self.tracker.observe((self.base + step) % MODULUS)
        self.observed += len(steps)

    @rule(count=st.integers(1, 200), stride=st.integers(2, 5))
    def hear_every_other(self, count: int, stride: int) -> None:
        for _ in range(count):
            self.base = (self.base + stride) % MODULUS
            self.tracker.observe(self.base)
        self.observed += count

    @rule(sequence=st.integers(0, 2**32 - 1))
    def hear_any(self, sequence: int) -> None:
        self.tracker.observe(sequence)
        self.observed += 1

    @rule(step=st.integers(-300, 300), anew=st.booleans())
    def announce(self, step: int, anew: bool) -> None:  # noqa: FBT001 - hypothesis names it
        self.tracker.announce((self.base + step) % MODULUS, anew=anew)

    @rule(sequence=st.integers(0, 2**32 - 1))
    def restart(self, sequence: int) -> None:
        self.tracker.restart(sequence)
        self.observed += 1

    @invariant()
    def nothing_is_below_zero_and_no_frame_is_counted_twice(self) -> None:
        assert min(counts(self.tracker).values()) >= 0
        assert self.tracker.received + self.tracker.duplicates == self.observed

    @invariant()
    def the_loss_is_a_share(self) -> None:
        assert 0 <= self.tracker.loss() <= 1

    @invariant()
    def the_gaps_that_are_kept_are_few_and_are_missing(self) -> None:
        assert len(self.tracker._gaps) <= MAX_GAPS
        assert sum(count for _, count in self.tracker._gaps) <= self.tracker.missing

    @invariant()
    def the_gaps_that_are_kept_are_apart_and_in_order(self) -> None:
        gaps = self.tracker._gaps
        ends = [distance(later, (first + count) % MODULUS) for (first, count), (later, _) in itertools.pairwise(gaps)]
        assert all(count > 0 for _, count in gaps)
        assert all(end >= 0 for end in ends)

    @invariant()
    def the_last_number_is_one(self) -> None:
        assert self.tracker.last is None or 0 <= self.tracker.last < MODULUS


TestAnyNumbers = AnyNumbers.TestCase
TestAnyNumbers.settings = settings(max_examples=60, stateful_step_count=25)
