import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from console.screen import past as module
from console.screen.past import Past, points_of
from console.screen.traces import Point
from protocol.readings import Reading
from storage.sqlite import Sqlite, SqliteOptions
from storage.store import Batch
from tests.console.screen.feeding import storing_network


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return a file in which a sink has stored ten readings, one a second."""
    store = Sqlite(SqliteOptions(path=str(tmp_path / "history.db")))
    store.write(Batch([Reading("C1", 1000 * number, number, 20.0 + number) for number in range(10)]), 0)
    store.close()
    return tmp_path / "history.db"


def spoil(database: Path) -> Callable[[], object]:
    """Make a file unreadable; returns what mends it."""
    whole = database.read_bytes()
    database.write_bytes(b"this is no database" * 100)
    return partial(database.write_bytes, whole)


async def test_what_a_sink_has_stored_here_is_the_past(database: Path) -> None:
    past = Past(storing_network(database))
    assert await past.points("C1", 3_000, 5_000) == [Point(3_000, 23.0), Point(4_000, 24.0), Point(5_000, 25.0)]
    assert await past.points("C9", 0, 10_000) == []
    await past.close()


async def test_without_a_store_on_this_computer_there_is_no_past(tmp_path: Path) -> None:
    past = Past(storing_network(tmp_path / "nowhere.db"))
    assert await past.points("C1", 0, 10_000) == []
    assert past.trouble == ""
    await past.close()


async def test_a_longer_silence_than_a_sensor_may_have_is_a_gap(database: Path) -> None:
    past = Past(storing_network(database))
    values = [point.value for point in await past.points("C1", 3_000, 5_000, 0.5)]
    assert [values[0], values[2], values[4]] == [23.0, 24.0, 25.0]
    assert math.isnan(values[1])
    await past.close()


async def test_the_place_that_is_read_is_named(database: Path) -> None:
    past = Past(storing_network(database))
    assert past.place == ""
    await past.points("C1", 0, 1_000)
    assert past.place == "Q1 (sqlite)"
    await past.close()


async def test_before_more_readings_than_can_be_charted_are_the_means_of_ten_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_READINGS", 10)
    store = Sqlite(SqliteOptions(path=str(tmp_path / "history.db")))
    minutes = range(1, 61)
    store.write(Batch([Reading("C1", 60_000 * minute, minute, minute) for minute in minutes]), 0)
    store.refresh(100)
    store.close()
    past = Past(storing_network(tmp_path / "history.db"))
    points = await past.points("C1", 0, 3_600_000, 90.0)
    means, readings = points[:5], points[5:]
    assert means == [Point(60_000 * minute - 300_000, minute - 4.5) for minute in (10, 20, 30, 40, 50)]
    assert readings == [Point(60_000 * minute, minute) for minute in range(51, 61)]
    await past.close()


async def test_a_store_that_cannot_be_read_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"this is no database" * 100)
    past = Past(storing_network(tmp_path / "broken.db"))
    assert await past.points("C1", 0, 10_000) == []
    assert past.trouble != ""
    assert await past.points("C1", 0, 10_000) == []
    await past.close()


async def test_a_store_that_failed_is_read_when_it_is_there_again(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    mend = spoil(database)
    past = Past(storing_network(database))
    assert await past.points("C1", 3_000, 3_000) == []
    mend()
    assert await past.points("C1", 3_000, 3_000) == [Point(3_000, 23.0)]
    assert past.trouble == ""
    await past.close()


async def test_the_past_can_be_closed_twice(database: Path) -> None:
    past = Past(storing_network(database))
    await past.points("C1", 0, 10_000)
    await past.close()
    await past.close()


def test_text_is_not_charted() -> None:
    readings = [Reading("C1", 1, 1, "open"), Reading("C1", 2, 2, 5), Reading("C1", 3, 3, math.nan)]
    assert points_of(readings) == [Point(2, 5.0)]
