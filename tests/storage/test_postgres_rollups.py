"""Roll-ups as PostgreSQL computes them: checked against Python's own statistics, in any order of arrival."""

import statistics
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import closing

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.readings import Reading
from storage.postgres import Postgres
from storage.store import Batch, Bucket, Span
from tests.storage.conformance import EVER, MANY, NOON_MS, for_each_example
from tests.storage.postgres_server import PostgresServer

HOUR_MS = 3_600_000
TEN_MINUTES_MS = 600_000

numbers = st.integers(-5, 5) | st.floats(-1e9, 1e9).map(lambda number: round(number, 3)) | st.integers(-(2**63), 2**63)
extremes = st.sampled_from([1.7976931348623157e308, -1.7976931348623157e308, 1e200, 1e-200, 5e-324, 0.0, 1.0, -1e-300])
offsets_ms = st.integers(-HOUR_MS, 2 * HOUR_MS) | st.sampled_from([-1, 0, 1, HOUR_MS, TEN_MINUTES_MS])


def series(pairs: Sequence[tuple[int, float]]) -> list[Reading]:
    return [Reading("C1", NOON_MS + offset_ms, number, value) for number, (offset_ms, value) in enumerate(pairs)]


def expected(readings: Sequence[Reading], span: Span) -> list[Bucket]:
    groups: dict[int, list[float]] = {}
    for reading in readings:
        assert not isinstance(reading.value, str)
        groups.setdefault(span.end_ms(reading.timestamp_ms), []).append(float(reading.value))
    return [summary(end_ms, groups[end_ms]) for end_ms in sorted(groups)]


def summary(end_ms: int, values: list[float]) -> Bucket:
    (_, times), *others = Counter(values).most_common(2)
    mode = None if others and others[0][1] == times else statistics.mode(values)
    middle = statistics.median(values)
    return Bucket(
        "C1",
        end_ms,
        statistics.fmean(values),
        mode,
        middle,
        max(values),
        min(values),
        statistics.pstdev(values),
        len(values),
    )


def about(buckets: Sequence[Bucket]) -> list[object]:
    """Compare mean, median and deviation but for the last digits; all else is exact."""
    scale = max([abs(bucket.max) for bucket in buckets] + [abs(bucket.min) for bucket in buckets], default=0)
    digits = {"mean": 1e-12, "median": 1e-12, "stdev": 1e-7}
    return [
        tuple(
            pytest.approx(value, rel=digits[name], abs=scale * digits[name]) if name in digits else value
            for name, value in bucket._asdict().items()
        )
        for bucket in buckets
    ]


@for_each_example
@given(pairs=st.lists(st.tuples(offsets_ms, numbers), max_size=30), data=st.data())
def test_roll_ups_are_those_of_the_readings_in_whatever_order_they_came(
    postgres_server: PostgresServer, database: str, pairs: list[tuple[int, float]], data: st.DataObject
) -> None:
    readings = series(pairs)
    empty(postgres_server, database)
    with closing(Postgres(postgres_server.options(database))) as store:
        for each in data.draw(st.permutations(readings)):
            store.write(Batch([each]), NOON_MS)
            store.refresh(data.draw(st.integers(0, 2)))
        for span in Span:
            assert store.rollups("C1", span, *EVER) == about(expected(readings, span))
        found = [store.rollups("C1", span, *EVER) for span in Span]
        while store.refresh(MANY):
            pass
        assert [store.rollups("C1", span, *EVER) for span in Span] == found


@for_each_example
@given(values=st.lists(numbers, min_size=1, max_size=20), data=st.data())
def test_the_order_of_arrival_does_not_change_a_digit(
    postgres_server: PostgresServer, database: str, values: list[float], data: st.DataObject
) -> None:
    readings = series(list(enumerate(values)))
    found = []
    for order in (readings, data.draw(st.permutations(readings))):
        empty(postgres_server, database)
        with closing(Postgres(postgres_server.options(database))) as store:
            for each in order:
                store.write(Batch([each]), NOON_MS)
            found.append([store.rollups("C1", span, *EVER) for span in Span])
    assert found[0] == found[1]


@for_each_example
@given(values=st.lists(extremes, min_size=1, max_size=6))
def test_numbers_at_the_ends_of_what_a_double_holds_are_no_error(
    postgres_server: PostgresServer, database: str, values: list[float]
) -> None:
    empty(postgres_server, database)
    with closing(Postgres(postgres_server.options(database))) as store:
        store.write(Batch(series([(1000, value) for value in values])), NOON_MS)
        store.refresh(MANY)
        (bucket,) = store.rollups("C1", Span.HOUR, *EVER)
    assert (bucket.max, bucket.min, bucket.count) == (max(values), min(values), len(values))
    assert bucket.min <= bucket.mean <= bucket.max
    assert bucket.min <= bucket.median <= bucket.max
    assert 0 <= bucket.stdev <= max(abs(bucket.max), abs(bucket.min))


def empty(server: PostgresServer, database: str) -> None:
    """Make the database as if it were new."""
    server.execute(
        "DELETE FROM jph.readings; DELETE FROM jph.buckets; DELETE FROM jph.dirty; DELETE FROM jph.accounts", database
    )


class TestBuckets:
    def test_a_bucket_has_its_end_and_not_its_start(self, postgres: Postgres) -> None:
        postgres.write(Batch(series([(0, 1), (1, 2), (HOUR_MS, 3), (HOUR_MS + 1, 4)])), NOON_MS)
        ends = [(bucket.end_ms, bucket.mean) for bucket in postgres.rollups("C1", Span.HOUR, *EVER)]
        assert ends == [(NOON_MS, 1), (NOON_MS + HOUR_MS, 2.5), (NOON_MS + 2 * HOUR_MS, 4)]

    @pytest.mark.parametrize(
        ("values", "mode"),
        [([5], 5), ([5, 5, 7], 5), ([7, 5, 7], 7), ([5, 7], None), ([5, 5, 7, 7], None), ([5, 5, 7, 7, 9], None)],
    )
    def test_a_mode_is_there_only_when_it_is_the_only_one(
        self, postgres: Postgres, values: list[float], mode: float | None
    ) -> None:
        postgres.write(Batch(series(list(enumerate(values, start=1)))), NOON_MS)
        assert [bucket.mode for bucket in postgres.rollups("C1", Span.HOUR, *EVER)] == [mode]

    def test_text_does_not_count(self, postgres: Postgres) -> None:
        postgres.write(Batch([Reading("C1", NOON_MS, 1, "on"), Reading("C1", NOON_MS, 2, 5)]), NOON_MS)
        assert [bucket.count for bucket in postgres.rollups("C1", Span.HOUR, *EVER)] == [1]

    def test_text_alone_makes_no_bucket(self, postgres: Postgres) -> None:
        postgres.write(Batch([Reading("C1", NOON_MS, 1, "on")]), NOON_MS)
        assert postgres.refresh(MANY) == 0
        assert postgres.rollups("C1", Span.HOUR, *EVER) == []

    def test_integers_that_no_double_holds_do_not_count(self, postgres: Postgres) -> None:
        postgres.write(Batch([Reading("C1", NOON_MS, 1, 10**400), Reading("C1", NOON_MS, 2, 5)]), NOON_MS)
        postgres.refresh(MANY)
        assert [bucket.count for bucket in postgres.rollups("C1", Span.HOUR, *EVER)] == [1]

    def test_bounds_are_those_of_the_ends(self, postgres: Postgres) -> None:
        postgres.write(Batch(series([(hour * HOUR_MS, hour) for hour in range(5)])), NOON_MS)
        found = postgres.rollups("C1", Span.HOUR, NOON_MS + HOUR_MS, NOON_MS + 3 * HOUR_MS)
        assert [bucket.mean for bucket in found] == [1, 2, 3]

    def test_each_sensor_has_its_own(self, postgres: Postgres) -> None:
        postgres.write(Batch([Reading("C1", NOON_MS, 1, 1), Reading("c1", NOON_MS, 1, 2)]), NOON_MS)
        postgres.refresh(MANY)
        assert [bucket.mean for bucket in postgres.rollups("c1", Span.HOUR, *EVER)] == [2]


class TestRefreshing:
    def test_a_late_reading_changes_what_was_computed(self, postgres: Postgres) -> None:
        postgres.write(Batch(series([(1, 10)])), NOON_MS)
        postgres.refresh(MANY)
        postgres.write(Batch([Reading("C1", NOON_MS + 2, 99, 20)]), NOON_MS)
        assert [bucket.mean for bucket in postgres.rollups("C1", Span.HOUR, *EVER)] == [15]
        assert postgres.refresh(MANY) == 1
        assert [bucket.mean for bucket in postgres.rollups("C1", Span.HOUR, *EVER)] == [15]

    def test_a_reading_that_was_there_already_is_no_work(self, postgres: Postgres) -> None:
        batch = Batch(series([(1, 10)]))
        postgres.write(batch, NOON_MS)
        postgres.refresh(MANY)
        postgres.write(batch, NOON_MS)
        assert postgres.refresh(MANY) == 0

    def test_a_bucket_that_still_fills_waits(self, postgres: Postgres) -> None:
        postgres.write(Batch(series([(1, 10), (TEN_MINUTES_MS + 1, 20)])), NOON_MS)
        assert postgres.refresh(MANY, NOON_MS) == 0
        assert postgres.refresh(MANY, NOON_MS + TEN_MINUTES_MS) == 1
        assert postgres.refresh(MANY, NOON_MS + TEN_MINUTES_MS) == 0
        assert postgres.refresh(MANY, NOON_MS + HOUR_MS) == 1
        assert postgres.refresh(MANY) == 0

    def test_refreshers_side_by_side_with_a_sink_end_with_all_readings_in_the_roll_ups(
        self, postgres_server: PostgresServer, postgres: Postgres, database: str
    ) -> None:
        is_done = threading.Event()
        troubles: list[Exception] = []

        def refresh() -> None:
            with closing(Postgres(postgres_server.options(database))) as store:
                try:
                    while store.refresh(3) or not is_done.is_set():
                        pass
                except Exception as error:  # noqa: BLE001 - shown by the assertion below
                    troubles.append(error)

        refreshers = [threading.Thread(target=refresh) for _ in range(3)]
        for thread in refreshers:
            thread.start()
        for first in range(0, 600, 10):
            sensors = [f"C{number}" for number in range(5)]
            readings = [Reading(name, NOON_MS + n * 7000, n, n) for name in sensors for n in range(first, first + 10)]
            postgres.write(Batch(readings), NOON_MS)
        is_done.set()
        for thread in refreshers:
            thread.join()
        assert troubles == []
        while postgres.refresh(MANY):
            pass
        ((stale,),) = postgres_server.execute(
            """
            SELECT count(*) FROM jph.buckets AS kept
            JOIN jph.summarised(ARRAY[kept.codifier], ARRAY[kept.span_ms], ARRAY[kept.end_ms]) AS now ON true
            WHERE (kept.count, kept.mean, kept.stdev) IS DISTINCT FROM (now.count, now.mean, now.stdev)
            """,
            database,
        )
        ((counted,),) = postgres_server.execute("SELECT sum(count) FROM jph.buckets WHERE span_ms = 3600000", database)
        assert (stale, counted) == (0, 3000)

    def test_a_reading_that_is_being_written_is_not_forgotten_by_a_refresh_meanwhile(
        self, postgres_server: PostgresServer, postgres: Postgres, database: str
    ) -> None:
        """The mark of a bucket was there before, the reading is not committed yet: the mark must stay."""
        postgres.write(Batch(series([(1, 10)])), NOON_MS)
        with postgres_server.connect(database) as other, other.transaction():
            add(other, NOON_MS + 2, 20)
            assert postgres.refresh(MANY) == 0
        assert postgres.refresh(MANY) == 1
        assert [bucket.mean for bucket in postgres.rollups("C1", Span.HOUR, *EVER)] == [15]


def add(connection: psycopg.Connection[tuple[object, ...]], timestamp_ms: int, value: float) -> None:
    """Write a reading as a sink does, on a connection of the test's own."""
    connection.execute(
        "INSERT INTO jph.readings (codifier, sequence, timestamp_ms, number) VALUES ('C1', 77, %s, %s)",
        (timestamp_ms, value),
    )
    connection.execute("UPDATE jph.dirty SET batches = batches + 1")
