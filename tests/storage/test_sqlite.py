import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from protocol.readings import Reading
from protocol.troubles import Trouble
from storage import sqlite_schema
from storage.sqlite import Sqlite, SqliteOptions, open_for_reading
from storage.store import Batch, Description, Missing, Progress, Span, StoreError, Written
from tests.storage.conformance import EVER, MANY, NOON_MS, everything, reading, write
from tests.storage.sqlite_stores import sqlite

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def public_directory() -> Iterator[Path]:
    """Make a directory that a user without rights can reach, unlike pytest's own."""
    directory = Path(tempfile.mkdtemp(prefix="jph-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@contextmanager
def without_rights(directory: Path) -> Iterator[None]:
    """Take the right to write in `directory`; root has it always, so root becomes nobody for the while."""
    directory.chmod(0o555)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        directory.chmod(0o755)


def test_missing_directories_are_made(tmp_path: Path) -> None:
    sqlite(tmp_path / "deep" / "down" / "history.db").close()
    assert (tmp_path / "deep" / "down" / "history.db").exists()


def test_a_tilde_is_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with closing(Sqlite(SqliteOptions(path="~/history.db"))) as store:
        write(store, reading(1))
    with closing(open_for_reading("~/history.db")) as history:
        assert history.codifiers() == ["C1"]


@pytest.mark.parametrize("path", ["", "history.db", "./history.db", ":memory:", "~pi/x"])
def test_a_path_that_depends_on_where_the_agent_starts_is_refused(path: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="`path` is"):
        msgspec.convert({"path": path}, SqliteOptions)


def test_a_home_directory_that_nobody_knows_is_said() -> None:
    with pytest.raises(StoreError, match=r"~nobody-of-this-name/x: .*; name the whole path"):
        open_for_reading("~nobody-of-this-name/x")


@pytest.mark.parametrize("options", [{}, {"path": 5}, {"path": "/x.db", "colour": "red"}])
def test_the_options_are_checked(options: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"path|colour"):
        msgspec.convert(options, SqliteOptions)


def test_numbers_are_numbers_to_other_programs(path: Path) -> None:
    with closing(sqlite(path)) as store:
        write(store, reading(1, 21.5), reading(2, 7), reading(3, "on"), reading(4, 2**70))
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT typeof(value), CAST(value AS TEXT) FROM readings ORDER BY sequence").fetchall()
    assert rows == [("real", "21.5"), ("integer", "7"), ("text", "on"), ("blob", str(2**70))]


def test_attributes_as_deep_as_a_frame_can_hold_are_stored(path: Path) -> None:
    nested: list[object] = []
    for _ in range(550):
        nested = [nested]
    with closing(sqlite(path)) as store:
        write(store, reading(1, attributes={"nested": nested}))
        assert everything(store) == [reading(1, attributes={"nested": nested})]


def test_a_file_of_a_newer_jph_is_refused(path: Path) -> None:
    sqlite(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {sqlite_schema.SCHEMA + 1}")
    for opens in (sqlite, open_for_reading):
        with pytest.raises(StoreError, match=r"written by a newer jph \(schema 3, this one knows 2\); update jph"):
            opens(path)


def test_a_database_of_another_program_is_refused_and_not_touched(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE letters (text)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="database of another program; name another path"):
        sqlite(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_not_touched(path: Path) -> None:
    path.write_text("shopping list: bread, milk\n" * 100)
    with pytest.raises(StoreError, match="not a database; name another path, or move the file away"):
        sqlite(path)
    assert path.read_text().startswith("shopping list")


@pytest.mark.parametrize("opens", [sqlite, open_for_reading])
def test_a_directory_is_no_file(tmp_path: Path, opens: Callable[[Path], object]) -> None:
    with pytest.raises(StoreError, match="is a directory; name a file in it") as caught:
        opens(tmp_path)
    assert caught.value.trouble is Trouble.STORE_AWAY


def test_a_file_in_the_place_of_a_directory_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"file: .*; name a path that the agent may use") as caught:
        sqlite(tmp_path / "file" / "history.db")
    assert caught.value.trouble is Trouble.STORE_AWAY


def test_a_damaged_file_is_said_with_the_way_out(path: Path) -> None:
    with closing(sqlite(path)) as store:
        write(store, *(reading(sequence) for sequence in range(2000)))
    damaged = bytearray(path.read_bytes())
    damaged[4096:] = b"\xff" * (len(damaged) - 4096)
    path.write_bytes(damaged)
    with closing(sqlite(path)) as store, pytest.raises(StoreError, match="malformed; move it away"):
        write(store, reading(5000))


def test_a_row_that_another_program_wrote_is_said(path: Path) -> None:
    with closing(sqlite(path)) as store:
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("INSERT INTO readings VALUES ('C1', 1, 1, 21.5, 'no JSON')")
        with pytest.raises(StoreError, match="a row that jph did not write"):
            store.history("C1", *EVER, MANY)


def test_a_locked_file_is_said_and_the_batch_can_be_written_later(path: Path, impatient: None) -> None:
    with closing(sqlite(path)) as store, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked; another program has locked it") as caught:
            write(store, reading(1))
        assert caught.value.trouble is Trouble.STORE_BUSY
        other.execute("ROLLBACK")
        assert write(store, reading(1)) == Written(stored=1)


def test_a_directory_without_rights_is_said(public_directory: Path) -> None:
    with (
        without_rights(public_directory),
        pytest.raises(StoreError, match="unable to open database file; give the user"),
    ):
        sqlite(public_directory / "history.db")


def test_a_file_without_rights_is_said(public_directory: Path) -> None:
    path = public_directory / "history.db"
    sqlite(path).close()
    with without_rights(public_directory), pytest.raises(StoreError, match=r"readonly database; give the user"):
        sqlite(path)


def test_a_history_can_be_read_where_nothing_may_be_written(public_directory: Path) -> None:
    path = public_directory / "history.db"
    with closing(sqlite(path)) as store:
        write(store, reading(1))
    with without_rights(public_directory), closing(open_for_reading(path)) as history:
        assert history.history("C1", *EVER, MANY) == [reading(1)]


def test_the_file_may_be_moved_away_while_the_sink_runs(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with closing(sqlite(path)) as store:
        write(store, reading(1))
        path.rename(path.with_name("old.db"))
        write(store, reading(2))
        assert everything(store) == [reading(2)]
    assert f"{path} was moved or deleted while it was written to" in caplog.text
    with closing(open_for_reading(path.with_name("old.db"))) as old:
        assert old.history("C1", *EVER, MANY) == [reading(1)]


def test_a_reader_sees_what_was_committed_while_the_sink_goes_on(path: Path) -> None:
    with closing(sqlite(path)) as store:
        write(store, reading(1))
        with closing(open_for_reading(path)) as history:
            assert history.history("C1", *EVER, MANY) == [reading(1)]
            write(store, reading(2))
            assert history.history("C1", *EVER, MANY) == [reading(1), reading(2)]


def test_another_process_reads_while_the_sink_writes(path: Path) -> None:
    script = """
import sys
from storage.sqlite import open_for_reading
history = open_for_reading(sys.argv[1])
for line in sys.stdin:
    print(len(history.history("C1", 0, 2**64 - 1, 10**6)), flush=True)
"""
    with (
        closing(sqlite(path)) as store,
        subprocess.Popen(
            [sys.executable, "-c", script, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as reader,
    ):
        assert reader.stdin is not None
        assert reader.stdout is not None
        for batch in range(5):
            write(store, *(reading(batch * 100 + sequence) for sequence in range(100)))
            print(file=reader.stdin, flush=True)
            assert int(reader.stdout.readline()) == (batch + 1) * 100


def test_a_reader_changes_nothing(path: Path) -> None:
    with closing(sqlite(path)) as store:
        write(store, reading(1))
    before = path.read_bytes()
    with closing(open_for_reading(path)) as history, pytest.raises(sqlite3.OperationalError, match="readonly"):
        history._connection.execute("DELETE FROM readings")
    assert path.read_bytes() == before


def test_a_history_that_is_not_there_is_said_and_not_made(path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no history in .*; a sink makes it"):
        open_for_reading(path)
    assert not path.exists()


def test_an_empty_file_is_no_history_yet(path: Path) -> None:
    path.touch()
    with pytest.raises(StoreError, match=r"no history in .* yet"):
        open_for_reading(path)


def test_what_the_configuration_calls_a_sensor_stands_beside_its_readings(path: Path) -> None:
    with closing(sqlite(path)) as store:
        write(store, reading(1), reading(1, codifier="X1"))
        store.describe([Description("C1", "cellar", "°C"), Description("F1", "attic", "°C")])
        store.describe([Description("C1", "kastpi CPU", "°C")])
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT codifier, name, unit FROM sensors ORDER BY codifier").fetchall()
    assert rows == [("C1", "kastpi CPU", "°C"), ("F1", None, None), ("X1", None, None)]


def test_rollups_are_there_for_other_programs_once_they_are_refreshed(path: Path) -> None:
    with closing(sqlite(path)) as store:
        write(store, reading(1, 20), reading(2, 30))
        store.refresh(10)
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT span_ms, end_ms, mean, count FROM buckets ORDER BY span_ms").fetchall()
    assert rows == [(600_000, NOON_MS + 600_000, 25, 2), (3_600_000, NOON_MS + 3_600_000, 25, 2)]


def test_a_reader_gets_rollups_that_the_sink_has_not_computed(path: Path) -> None:
    with closing(sqlite(path)) as store, closing(open_for_reading(path)) as history:
        write(store, reading(1, 20))
        assert [bucket.mean for bucket in history.rollups("C1", Span.HOUR, *EVER)] == [20]


def test_two_sinks_on_one_file_store_everything_once(path: Path) -> None:
    with closing(sqlite(path)) as one, closing(sqlite(path)) as other:
        for start in range(0, 100, 10):
            batch = [reading(sequence) for sequence in range(start, start + 10)]
            assert write(one, *batch[:8]) == Written(stored=8)
            assert write(other, *batch[4:]) == Written(stored=2, duplicates=4)
        assert write(one, reading(99, value=30)) == Written(conflicts=1)
        assert everything(other) == [reading(sequence) for sequence in range(100)]


def test_a_row_that_another_program_put_where_none_was_known_is_found(path: Path) -> None:
    with closing(sqlite(path)) as store:
        write(store, reading(1))
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("INSERT INTO readings VALUES ('C1', ?, 7, 30, NULL)", (reading(7).timestamp_ms,))
        assert write(store, reading(6), reading(7, value=30), reading(8)) == Written(stored=2, duplicates=1)
        assert [found.sequence for found in everything(store)] == [1, 6, 7, 8]


def test_readings_that_were_missing_are_stored_without_being_looked_for(path: Path) -> None:
    with closing(sqlite(path)) as store:
        missing = Progress("C1", 9, (Missing(3, 4, NOON_MS),))
        heard = [reading(sequence) for sequence in (1, 2, 7, 8, 9)]
        store.write(Batch(heard, [missing]), NOON_MS)
        looked_for: list[str] = []
        store._connection.set_trace_callback(looked_for.append)
        assert write(store, *(reading(sequence) for sequence in range(3, 7))) == Written(stored=4)
    assert not [statement for statement in looked_for if "SELECT" in statement and "FROM readings" in statement]


def test_an_empty_file_becomes_a_history(path: Path) -> None:
    path.touch()
    with closing(sqlite(path)) as store:
        assert write(store, reading(1)) == Written(stored=1)


WRITER = """
import sys
from protocol.readings import Reading
from storage.sqlite import Sqlite, SqliteOptions
from storage.store import Batch, Progress
store = Sqlite(SqliteOptions(path=sys.argv[1]))
sequence = 0
while True:
    readings = [Reading("C1", 1000 + n, n, n / 8) for n in range(sequence, sequence + 50)]
    store.write(Batch(readings, [Progress("C1", readings[-1].sequence)]), 0)
    sequence += 50
    print(sequence, flush=True)
"""


def test_a_writer_that_is_killed_loses_no_committed_batch(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        committed = [int(writer.stdout.readline()) for _ in range(40)][-1]
        os.kill(writer.pid, signal.SIGKILL)
        committed = max([committed, *(int(line) for line in writer.stdout if line.endswith("\n"))])
    with closing(sqlite(path)) as store:
        found = store.history("C1", *EVER, MANY)
        assert store.progress()["C1"].last == found[-1].sequence
        assert [account.stored for account in store.accounts(*EVER)] == [len(found)]
    assert len(found) >= committed
    assert len(found) % 50 == 0
    assert found == [Reading("C1", 1000 + n, n, n / 8) for n in range(len(found))]


OPENER = "import sys; from storage.sqlite import Sqlite, SqliteOptions; Sqlite(SqliteOptions(path=sys.argv[1])).close()"


def test_agents_that_begin_a_file_at_once_all_find_it_ready(path: Path) -> None:
    starting = [subprocess.Popen([sys.executable, "-c", OPENER, path]) for _ in range(4)]
    assert [process.wait() for process in starting] == [0, 0, 0, 0]
