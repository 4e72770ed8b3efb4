"""`jph export`: what it writes where, and what it refuses."""

import csv
import io
import json
import signal
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from pyarrow import parquet  # type: ignore[import-untyped] # it has no types

from protocol.readings import Reading
from storage.sqlite import Sqlite, SqliteOptions
from storage.store import Batch
from tests.console.calling import Shell, command, errors, output
from tests.console.ptys import Terminal
from tests.console.test_cli_history import NOON_MS, database

__all__ = ["database"]  # a fixture


@pytest.fixture(scope="module")
def large_database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give a file with more readings than a pipe or a moment holds."""
    path = tmp_path_factory.mktemp("large") / "large.db"
    with closing(Sqlite(SqliteOptions(path=str(path)))) as store:
        store.write(Batch([Reading("C1", NOON_MS + number, number, number) for number in range(300_000)]), 0)
    return f"--database={path}"


def left(shell: Shell) -> set[str]:
    """Name the files in the home that are neither the database nor its log."""
    return {path.name for path in shell.home.iterdir() if not path.name.startswith("history.db")}


def test_csv_goes_to_standard_output_and_the_rest_to_the_other(shell: Shell, database: str) -> None:
    ended = shell.jph("export", database)
    heading, *rows = csv.reader(io.StringIO(ended.out))
    assert ended.code == 0
    assert heading == ["time", "timestamp_ms", "codifier", "sequence", "value", "type", "attributes"]
    assert [row[2:4] for row in rows] == [["C1", "1"], ["C1", "2"], ["C1", "3"], ["F1", "7"]]
    assert rows[0][0] == "2026-07-28T14:00:00.000+02:00"
    assert ended.err.endswith("4 readings of 2 sensors from " + database.partition("=")[2] + "\n")


def test_sensors_and_times_can_be_chosen(shell: Shell, database: str) -> None:
    bounds = ("--since", "2026-07-28 14:00:01", "--until", "2026-07-28 14:00:01.999")
    documents = shell.jph("export", "C1", "F1", *bounds, "--format", "jsonl", database).documents
    assert documents == [{"codifier": "C1", "timestamp_ms": NOON_MS + 1000, "sequence": 2, "value": 22}]


def test_the_format_is_that_of_the_files_name(shell: Shell, database: str) -> None:
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        assert shell.jph("export", "-o", name, database).code == 0
    assert (shell.home / "a.csv").read_text("utf-8").startswith("time,timestamp_ms")
    assert json.loads((shell.home / "a.jsonl").read_text("utf-8").splitlines()[0])["value"] == 21.5
    assert parquet.read_table(shell.home / "a.parquet")["integer"].to_pylist() == [None, 22, None, 5]


def test_parquet_may_go_to_another_program_but_not_to_a_terminal(shell: Shell, database: str) -> None:
    piped = subprocess.run(
        command("export", "--format", "parquet", database),
        cwd=shell.home,
        env=shell.environment,
        capture_output=True,
        check=True,
    )
    assert parquet.read_table(io.BytesIO(piped.stdout)).num_rows == 4
    with Terminal() as terminal, terminal.start(shell, "export", "--format", "parquet", database) as export:
        assert "not for a terminal" in terminal.rest()
    assert export.returncode == 2


def test_a_file_that_is_there_is_overwritten_only_by_force(shell: Shell, database: str) -> None:
    (shell.home / "a.csv").write_text("precious", "ascii")
    ended = shell.jph("export", "-o", "a.csv", database)
    assert (ended.code, (shell.home / "a.csv").read_text("ascii")) == (1, "precious")
    assert "overwrite it with --force" in ended.err
    assert shell.jph("export", "-o", "a.csv", "--force", database).code == 0
    assert (shell.home / "a.csv").read_text("utf-8").count("\n") == 5
    assert left(shell) == {"a.csv"}


def test_a_link_stays_one_and_what_it_names_is_overwritten(shell: Shell, database: str) -> None:
    (shell.home / "real.csv").write_text("old", "ascii")
    (shell.home / "link.csv").symlink_to("real.csv")
    assert shell.jph("export", "-o", "link.csv", "--force", database).code == 0
    assert (shell.home / "link.csv").is_symlink()
    assert (shell.home / "real.csv").read_text("utf-8").startswith("time,")


@pytest.mark.parametrize(("path", "reason"), [("none/a.csv", "No such file"), (".csv/", "is no file")])
def test_a_place_that_is_none_is_said(shell: Shell, database: str, path: str, reason: str) -> None:
    (shell.home / ".csv").mkdir()
    ended = shell.jph("export", "-o", path, "--format", "csv", database)
    assert ended.code == 1
    assert reason in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_an_export_that_is_interrupted_leaves_no_file(shell: Shell, large_database: str, name: str) -> None:
    with shell.start("export", "-o", name, large_database) as export:
        while export.poll() is None and not list(shell.home.glob(f".{name}.*.part")):
            pass
        export.send_signal(signal.SIGINT)
        _, err = export.communicate()
    assert export.returncode == 130
    assert "Exception ignored" not in err
    assert "Traceback" not in err
    assert left(shell) == set()


def test_a_sensor_without_readings_is_told_and_the_others_are_written(shell: Shell, database: str) -> None:
    ended = shell.jph("export", "C1", "ZZ", database)
    assert (ended.code, ended.out.count("\n")) == (0, 4)
    assert "there are no readings of ZZ in that time" in ended.err


def test_nothing_at_all_is_a_failure(shell: Shell, database: str) -> None:
    ended = shell.jph("export", "--until", "1970-01-02", database)
    assert (ended.code, ended.out.count("\n")) == (1, 1)
    assert "there are no readings of C1, F1 in that time" in ended.err


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["-o", "a.txt"], "say --format csv|jsonl|parquet"),
        (["--format", "xml"], "formats are csv, jsonl, parquet"),
        (["--since", "1h", "--until", "2h"], "--since is later"),
        (["--node", "Q1"], "--database names another place"),
        (["kitchen"], "no codifier"),
    ],
)
def test_what_is_not_understood_is_answered_with_what_would_be(
    shell: Shell, database: str, arguments: list[str], advice: str
) -> None:
    ended = shell.jph("export", *arguments, database)
    assert (ended.code in {1, 2}, ended.out) == (True, "")
    assert advice in ended.err


def test_whoever_has_read_enough_ends_it(shell: Shell, large_database: str) -> None:
    with shell.start("export", large_database) as export:
        assert output(export).readline() == "time,timestamp_ms,codifier,sequence,value,type,attributes\n"
        output(export).close()
        assert "Traceback" not in errors(export).read()
    assert export.returncode == 141


def test_a_full_disk_is_said(shell: Shell, database: str) -> None:
    with Path("/dev/full").open("w", encoding="ascii") as full:
        ended = subprocess.run(
            command("export", database),
            cwd=shell.home,
            env=shell.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
        )
    assert ended.returncode == 1
    assert "the output cannot be written: No space left on device" in ended.stderr
