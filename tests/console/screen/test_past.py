import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.screen.past import MAX_POINTS, Past, points_of, thinned, with_gaps
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


async def test_a_store_that_cannot_be_read_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"this is no database" * 100)
    past = Past(storing_network(tmp_path / "broken.db"))
    assert await past.points("C1", 0, 10_000) == []
    assert past.trouble != ""
    assert await past.points("C1", 0, 10_000) == []
    await past.close()


async def test_the_past_can_be_closed_twice(database: Path) -> None:
    past = Past(storing_network(database))
    await past.points("C1", 0, 10_000)
    await past.close()
    await past.close()


def test_text_is_not_charted() -> None:
    readings = [Reading("C1", 1, 1, "open"), Reading("C1", 2, 2, 5), Reading("C1", 3, 3, math.nan)]
    assert points_of(readings) == [Point(2, 5.0)]


@given(st.lists(st.floats(-1e6, 1e6), max_size=3 * MAX_POINTS))
def test_thinning_keeps_the_peaks_and_the_order(values: list[float]) -> None:
    points = [Point(float(number), value) for number, value in enumerate(values)]
    thin = thinned(points)
    assert len(thin) <= MAX_POINTS + 2
    assert thin == sorted(thin)
    assert set(thin) <= set(points)
    if values:
        kept = [point.value for point in thin]
        assert (min(kept), max(kept)) == (min(values), max(values))


def test_what_is_further_apart_than_a_sensor_may_be_silent_is_a_gap() -> None:
    result = with_gaps([Point(0, 1.0), Point(5_000, 2.0), Point(60_000, 3.0)], longest_s=20.0)
    assert [point.at_ms for point in result] == [0, 5_000, 5_000, 60_000]
    assert math.isnan(result[2].value)
    assert with_gaps([], 20.0) == []
