"""What can go wrong with a Redis server: each is said, with what to do, and nothing is lost or counted twice."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import redis

from protocol.readings import Reading
from protocol.troubles import Trouble
from storage.redis import Redis
from storage.redis_options import RedisOptions
from storage.redis_writing import SCHEMA
from storage.store import Account, Batch, Progress, StoreError, Written
from tests.storage.conformance import EVER, MANY, NOON_MS, everything, reading, write
from tests.storage.lost_exec import Losing, LostExec
from tests.storage.redis_server import RedisServer, running
from tests.storage.redis_server import client as client  # noqa: PLC0414 - a fixture

STREAM = 100_000

BATCH = Batch(
    [reading(2), reading(1, value=5), Reading("C1", -1, 1, 1)],
    [Progress("C1", 2)],
    [Account("C1", NOON_MS, sent=3, heard=3)],
)


@pytest.fixture
def lossy(redis_server: RedisServer, client: redis.Redis, tmp_path: Path) -> Iterator[LostExec]:
    with LostExec(tmp_path, redis_server.socket) as lossy:
        yield lossy


@pytest.fixture
def store(lossy: LostExec) -> Iterator[Redis]:
    """Open a store behind a way on which things get lost, with one reading in it."""
    with closing(Redis(RedisOptions(url=f"unix://{lossy.socket}", stream=STREAM))) as store:
        write(store, reading(1))
        yield store


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text("correct horse\n")
    path.chmod(0o600)
    return path


@contextmanager
def password(server: RedisServer, password: str) -> Iterator[None]:
    """Let a server ask for a password."""
    with server.client() as client:
        client.config_set("requirepass", password)
        try:
            yield
        finally:
            client.config_set("requirepass", "")


def assert_kept_once(store: Redis) -> None:
    """Hold the store against what BATCH leaves."""
    assert everything(store) == [reading(1), reading(2)]
    assert store.progress() == {"C1": Progress("C1", 2)}
    assert store.accounts(*EVER) == [Account("C1", NOON_MS, sent=3, heard=3, stored=2, conflict=1, rejected=1)]
    assert len(store.aside(MANY)) == 2


@pytest.mark.parametrize("losing", [Losing.TRANSACTION, Losing.ANSWER])
def test_a_batch_whose_answer_was_lost_is_kept_once(store: Redis, lossy: LostExec, losing: Losing) -> None:
    lossy.losing = losing
    with pytest.raises(StoreError, match="see that the server runs"):
        store.write(BATCH, NOON_MS)
    lossy.losing = Losing.NOTHING
    assert store.write(BATCH, NOON_MS) == Written(stored=1, conflicts=1, rejected=1)
    assert_kept_once(store)


def test_it_may_be_lost_as_often_as_it_likes(store: Redis, lossy: LostExec) -> None:
    for losing in (Losing.TRANSACTION, Losing.ANSWER, Losing.TRANSACTION, Losing.ANSWER):
        lossy.losing = losing
        with pytest.raises(StoreError):
            store.write(Batch([reading(2)]), NOON_MS)
        lossy.losing = Losing.NOTHING
        assert store.write(Batch([reading(2)]), NOON_MS) in (Written(stored=1), Written(duplicates=1))
    assert everything(store) == [reading(1), reading(2)]
    (account,) = store.accounts(*EVER)
    assert (account.stored, account.duplicate) == (2, 3)


def test_the_last_state_is_not_counted_twice(store: Redis, lossy: LostExec, client: redis.Redis) -> None:
    batch = Batch([reading(2)], accounts=[Account("C1", NOON_MS, not_kept=2)])
    lossy.losing = Losing.ANSWER
    with pytest.raises(StoreError):
        store.write(batch, NOON_MS)
    lossy.losing = Losing.NOTHING
    store.write(batch, NOON_MS)
    store.write(Batch(accounts=[Account("C1", NOON_MS, not_kept=1)]), NOON_MS)
    assert client.hget("C1", "DPacketsLost") == "3"


def test_a_server_that_is_away_is_said_and_found_again() -> None:
    durable = ("--appendonly", "yes", "--appendfsync", "always")
    with running(*durable) as server, closing(Redis(server.options(stream=STREAM))) as store:
        write(store, reading(1))
        server.stop()
        for _ in range(2):
            with pytest.raises(StoreError, match="see that the server runs and the network is up"):
                store.write(BATCH, NOON_MS)
        server.start(*durable)
        assert store.write(BATCH, NOON_MS) == Written(stored=1, conflicts=1, rejected=1)
        assert_kept_once(store)


def test_a_server_that_forgot_everything_is_written_to_as_if_it_were_new() -> None:
    with running() as server, closing(Redis(server.options(stream=STREAM))) as store:
        write(store, reading(1))
        server.stop()
        with pytest.raises(StoreError):
            write(store, reading(2))
        server.start()
        assert write(store, reading(2)) == Written(stored=1)
        assert everything(store) == [reading(2)]


def test_a_server_that_is_not_there_is_said() -> None:
    with pytest.raises(StoreError, match=r"redis://127.0.0.1:1/0: .*refused; see that the server runs"):
        Redis(RedisOptions(url="redis://127.0.0.1:1"))


def test_a_host_that_nobody_knows_is_said() -> None:
    with pytest.raises(StoreError, match="see that the server runs and the network is up"):
        Redis(RedisOptions(url="redis://nobody.invalid"))


def test_a_password_opens_the_server(redis_server: RedisServer, client: redis.Redis, password_file: Path) -> None:
    with (
        password(redis_server, "correct horse"),
        closing(Redis(redis_server.options(password_file=str(password_file)))) as store,
    ):
        assert write(store, reading(1)) == Written(stored=1)


@pytest.mark.parametrize("with_file", [True, False])
def test_a_wrong_password_is_said_and_not_shown(
    redis_server: RedisServer,
    password_file: Path,
    with_file: bool,  # noqa: FBT001 - a case of a test
) -> None:
    password_file.write_text("battery staple")
    options = redis_server.options(password_file=str(password_file) if with_file else None)
    with password(redis_server, "correct horse"), pytest.raises(StoreError, match="see `password_file`") as caught:
        Redis(options)
    assert "battery" not in str(caught.value)


def test_a_password_that_others_may_read_is_refused(redis_server: RedisServer, password_file: Path) -> None:
    password_file.chmod(0o644)
    with pytest.raises(StoreError, match=r"others may read the password .*; chmod 600"):
        Redis(redis_server.options(password_file=str(password_file)))


def test_a_user_without_rights_is_said(redis_server: RedisServer, client: redis.Redis, password_file: Path) -> None:
    client.acl_setuser("jph", enabled=True, passwords=["+correct horse"], commands=["+get"], keys=["jph:*"])
    options = redis_server.options(user="jph", password_file=str(password_file))
    with closing(Redis(options)) as store, pytest.raises(StoreError, match="let the server's ACL allow this user"):
        write(store, reading(1))
    client.acl_deluser("jph")


def test_a_server_without_memory_is_said(redis_server: RedisServer, store: Redis) -> None:
    with redis_server.configured("maxmemory", 1), pytest.raises(StoreError, match="raise maxmemory of the server"):
        store.write(BATCH, NOON_MS)
    store.write(BATCH, NOON_MS)
    assert_kept_once(store)


def test_a_server_whose_disk_is_full_is_said(
    store: Redis, client: redis.Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    with redis_server.configured("save", "1000000 1000000"):
        with redis_server.configured("dir", str(nowhere)):
            nowhere.rmdir()
            save(client)
            with pytest.raises(StoreError, match="cannot write its file: make room on its disk") as caught:
                store.write(BATCH, NOON_MS)
            assert caught.value.trouble is Trouble.STORE_FULL
        save(client)
        store.write(BATCH, NOON_MS)
    assert_kept_once(store)


def save(client: redis.Redis) -> None:
    """Let the server write its file, or fail to."""
    client.bgsave()
    while client.info("persistence")["rdb_bgsave_in_progress"]:
        pass


def test_a_replica_is_said(redis_server: RedisServer, store: Redis, client: redis.Redis) -> None:
    client.replicaof("127.0.0.1", "1")
    try:
        with pytest.raises(StoreError, match="the server is a replica: name the primary") as caught:
            store.write(BATCH, NOON_MS)
        assert caught.value.trouble is Trouble.STORE_READ_ONLY
    finally:
        client.replicaof("NO", "ONE")
    store.write(BATCH, NOON_MS)
    assert_kept_once(store)


def test_a_server_that_is_loading_is_said() -> None:
    with running("--rdbcompression", "no") as server:
        with server.client() as client:
            client.mset({f"key {number}": "x" * 1_000_000 for number in range(50)})
            client.save()
        server.stop()
        server.start("--key-load-delay", "50000", until="Server initialized")
        with pytest.raises(StoreError, match="the server reads its file into memory: wait") as caught:
            Redis(server.options())
        assert caught.value.trouble is Trouble.STORE_BUSY


def test_a_database_that_the_server_does_not_have_is_said(redis_server: RedisServer) -> None:
    with pytest.raises(StoreError, match="the server has fewer databases: see `database`"):
        Redis(redis_server.options(database=99))


def test_each_database_is_a_store_of_its_own(redis_server: RedisServer, client: redis.Redis) -> None:
    with closing(Redis(redis_server.options(database=3))) as other:
        write(other, reading(1))
    assert client.keys() == []


def test_a_database_of_a_newer_jph_is_refused(redis_server: RedisServer, client: redis.Redis) -> None:
    client.set("jph:schema", SCHEMA + 1)
    with pytest.raises(StoreError, match=r"written by a newer jph \(schema 2, this one knows 1\); update jph"):
        Redis(redis_server.options())


def test_a_key_of_another_program_in_the_place_of_a_sensor_is_said(
    redis_server: RedisServer, client: redis.Redis
) -> None:
    client.set("C1", "mine")
    with closing(Redis(redis_server.options())) as store, pytest.raises(StoreError, match="another program keeps some"):
        write(store, reading(1))
    assert client.get("C1") == "mine"


def test_what_nobody_here_wrote_is_said(redis_server: RedisServer, client: redis.Redis) -> None:
    client.hset("jph:progress", "C1", "no JSON")
    with closing(Redis(redis_server.options())) as store, pytest.raises(StoreError, match="holds what jph did not wri"):
        store.progress()


def test_two_sinks_on_one_database_store_everything_once(redis_server: RedisServer, client: redis.Redis) -> None:
    batches = [Batch([reading(sequence)], accounts=[Account("C1", NOON_MS, sent=1)]) for sequence in range(60)]

    def write_all() -> None:
        with closing(Redis(redis_server.options(stream=STREAM))) as store:
            for batch in batches:
                store.write(batch, NOON_MS)

    others = [threading.Thread(target=write_all) for _ in range(2)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    with closing(Redis(redis_server.options(stream=STREAM))) as store:
        assert [found.sequence for found in everything(store)] == list(range(60))
        assert store.accounts(*EVER) == [Account("C1", NOON_MS, sent=120, stored=60, duplicate=60)]
    assert client.xlen("jph:readings") == 60
