import asyncio
import socket
from pathlib import Path

import pytest

from config.model import Configuration, Node
from console.screen.charting import Chart
from console.screen.model import Model
from console.screen.past import Past
from console.screen.traces import Point
from protocol.readings import Reading
from storage.postgres_options import PostgresOptions
from storage.sqlite import Sqlite, SqliteOptions
from storage.store import Batch
from tests.console.screen.feeding import START, Feed, sensor, storing_network

SPAN_S = 300.0


async def follow(chart: Chart, model: Model) -> bool:
    return await chart.follow(model.selected, SPAN_S, model.world)


async def test_what_was_heard_is_charted(feed: Feed, model: Model) -> None:
    chart = Chart(feed, Past(Configuration()))
    assert await follow(chart, model)
    assert len(chart.points) == 20
    assert chart.points[-1].value == pytest.approx(50.4)


async def test_nothing_is_asked_for_while_nothing_has_changed(feed: Feed, model: Model) -> None:
    chart = Chart(feed, Past(Configuration()))
    await follow(chart, model)
    assert not await follow(chart, model)


async def test_another_row_has_its_own_points(feed: Feed, model: Model) -> None:
    chart = Chart(feed, Past(Configuration()))
    await follow(chart, model)
    model.move(1)
    assert await follow(chart, model)
    assert chart.points[-1].value == pytest.approx(74.5)


async def test_without_a_sensor_under_the_cursor_there_are_no_points(feed: Feed, model: Model) -> None:
    chart = Chart(feed, Past(Configuration()))
    await follow(chart, model)
    model.set_filter("nobody has this")
    assert await follow(chart, model)
    assert chart.points == []
    assert not await follow(chart, model)


async def test_what_is_stored_comes_before_what_was_heard(feed: Feed, model: Model, tmp_path: Path) -> None:
    store = Sqlite(SqliteOptions(path=str(tmp_path / "history.db")))
    begin_ms = int(START.wall_ms) - 100_000
    store.write(Batch([Reading("C1", begin_ms + 1_000 * number, number, 40.0) for number in range(100)]), begin_ms)
    store.close()
    past = Past(storing_network(tmp_path / "history.db"))
    chart = Chart(feed, past)
    await follow(chart, model)
    assert len(chart.points) == 120
    assert chart.points[0] == Point(begin_ms, 40.0)
    assert [point.at_ms for point in chart.points] == sorted(point.at_ms for point in chart.points)
    await past.close()


async def test_without_a_store_the_agent_is_asked_for_the_time_that_is_charted(feed: Feed, model: Model) -> None:
    await follow(Chart(feed, Past(Configuration())), model)
    assert feed.wanted_since_ms == {"C1": model.world.now.wall_ms - SPAN_S * 1000}


async def test_after_what_is_stored_the_agent_is_asked_for_the_rest(feed: Feed, model: Model, tmp_path: Path) -> None:
    newest_ms = int(START.wall_ms) - 60_000
    store = Sqlite(SqliteOptions(path=str(tmp_path / "history.db")))
    store.write(Batch([Reading("C1", newest_ms - 1_000 * number, 99 - number, 40.0) for number in range(9)]), newest_ms)
    store.close()
    past = Past(storing_network(tmp_path / "history.db"))
    await follow(Chart(feed, past), model)
    assert feed.wanted_since_ms == {"C1": newest_ms}
    await past.close()


async def test_a_store_that_does_not_answer_does_not_hold_up_what_was_heard(
    feed: Feed, model: Model, tmp_path: Path
) -> None:
    options = PostgresOptions(host=str(tmp_path), database="none", user="nobody")
    node = Node(sensor=sensor("Q2"), driver="postgres", options=options)
    past = Past(Configuration(nodes={"Q2": node}))
    chart = Chart(feed, past)
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(tmp_path / ".s.PGSQL.5432"))
        mute.listen()
        assert await follow(chart, model)
        assert len(chart.points) == 20
        assert feed.wanted_since_ms == {"C1": None}
    assert chart._reading is not None
    await asyncio.wait([chart._reading])
    assert await follow(chart, model)
    assert past.trouble != ""
    assert feed.wanted_since_ms == {"C1": model.world.now.wall_ms - SPAN_S * 1000}
    await past.close()


async def test_a_frozen_view_charts_what_was_known_then(feed: Feed, model: Model) -> None:
    chart = Chart(feed, Past(Configuration()))
    model.toggle_freeze()
    feed.wait(1.0)
    feed.reading("C1", 99.0)
    model.apply(feed.batch())
    await follow(chart, model)
    assert chart.points[-1].value == pytest.approx(50.4)
