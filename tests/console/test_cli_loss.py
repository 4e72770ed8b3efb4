"""`jph loss`: what became of every reading, so that it adds up."""

import json
import time

import pytest

from console.tallies import NOT_LOST, PARTS, parts_of, total_of, wrong_sums
from protocol.accounts import HOUR_MS, Account, hour_of
from protocol.readings import Reading
from storage.redis import Redis
from storage.sqlite import Sqlite, SqliteOptions
from storage.store import Batch
from tests.console.calling import Shell, Site
from tests.storage.redis_server import RedisServer

NOW_HOUR_MS = hour_of(time.time() * 1000)
BEFORE_MS = NOW_HOUR_MS - 2 * HOUR_MS

ACCOUNTS = (
    Account("C1", BEFORE_MS, sent=10, heard=6, repaired=2, not_kept=1, renumbered=1),
    Account("C1", NOW_HOUR_MS, sent=7, heard=5, bad=1),
    Account("F1", NOW_HOUR_MS, sent=1, heard=1, doubled=3, restarts=1),
    Account("F1", NOW_HOUR_MS - 30 * HOUR_MS, sent=100, heard=100),
)


def batch(*accounts: Account) -> Batch:
    """Return the accounts with the readings that they say came, so that a store books what became of these."""
    arrived = [
        (account, number) for account in accounts for number in range(account.heard + account.repaired - account.bad)
    ]
    readings = [
        Reading(account.codifier, account.hour_ms + number, account.hour_ms // HOUR_MS * 1000 + number, number)
        for account, number in arrived
    ]
    return Batch(readings, accounts=accounts, hours_ms=[account.hour_ms for account, _ in arrived])


@pytest.fixture
def database(shell: Shell) -> str:
    """Give a file with accounts of two sensors."""
    path = shell.home / "history.db"
    store = Sqlite(SqliteOptions(path=str(path)))
    store.write(batch(*ACCOUNTS), NOW_HOUR_MS)
    store.close()
    return f"--database={path}"


def test_each_sensor_has_a_line_and_all_have_a_total(shell: Shell, database: str) -> None:
    ended = shell.jph("loss", database)
    heading, *rows = [line.split() for line in ended.out.splitlines()]
    assert ended.code == 0
    assert heading[:5] == ["codifier", "sent", "heard", "repaired", "stored"]
    assert [row[:5] for row in rows] == [
        ["C1", "17", "11", "2", "12"],
        ["F1", "1", "1", "0", "1"],
        ["total", "18", "12", "2", "13"],
    ]


def test_what_was_sent_is_told_as_the_sum_of_what_became_of_it(shell: Shell, database: str) -> None:
    ended = shell.jph("loss", database)
    assert "18 sent = 13 stored + 1 bad + 1 not kept + 1 renumbered + 2 pending" in ended.err


def test_what_nobody_has_takes_no_column(shell: Shell, database: str) -> None:
    heading = shell.jph("loss", "C1", database).out.splitlines()[0]
    assert "conflict" not in heading
    assert "restarts" not in heading
    assert "pending" in heading


def test_each_hour_can_have_its_line(shell: Shell, database: str) -> None:
    documents = shell.jph("loss", "C1", "--by", "hour", "--json", database).documents
    assert [(one["hour_ms"], one["sent"], one["stored"]) for one in documents] == [
        (BEFORE_MS, 10, 8),
        (NOW_HOUR_MS, 7, 4),
    ]
    table = shell.jph("loss", "--by", "hour", database).out.splitlines()
    assert table[0].split()[:2] == ["codifier", "hour"]
    assert len(table) == 1 + 3 + 1


def test_json_tells_why_readings_are_unavailable(shell: Shell, database: str) -> None:
    first, _ = shell.jph("loss", "--json", database).documents
    assert first["unavailable"] == {"not_kept": 1, "renumbered": 1, "too_many_holes": 0}
    assert (first["codifier"], first["hour_ms"], first["pending"], first["waiting"]) == ("C1", None, 2, 0)


def test_json_adds_up(shell: Shell, database: str) -> None:
    for one in shell.jph("loss", "--since", "7d", "--json", database).documents:
        parts = {**one, **one["unavailable"]}
        assert one["sent"] == sum(parts[name] for name in PARTS)


def test_since_goes_back_as_far_as_it_says(shell: Shell, database: str) -> None:
    [f1] = shell.jph("loss", "F1", "--since", "40h", "--json", database).documents
    assert f1["sent"] == 101


def test_a_sensor_without_accounts_is_named(shell: Shell, database: str) -> None:
    ended = shell.jph("loss", "C1", "ZZ", database)
    assert ended.code == 1
    assert "there are no accounts of ZZ in that time" in ended.err


def test_accounts_that_do_not_add_up_are_a_failure_that_says_which(shell: Shell, database: str) -> None:
    store = Sqlite(SqliteOptions(path=database.partition("=")[2]))
    store.write(Batch(accounts=[Account("X1", NOW_HOUR_MS, sent=1, heard=5)]), NOW_HOUR_MS)
    store.close()
    ended = shell.jph("loss", "--quiet", database)
    assert ended.code == 1
    assert "X1, 20" in ended.err
    assert ": sent is 1, and heard + repaired + unavailable 5" in ended.err
    assert "1 sum does not hold" in ended.err


def test_quiet_tells_nothing_that_is_in_order(shell: Shell, database: str) -> None:
    assert shell.jph("loss", "-q", database).err == ""


def test_redis_has_accounts_also_without_a_stream(shell: Shell, redis_server: RedisServer) -> None:
    store = Redis(redis_server.options())
    store.write(batch(ACCOUNTS[1]), NOW_HOUR_MS)
    store.close()
    options = {"url": f"unix://{redis_server.socket}"}
    (shell.home / "jph.yaml").write_text(f"nodes: {{Q3: {{driver: redis, options: {json.dumps(options)}}}}}\n", "utf-8")
    ended = shell.jph("loss", "--json")
    with redis_server.client() as client:
        client.flushall()
    assert (ended.code, [one["sent"] for one in ended.documents]) == (0, [7])
    assert "from Q3 (redis)" in ended.err


def test_the_sink_of_a_running_network_accounts_for_everything(shell: Shell, site: Site) -> None:
    shell.jph("watch", "--from", "Q1", "--count", "3", "--flag", "i", site.config)
    ended = shell.jph("loss", "C1", "F2", "--json", site.config)
    assert ended.code == 0
    assert [one["codifier"] for one in ended.documents] == ["C1", "F2"]
    assert all(one["stored"] > 0 for one in ended.documents)


def test_a_sum_that_holds_is_not_wrong() -> None:
    assert [wrong_sums(account) for account in ACCOUNTS] == [[], [], [], []]


def test_more_booked_than_came_is_wrong() -> None:
    [wrong] = wrong_sums(Account("C1", 0, sent=3, heard=2, stored=3))
    assert wrong == "heard + repaired is 2, and what became of them 3"


def test_the_parts_are_what_was_sent() -> None:
    total = total_of(ACCOUNTS)
    assert sum(parts_of(total).values()) == total.sent == 118
    assert set(PARTS) > NOT_LOST
