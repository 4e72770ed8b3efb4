"""What a store has of the last day, looked up once a minute."""

import asyncio
from pathlib import Path

import pytest

from config.model import Configuration
from console.screen.past import Past
from console.screen.totals import EVERY_S, Ledger, Totals
from protocol.accounts import HOUR_MS, Account, hour_of
from protocol.instants import Instant
from storage.sqlite import Sqlite, SqliteOptions
from storage.store import Batch
from tests.console.screen.feeding import START, storing_network

HOUR = hour_of(START.wall_ms)


@pytest.fixture
def store(tmp_path: Path) -> Sqlite:
    """Return a file with accounts of this hour, the last one and of two days ago."""
    store = Sqlite(SqliteOptions(path=str(tmp_path / "history.db")))
    hours = (HOUR, HOUR - HOUR_MS, HOUR - 48 * HOUR_MS)
    store.write(Batch(accounts=[Account("C1", hour, sent=10, heard=10) for hour in hours]), HOUR)
    return store


async def looked(totals: Totals, now: Instant) -> Ledger:
    """Let the accounts be looked up if it is time."""
    totals.follow(now)
    if totals._looking is not None:
        await asyncio.wait([totals._looking])
    return totals.ledger


async def test_the_hours_of_the_last_day_are_added_up(store: Sqlite, tmp_path: Path) -> None:
    past = Past(storing_network(tmp_path / "history.db"))
    ledger = await looked(Totals(past), START)
    assert ledger.place == "Q1 (sqlite)"
    assert ledger.accounts["C1"].sent == 20
    await past.close()
    store.close()


async def test_they_are_looked_up_once_a_minute(store: Sqlite, tmp_path: Path) -> None:
    past = Past(storing_network(tmp_path / "history.db"))
    totals = Totals(past)
    await looked(totals, START)
    store.write(Batch(accounts=[Account("C1", HOUR, sent=5, heard=5)]), HOUR)
    soon = Instant(START.monotonic_s + EVERY_S / 2, START.wall_ms)
    later = Instant(START.monotonic_s + EVERY_S, START.wall_ms)
    assert (await looked(totals, soon)).accounts["C1"].sent == 20
    assert (await looked(totals, later)).accounts["C1"].sent == 25
    await past.close()
    store.close()


async def test_a_store_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "history.db").write_bytes(b"this is no database" * 100)
    past = Past(storing_network(tmp_path / "history.db"))
    ledger = await looked(Totals(past), START)
    assert ledger.accounts == {}
    assert "history.db" in ledger.trouble
    await past.close()


async def test_without_a_store_there_are_none() -> None:
    assert await looked(Totals(Past(Configuration())), START) == Ledger()
