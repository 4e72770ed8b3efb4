"""`jph db` against a real server: prepare an empty database, look at it, add a user."""

import io
from pathlib import Path

import pytest

from console.cli import run
from tests.storage.postgres_server import PostgresServer

CONFIGURATION = """
nodes:
  C1: {{driver: pipe, options: {{path: /proc/loadavg, field: 1}}}}
  Q1: {{driver: postgres, options: {{host: {host}, database: {database}, user: {user}}}}}
"""


@pytest.fixture
def file(postgres_server: PostgresServer, database: str, tmp_path: Path) -> str:
    """Return a configuration with an empty database."""
    postgres_server.execute("DROP SCHEMA jph CASCADE", database)
    options = postgres_server.options(database)
    path = tmp_path / "jph.yaml"
    path.write_text(CONFIGURATION.format(host=options.host, database=database, user=options.user))
    return str(path)


def test_an_empty_database_says_what_to_do(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["db", "status", "--config", file]) == 1
    assert "jph db init" in capsys.readouterr().err


def test_a_schema_of_a_newer_jph_says_what_to_update(
    file: str, database: str, postgres_server: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["db", "init", "--config", file])
    postgres_server.execute("INSERT INTO jph.schema_version VALUES (99)", database)
    assert run(["db", "status", "--config", file]) == 1
    assert "update jph on this computer" in capsys.readouterr().err


@pytest.mark.parametrize("node", ["C1", "Q9"])
def test_a_node_without_a_database_is_answered_with_those_that_have_one(
    file: str, capsys: pytest.CaptureFixture[str], node: str
) -> None:
    assert run(["db", "init", "--node", node, "--config", file]) == 1
    said = capsys.readouterr().err
    assert f"{node} is no node with `driver: postgres`" in said
    assert "name one with --node: Q1" in said


def test_init_makes_what_status_then_shows_and_a_second_time_changes_nothing(
    file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [run(["db", "init", "--config", file]) for _ in range(2)] == [0, 0]
    assert "it was up to date" in capsys.readouterr().err
    assert run(["db", "status", "--config", file]) == 0
    assert "sensors     0\n" in capsys.readouterr().out


def test_a_user_is_added_once_and_only_the_hash_is_kept(
    file: str, database: str, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(["db", "init", "--config", file])
    codes = []
    for _ in range(2):
        monkeypatch.setattr("sys.stdin", io.StringIO("a long enough password\n"))
        codes.append(run(["db", "user", "add", "ann@example.org", "--config", file]))
    assert codes == [0, 1]
    [(email, password)] = postgres_server.execute("SELECT email, password FROM jph.users", database)
    assert email == "ann@example.org"
    assert "long enough" not in password


def test_users_are_listed_until_they_are_removed(
    file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["db", "init", "--config", file])
    for email in ("bob@example.org", "ann@example.org"):
        monkeypatch.setattr("sys.stdin", io.StringIO("a long enough password\n"))
        run(["db", "user", "add", email, "--config", file])
    run(["db", "user", "list", "--config", file])
    assert capsys.readouterr().out == "ann@example.org\nbob@example.org\n"
    codes = [run(["db", "user", "remove", "ann@example.org", "--config", file]) for _ in range(2)]
    assert codes == [0, 1]
    assert "there is no user ann@example.org" in capsys.readouterr().err
    run(["db", "user", "list", "--config", file])
    assert capsys.readouterr().out == "bob@example.org\n"


def test_the_printed_schema_is_what_init_makes(
    file: str, database: str, postgres_server: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["db", "sql", "--config", file]) == 0
    postgres_server.execute(capsys.readouterr().out.encode(), database)
    assert run(["db", "status", "--config", file]) == 0


def test_without_such_a_node_the_message_says_where_an_example_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "jph.yaml"
    path.write_text("nodes: {CC: {driver: console}}")
    assert run(["db", "init", "--config", str(path)]) == 1
    assert "docs/drivers.md" in capsys.readouterr().err
