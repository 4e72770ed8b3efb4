"""What keeps a file in its bounds, and what happens when the disk has none left."""

import logging
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from protocol.accounts import HOUR_MS
from protocol.readings import Reading
from storage import sqlite_upkeep
from storage.sqlite import Sqlite, SqliteOptions
from storage.store import MAX_ASIDE, Account, Batch, Progress, Span, StoreError, Written
from tests.storage.conformance import EVER, MANY, NOON_MS, everything, reading, write
from tests.storage.sqlite_stores import sqlite
from tests.support.disks import only_root, small_disk

DAY_S = 86_400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 1 MiB."""
    only_root()
    with small_disk(tmp_path / "disk", "1m") as disk:
        yield disk


def keeping(path: Path, retention_s: float | None = DAY_S, rollup_retention_s: float | None = None) -> Sqlite:
    return Sqlite(SqliteOptions(path=str(path), retention_s=retention_s, rollup_retention_s=rollup_retention_s))


def hourly(count: int, codifier: str = "C1") -> list[Reading]:
    """Make readings of so many hours, a second after each hour."""
    return [Reading(codifier, NOON_MS + hour * HOUR_MS + 1000, hour, hour) for hour in range(count)]


def after_hours(hours: float) -> int:
    return NOON_MS + round(hours * HOUR_MS)


def test_readings_that_are_too_old_are_dropped_by_whole_hours(path: Path) -> None:
    with closing(keeping(path)) as store:
        write(store, *hourly(30))
        store.maintain(after_hours(27.5))
        assert everything(store) == hourly(30)[3:]


def test_the_end_of_an_hour_goes_with_it(path: Path) -> None:
    with closing(keeping(path)) as store:
        write(store, Reading("C1", NOON_MS, 1, 1), Reading("C1", NOON_MS + 1, 2, 2))
        store.maintain(after_hours(24))
        assert [found.value for found in everything(store)] == [2]


def test_the_rollups_of_dropped_readings_stay(path: Path) -> None:
    with closing(keeping(path)) as store:
        write(store, *hourly(30))
        store.maintain(after_hours(28))
        assert [bucket.mean for bucket in store.rollups("C1", Span.HOUR, *EVER)] == list(range(30))


def test_a_reading_that_comes_too_late_does_not_change_a_rollup_whose_readings_are_gone(path: Path) -> None:
    with closing(keeping(path)) as store:
        write(store, *hourly(30))
        store.maintain(after_hours(28))
        write(store, Reading("C1", NOON_MS + 2000, 1_000_000, 99))
        assert store.rollups("C1", Span.HOUR, *EVER)[0].max == 0
        assert store.refresh(MANY) > 0
        assert store.rollups("C1", Span.HOUR, *EVER)[0].max == 0
        store.maintain(after_hours(28))
        assert everything(store) == hourly(30)[4:]


def test_a_clock_that_was_set_back_brings_nothing_back(path: Path) -> None:
    with closing(keeping(path)) as store:
        write(store, *hourly(30))
        store.maintain(after_hours(28))
        store.maintain(after_hours(0))
        write(store, Reading("C1", NOON_MS + 2000, 1_000_000, 99))
        store.refresh(MANY)
        assert store.rollups("C1", Span.HOUR, *EVER)[0].max == 0


def test_a_call_drops_a_bounded_number_of_readings(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_upkeep, "MAX_DROPPED", 10)
    with closing(keeping(path)) as store:
        write(store, *hourly(15, "A1"), *hourly(15, "B1"))
        left = []
        for _ in range(4):
            store.maintain(after_hours(1000))
            left.append(len(everything(store)))
        assert left == [20, 10, 0, 0]


def test_nothing_is_dropped_before_it_is_rolled_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_upkeep, "MAX_REFRESHED", 10)
    with closing(keeping(path)) as store:
        write(store, *hourly(15))
        store.maintain(after_hours(1000))
        assert len(everything(store)) == 15
        store.maintain(after_hours(1000))
        assert everything(store) == []
        assert len(store.rollups("C1", Span.HOUR, *EVER)) == 15


def test_rollups_and_accounts_have_a_bound_of_their_own(path: Path) -> None:
    with closing(keeping(path, retention_s=None, rollup_retention_s=2 * 3600)) as store:
        accounts = [Account("C1", NOON_MS + hour * HOUR_MS, sent=1, heard=1, stored=1) for hour in range(6)]
        for one, account in zip(hourly(6), accounts, strict=True):
            store.write(Batch([one], accounts=[account._replace(stored=0)]), account.hour_ms)
        store.refresh(MANY)
        store.maintain(after_hours(6))
        assert [bucket.mean for bucket in store.rollups("C1", Span.HOUR, *EVER)] == [4, 5]
        assert store.accounts(*EVER) == accounts[4:]
        assert len(everything(store)) == 6


def test_what_was_set_aside_has_a_bound(path: Path) -> None:
    with closing(sqlite(path)) as store:
        rejected = [Reading("C1", -1, sequence, 0) for sequence in range(MAX_ASIDE + 10)]
        conflicts = [reading(1, value=value) for value in range(MAX_ASIDE + 20)]
        store.write(Batch(rejected), NOON_MS)
        store.write(Batch(conflicts), NOON_MS)
        store.maintain(NOON_MS)
        assert len(store.aside(MANY)) == 2 * MAX_ASIDE
        assert any('"sequence": 10009,' in aside.reading for aside in store.aside(MANY))


def test_the_room_of_dropped_readings_is_given_back_piece_by_piece(path: Path) -> None:
    def pages() -> int:
        with closing(sqlite3.connect(path)) as database:
            return int(database.execute("PRAGMA page_count").fetchone()[0])

    with closing(keeping(path)) as store:
        write(store, *(Reading("C1", NOON_MS + number, number, "x" * 800) for number in range(20_000)))
        sizes = [pages()]
        for _ in range(5):
            store.maintain(after_hours(1000))
            sizes.append(pages())
    steps = [before - after for before, after in pairwise(sizes)]
    assert all(1024 <= step < 1030 for step in steps[:3])  # and the pages that map them
    assert sum(steps) > sizes[0] / 2


def test_a_full_disk_keeps_nothing_of_the_batch_and_all_of_those_before(disk: Path) -> None:
    (disk / "something else").write_bytes(bytes(400_000))
    with closing(sqlite(disk / "history.db")) as store:
        store.write(Batch([reading(1)], [Progress("C1", 1)]), NOON_MS)
        large = Batch([reading(sequence) for sequence in range(2, 30_000)], [Progress("C1", 29_999)])
        for _ in range(3):
            with pytest.raises(StoreError, match="full; make room on the disk"):
                store.write(large, NOON_MS)
        assert everything(store) == [reading(1)]
        assert store.progress() == {"C1": Progress("C1", 1)}
        assert store.accounts(*EVER) == [Account("C1", NOON_MS, stored=1)]
        (disk / "something else").unlink()
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        assert store.write(large, NOON_MS) == Written(stored=29_998)
        assert len(everything(store)) == 29_999


def test_a_disk_that_is_full_when_the_file_is_opened_is_said(disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    (disk / "something else").write_bytes(bytes(1_040_000))
    with pytest.raises(StoreError, match=r"full|disk I/O error"):
        sqlite(disk / "history.db")
