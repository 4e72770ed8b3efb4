"""Rows that a database refuses whatever is done: each is set aside with its reason, and holds up nothing."""

import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from config.model import Configuration
from storage import postgres_admin
from storage.postgres import Postgres
from storage.store import Account, Batch, Written
from tests.storage.conformance import EVER, MANY, NOON_MS, everything, reading
from tests.storage.postgres_server import PostgresServer


class TestARuleOfTheOwner:
    @pytest.fixture
    def refusing(self, postgres_server: PostgresServer, database: str) -> Iterator[Postgres]:
        postgres_server.execute("ALTER TABLE jph.readings ADD CONSTRAINT sane CHECK (number < 1000)", database)
        store = Postgres(postgres_server.options(database))
        yield store
        store.close()

    @pytest.mark.parametrize("poisonous", [{0}, {99}, {0, 1, 50, 98, 99}, set(range(100))])
    def test_only_those_rows_are_set_aside(self, refusing: Postgres, poisonous: set[int]) -> None:
        readings = [reading(number, 5000 if number in poisonous else 20) for number in range(100)]
        good = [each for each in readings if each.value == 20]
        written = refusing.write(Batch(readings, accounts=[Account("C1", NOON_MS, sent=100, heard=100)]), NOON_MS)
        assert written == Written(stored=len(good), rejected=len(poisonous))
        assert everything(refusing) == good
        assert [account.waiting for account in refusing.accounts(*EVER)] == [0]
        aside = refusing.aside(MANY)
        assert {json.loads(each.reading)["sequence"] for each in aside} == poisonous
        assert all('violates check constraint "sane"' in each.reason for each in aside)

    def test_they_change_no_roll_up(self, refusing: Postgres) -> None:
        refusing.write(Batch([reading(1, 5000)]), NOON_MS)
        assert refusing.refresh(MANY) == 0

    def test_a_key_of_the_owner_s_own_is_not_taken_for_another_sink(
        self, postgres_server: PostgresServer, postgres: Postgres, database: str
    ) -> None:
        postgres_server.execute("CREATE UNIQUE INDEX once ON jph.readings (codifier, timestamp_ms)", database)
        readings = [reading(1), reading(1)._replace(sequence=2), reading(3)]
        assert postgres.write(Batch(readings), NOON_MS) == Written(stored=2, rejected=1)


def test_a_database_that_cannot_hold_a_text_sets_the_reading_aside(postgres_server: PostgresServer) -> None:
    name = postgres_server.new_database("template0", "ENCODING 'LATIN1'")
    postgres_admin.init(postgres_server.options(name), Configuration())
    readings = [reading(0), reading(1, "21 °C"), reading(2, "温度"), reading(3)]
    with closing(Postgres(postgres_server.options(name))) as store:
        assert store.write(Batch(readings), NOON_MS) == Written(stored=3, rejected=1)
        assert everything(store) == [readings[0], readings[1], readings[3]]
    ((kept, why),) = postgres_server.execute("SELECT reading, reason FROM jph.rejected", name)
    assert json.loads(kept)["value"] == "温度"
    assert "no equivalent in encoding" in why
    postgres_server.drop_database(name)
