"""Making the schema, bringing it up to date, looking at it, and its users."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from config.model import Configuration, Node, Sensor
from storage import postgres_schema
from storage.passwords import verify_password
from storage.postgres import Postgres
from storage.postgres_admin import Prepared, add_user, init, migrate, schema_sql
from storage.postgres_options import PostgresOptions
from storage.postgres_status import status
from storage.store import Batch, Description, StoreError, Written
from tests.storage.conformance import NOON_MS, reading
from tests.storage.postgres_server import PostgresServer

NOTHING_CONFIGURED = Configuration()
ONE_SENSOR = Configuration(nodes={"C1": Node(sensor=Sensor(codifier="C1"), driver="simulated")})
VIEWS = ("sensor_c1", "sensor_c1_10min", "sensor_c1_hour")


@pytest.fixture
def empty(postgres_server: PostgresServer) -> Iterator[str]:
    """Make a database without a schema."""
    name = postgres_server.new_database("template0")
    yield name
    postgres_server.drop_database(name)


@pytest.fixture
def options(postgres_server: PostgresServer, empty: str) -> PostgresOptions:
    return postgres_server.options(empty)


@pytest.fixture
def next_version(monkeypatch: pytest.MonkeyPatch) -> int:
    """Make this program know one version more."""
    known = postgres_schema.migrations()
    version = max(known) + 1
    known[version] = "ALTER TABLE jph.sensors ADD COLUMN place text; COMMENT ON COLUMN jph.sensors.place IS '100 %'"
    monkeypatch.setattr(postgres_schema, "migrations", lambda: known)
    return version


class TestInit:
    def test_it_makes_the_schema_and_the_views(self, options: PostgresOptions) -> None:
        assert init(options, ONE_SENSOR) == Prepared((1,), VIEWS, {})
        with closing(Postgres(options)) as store:
            assert store.write(Batch([reading(1)]), NOON_MS) == Written(stored=1)

    def test_a_second_time_does_nothing_new(self, options: PostgresOptions) -> None:
        init(options, ONE_SENSOR)
        with closing(Postgres(options)) as store:
            store.write(Batch([reading(1)]), NOON_MS)
            assert init(options, ONE_SENSOR) == Prepared((), VIEWS, {})
            assert store.codifiers() == ["C1"]

    @pytest.mark.usefixtures("next_version")
    def test_an_older_schema_is_left_to_migrate(self, postgres_server: PostgresServer, database: str) -> None:
        with pytest.raises(StoreError, match="has version 1, this jph needs 2; run `jph db migrate`"):
            init(postgres_server.options(database), NOTHING_CONFIGURED)

    def test_two_at_a_time_take_turns(self, options: PostgresOptions) -> None:
        found: list[object] = []

        def work() -> None:
            try:
                found.append(init(options, ONE_SENSOR).versions)
            except StoreError as error:
                found.append(error)

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(map(str, found)) == ["()", "()", "(1,)"]

    def test_a_mistake_on_the_way_leaves_nothing_behind(
        self, options: PostgresOptions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = postgres_schema.migrations() | {2: "CREATE TABLE jph.half (number integer); SELECT 1 / 0"}
        with monkeypatch.context() as patched:
            patched.setattr(postgres_schema, "migrations", lambda: broken)
            with pytest.raises(StoreError, match="division by zero"):
                init(options, NOTHING_CONFIGURED)
        assert status(options).schema == 0
        assert init(options, NOTHING_CONFIGURED).versions == (1,)

    def test_rights_that_lack_are_said(
        self, postgres_server: PostgresServer, empty: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PGPASSWORD", "open sesame")
        options = postgres_server.options(empty, user="app")
        with pytest.raises(StoreError, match="permission denied for database"):
            init(options, NOTHING_CONFIGURED)
        postgres_server.execute(f"GRANT CREATE ON DATABASE {empty} TO app")
        postgres_server.execute("REVOKE CREATE ON SCHEMA public FROM public", empty)
        with pytest.raises(StoreError, match="no views in the schema public; as its owner: GRANT CREATE ON SCHEMA"):
            init(options, ONE_SENSOR)
        assert init(options, NOTHING_CONFIGURED).versions == (1,)


class TestMigrate:
    def test_it_goes_through_what_is_missing_and_keeps_what_there_is(
        self, postgres_server: PostgresServer, postgres: Postgres, database: str, next_version: int
    ) -> None:
        postgres.write(Batch([reading(1)]), NOON_MS)
        options = postgres_server.options(database)
        assert migrate(options, ONE_SENSOR) == Prepared((next_version,), VIEWS, {})
        assert migrate(options, ONE_SENSOR) == Prepared((), VIEWS, {})
        with closing(Postgres(options)) as store:
            assert store.codifiers() == ["C1"]

    def test_a_missing_schema_is_said(self, options: PostgresOptions) -> None:
        with pytest.raises(StoreError, match="has no schema jph; make it with `jph db init`"):
            migrate(options, NOTHING_CONFIGURED)

    def test_a_newer_schema_is_left_alone(self, postgres_server: PostgresServer, database: str) -> None:
        postgres_server.execute("INSERT INTO jph.schema_version VALUES (99)", database)
        with pytest.raises(StoreError, match="newer jph"):
            migrate(postgres_server.options(database), NOTHING_CONFIGURED)


class TestTheSchemaAsText:
    def test_psql_takes_it_and_jph_works_with_it(self, postgres_server: PostgresServer, empty: str) -> None:
        nodes = {name: Node(sensor=Sensor(codifier=name), driver="simulated") for name in ("C1", '"x', "';", "%s")}
        postgres_server.psql(empty, schema_sql(Configuration(nodes=nodes)))
        options = postgres_server.options(empty)
        assert status(options).schema == 1
        assert len(init(options, ONE_SENSOR).made) == 3
        with closing(Postgres(options)) as store:
            assert store.write(Batch([reading(1)]), NOON_MS) == Written(stored=1)
        assert postgres_server.execute("SELECT value FROM sensor_c1", empty) == [(21.5,)]

    def test_it_is_one_transaction(self, postgres_server: PostgresServer, empty: str) -> None:
        text = schema_sql()
        with pytest.raises(subprocess.CalledProcessError):
            postgres_server.psql(empty, text.replace("COMMIT;", "SELECT 1 / 0;\nCOMMIT;"))
        assert status(postgres_server.options(empty)).schema == 0

    def test_a_hypertable_is_made_in_place_of_the_partitions(self) -> None:
        assert "create_hypertable" not in schema_sql()
        assert "create_hypertable('jph.readings'" in schema_sql(is_hypertable=True)


class TestStatus:
    def test_it_tells_what_there_is(self, postgres_server: PostgresServer, postgres: Postgres, database: str) -> None:
        postgres.describe([Description("C1", "kastpi CPU", "°C")])
        postgres.write(Batch([reading(1), reading(2), reading(2, 7), reading(3, float("nan"))]), NOON_MS)
        postgres_server.execute("ANALYZE jph.readings", database)
        found = status(postgres_server.options(database))
        assert (found.database, found.schema, found.newest_schema) == (database, 1, 1)
        assert found.server.partition(".")[0].isdecimal()
        assert [partition.name for partition in found.partitions] == ["readings_2026_11", "readings_default"]
        assert found.readings == 2
        assert found.size_bytes > 1_000_000
        assert found.contents == (1, 2, NOON_MS + 600_000, 1, 1, 0, None)

    def test_a_database_without_the_schema_is_no_error(self, options: PostgresOptions, empty: str) -> None:
        found = status(options)
        assert (found.database, found.schema, found.contents, found.readings) == (empty, 0, None, 0)

    def test_a_newer_schema_is_no_error(self, postgres_server: PostgresServer, database: str) -> None:
        postgres_server.execute("INSERT INTO jph.schema_version VALUES (99)", database)
        found = status(postgres_server.options(database))
        assert (found.schema, found.newest_schema, found.contents) == (99, 1, None)

    def test_what_was_dropped_is_told(self, postgres_server: PostgresServer, database: str) -> None:
        options = postgres_server.options(database, retention_s=86_400.0)
        with closing(Postgres(options)) as store:
            store.maintain(NOON_MS)
        contents = status(options).contents
        assert contents is not None
        assert contents.dropped_until_ms == 1_793_491_200_000  # 2026-11-01


class TestUsers:
    @pytest.fixture
    def ready(self, postgres_server: PostgresServer, database: str) -> PostgresOptions:
        return postgres_server.options(database)

    def test_only_a_hash_of_the_password_is_kept(
        self, postgres_server: PostgresServer, database: str, ready: PostgresOptions
    ) -> None:
        add_user(ready, "ann@example.org", "correct horse")
        ((email, stored),) = postgres_server.execute("SELECT email, password FROM jph.users", database)
        assert email == "ann@example.org"
        assert "correct" not in stored
        assert verify_password("correct horse", stored)

    def test_a_user_is_added_once(self, ready: PostgresOptions) -> None:
        add_user(ready, "ann@example.org", "correct horse")
        with pytest.raises(StoreError, match=r"there is a user ann@example\.org already; .*--change"):
            add_user(ready, "ann@example.org", "battery staple")

    def test_a_password_can_be_changed(
        self, postgres_server: PostgresServer, database: str, ready: PostgresOptions
    ) -> None:
        add_user(ready, "ann@example.org", "correct horse")
        add_user(ready, "ann@example.org", "battery staple", is_change=True)
        ((stored,),) = postgres_server.execute("SELECT password FROM jph.users", database)
        assert verify_password("battery staple", stored)

    def test_nobody_has_no_password_to_change(self, ready: PostgresOptions) -> None:
        with pytest.raises(StoreError, match=r"there is no user ann@example\.org; .*user list"):
            add_user(ready, "ann@example.org", "battery staple", is_change=True)

    @pytest.mark.parametrize("email", ["", "ann", "@", "a@\n", "a@\0b", "x" * 120 + "@example.org"])
    def test_what_is_no_address_is_refused(self, ready: PostgresOptions, email: str) -> None:
        with pytest.raises(StoreError, match="is no e-mail address"):
            add_user(ready, email, "correct horse")

    def test_a_short_password_is_refused_and_not_repeated(self, ready: PostgresOptions) -> None:
        with pytest.raises(StoreError, match="fewer than 8 characters") as caught:
            add_user(ready, "ann@example.org", "s3cret")
        assert "s3cret" not in str(caught.value)

    def test_a_password_with_nul_is_refused_and_not_repeated(self, ready: PostgresOptions) -> None:
        with pytest.raises(StoreError, match="the character NUL; choose one without it") as caught:
            add_user(ready, "ann@example.org", "correct horse\0")
        assert "horse" not in str(caught.value)

    def test_a_missing_schema_is_said(self, options: PostgresOptions) -> None:
        with pytest.raises(StoreError, match="jph db init"):
            add_user(options, "ann@example.org", "correct horse")


def test_sensors_are_described_and_forgotten(
    postgres_server: PostgresServer, postgres: Postgres, database: str
) -> None:
    select = "SELECT codifier, name, unit, is_configured FROM jph.sensors ORDER BY codifier"
    postgres.write(Batch([reading(1, codifier="X1")]), NOON_MS)
    postgres.describe([Description("C1", "CPU", "°C"), Description("C2", "", "")])
    assert postgres_server.execute(select, database) == [
        ("C1", "CPU", "°C", True),
        ("C2", "", "", True),
        ("X1", None, None, False),
    ]
    postgres.describe([Description("C1", "processor", "°C")])
    assert postgres_server.execute(select, database)[:2] == [("C1", "processor", "°C", True), ("C2", None, None, False)]
