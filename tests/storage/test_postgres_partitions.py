"""Readings lie in months: made ahead and on demand, with a place for clocks that are mad, and dropped as a whole."""

import logging
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.frames import LATEST_TIMESTAMP_MS
from protocol.readings import Reading
from storage import postgres_retention
from storage.postgres import Postgres
from storage.postgres_partitions import DAY_MS, Month
from storage.store import Batch, Span, Written
from tests.storage.conformance import EVER, MANY, NOON_MS, reading
from tests.storage.postgres_server import PostgresServer

DEFAULT = "readings_default"
JANUARY_MS = 1_798_761_600_000  # 2027-01-01


def at(year: int, month: int, day: int = 15, sequence: int = 1) -> Reading:
    return Reading("C1", round(datetime(year, month, day, 12, tzinfo=UTC).timestamp() * 1000), sequence, 21.5)


def where(server: PostgresServer, database: str) -> list[str]:
    """Return the partition in which each reading lies, in the order of time."""
    rows = server.execute("SELECT tableoid::regclass FROM jph.readings ORDER BY timestamp_ms", database)
    return [name.removeprefix("jph.") for (name,) in rows]


def partitions(server: PostgresServer, database: str) -> set[str]:
    rows = server.execute("SELECT relid::regclass FROM pg_partition_tree('jph.readings') WHERE isleaf", database)
    return {name.removeprefix("jph.") for (name,) in rows}


class TestMonths:
    @given(timestamp_ms=st.integers(0, LATEST_TIMESTAMP_MS))
    def test_a_moment_lies_in_its_month(self, timestamp_ms: int) -> None:
        month = Month.of(timestamp_ms)
        assert month.begin_ms <= timestamp_ms
        assert month == (9999, 12) or timestamp_ms < month.after().begin_ms

    @given(timestamp_ms=st.integers(0, LATEST_TIMESTAMP_MS), months=st.integers(0, 100))
    def test_months_follow_each_other(self, timestamp_ms: int, months: int) -> None:
        month = Month.of(timestamp_ms)
        assert month.after(months).after() == month.after(months + 1)
        assert month.after(12) == (month.year + 1, month.number)

    @given(timestamp_ms=st.integers(0, LATEST_TIMESTAMP_MS))
    def test_a_partition_is_known_by_its_name(self, timestamp_ms: int) -> None:
        month = Month.of(timestamp_ms)
        assert Month.of_partition(month.partition) == month

    @pytest.mark.parametrize("name", [DEFAULT, "readings", "readings_old_01", "letters_2026_11", "readings_2026"])
    def test_other_tables_are_no_months(self, name: str) -> None:
        assert Month.of_partition(name) is None


class TestWhereReadingsLie:
    def test_a_month_is_made_for_the_first_of_its_readings(
        self, postgres_server: PostgresServer, postgres: Postgres, database: str
    ) -> None:
        postgres.write(Batch([at(2026, 11), at(2026, 12)]), NOON_MS)
        assert where(postgres_server, database) == ["readings_2026_11", "readings_2026_12"]

    def test_the_first_and_the_last_millisecond_belong_to_the_month(
        self, postgres_server: PostgresServer, postgres: Postgres, database: str
    ) -> None:
        moments = (JANUARY_MS - 1, JANUARY_MS, JANUARY_MS + 31 * DAY_MS - 1, JANUARY_MS + 31 * DAY_MS)
        postgres.write(Batch([Reading("C1", moment, number, 1) for number, moment in enumerate(moments)]), JANUARY_MS)
        expected = ["readings_2026_12", "readings_2027_01", "readings_2027_01", "readings_2027_02"]
        assert where(postgres_server, database) == expected

    def test_what_was_measured_years_ago_has_its_month_too(
        self, postgres_server: PostgresServer, postgres: Postgres, database: str
    ) -> None:
        postgres.write(Batch([at(2016, 2), at(2019, 7)]), NOON_MS)
        assert where(postgres_server, database) == ["readings_2016_02", "readings_2019_07"]

    @pytest.mark.parametrize("timestamp_ms", [0, 1_000_000_000_000, JANUARY_MS + 60 * DAY_MS, LATEST_TIMESTAMP_MS])
    def test_a_clock_that_is_mad_makes_no_partition_and_loses_no_reading(
        self, postgres_server: PostgresServer, postgres: Postgres, database: str, timestamp_ms: int
    ) -> None:
        mad = Reading("C1", timestamp_ms, 1, 21.5)
        assert postgres.write(Batch([mad]), NOON_MS) == Written(stored=1)
        assert where(postgres_server, database) == [DEFAULT]
        assert postgres.history("C1", *EVER, MANY) == [mad]

    def test_a_receiver_whose_clock_is_mad_loses_no_reading(
        self, postgres_server: PostgresServer, postgres: Postgres, database: str
    ) -> None:
        assert postgres.write(Batch([at(2026, 11)]), 0) == Written(stored=1)
        assert where(postgres_server, database) == [DEFAULT]

    def test_what_was_ahead_of_time_moves_when_its_month_comes(
        self, postgres_server: PostgresServer, postgres: Postgres, database: str
    ) -> None:
        early, later = at(2030, 6), at(2030, 6, sequence=2)
        postgres.write(Batch([early, at(2031, 1)]), NOON_MS)
        assert where(postgres_server, database) == [DEFAULT, DEFAULT]
        postgres.write(Batch([later]), later.timestamp_ms)
        assert where(postgres_server, database) == ["readings_2030_06", "readings_2030_06", DEFAULT]
        assert postgres.write(Batch([early, later]), later.timestamp_ms) == Written(duplicates=2)

    def test_months_are_made_ahead(self, postgres_server: PostgresServer, postgres: Postgres, database: str) -> None:
        postgres.maintain(NOON_MS)
        assert partitions(postgres_server, database) == {
            "readings_2026_11",
            "readings_2026_12",
            "readings_2027_01",
            DEFAULT,
        }

    def test_two_sinks_may_want_the_same_month(self, postgres_server: PostgresServer, database: str) -> None:
        with (
            closing(Postgres(postgres_server.options(database))) as one,
            closing(Postgres(postgres_server.options(database))) as other,
        ):
            one.codifiers()
            other.write(Batch([at(2026, 11)]), NOON_MS)
            assert one.write(Batch([at(2026, 11, sequence=2)]), NOON_MS) == Written(stored=1)
        assert where(postgres_server, database) == ["readings_2026_11", "readings_2026_11"]

    def test_who_may_make_no_partition_stores_all_the_same(
        self,
        postgres_server: PostgresServer,
        database: str,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.WARNING)
        monkeypatch.setenv("PGPASSWORD", "open sesame")
        postgres_server.execute("GRANT USAGE ON SCHEMA jph TO app", database)
        postgres_server.execute("GRANT ALL ON ALL TABLES IN SCHEMA jph TO app", database)
        with closing(Postgres(postgres_server.options(database, user="app"))) as store:
            for sequence in range(3):
                assert store.write(Batch([at(2026, 11, sequence=sequence)]), NOON_MS) == Written(stored=1)
        assert where(postgres_server, database) == [DEFAULT] * 3
        (warning,) = caplog.messages
        assert "no partition is made for the readings of 2026-11: permission denied" in warning


class TestRetention:
    @pytest.fixture
    def store(self, postgres_server: PostgresServer, database: str) -> Iterator[Postgres]:
        store = Postgres(postgres_server.options(database, retention_s=60 * 86_400.0))
        yield store
        store.close()

    def test_whole_months_are_dropped_when_their_time_is_over(
        self, postgres_server: PostgresServer, store: Postgres, database: str
    ) -> None:
        store.write(Batch([at(2026, month, sequence=month) for month in range(7, 12)]), NOON_MS)
        store.maintain(NOON_MS)
        assert where(postgres_server, database) == ["readings_2026_09", "readings_2026_10", "readings_2026_11"]

    def test_without_a_retention_nothing_is_dropped(self, postgres: Postgres) -> None:
        postgres.write(Batch([at(2016, 1)]), NOON_MS)
        postgres.maintain(NOON_MS)
        assert postgres.history("C1", *EVER, MANY) == [at(2016, 1)]

    def test_old_readings_of_mad_clocks_are_dropped_too_and_those_of_the_future_are_not(self, store: Postgres) -> None:
        past, future = Reading("C1", 5000, 1, 1), Reading("C1", LATEST_TIMESTAMP_MS, 2, 2)
        store.write(Batch([past, future]), NOON_MS)
        store.maintain(NOON_MS)
        assert store.history("C1", *EVER, MANY) == [future]

    def test_roll_ups_outlive_their_readings(self, store: Postgres) -> None:
        store.write(Batch([at(2026, 7)]), NOON_MS)
        store.refresh(MANY)
        before = store.rollups("C1", Span.HOUR, *EVER)
        store.maintain(NOON_MS)
        assert store.history("C1", *EVER, MANY) == []
        assert store.rollups("C1", Span.HOUR, *EVER) == before

    def test_a_reading_that_comes_too_late_does_not_spoil_the_roll_up_of_those_that_are_gone(
        self, store: Postgres
    ) -> None:
        store.write(Batch([at(2026, 7, sequence=sequence) for sequence in range(3)]), NOON_MS)
        store.refresh(MANY)
        before = store.rollups("C1", Span.HOUR, *EVER)
        store.maintain(NOON_MS)
        store.write(Batch([at(2026, 7, sequence=7)._replace(value=1000)]), NOON_MS)
        assert store.rollups("C1", Span.HOUR, *EVER) == before
        store.refresh(MANY)
        assert store.rollups("C1", Span.HOUR, *EVER) == before
        store.maintain(NOON_MS)
        assert store.history("C1", *EVER, MANY) == []

    def test_what_is_dropped_was_rolled_up_before(self, store: Postgres) -> None:
        store.write(Batch([at(2026, 7)]), NOON_MS)
        store.maintain(NOON_MS)
        assert store.history("C1", *EVER, MANY) == []
        assert [bucket.mean for bucket in store.rollups("C1", Span.HOUR, *EVER)] == [21.5]
        assert store.refresh(MANY) == 0

    def test_while_much_has_to_be_rolled_up_nothing_is_dropped(
        self, store: Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres_retention, "MAX_REFRESHED", 2)
        store.write(Batch([at(2026, 7, day, sequence=day) for day in range(1, 6)]), NOON_MS)
        left = []
        for _ in range(3):
            store.maintain(NOON_MS)
            left.append(len(store.history("C1", *EVER, MANY)))
        assert left == [5, 5, 0]
        assert len(store.rollups("C1", Span.HOUR, *EVER)) == 5

    def test_a_clock_that_goes_back_does_not_drop_less_than_before(self, store: Postgres) -> None:
        store.maintain(NOON_MS)
        store.maintain(0)
        store.write(Batch([at(2026, 7)]), NOON_MS)
        assert store.rollups("C1", Span.HOUR, *EVER) == []


class TestWhatTheWorldCouldLetGrow:
    def test_roll_ups_and_accounts_are_kept_as_long_as_the_options_say(
        self, postgres_server: PostgresServer, database: str
    ) -> None:
        options = postgres_server.options(database, rollup_retention_s=10 * 86_400.0)
        with closing(Postgres(options)) as store:
            store.write(Batch([reading(1)]), NOON_MS)
            store.refresh(MANY)
            store.maintain(NOON_MS + 10 * DAY_MS)
            assert (len(store.accounts(*EVER)), len(store.rollups("C1", Span.HOUR, *EVER))) == (1, 1)
            store.maintain(NOON_MS + 11 * DAY_MS)
            assert (store.accounts(*EVER), store.rollups("C1", Span.HOUR, *EVER)) == ([], [])
            assert store.history("C1", *EVER, MANY) == [reading(1)]

    def test_only_the_newest_that_was_set_aside_is_kept(
        self, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres_retention, "MAX_ASIDE", 3)
        for number in range(10):
            readings = [reading(1, number), Reading("C1", -1, number, 0)]
            postgres.write(Batch(readings), NOON_MS + number)
        postgres.maintain(NOON_MS)
        assert [aside.found_ms - NOON_MS for aside in postgres.aside(MANY)] == [9, 9, 8, 8, 7, 7]

    def test_sinks_that_are_gone_are_forgotten(
        self, postgres_server: PostgresServer, postgres: Postgres, database: str
    ) -> None:
        postgres.write(Batch([reading(1)]), NOON_MS)
        postgres.maintain(NOON_MS + 8 * DAY_MS)
        assert postgres_server.execute("SELECT count(*) FROM jph.writers", database) == [(0,)]
        assert postgres.write(Batch([reading(2)]), NOON_MS) == Written(stored=1)
