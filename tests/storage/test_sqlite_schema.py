"""Files of earlier schemas, and how they are brought up to date."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from protocol.readings import Reading
from storage import sqlite_schema
from storage.sqlite import open_for_reading
from storage.store import Span, StoreError, Written
from tests.storage.conformance import EVER, MANY, NOON_MS, everything, reading, write
from tests.storage.sqlite_stores import sqlite

FIRST = """
CREATE TABLE readings (
    codifier     TEXT    NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    value                NOT NULL,
    attributes   TEXT,
    PRIMARY KEY (codifier, timestamp_ms, sequence)
) WITHOUT ROWID;
PRAGMA application_id = 1785751601;
PRAGMA user_version = 1;
PRAGMA journal_mode = WAL;
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


def make_first(path: Path, *rows: tuple[object, ...]) -> None:
    """Make a file as the first schema had it."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(FIRST)
        database.executemany("INSERT INTO readings VALUES (?, ?, ?, ?, ?)", rows)
        database.commit()


KEPT = [
    Reading("C1", NOON_MS + 1, 7, 21.5),
    Reading("C1", NOON_MS + 1001, 8, 2**70, {"unit": "°C"}),
    Reading("F1", 0, 2**31 - 1, "on"),
    Reading("F1", NOON_MS, 5, 20),
]
ROWS = [
    ("C1", NOON_MS + 1, 7, 21.5, None),
    ("C1", NOON_MS + 1001, 8, str(2**70).encode(), '{"unit": "°C"}'),
    ("F1", 0, 2**31 - 1, "on", None),
    ("F1", NOON_MS, 5, 20, None),
]


def test_the_readings_of_the_first_schema_are_kept(path: Path) -> None:
    make_first(path, *ROWS)
    with closing(sqlite(path)) as store:
        assert everything(store) == KEPT
        assert write(store, *KEPT) == Written(duplicates=4)


def test_their_sequences_are_known(path: Path) -> None:
    make_first(path, *ROWS)
    with closing(sqlite(path)) as store:
        assert write(store, KEPT[0]._replace(timestamp_ms=NOON_MS + 500, value=30)) == Written(conflicts=1)


def test_their_rollups_are_computed(path: Path) -> None:
    make_first(path, *ROWS)
    with closing(sqlite(path)) as store:
        assert store.rollups("F1", Span.HOUR, *EVER)[0].mean == 20
        assert store.refresh(MANY) == 3
        assert store.rollups("F1", Span.HOUR, *EVER)[0].mean == 20


def test_times_that_were_garbage_are_set_aside(path: Path) -> None:
    make_first(path, *ROWS, ("C1", b"\xff" * 8, 1, 5, None), ("C1", 2**62, 2, "hot", '{"a": 1}'))
    with closing(sqlite(path)) as store:
        assert everything(store) == KEPT
        aside = [json.loads(aside.reading) for aside in store.aside(MANY)]
    assert sorted(str(reading["timestamp_ms"]) for reading in aside) == sorted([str(2**62), "FF" * 8])


def test_an_empty_file_of_the_first_schema_is_brought_up_to_date(path: Path) -> None:
    make_first(path)
    with closing(sqlite(path)) as store:
        assert write(store, reading(1)) == Written(stored=1)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (sqlite_schema.SCHEMA,)


def test_a_file_that_is_brought_up_to_date_has_the_tables_of_a_new_one(tmp_path: Path) -> None:
    make_first(tmp_path / "old.db")
    schemas = []
    for name in ("old.db", "new.db"):
        sqlite(tmp_path / name).close()
        with closing(sqlite3.connect(tmp_path / name)) as database:
            columns = "SELECT m.name, c.* FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c ORDER BY 1, 2"
            schemas.append(database.execute(columns).fetchall())
    assert schemas[0] == schemas[1]


def test_a_history_of_the_first_schema_can_be_read_as_it_is(path: Path) -> None:
    make_first(path, *ROWS)
    before = path.read_bytes()
    with closing(open_for_reading(path)) as history:
        assert history.history("C1", *EVER, MANY) == KEPT[:2]
        with pytest.raises(StoreError, match=r"no such table: .*; an older jph may have written the file: the sink of"):
            history.rollups("C1", Span.HOUR, *EVER)
    assert path.read_bytes() == before


def test_a_file_is_brought_up_to_date_as_a_whole_or_not_at_all(path: Path) -> None:
    make_first(path, *ROWS)
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE buckets (somebody_else)")
    with pytest.raises(StoreError, match="table buckets already exists"):
        sqlite(path)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        assert database.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'progress'").fetchone() == (0,)
