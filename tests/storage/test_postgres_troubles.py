"""What goes wrong with a database server: each is said with its way out, and nothing is lost or stored twice."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from protocol.accounts import Account
from protocol.repair import Missing, Progress
from protocol.troubles import Trouble
from storage import postgres_link
from storage.postgres import Postgres, PostgresHistory
from storage.postgres_options import PostgresOptions
from storage.store import Batch, StoreError, Written
from tests.storage.conformance import EVER, NOON_MS, everything, reading
from tests.storage.lost_answers import Losing, LostAnswers
from tests.storage.postgres_server import NOBODY, PostgresServer

PORT_SOCKET = ".s.PGSQL.5432"


def batch(first: int, count: int = 10) -> Batch:
    """Make a batch as a sink does: readings with their account, and how far the sensor was followed."""
    readings = [reading(sequence) for sequence in range(first, first + count)]
    progress = Progress("C1", first + count - 1, (Missing(first, 1, NOON_MS),))
    return Batch(readings, (progress,), (Account("C1", NOON_MS, sent=count, heard=count),))


def total(store: PostgresHistory) -> Account:
    (account,) = store.accounts(*EVER)
    return account


class TestAServerThatEnds:
    @pytest.mark.parametrize("how", ["kill", "stop"])
    def test_the_next_batch_is_written_by_a_new_connection(
        self, postgres_server: PostgresServer, postgres: Postgres, how: str
    ) -> None:
        postgres.write(batch(0), NOON_MS)
        getattr(postgres_server, how)()
        for _ in range(3):
            with pytest.raises(StoreError, match=r"see that the server runs|wait until it runs"):
                postgres.write(batch(10), NOON_MS)
        postgres_server.start()
        assert postgres.write(batch(10), NOON_MS) == Written(stored=10)
        assert len(everything(postgres)) == 20
        assert total(postgres) == Account("C1", NOON_MS, sent=20, heard=20, stored=20)

    def test_a_restart_between_two_batches_costs_one_attempt(
        self, postgres_server: PostgresServer, postgres: Postgres
    ) -> None:
        postgres.write(batch(0), NOON_MS)
        postgres_server.restart()
        with pytest.raises(StoreError):
            postgres.write(batch(10), NOON_MS)
        assert postgres.write(batch(10), NOON_MS) == Written(stored=10)

    def test_a_connection_that_somebody_ended_is_replaced(
        self, postgres_server: PostgresServer, postgres: Postgres, database: str
    ) -> None:
        postgres.write(batch(0), NOON_MS)
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid() AND datname = "
        postgres_server.execute(f"{end}'{database}'")
        with pytest.raises(StoreError, match="wait until it runs"):
            postgres.progress()
        assert postgres.progress()["C1"].last == 9

    def test_a_server_that_is_not_there_is_said_at_the_beginning(self, tmp_path: Path) -> None:
        options = PostgresOptions(host=str(tmp_path), database="sensors", user="jph")
        with pytest.raises(StoreError, match=rf"PostgreSQL sensors on {tmp_path}: .* see that the server runs"):
            Postgres(options)

    def test_a_server_that_does_not_answer_is_given_up(self) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as silent:
            options = PostgresOptions(host="127.0.0.1", port=silent.getsockname()[1], connect_timeout_s=1)
            with pytest.raises(StoreError, match="timeout expired; see that the server runs"):
                Postgres(options)


class TestALostAnswer:
    @pytest.fixture
    def lossy(self, postgres_server: PostgresServer) -> Iterator[LostAnswers]:
        with (
            tempfile.TemporaryDirectory(prefix="jph-") as directory,  # a socket's path has at most 107 characters
            LostAnswers(Path(directory), postgres_server.socket_directory / PORT_SOCKET) as lossy,
        ):
            yield lossy

    @pytest.fixture
    def store(self, lossy: LostAnswers, postgres_server: PostgresServer, database: str) -> Iterator[Postgres]:
        store = Postgres(postgres_server.options(database, host=str(lossy.directory)))
        store.maintain(NOON_MS)  # makes the partitions, so that the only commits are those of batches
        yield store
        store.close()

    @pytest.mark.parametrize("losing", [Losing.COMMIT, Losing.ANSWER])
    def test_the_batch_is_kept_and_booked_once(self, store: Postgres, lossy: LostAnswers, losing: Losing) -> None:
        store.write(batch(0), NOON_MS)
        lossy.losing = losing
        with pytest.raises(StoreError, match="see that the server runs"):
            store.write(batch(10), NOON_MS)
        lossy.losing = Losing.NOTHING
        assert store.write(batch(10), NOON_MS) == Written(stored=10)
        assert len(everything(store)) == 20
        assert total(store) == Account("C1", NOON_MS, sent=20, heard=20, stored=20)
        assert store.progress() == {"C1": Progress("C1", 19, (Missing(10, 1, NOON_MS),))}

    def test_answers_may_get_lost_again_and_again(self, store: Postgres, lossy: LostAnswers) -> None:
        lossy.losing = Losing.ANSWER
        for _ in range(3):
            with pytest.raises(StoreError):
                store.write(batch(0), NOON_MS)
        lossy.losing = Losing.NOTHING
        assert store.write(batch(0), NOON_MS) == Written(stored=10)
        assert total(store) == Account("C1", NOON_MS, sent=10, heard=10, stored=10)

    def test_the_same_batch_may_be_written_a_second_time_on_purpose(self, store: Postgres) -> None:
        store.write(batch(0), NOON_MS)
        assert store.write(batch(0), NOON_MS) == Written(duplicates=10)

    def test_another_batch_after_a_lost_answer_is_another_batch(self, store: Postgres, lossy: LostAnswers) -> None:
        lossy.losing = Losing.ANSWER
        with pytest.raises(StoreError):
            store.write(batch(0), NOON_MS)
        lossy.losing = Losing.NOTHING
        assert store.write(batch(100), NOON_MS) == Written(stored=10)
        assert len(everything(store)) == 20


class TestPasswords:
    SECRET = "open sesame"  # noqa: S105 - of a server that lives as long as its tests

    @pytest.fixture
    def password_file(self, tmp_path: Path) -> Path:
        path = tmp_path / "password"
        path.touch(0o600)
        path.write_text(f"{self.SECRET}\n")
        return path

    @pytest.fixture
    def granted(self, postgres_server: PostgresServer, database: str) -> str:
        for kind in ("SCHEMA jph", "ALL TABLES IN SCHEMA jph"):
            postgres_server.execute(f"GRANT ALL ON {kind} TO app", database)
        return database

    def test_the_password_is_read_from_its_file(
        self, postgres_server: PostgresServer, granted: str, password_file: Path
    ) -> None:
        options = postgres_server.options(granted, user="app", password_file=str(password_file))
        with closing(Postgres(options)) as store:
            assert store.write(batch(0), NOON_MS) == Written(stored=10)

    def test_a_changed_password_needs_no_restart(
        self, postgres_server: PostgresServer, granted: str, password_file: Path
    ) -> None:
        options = postgres_server.options(granted, user="app", password_file=str(password_file))
        with closing(Postgres(options)) as store:
            postgres_server.restart()
            password_file.write_text("wrong")
            with pytest.raises(StoreError):
                store.progress()
            with pytest.raises(StoreError, match="password authentication failed"):
                store.progress()
            password_file.write_text(self.SECRET)
            assert store.progress() == {}

    def test_the_environment_may_have_it(
        self, postgres_server: PostgresServer, granted: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGPASSWORD", self.SECRET)
        Postgres(postgres_server.options(granted, user="app")).close()

    def test_a_password_file_of_libpq_may_have_it(
        self, postgres_server: PostgresServer, granted: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        path = tmp_path / "pgpass"
        path.touch(0o600)
        path.write_text(f"*:*:*:app:{self.SECRET}\n")
        monkeypatch.setenv("PGPASSFILE", str(path))
        Postgres(postgres_server.options(granted, user="app")).close()

    def test_a_wrong_password_is_said_and_not_shown(
        self, postgres_server: PostgresServer, database: str, password_file: Path
    ) -> None:
        password_file.write_text("tops3cret")
        options = postgres_server.options(database, user="app", password_file=str(password_file))
        with pytest.raises(
            StoreError, match=r"password authentication failed .*; see `user`, `password_file`"
        ) as caught:
            Postgres(options)
        assert "tops3cret" not in f"{options!r} {caught.value!r} {caught.value.__cause__!r}"

    def test_no_password_is_said(
        self, postgres_server: PostgresServer, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", "/nonexistent")
        with pytest.raises(StoreError, match="no password supplied; name a `password_file`"):
            Postgres(postgres_server.options(database, user="app"))

    def test_the_password_of_an_open_store_is_nowhere_to_be_seen(
        self, postgres_server: PostgresServer, granted: str, password_file: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        options = postgres_server.options(granted, user="app", password_file=str(password_file))
        with closing(Postgres(options)) as store:
            store.write(batch(0), NOON_MS)
            processes = subprocess.run(["ps", "axww", "-o", "args"], check=True, capture_output=True, text=True).stdout
            connection = store._link._connection
            assert connection is not None
            shown = f"{options!r} {store!r} {vars(store._link)} {connection.info.dsn} {processes} {caplog.text}"
        assert self.SECRET not in shown


class TestADatabaseThatIsNotAsItShouldBe:
    def test_a_missing_database_is_said(self, postgres_server: PostgresServer) -> None:
        with pytest.raises(StoreError, match='"nowhere" does not exist; make the database: createdb'):
            Postgres(postgres_server.options("nowhere"))

    def test_a_missing_user_is_said(self, postgres_server: PostgresServer, database: str) -> None:
        with pytest.raises(StoreError, match='role "nobody" does not exist; make the user'):
            Postgres(postgres_server.options(database, user="nobody"))

    def test_a_missing_schema_is_said(self, postgres_server: PostgresServer) -> None:
        empty = postgres_server.new_database("template0")
        with pytest.raises(StoreError, match=r"has no schema jph; make it with `jph db init`") as caught:
            Postgres(postgres_server.options(empty))
        assert caught.value.trouble is Trouble.STORE_NOT_READY
        postgres_server.drop_database(empty)

    def test_a_schema_of_another_program_is_said(self, postgres_server: PostgresServer) -> None:
        other = postgres_server.new_database("template0")
        postgres_server.execute("CREATE SCHEMA jph", other)
        with pytest.raises(StoreError, match=r"is another program's; name another database"):
            Postgres(postgres_server.options(other))
        postgres_server.drop_database(other)

    @pytest.mark.parametrize(
        ("version", "message"),
        [(99, r"made by a newer jph \(version 99, .*\); update jph"), (-1, "run `jph db migrate`")],
    )
    def test_a_schema_of_another_version_is_said(
        self, postgres_server: PostgresServer, database: str, version: int, message: str
    ) -> None:
        with postgres_server.connect(database) as other:
            other.execute("UPDATE jph.schema_version SET version = %s", (version,))
        for opened in (Postgres, PostgresHistory):
            with pytest.raises(StoreError, match=message):
                opened(postgres_server.options(database))

    def test_a_schema_that_is_upgraded_while_a_sink_runs_is_noticed_at_the_next_connection(
        self, postgres_server: PostgresServer, postgres: Postgres, database: str
    ) -> None:
        postgres_server.execute("UPDATE jph.schema_version SET version = 99", database)
        postgres_server.restart()
        with pytest.raises(StoreError):
            postgres.write(batch(0), NOON_MS)
        with pytest.raises(StoreError, match="newer jph"):
            postgres.write(batch(0), NOON_MS)

    def test_a_schema_that_is_gone_is_said(
        self, postgres_server: PostgresServer, postgres: Postgres, database: str
    ) -> None:
        postgres_server.execute("DROP SCHEMA jph CASCADE", database)
        with pytest.raises(StoreError, match=r"does not exist; make the schema with `jph db init`"):
            postgres.write(batch(0), NOON_MS)

    def test_missing_rights_are_said(
        self, postgres_server: PostgresServer, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGPASSWORD", "open sesame")
        with pytest.raises(StoreError, match=r"permission denied .*; make this user the owner"):
            Postgres(postgres_server.options(database, user="app"))

    def test_a_database_that_takes_no_changes_is_said(
        self, postgres_server: PostgresServer, postgres: Postgres, database: str
    ) -> None:
        postgres_server.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
        postgres_server.restart()
        with pytest.raises(StoreError):
            postgres.progress()
        assert postgres.codifiers() == []
        with pytest.raises(StoreError, match="read-only transaction; the server takes no changes"):
            postgres.write(batch(0), NOON_MS)
        postgres_server.execute(f"ALTER DATABASE {database} RESET default_transaction_read_only")
        assert postgres.write(batch(0), NOON_MS) == Written(stored=10)

    def test_a_store_that_is_closed_stays_closed(self, postgres: Postgres) -> None:
        postgres.close()
        with pytest.raises(StoreError, match="closed"):
            postgres.write(batch(0), NOON_MS)


class TestLocksAndTimeouts:
    def test_a_lock_that_another_program_holds_is_said(
        self, postgres_server: PostgresServer, database: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres_link, "LOCK_TIMEOUT_MS", 10)
        with closing(Postgres(postgres_server.options(database))) as store, postgres_server.connect(database) as other:
            store.write(batch(0), NOON_MS)
            other.execute("BEGIN; LOCK TABLE jph.accounts")
            with pytest.raises(StoreError, match="lock timeout; another program holds a lock") as caught:
                store.write(batch(10), NOON_MS)
            assert caught.value.trouble is Trouble.STORE_BUSY
            other.execute("ROLLBACK")
            assert store.write(batch(10), NOON_MS) == Written(stored=10)

    def test_a_statement_that_takes_too_long_is_said(self, postgres_server: PostgresServer, database: str) -> None:
        options = postgres_server.options(database, statement_timeout_s=0.05)
        with closing(Postgres(options)) as store, postgres_server.connect(database) as other:
            other.execute("BEGIN; LOCK TABLE jph.accounts")
            with pytest.raises(StoreError, match="statement timeout; the server was too slow"):
                store.accounts(*EVER)
            other.execute("ROLLBACK")

    def test_two_sinks_of_one_database_store_every_reading_once(
        self, postgres_server: PostgresServer, database: str
    ) -> None:
        batches = [batch(first) for first in range(0, 200, 10)]
        stored: list[int] = []
        troubles: list[str] = []

        def sink() -> None:
            with closing(Postgres(postgres_server.options(database))) as store:
                for each in batches:
                    try:
                        stored.append(store.write(each, NOON_MS).stored)
                    except StoreError as error:
                        troubles.append(str(error))

        sinks = [threading.Thread(target=sink) for _ in range(3)]
        for thread in sinks:
            thread.start()
        for thread in sinks:
            thread.join()
        assert troubles == []
        assert sum(stored) == 200
        assert postgres_server.execute("SELECT count(*) FROM jph.readings", database) == [(200,)]

    def test_a_large_batch_comes_through_beside_a_sink_that_stores_the_same_in_small_ones(
        self, postgres_server: PostgresServer, database: str
    ) -> None:
        large = Batch([reading(sequence) for sequence in range(4_000)])
        with closing(Postgres(postgres_server.options(database))) as store, ThreadPoolExecutor() as threads:

            def sink() -> int:
                with closing(Postgres(postgres_server.options(database))) as other:
                    return sum(other.write(batch(first), NOON_MS).stored for first in reversed(range(0, 4_000, 10)))

            small = threads.submit(sink)
            stored = store.write(large, NOON_MS).stored
            assert stored + small.result() == 4_000


class TestAFullDisk:
    @pytest.fixture
    def small(self, postgres_server: PostgresServer) -> Iterator[str]:
        """Make a database on a disk of 12 MB."""
        directory = tempfile.mkdtemp(prefix="jph-small-")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", directory], check=True)
        os.chown(directory, NOBODY, NOBODY)
        postgres_server.execute(f"CREATE TABLESPACE small LOCATION '{directory}'")
        name = postgres_server.new_database(more="TABLESPACE small")
        yield name
        postgres_server.drop_database(name)
        postgres_server.execute("DROP TABLESPACE small")
        subprocess.run(["umount", directory], check=True)
        Path(directory).rmdir()

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a small disk")
    def test_it_keeps_nothing_of_the_batch_and_all_of_those_before(
        self, postgres_server: PostgresServer, small: str
    ) -> None:
        large = Batch([reading(sequence, "x" * 1000) for sequence in range(100, 9000)])
        with closing(Postgres(postgres_server.options(small))) as store:
            store.write(batch(0), NOON_MS)
            with pytest.raises(StoreError, match=r"No space left on device; make room on the server's disk"):
                store.write(large, NOON_MS)
            assert len(everything(store)) == 10
            assert total(store) == Account("C1", NOON_MS, sent=10, heard=10, stored=10)


WRITER = """
import sys
from protocol.accounts import Account
from protocol.readings import Reading
from protocol.repair import Progress
from storage.postgres import Postgres
from storage.postgres_options import PostgresOptions
from storage.store import Batch
store = Postgres(PostgresOptions(host=sys.argv[1], database=sys.argv[2], user="postgres"))
first = 0
while True:
    readings = [Reading("C1", 1795348800000 + n, n, n / 8) for n in range(first, first + 50)]
    first += 50
    account = Account("C1", 1795348800000, sent=50, heard=50)
    store.write(Batch(readings, [Progress("C1", first - 1)], [account]), 1795348800000)
    print(first, flush=True)
"""


def test_a_sink_that_is_killed_leaves_readings_cursor_and_accounts_of_the_same_batches(
    postgres_server: PostgresServer, postgres: Postgres, database: str
) -> None:
    command = [sys.executable, "-c", WRITER, str(postgres_server.socket_directory), database]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        committed = [int(writer.stdout.readline()) for _ in range(20)][-1]
        writer.kill()
        committed = max([committed, *(int(line) for line in writer.stdout if line.endswith("\n"))])
    with postgres_server.connect(database) as other, other.transaction():
        other.execute("LOCK TABLE jph.writers IN EXCLUSIVE MODE")  # which the server gives once it noticed
    stored = len(everything(postgres))
    assert stored >= committed
    assert postgres.progress() == {"C1": Progress("C1", stored - 1)}
    assert total(postgres) == Account("C1", NOON_MS, sent=stored, heard=stored, stored=stored)
