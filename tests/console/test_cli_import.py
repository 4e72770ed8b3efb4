"""`jph import`: files, and the original system's tables, into the stores of a configuration."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from console.formats.registry import FORMATS
from protocol.readings import Reading
from storage.postgres import Postgres
from storage.sqlite import Sqlite, SqliteOptions, open_for_reading
from tests.console.calling import Ended, Shell, command
from tests.storage.postgres_server import OWNER, PostgresServer
from tests.storage.redis_server import RedisServer

NOON_MS = 1_785_240_000_000
READINGS = [
    Reading("C1", NOON_MS, 1, 21.5),
    Reading("C1", NOON_MS + 1000, 2, 22, {"volts": 3.3}),
    Reading("F1", NOON_MS, 7, "on\x1b"),
]
EVER = (0, 2**62)


@pytest.fixture
def files(shell: Shell) -> dict[str, str]:
    """Give an export in each format, by format."""
    for name, form in FORMATS.items():
        with (shell.home / f"all.{name}").open("wb") as file:
            writer = form.writer(file)
            writer.write(READINGS)
            writer.close()
    return {name: f"all.{name}" for name in FORMATS}


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[str]:
    """Make a database with the schema in it."""
    name = postgres_server.new_database()
    yield name
    postgres_server.drop_database(name)


def configured(shell: Shell, **nodes: dict[str, Any]) -> str:
    """Write a configuration with some nodes and return the option that names it."""
    path = shell.home / "jph.yaml"
    path.write_text(yaml.safe_dump({"nodes": nodes}), "utf-8")
    return f"--config={path}"


def postgres_node(server: PostgresServer, database: str) -> dict[str, Any]:
    return {
        "driver": "postgres",
        "options": {"host": str(server.socket_directory), "database": database, "user": OWNER},
    }


def sqlite_node(path: Path, **more: str) -> dict[str, Any]:
    return {"driver": "sqlite", "options": {"path": str(path), **more}}


def held(path: Path) -> list[Reading]:
    with closing(open_for_reading(path)) as history:
        return [one for codifier in history.codifiers() for one in history.history(codifier, *EVER, 1000)]


def counts(ended: Ended) -> list[tuple[int, ...]]:
    """Return readings, new, known, conflicts, refused and bad of each source."""
    keys = ("readings", "new", "known", "conflicts", "rejected", "bad")
    return [tuple(document[key] for key in keys) for document in ended.documents]


@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet"])
def test_an_export_is_imported_once_however_often_it_is_done(shell: Shell, files: dict[str, str], name: str) -> None:
    first = shell.jph("import", files[name], "--database", "new.db")
    second = shell.jph("import", files[name], "--database", "new.db")
    assert (first.code, first.out) == (0, f"all.{name}: 3 readings, 3 new, 0 known\n")
    assert (second.code, second.out) == (0, f"all.{name}: 3 readings, 0 new, 3 known\n")
    assert held(shell.home / "new.db") == READINGS


def test_many_files_are_told_one_by_one(shell: Shell, files: dict[str, str]) -> None:
    ended = shell.jph("import", *files.values(), "--database", "new.db", "--json")
    assert ended.code == 0
    assert [document["source"] for document in ended.documents] == list(files.values())
    assert counts(ended) == [(3, 3, 0, 0, 0, 0), (3, 0, 3, 0, 0, 0), (3, 0, 3, 0, 0, 0)]


def test_bad_lines_are_told_and_the_others_are_stored(shell: Shell) -> None:
    (shell.home / "a.csv").write_text(f"time,codifier,value\n{NOON_MS},C1,1\nsoon,C1,2\n{NOON_MS},\x1b,3\n", "ascii")
    ended = shell.jph("import", "a.csv", "--database", "new.db")
    assert (ended.code, ended.out) == (1, "a.csv: 1 reading, 1 new, 0 known, 2 bad lines\n")
    assert "jph: a.csv:3: 'soon' is no time: neither ISO 8601 nor whole milliseconds\n" in ended.err
    assert r"jph: a.csv:4: '\x1b' is no codifier" in ended.err
    assert [one.value for one in held(shell.home / "new.db")] == [1]


def test_what_contradicts_the_store_is_a_failure_and_changes_nothing(shell: Shell, files: dict[str, str]) -> None:
    shell.jph("import", files["csv"], "--database", "new.db")
    text = (shell.home / files["csv"]).read_text("utf-8").replace(",21.5,", ",21.6,")
    (shell.home / "other.csv").write_text(text, "utf-8")
    ended = shell.jph("import", "other.csv", "--database", "new.db")
    assert (ended.code, ended.out) == (1, "other.csv: 3 readings, 0 new, 2 known, 1 in conflict\n")
    assert held(shell.home / "new.db") == READINGS


def test_a_dry_run_needs_no_store_and_makes_none(shell: Shell, files: dict[str, str]) -> None:
    before = set(shell.home.iterdir())
    ended = shell.jph("import", files["parquet"], "--dry-run")
    assert (ended.code, ended.out) == (0, "all.parquet: 3 readings, nothing was stored\n")
    assert {path for path in shell.home.iterdir() if path.name != "state"} <= before
    (shell.home / "bad.jsonl").write_text("{}\n", "ascii")
    assert shell.jph("import", "bad.jsonl", "--dry-run").code == 1


def test_csv_of_another_program(shell: Shell) -> None:
    (shell.home / "cellar.csv").write_text("when;°C\n2026-07-28T12:00:00Z;21,5\n2026-07-28T12:01:00Z;21\n", "utf-8")
    columns = ("--codifier", "F1", "--time-column", "when", "--value-column", "°C")
    ended = shell.jph("import", "cellar.csv", *columns, "--database", "new.db")
    assert ended.code == 0
    assert held(shell.home / "new.db") == [
        Reading("F1", NOON_MS, NOON_MS % 2**31, 21.5),
        Reading("F1", NOON_MS + 60_000, (NOON_MS + 60_000) % 2**31, 21),
    ]


def test_a_time_can_be_chosen(shell: Shell, files: dict[str, str]) -> None:
    bounds = ("--since", "2026-07-28T12:00:01Z", "--until", "2026-07-29")
    ended = shell.jph("import", files["csv"], *bounds, "--database", "new.db")
    assert (ended.code, ended.out) == (0, "all.csv: 1 reading, 1 new, 0 known\n")
    assert held(shell.home / "new.db") == READINGS[1:2]


def test_standard_input_is_read(shell: Shell, files: dict[str, str]) -> None:
    called = command("import", "-", "--format", "jsonl", "--database", "new.db", "-q")
    content = (shell.home / files["jsonl"]).read_bytes()
    ended = subprocess.run(
        called, cwd=shell.home, env=shell.environment, input=content, capture_output=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"-: 3 readings, 3 new, 0 known\n", b"")


def test_into_the_store_of_a_node(
    shell: Shell, files: dict[str, str], postgres_server: PostgresServer, database: str
) -> None:
    config = configured(shell, Q1=sqlite_node(shell.home / "q1.db"), Q2=postgres_node(postgres_server, database))
    ended = shell.jph("import", files["csv"], "--node", "Q2", config)
    assert ended.code == 0
    assert "into Q2 (postgres)" in ended.err
    documents = shell.jph("export", "--node", "Q2", "--format", "jsonl", config).out
    assert documents == (shell.home / files["jsonl"]).read_text("utf-8")
    assert not (shell.home / "q1.db").exists()


def test_into_redis_with_a_stream(shell: Shell, files: dict[str, str], redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.flushall()
    config = configured(
        shell, R1={"driver": "redis", "options": {"url": f"unix://{redis_server.socket}", "stream": 1000}}
    )
    assert shell.jph("import", files["csv"], config).code == 0
    assert shell.jph("export", "--format", "jsonl", config).out == (shell.home / files["jsonl"]).read_text("utf-8")


def test_when_several_stores_can_be_meant_none_is_guessed(
    shell: Shell, files: dict[str, str], postgres_server: PostgresServer, database: str
) -> None:
    nodes = {"Q1": sqlite_node(shell.home / "q1.db"), "Q2": postgres_node(postgres_server, database)}
    with closing(Sqlite(SqliteOptions(path=str(shell.home / "q1.db")))):
        pass
    ended = shell.jph("import", files["csv"], configured(shell, **nodes))
    assert ended.code == 1
    assert "several stores can be meant: Q1 (sqlite), Q2 (postgres)" in ended.err
    assert "--node" in ended.err


def test_a_file_of_another_computer_is_made_only_when_its_node_is_named(shell: Shell, files: dict[str, str]) -> None:
    config = configured(shell, Q1=sqlite_node(shell.home / "q1.db"))
    ended = shell.jph("import", files["csv"], config)
    assert ended.code == 1
    assert "the file of Q1 (sqlite) is not on this computer" in ended.err
    assert shell.jph("import", files["csv"], "--node", "Q1", config).code == 0
    assert held(shell.home / "q1.db") == READINGS


def test_what_the_store_will_drop_again_is_said(shell: Shell) -> None:
    (shell.home / "old.csv").write_text("time,codifier,value\n5,C1,1\n", "ascii")
    config = configured(shell, Q1=sqlite_node(shell.home / "q1.db", retention="90d"))
    ended = shell.jph("import", "old.csv", "--node", "Q1", config)
    assert ended.code == 0
    assert "what is older than its `retention` of 90 days is dropped again by its sink" in ended.err


@pytest.mark.parametrize(
    ("arguments", "code", "advice"),
    [
        ([], 2, "name a file"),
        (["none.csv"], 1, "No such file"),
        (["a.txt"], 1, "say --format csv|jsonl|parquet"),
        (["empty.parquet"], 1, "empty.parquet: no Parquet of jph"),
        (["empty.parquet"], 1, "only what `jph export` wrote"),
        (["odd.csv"], 1, "odd.csv: there is no column 'value'"),
        (["odd.csv"], 1, "--value-column"),
        (["odd.csv", "--from", "Q1"], 2, "--original"),
        (["odd.jsonl", "--codifier", "C1"], 2, "only CSV"),
        (["-", "--format", "parquet"], 2, "standard input"),
        (["."], 1, "--format"),
        ([".", "--format", "csv"], 1, "Is a directory"),
        (["--original", "C1"], 2, "--from"),
        (["--original", "c1.csv", "--from", "Q1"], 2, "no codifier"),
        (["--original", "C1", "--from", "Q9"], 1, "Q9 is no node with `driver: postgres`"),
        (["--original", "C1", "--from", "postgresql://jph:secret@db/sensors"], 1, "password_file"),
        (["odd.csv", "--node", "Q1"], 2, "--database names another place"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_to_do(
    shell: Shell, arguments: Sequence[str], code: int, advice: str
) -> None:
    (shell.home / "odd.csv").write_text("time,codifier,temperature\n", "ascii")
    (shell.home / "odd.jsonl").write_text("", "ascii")
    (shell.home / "empty.parquet").write_bytes(b"")
    ended = shell.jph("import", *arguments, "--database", "new.db")
    assert (ended.code, ended.out) == (code, "")
    assert advice in ended.err
    assert "secret" not in ended.err
    assert "Traceback" not in ended.err


def test_without_a_configuration_a_store_is_asked_for(shell: Shell, files: dict[str, str]) -> None:
    ended = shell.jph("import", files["csv"])
    assert ended.code == 1
    assert "--database" in ended.err


# The original's tables


@pytest.fixture
def original(postgres_server: PostgresServer, database: str) -> str:
    """Give a database with two tables as the original filled them: its connection string."""
    postgres_server.psql(
        database,
        """
        CREATE TABLE sensor_c1 (timestamp bigint PRIMARY KEY, value double precision);
        CREATE TABLE sensor_f1 (timestamp bigint PRIMARY KEY, value double precision);
        INSERT INTO sensor_c1 VALUES (1785240000000, 21.5), (1785240001000, 22), (1785240002000, 21.5);
        INSERT INTO sensor_f1 VALUES (1785240000000, 5)
        """,
    )
    return f"postgresql://{OWNER}@/{database}?host={postgres_server.socket_directory}"


def test_tables_of_the_original_are_imported_once(shell: Shell, original: str) -> None:
    arguments = ("import", "--original", "C1", "F1", "--from", original, "--database", "new.db")
    assert shell.jph(*arguments).out == "C1: 3 readings, 3 new, 0 known\nF1: 1 reading, 1 new, 0 known\n"
    again = shell.jph(*arguments)
    assert (again.code, again.out) == (0, "C1: 3 readings, 0 new, 3 known\nF1: 1 reading, 0 new, 1 known\n")
    first = held(shell.home / "new.db")[0]
    assert first == Reading("C1", NOON_MS, NOON_MS % 2**31, 21.5)


def test_without_codifiers_those_of_the_configuration_are_looked_for(
    shell: Shell, original: str, postgres_server: PostgresServer, database: str
) -> None:
    simulated = {"driver": "simulated", "options": {"signal": "constant", "value": 1}}
    config = configured(shell, C1=simulated, X1=simulated, Q2=postgres_node(postgres_server, database))
    ended = shell.jph("import", "--original", "--from", "Q2", "--node", "Q2", "--json", config)
    assert ended.code == 0
    assert [(document["source"], document["new"]) for document in ended.documents] == [("C1", 3), ("Q2", 0), ("X1", 0)]
    assert "X1: there is no table sensor_x1 of the original" in ended.err
    with closing(Postgres(postgres_server.options(database))) as store:
        assert len(store.history("C1", *EVER, 1000)) == 3
        assert store.accounts(*EVER) == []


def test_a_table_that_was_named_and_is_not_there_is_a_failure(shell: Shell, original: str) -> None:
    ended = shell.jph("import", "--original", "C1", "X9", "--from", original, "--database", "new.db")
    assert ended.code == 1
    assert "X9: there is no table sensor_x9 of the original" in ended.err
    assert len(held(shell.home / "new.db")) == 3


def test_a_dry_run_looks_at_the_tables(shell: Shell, original: str) -> None:
    ended = shell.jph("import", "--original", "C1", "--from", original, "--dry-run")
    assert (ended.code, ended.out) == (0, "C1: 3 readings, nothing was stored\n")
