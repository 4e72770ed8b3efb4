"""`jph history`: what was stored, as a table, as JSON, as comma-separated values."""

import csv
from pathlib import Path

import pytest
import yaml

from config.model import Network
from console.commands.history import moment
from protocol.frames import reading_frame
from protocol.readings import Reading
from storage.sqlite import Sqlite, SqliteOptions
from storage.store import Batch
from tests.agent.peer import Peer
from tests.console.calling import Shell, Site, network_section
from tests.console.conftest import RED

NOON_MS = 1_785_240_000_000
READINGS = (
    Reading("C1", NOON_MS, 1, 21.5),
    Reading("C1", NOON_MS + 1000, 2, 22),
    Reading("C1", NOON_MS + 2000, 3, RED, {"volts": 3.3}),
    Reading("F1", NOON_MS, 7, 5),
)
SINCE = ("--since", "2026-07-28")


@pytest.fixture
def database(shell: Shell) -> str:
    """Give a file with a few readings; times of day are those of Amsterdam."""
    shell.environment["TZ"] = "Europe/Amsterdam"
    path = shell.home / "history.db"
    store = Sqlite(SqliteOptions(path=str(path)))
    store.write(Batch(READINGS), 0)
    store.close()
    return f"--database={path}"


def test_a_table_has_the_local_time_of_each_reading(shell: Shell, database: str) -> None:
    ended = shell.jph("history", "C1", *SINCE, database)
    heading, first, second, third = ended.out.splitlines()
    assert ended.code == 0
    assert heading.split() == ["time", "value"]
    assert first.split() == ["2026-07-28", "14:00:00.000", "21.5"]
    assert second.split() == ["2026-07-28", "14:00:01.000", "22"]
    assert third.endswith(r"\x1b[31mred\x1b[0m\n[bold]bold[/bold]\u202e")


def test_json_has_the_exact_values_and_their_identity(shell: Shell, database: str) -> None:
    first, second, third = shell.jph("history", "C1", *SINCE, "--json", database).documents
    assert first == {"codifier": "C1", "timestamp_ms": NOON_MS, "sequence": 1, "value": 21.5}
    assert isinstance(second["value"], int)
    assert (third["value"], third["attributes"]) == (RED, {"volts": 3.3})


def test_csv_can_be_read_by_other_programs(shell: Shell, database: str) -> None:
    ended = shell.jph("history", "C1", *SINCE, "--csv", database)
    headings, first, _, third = csv.reader(ended.out.splitlines())
    assert headings == ["time", "timestamp_ms", "codifier", "sequence", "value", "type", "attributes"]
    assert first == ["2026-07-28T14:00:00.000+02:00", str(NOON_MS), "C1", "1", "21.5", "float", ""]
    assert all(cell.isprintable() for cell in third)
    assert third[-2:] == ["json", '{"volts": 3.3}']


def test_since_and_until_bound_what_is_printed(shell: Shell, database: str) -> None:
    bounds = ("--since", "2026-07-28 14:00:00.500", "--until", "2026-07-28T14:00:01.500")
    sequences = [document["sequence"] for document in shell.jph("history", "C1", *bounds, "--json", database).documents]
    assert sequences == [2]


def test_the_newest_are_printed_when_there_are_more_and_that_is_said(shell: Shell, database: str) -> None:
    ended = shell.jph("history", "C1", *SINCE, "--limit", "2", "--json", database)
    assert [document["sequence"] for document in ended.documents] == [2, 3]
    assert "the newest 2 readings; --limit prints more" in ended.err


def test_no_readings_in_that_time_is_a_failure_that_says_where_to_look(shell: Shell, database: str) -> None:
    ended = shell.jph("history", "C1", database)
    assert (ended.code, ended.out) == (1, "time  value\n")
    assert "--since looks further back" in ended.err


def test_a_sensor_of_which_nothing_was_stored_is_answered_with_those_that_are(shell: Shell, database: str) -> None:
    ended = shell.jph("history", "ZZ", *SINCE, database)
    assert ended.code == 1
    assert "there are readings of C1, F1" in ended.err


def test_the_configuration_names_the_file(shell: Shell, site: Site) -> None:
    shell.jph("watch", "--from", "Q1", "--count", "2", "--flag", "i", site.config)
    ended = shell.jph("history", "C1", "--since", "1h", "--json", site.config)
    assert ended.code == 0
    assert {document["value"] for document in ended.documents} == {21.5}


def test_a_file_that_is_not_there_is_named(shell: Shell) -> None:
    ended = shell.jph("history", "C1", "--database", str(shell.home / "none.db"))
    assert (ended.code, ended.out) == (1, "")
    assert f"there is no history in {shell.home}/none.db" in ended.err


@pytest.fixture
def storeless(shell: Shell, site: Site) -> str:
    """Return a configuration of the site without the node that stores."""
    document = yaml.safe_load(site.present.read_text("utf-8"))
    del document["nodes"]["Q1"]
    path = shell.home / "storeless.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    return f"--config={path}"


def waits_for_readings(shell: Shell, site: Site, codifier: str = "C1", count: int = 20) -> None:
    """Let a sensor send so many readings more, so that its agent keeps as many."""
    shell.jph("watch", "--bus", "data", "--from", codifier, "--count", str(count), "-q", site.config)


def test_without_a_store_the_agent_tells_what_it_keeps(shell: Shell, site: Site, storeless: str) -> None:
    waits_for_readings(shell, site)
    ended = shell.jph("history", "C1", "--json", storeless)
    sequences = [document["sequence"] for document in ended.documents]
    assert ended.code == 0
    assert len(sequences) >= 20
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    assert {(document["codifier"], document["value"]) for document in ended.documents} == {("C1", 21.5)}
    assert "storeless.yaml has no node that stores readings" in ended.err
    assert "so its agent is asked" in ended.err
    assert f"from the ring of C1: {len(sequences)} readings; it begins at " in ended.err


def test_a_proxy_has_a_ring_too(shell: Shell, site: Site, storeless: str) -> None:
    waits_for_readings(shell, site, "F2")
    ended = shell.jph("history", "F2", "--json", storeless)
    assert (ended.code, {document["value"] for document in ended.documents}) == (0, {61})


def test_live_asks_the_agent_although_there_is_a_store(shell: Shell, site: Site) -> None:
    waits_for_readings(shell, site)
    ended = shell.jph("history", "C1", "--live", "--since", "1s", "--csv", site.config)
    assert ended.code == 0
    assert 8 <= len(ended.out.splitlines()) <= 20
    assert "asked back to" in ended.err


def test_the_agent_is_asked_for_no_more_than_the_limit(shell: Shell, site: Site, storeless: str) -> None:
    waits_for_readings(shell, site)
    ended = shell.jph("history", "C1", "--limit", "5", "--json", storeless)
    assert (ended.code, len(ended.documents)) == (0, 5)
    assert "these are the newest 5 readings" in ended.err


def test_a_file_that_is_not_on_this_computer_leads_to_the_agent(shell: Shell, site: Site) -> None:
    document = yaml.safe_load(site.present.read_text("utf-8"))
    document["nodes"]["Q1"]["options"]["path"] = "/nowhere/history.db"
    (shell.home / "elsewhere.yaml").write_text(yaml.safe_dump(document), "utf-8")
    ended = shell.jph("history", "C1", "--config", str(shell.home / "elsewhere.yaml"))
    assert ended.code == 0
    assert "there is no history in /nowhere/history.db" in ended.err


def test_a_sensor_that_is_not_heard_cannot_be_asked_and_that_is_said(shell: Shell, site: Site) -> None:
    ended = shell.jph("history", "ZZ", "--live", "--timeout", "1s", site.config_with_absent)
    assert ended.code == 1
    assert "ZZ was not heard, and only who is heard can be asked" in ended.err


def test_a_node_that_ignores_requests_is_named(shell: Shell, network: Network) -> None:
    section = {"network": network_section(network), "nodes": {"X1": {"driver": "pipe", "options": {"path": "/air"}}}}
    (shell.home / "jph.yaml").write_text(yaml.safe_dump(section), "utf-8")
    with Peer(network) as original, shell.start("history", "X1", "--live", "--json") as history:
        original.hears_control("P", "CC")
        original.say(reading_frame(Reading("X1", NOON_MS, 1_000, 21.5)))
        out, err = history.communicate()
    assert (history.returncode, out) == (1, "")
    assert "the node of X1 does not answer, as those of the original system" in err


def test_a_named_store_that_cannot_be_read_is_not_replaced_by_an_agent(shell: Shell, site: Site) -> None:
    ended = shell.jph("history", "C1", "--node", "C1", site.config)
    assert (ended.code, ended.out) == (1, "")
    assert "C1 is no node that stores readings" in ended.err
    assert "Q1 (sqlite)" in ended.err


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["--since", "tomorrow"], "write 1h, 2026-07-28 or '2026-07-28 12:00'"),
        (["--until", "2026-13-01"], "write 1h, 2026-07-28 or '2026-07-28 12:00'"),
        (["--limit", "0"], "--limit"),
        (["--csv", "--json"], "take one of them"),
        (["--live", "--node", "Q1"], "--live asks the agent"),
        (["--database", "x.db", "--node", "Q1"], "--database names another place"),
    ],
)
def test_what_is_not_understood_is_answered_with_what_would_be(shell: Shell, arguments: list[str], advice: str) -> None:
    ended = shell.jph("history", "C1", *arguments)
    assert ended.code == 2
    assert advice in ended.err


def test_a_moment_is_how_long_ago_or_a_date() -> None:
    assert moment("2h") < moment("1h") < moment("1s")
    assert moment("2026-07-28T12:00:00+00:00") == NOON_MS


def test_a_file_of_another_program_is_not_touched(shell: Shell, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    other.write_text("no database at all, but long enough to look at" * 100, "ascii")
    ended = shell.jph("history", "C1", "--database", str(other))
    assert ended.code == 1
    assert "Traceback" not in ended.err


def test_a_time_that_ends_before_it_begins_is_not_understood(shell: Shell, database: str) -> None:
    ended = shell.jph("history", "C1", "--since", "1h", "--until", "2h", database)
    assert (ended.code, ended.out) == (2, "")
    assert "--since is later" in ended.err


def test_until_before_the_usual_hour_needs_a_since(shell: Shell, database: str) -> None:
    ended = shell.jph("history", "C1", "--until", "2026-07-28", database)
    assert ended.code == 2
    assert "the hour that is printed without --since begins later" in ended.err


def test_quiet_does_not_tell_that_there_is_more(shell: Shell, database: str) -> None:
    assert shell.jph("history", "C1", *SINCE, "--limit", "1", "-q", database).err == ""


def test_a_file_that_is_no_history_is_to_stay_where_it_is(shell: Shell) -> None:
    stranger = shell.home / "passwd"
    stranger.write_text("root:x:0:0::/root:/bin/sh\n" * 100, "ascii")
    ended = shell.jph("history", "C1", f"--database={stranger}")
    assert ended.code == 1
    assert "name the file of a node with `driver: sqlite`" in ended.err
    assert "move" not in ended.err
