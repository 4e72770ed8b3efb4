"""What the roll-ups of every store must do that has them: run as tests.storage.conformance."""

import math
from collections.abc import Callable, Iterable
from typing import TypeAlias, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.accounts import HOUR_MS
from protocol.readings import Reading, Value
from storage.rollups import numbers, summarise
from storage.store import Bucket, Span, Store
from tests.storage.conformance import EVER, NOON_MS, Conformance, Stores, for_each_example, write

TEN_MINUTES_MS = 600_000

Settle: TypeAlias = Callable[[Store], int]

# Many of a kind, so that there are modes, and some that strain a database's arithmetic.
some_values: list[Value] = [0.1, 21.5, "on", -0.0]
numbers_at_large: st.SearchStrategy[Value] = st.floats(allow_nan=False, allow_infinity=False) | st.integers()
rolled_values = st.integers(-3, 3) | st.sampled_from(some_values) | numbers_at_large
rolled_readings = st.builds(
    Reading,
    codifier=st.sampled_from(["C1", "F2"]),
    timestamp_ms=st.integers(NOON_MS - 2, NOON_MS + 2)
    | st.integers(0, 13).map(lambda step: NOON_MS + step * TEN_MINUTES_MS)
    | st.integers(NOON_MS, NOON_MS + 3 * HOUR_MS),
    sequence=st.integers(0, 2**31 - 1),
    value=rolled_values,
    attributes=st.none(),
)


def at(minute: float, value: Value, codifier: str = "C1") -> Reading:
    """Make a reading so many minutes after noon."""
    timestamp_ms = NOON_MS + round(minute * 60_000)
    return Reading(codifier, timestamp_ms, timestamp_ms % 2**31, value)


def refresh(store: Store) -> int:
    """Compute all that is to be computed; return of how many hours."""
    hours = 0
    while count := store.refresh(7):
        hours += count
    return hours


def expected(readings: Iterable[Reading], codifier: str, span: Span) -> list[Bucket]:
    """Compute the roll-ups of a sensor in the plainest way."""
    values: dict[int, list[Value]] = {}
    for reading in readings:
        if reading.codifier == codifier:
            values.setdefault(span.end_ms(reading.timestamp_ms), []).append(reading.value)
    buckets = (summarise(codifier, end_ms, numbers(values[end_ms])) for end_ms in sorted(values))
    return [bucket for bucket in buckets if bucket is not None]


def near(bucket: Bucket) -> Bucket:
    """Allow for the last digits of sums, and for the deviation of numbers that differ in these only."""
    largest = max(abs(bucket.min), abs(bucket.max))
    return bucket._replace(
        mean=about(bucket.mean, absolute=largest * 1e-12),
        stdev=about(bucket.stdev, absolute=largest * 1e-7),
    )


def about(value: float, absolute: float) -> float:
    """Make what is equal to every number that is near."""
    return cast(float, pytest.approx(value, rel=1e-9, abs=absolute))


class RollupConformance(Conformance):
    @pytest.fixture(params=[refresh, lambda _: 0], ids=["refreshed", "not refreshed"])
    def settle(self, request: pytest.FixtureRequest) -> Settle:
        """Run a test on roll-ups that were computed, and on those that `refresh` has not come to yet."""
        settle: Settle = request.param
        return settle

    def rollup(self, store: Store, *values: Value, settle: Settle) -> Bucket:
        write(store, *(at(1 + second / 60, value) for second, value in enumerate(values)))
        settle(store)
        (ten_minutes,) = store.rollups("C1", Span.TEN_MINUTES, *EVER)
        (hour,) = store.rollups("C1", Span.HOUR, *EVER)
        assert hour._replace(end_ms=ten_minutes.end_ms) == near(ten_minutes)
        return ten_minutes

    def test_an_empty_store_has_no_rollups(self, store: Store) -> None:
        assert store.refresh(10) == 0
        assert store.rollups("C1", Span.HOUR, *EVER) == []

    def test_a_rollup_tells_what_the_numbers_were(self, store: Store, settle: Settle) -> None:
        assert self.rollup(store, 20, 20, 22.5, 25, settle=settle) == Bucket(
            codifier="C1",
            end_ms=NOON_MS + TEN_MINUTES_MS,
            mean=21.875,
            mode=20,
            median=21.25,
            max=25,
            min=20,
            stdev=about(math.sqrt(17.1875 / 4), absolute=0),
            count=4,
        )

    def test_one_reading_is_its_own_rollup(self, store: Store, settle: Settle) -> None:
        end_ms = NOON_MS + TEN_MINUTES_MS
        assert self.rollup(store, 21.3, settle=settle) == Bucket("C1", end_ms, 21.3, 21.3, 21.3, 21.3, 21.3, 0, 1)

    @pytest.mark.parametrize(
        ("values", "mode"),
        [
            ([1, 2, 2, 3], 2),
            ([1, 1, 2, 2, 3], None),
            ([1, 2], None),
            ([2, 1.0, 1], 1),
            ([3, 3, 3], 3),
            ([0.0, -0.0], 0),
        ],
    )
    def test_a_mode_is_there_when_one_value_came_most_often(
        self, store: Store, values: list[Value], mode: float | None, settle: Settle
    ) -> None:
        assert self.rollup(store, *values, settle=settle).mode == mode

    @pytest.mark.parametrize(("values", "median"), [([3, 1, 2], 2), ([4, 1, 3, 2], 2.5), ([5, 5], 5)])
    def test_a_median_lies_in_the_middle(
        self, store: Store, values: list[Value], median: float, settle: Settle
    ) -> None:
        assert self.rollup(store, *values, settle=settle).median == median

    def test_text_does_not_count(self, store: Store, settle: Settle) -> None:
        assert self.rollup(store, "on", 20, "30", 22, settle=settle)[2:] == (21, None, 21, 22, 20, 1, 2)

    def test_where_there_is_only_text_there_is_no_rollup(self, store: Store) -> None:
        write(store, at(1, "on"))
        refresh(store)
        assert store.rollups("C1", Span.HOUR, *EVER) == []

    def test_booleans_count_as_zero_and_one(self, store: Store, settle: Settle) -> None:
        assert self.rollup(store, True, False, True, True, settle=settle).mean == 0.75

    @pytest.mark.parametrize(
        "values",
        [
            [1e308, 1.7e308, 1.6e308],
            [-1.7e308, 1.7e308],
            [1.7e308, 5e-324],
            [5e-324, 1e-320],
            [5e-324, 0],
            [2**70, 2**70],
            [1e9 + 0.001, 1e9, 1e9],
            [-1e121, 3e-252, 1],
            [-1.0, 1.0000000000000002],
        ],
    )
    def test_numbers_at_the_edge_of_floats(self, store: Store, values: list[Value], settle: Settle) -> None:
        found = self.rollup(store, *values, settle=settle)
        assert found == near(summarise("C1", found.end_ms, numbers(values)) or found)
        assert found.min <= found.mean <= found.max

    def test_an_integer_that_no_float_can_hold_does_not_count(self, store: Store, settle: Settle) -> None:
        assert self.rollup(store, 10**400, 20, settle=settle).count == 1

    @pytest.mark.parametrize("span", Span)
    def test_a_bucket_is_named_by_its_end_which_belongs_to_it(self, store: Store, span: Span, settle: Settle) -> None:
        end_ms = NOON_MS + span.length_ms
        moments_ms = [NOON_MS, NOON_MS + 1, end_ms, end_ms + 1]
        write(store, *(Reading("C1", moment_ms, sequence, sequence) for sequence, moment_ms in enumerate(moments_ms)))
        settle(store)
        found = {bucket.end_ms: (bucket.min, bucket.max) for bucket in store.rollups("C1", span, *EVER)}
        assert found == {NOON_MS: (0, 0), end_ms: (1, 2), end_ms + span.length_ms: (3, 3)}

    def test_the_first_moment_that_there_is_ends_a_bucket(self, store: Store, settle: Settle) -> None:
        write(store, Reading("C1", 0, 1, 20))
        settle(store)
        assert [bucket.end_ms for bucket in store.rollups("C1", Span.HOUR, *EVER)] == [0]

    def test_both_bounds_of_a_range_belong_to_it(self, store: Store, settle: Settle) -> None:
        write(store, *(at(10 * number, number) for number in range(1, 8)))
        settle(store)
        found = store.rollups("C1", Span.TEN_MINUTES, NOON_MS + 2 * TEN_MINUTES_MS, NOON_MS + 5 * TEN_MINUTES_MS)
        assert [bucket.mean for bucket in found] == [2, 3, 4, 5]
        assert store.rollups("C1", Span.TEN_MINUTES, NOON_MS + 1, NOON_MS + TEN_MINUTES_MS - 1) == []
        assert len(store.rollups("C1", Span.TEN_MINUTES, -(10**30), 10**30)) == 7

    def test_each_sensor_has_its_own(self, store: Store, settle: Settle) -> None:
        write(store, at(1, 20), at(1, 30, codifier="F2"))
        settle(store)
        assert [bucket.mean for bucket in store.rollups("F2", Span.HOUR, *EVER)] == [30]

    def test_a_late_reading_changes_its_buckets_and_no_others(self, store: Store, settle: Settle) -> None:
        write(store, at(1, 20), at(11, 30), at(61, 40))
        refresh(store)
        write(store, at(2, 50))
        settle(store)
        assert [bucket.max for bucket in store.rollups("C1", Span.TEN_MINUTES, *EVER)] == [50, 30, 40]
        assert [bucket.max for bucket in store.rollups("C1", Span.HOUR, *EVER)] == [50, 40]

    def test_what_is_not_stored_changes_nothing(self, store: Store, settle: Settle) -> None:
        write(store, at(1, 20))
        refresh(store)
        write(store, at(1, 20), at(1, 30), at(2, float("nan")))
        settle(store)
        assert [bucket.count for bucket in store.rollups("C1", Span.HOUR, *EVER)] == [1]

    def test_refresh_does_as_much_as_it_is_told_the_oldest_first(self, store: Store) -> None:
        write(store, *(at(61 * hour, hour) for hour in range(1, 8)))
        assert [store.refresh(3), store.refresh(3), store.refresh(3), store.refresh(3)] == [3, 3, 1, 0]

    def test_buckets_that_still_fill_can_wait(self, store: Store) -> None:
        write(store, at(5, 20), at(15, 30))
        assert store.refresh(10, ended_by_ms=NOON_MS + TEN_MINUTES_MS - 1) == 0
        assert store.refresh(10, ended_by_ms=NOON_MS + TEN_MINUTES_MS) == 1
        assert store.refresh(10, ended_by_ms=NOON_MS + TEN_MINUTES_MS) == 0
        assert [bucket.mean for bucket in store.rollups("C1", Span.TEN_MINUTES, *EVER)] == [20, 30]
        assert [bucket.mean for bucket in store.rollups("C1", Span.HOUR, *EVER)] == [25]
        assert store.refresh(10) == 1

    def test_rollups_survive_whether_they_were_refreshed_or_not(self, stores: Stores, settle: Settle) -> None:
        store = stores.fresh()
        write(store, at(1, 20))
        settle(store)
        store.close()
        store = stores.again()
        assert [bucket.mean for bucket in store.rollups("C1", Span.HOUR, *EVER)] == [20]
        store.close()

    @for_each_example
    @given(
        arrivals=st.lists(rolled_readings, max_size=30, unique_by=lambda reading: reading.sequence),
        batches=st.integers(1, 4),
        refreshes=st.sets(st.integers(0, 3)),
    )
    def test_any_order_of_arrival_gives_the_rollups_of_the_readings(
        self, stores: Stores, arrivals: list[Reading], batches: int, refreshes: set[int]
    ) -> None:
        store = stores.fresh()
        for number in range(batches):
            write(store, *arrivals[number::batches])
            if number in refreshes:
                refresh(store)
        for span in Span:
            for codifier in ("C1", "F2"):
                assert store.rollups(codifier, span, *EVER) == [
                    near(bucket) for bucket in expected(arrivals, codifier, span)
                ]
        store.close()
