"""How a configuration says where the database is, and that no password gets anywhere from there."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from storage.postgres_link import place
from storage.postgres_options import PostgresOptions, password
from storage.store import StoreError


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.touch(0o600)
    return path


def options(path: Path) -> PostgresOptions:
    return PostgresOptions(password_file=str(path))


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({}, "PostgreSQL by default on this host"),
        ({"dsn": "postgresql://db.example.org/sensors"}, "PostgreSQL sensors on db.example.org"),
        ({"dsn": "host=db.example.org dbname=sensors"}, "PostgreSQL sensors on db.example.org"),
        ({"host": "127.0.0.1", "database": "sensors", "user": "jphadmin"}, "PostgreSQL sensors on 127.0.0.1"),
        ({"dsn": "host=other dbname=sensors", "host": "this"}, "PostgreSQL sensors on this"),
    ],
)
def test_a_database_is_named_by_a_string_or_by_its_parts(document: dict[str, object], named: str) -> None:
    assert place(msgspec.convert(document, PostgresOptions)) == named


@pytest.mark.parametrize(
    "document", [{"port": "five"}, {"colour": "red"}, {"dsn": 5}, {"password": "open sesame"}, {"host": ["a"]}]
)
def test_the_options_are_checked(document: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(document, PostgresOptions)


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://jph:tops3cret@db.example.org/sensors",
        "postgres://jph:tops3cret@/sensors",
        "host=db password=tops3cret",
        "host=db PASSWORD = 'tops3cret'",
        "postgresql://db/sensors?user=jph&password=tops3cret",
    ],
)
def test_a_password_in_the_configuration_is_refused_and_not_repeated(dsn: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="put it into a file of mode 0600") as caught:
        msgspec.convert({"dsn": dsn}, PostgresOptions)
    assert "tops3cret" not in str(caught.value)


@pytest.mark.parametrize("dsn", ["tops3cret", "host db", "postgresql://[::1/sensors"])
def test_what_is_no_connection_string_is_said_and_not_repeated(dsn: str) -> None:
    with pytest.raises(StoreError, match="`dsn` is no connection string") as caught:
        place(PostgresOptions(dsn=dsn))
    assert caught.value.__cause__ is None
    assert "tops3cret" not in str(caught.value)


def test_a_password_that_only_libpq_finds_in_a_string_is_refused_too() -> None:
    with pytest.raises(StoreError, match="`dsn` holds a password"):
        place(PostgresOptions(dsn="postgresql://db/sensors?pass%77ord=tops3cret"))


@pytest.mark.parametrize("text", ["open sesame", "open sesame\n", "open sesame\r\n"])
def test_a_password_is_the_line_in_its_file(password_file: Path, text: str) -> None:
    password_file.write_bytes(text.encode())
    assert password(options(password_file)) == "open sesame"


def test_a_password_may_begin_and_end_with_blanks(password_file: Path) -> None:
    password_file.write_text("  open sesame \n")
    assert password(options(password_file)) == "  open sesame "


def test_a_tilde_is_the_home_directory(password_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    password_file.write_text("open sesame")
    monkeypatch.setenv("HOME", str(password_file.parent))
    assert password(options(Path("~/password"))) == "open sesame"


def test_without_a_file_libpq_looks_for_the_password() -> None:
    assert password(PostgresOptions()) is None


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o644, 0o601])
def test_a_file_that_others_may_read_is_refused_with_the_way_out(password_file: Path, mode: int) -> None:
    password_file.write_text("open sesame")
    password_file.chmod(mode)
    with pytest.raises(StoreError, match=rf"others may read .* \(mode {mode:04o}\); chmod 600 {password_file}"):
        password(options(password_file))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read: No such file or directory; write it there, mode 0600"):
        password(options(tmp_path / "nothing"))


def test_an_empty_file_is_said(password_file: Path) -> None:
    with pytest.raises(StoreError, match="there is no password in"):
        password(options(password_file))


def test_a_fifo_is_no_password_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    with pytest.raises(StoreError, match="is no file; write it there"):
        password(options(tmp_path / "fifo"))


def test_a_file_that_is_no_text_is_said(password_file: Path) -> None:
    password_file.write_bytes(b"\xff\xfe")
    with pytest.raises(StoreError, match="no UTF-8 text"):
        password(options(password_file))


def test_the_options_are_known_without_psycopg() -> None:
    script = "import sys; import storage.postgres_options; sys.exit('psycopg' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
