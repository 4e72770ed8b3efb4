"""The last state of everybody: what the original's cache held, its program would hold with us."""

from collections.abc import Iterator
from contextlib import closing
from typing import Final

import pytest
import redis

from protocol.accounts import HOUR_MS
from protocol.frames import CONTROL_FLAGS, Bus, ControlFrame, DataFrame, Flag, decode
from protocol.instants import Instant
from protocol.readings import Reading
from protocol.repair import Repairs
from storage.redis import Redis
from storage.store import Ability, Account, Batch, Description, Missing, Progress, Span, StoreError, Written
from tests.protocol.recorded_session import FRAMES
from tests.storage.conformance import EVER, MANY, NOON_MS, reading, write
from tests.storage.redis_server import RedisServer
from tests.storage.redis_server import client as client  # noqa: PLC0414 - a fixture

# What the original's cache held after the recorded session, but for the losses of C1: -2 there, because the last frame
# came late. One that followed it is still missing.
HASHES: Final = {
    "A4": {
        "Codifier": "A4",
        "DPacketsLost": 0,
        "DResetTime": 1795335971206,
        "Value": 21.5,
        "DTimestamp": 1795335971206,
    },
    "C1": {
        "Codifier": "C1",
        "CPacketsLost": 0,
        "CResetTime": 1795335961657,
        "DPacketsLost": 1,
        "DResetTime": 1795335961662,
        "Value": 48.3120002746582,
        "DTimestamp": 1795335971664,
        "TRequest": 1795334510786.25,
        "TTimestamp": 1795335971274,
        "TDuration": 1460487.75,
        "ITimestamp": 1795335971320,
        "IsActive": "True",
    },
    "CC": {
        "Codifier": "CC",
        "CPacketsLost": 0,
        "CResetTime": 1795335969526,
        "PTimestamp": 1795335969526,
        "PRequest": 1795335969523.0,
        "HTimestamp": 1795335966309,
        "STimestamp": 1795335967911,
    },
    "FQ": {
        "Codifier": "FQ",
        "DPacketsLost": 0,
        "DResetTime": 1795335971229,
        "Value": 80,
        "DTimestamp": 1795335971229,
    },
    "PA": {
        "Codifier": "PA",
        "DPacketsLost": 0,
        "DResetTime": 1795335971134,
        "Value": 42,
        "DTimestamp": 1795335971134,
        "CPacketsLost": 0,
        "CResetTime": 1795335971251,
        "PTimestamp": 1795335971272,
        "PRequest": 1795334510786.25,
        "ITimestamp": 1795335971298,
        "IsActive": "True",
        "STimestamp": 1795335971319,
    },
    "PD": {
        "Codifier": "PD",
        "DPacketsLost": 0,
        "DResetTime": 1795335971160,
        "Value": -273.1499938964844,
        "DTimestamp": 1795335971160,
    },
    "PF": {
        "Codifier": "PF",
        "DPacketsLost": 0,
        "DResetTime": 1795335971183,
        "Value": "hello",
        "DTimestamp": 1795335971183,
    },
    "R1": {
        "Codifier": "R1",
        "CPacketsLost": 0,
        "CResetTime": 1795335960241,
        "ITimestamp": 1795335960241,
        "IsActive": "True",
    },
}


@pytest.fixture
def store(redis_server: RedisServer, client: redis.Redis) -> Iterator[Redis]:
    with closing(Redis(redis_server.options())) as store:
        yield store


def hashes(client: redis.Redis) -> dict[str, dict[str, object]]:
    """Return the state of all codifiers, numbers as numbers."""
    return {
        str(key): {str(name): meant(str(text)) for name, text in client.hgetall(key).items()}
        for key in client.keys("??")
    }


def meant(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text


class Listener:
    """Turns frames into batches as a sink does."""

    def __init__(self, store: Redis) -> None:
        self._store = store
        self._repairs = Repairs(max_ranges=8, random=lambda: 0.5)

    def hear(self, *datagrams: tuple[Bus, str]) -> None:
        """Write one batch of what was heard."""
        readings, heard = [], []
        for bus, hexadecimal in datagrams:
            frame = decode(bus, bytes.fromhex(hexadecimal))
            is_reading = isinstance(frame, DataFrame) and self._repairs.hear(frame, Instant(0.0, NOON_MS), asked=False)
            if is_reading and isinstance(frame, DataFrame):
                readings.append(frame.reading())
            else:
                heard.append(frame)
        self._store.write(Batch(readings, self._repairs.progress(), self._repairs.accounts(), heard), NOON_MS)


def control(flag: Flag, sequence: int, source: str = "C1", number: float = 5.0) -> ControlFrame:
    return ControlFrame(sequence, NOON_MS + sequence, flag, source, "@@", number, active=True)


def numbering(sequence: int) -> DataFrame:
    return DataFrame(sequence, NOON_MS + sequence, Flag.NUMBERING, "C1", "@@", sequence)


def hear(store: Redis, *frames: ControlFrame | DataFrame) -> None:
    store.write(Batch(heard=frames), NOON_MS)


@pytest.mark.parametrize("count", [1, 2, 7, len(FRAMES)])
def test_a_session_of_the_original_leaves_what_the_original_held(store: Redis, client: redis.Redis, count: int) -> None:
    listener = Listener(store)
    for start in range(0, len(FRAMES), count):
        listener.hear(*FRAMES[start : start + count])
    assert hashes(client) == HASHES


def test_a_program_that_is_started_again_goes_on_with_what_there_is(
    redis_server: RedisServer, client: redis.Redis
) -> None:
    for frame in FRAMES:
        with closing(Redis(redis_server.options())) as store:
            Listener(store).hear(frame)
    assert hashes(client) == {**HASHES, "C1": {**HASHES["C1"], "DPacketsLost": 0}}  # it began to listen anew


def test_losses_are_those_that_are_missing_and_those_that_can_never_be_had(store: Redis, client: redis.Redis) -> None:
    holes = (Missing(2, 3, NOON_MS), Missing(7, 1, NOON_MS))
    store.write(Batch([reading(9)], [Progress("C1", 9, holes)], [Account("C1", NOON_MS, not_kept=2)]), NOON_MS)
    assert client.hget("C1", "DPacketsLost") == "6"
    store.write(Batch([reading(2)], [Progress("C1", 9, holes[1:])]), NOON_MS)
    assert client.hget("C1", "DPacketsLost") == "3"
    store.write(Batch(accounts=[Account("C1", NOON_MS, not_kept=-9)]), NOON_MS)
    assert client.hget("C1", "DPacketsLost") == "0"


def test_losses_go_on_after_a_restart(redis_server: RedisServer, store: Redis, client: redis.Redis) -> None:
    hear(store, control(Flag.NEW, 1), control(Flag.ALIVE, 4))
    progress = [Progress("C1", 9, (Missing(7, 1, NOON_MS),))]
    store.write(Batch([reading(9)], progress, [Account("C1", NOON_MS, not_kept=2)]), NOON_MS)
    with closing(Redis(redis_server.options())) as again:
        hear(again, control(Flag.ALIVE, 5), control(Flag.ALIVE, 7))
        again.write(Batch(progress=[Progress("C1", 9)], accounts=[Account("C1", NOON_MS, not_kept=1)]), NOON_MS)
    assert client.hmget("C1", ["CPacketsLost", "CResetTime", "DPacketsLost", "DResetTime"]) == [
        "3",
        str(NOON_MS + 1),
        "3",
        str(reading(9).timestamp_ms),
    ]


def test_a_numbering_that_begins_sets_losses_back(store: Redis, client: redis.Redis) -> None:
    hear(store, control(Flag.ALIVE, 1), control(Flag.ALIVE, 4))
    store.write(Batch([reading(9)], accounts=[Account("C1", NOON_MS, not_kept=2)]), NOON_MS)
    assert client.hmget("C1", ["CPacketsLost", "DPacketsLost"]) == ["2", "2"]
    batch = Batch(heard=[control(Flag.NEW, 50), numbering(60)], accounts=[Account("C1", NOON_MS, renumbered=5)])
    store.write(batch, NOON_MS)
    assert client.hmget("C1", ["CPacketsLost", "DPacketsLost"]) == ["0", "0"]
    assert client.hmget("C1", ["CResetTime", "DResetTime"]) == [str(NOON_MS + 50), str(NOON_MS + 60)]


def test_control_frames_that_come_late_are_lost_no_more(store: Redis, client: redis.Redis) -> None:
    hear(store, control(Flag.NEW, 1), control(Flag.ALIVE, 4))
    hear(store, control(Flag.ALIVE, 2), control(Flag.ALIVE, 3), control(Flag.ALIVE, 3))
    assert client.hget("C1", "CPacketsLost") == "0"


@pytest.mark.parametrize("flag", sorted(CONTROL_FLAGS - {*"NIPTHS"}))
def test_other_frames_are_counted_and_leave_nothing_else(store: Redis, client: redis.Redis, flag: Flag) -> None:
    hear(store, control(Flag.NEW, 1), control(flag, 3))
    assert set(client.hgetall("C1")) == {"Codifier", "CPacketsLost", "CResetTime"}
    assert client.hget("C1", "CPacketsLost") == "1"


def test_a_repaired_reading_does_not_show_an_old_value(store: Redis, client: redis.Redis) -> None:
    write(store, reading(5, value=20))
    write(store, reading(3, value=30), reading(4, value=40))
    assert client.hget("C1", "Value") == "20"


def test_a_clock_that_was_set_back_does_not_keep_new_values_out(store: Redis, client: redis.Redis) -> None:
    write(store, reading(5, value=20))
    write(store, reading(6, value=30)._replace(timestamp_ms=NOON_MS - HOUR_MS))
    assert client.hget("C1", "Value") == "30"


def test_a_new_numbering_does_not_keep_new_values_out(store: Redis, client: redis.Redis) -> None:
    write(store, reading(1_000_000, value=20))
    write(store, Reading("C1", NOON_MS, 7, 30))
    assert client.hget("C1", "Value") == "30"


def test_a_restart_does_not_let_a_repaired_reading_show_an_old_value(
    redis_server: RedisServer, store: Redis, client: redis.Redis
) -> None:
    store.write(Batch([reading(5, value=20)], [Progress("C1", 5, (Missing(3, 2, NOON_MS),))]), NOON_MS)
    with closing(Redis(redis_server.options())) as again:
        write(again, reading(3, value=30))
        assert client.hget("C1", "Value") == "20"
        write(again, reading(6, value=40))
        assert client.hget("C1", "Value") == "40"


@pytest.mark.parametrize(
    ("value", "attributes", "text"),
    [
        (42, None, "42"),
        (True, None, "1"),
        (2**70, None, str(2**70)),
        (21.3, None, "21.299999237060547"),  # what the four bytes of the frame hold
        (21.3, {"voltage": 3.2}, "21.3"),  # in JSON the frame holds it as it is
        (21.123456789012, None, "21.123456789012"),
        (-0.0, None, "-0.0"),
        (1e300, None, "1e+300"),
        ("80", None, "80"),
        ("21,5 °C", None, "21,5 °C"),
        ("a\x00b\ud800", None, "a\x00b?"),
    ],
)
def test_a_value_stands_there_as_the_original_wrote_it(
    store: Redis, client: redis.Redis, value: float | str, attributes: dict[str, object] | None, text: str
) -> None:
    write(store, reading(1, value, attributes=attributes))
    assert client.hget("C1", "Value") == text


def test_nothing_but_the_fields_of_the_original_stands_there(store: Redis, client: redis.Redis) -> None:
    store.describe([Description("C1", "kastpi CPU", "°C")])
    store.write(Batch([reading(1)], [Progress("C1", 1)], heard=[control(Flag.NEW, 1)]), NOON_MS)
    fields = {"Codifier", "CPacketsLost", "CResetTime", "DPacketsLost", "DResetTime", "Value", "DTimestamp"}
    assert set(client.hgetall("C1")) == fields


def test_what_no_store_takes_leaves_no_state(store: Redis, client: redis.Redis) -> None:
    assert write(store, Reading("kitchen", NOON_MS, 1, 20), Reading("C\ud800", NOON_MS, 1, 20)) == Written(rejected=2)
    assert write(store, Reading("C1", NOON_MS, 1, float("nan"))) == Written(rejected=1)
    assert hashes(client) == {}


def test_an_import_changes_nobodys_last_state(store: Redis, client: redis.Redis) -> None:
    write(store, reading(1))
    before = hashes(client)
    newer, other = reading(2, 30.0), reading(7, codifier="X1")
    assert store.write(Batch([newer, other], is_import=True), NOON_MS) == Written(stored=2)
    assert hashes(client) == before


def test_a_sensor_that_is_dead_is_forgotten_after_a_while(redis_server: RedisServer, client: redis.Redis) -> None:
    with closing(Redis(redis_server.options(expire_s=3600.0))) as store:
        write(store, reading(1), reading(1, codifier="F1"))
        client.pexpire("F1", 1000)
        write(store, reading(2))
        assert 3_590_000 < client.pttl("C1") <= 3_600_000
        client.delete("C1")  # as if the time were over
        store.write(Batch([reading(3)], heard=[control(Flag.ALIVE, 5)]), NOON_MS)
        fields = {"Codifier", "CPacketsLost", "CResetTime", "DPacketsLost", "DResetTime", "Value", "DTimestamp"}
        assert set(client.hgetall("C1")) == fields | {"ITimestamp", "IsActive"}


def test_without_expiry_nobody_is_forgotten(store: Redis, client: redis.Redis) -> None:
    write(store, reading(1))
    assert client.ttl("C1") == -1


def test_without_a_stream_there_are_only_last_values(store: Redis, client: redis.Redis) -> None:
    assert store.abilities == {Ability.HEARD}
    assert write(store, reading(1), reading(2), reading(2)) == Written(stored=2, duplicates=1)
    assert store.codifiers() == ["C1"]
    assert client.keys("jph:readings") == client.keys("jph:history:*") == []
    with pytest.raises(StoreError, match="keeps last values only; add `stream: 100000` to its options"):
        store.history("C1", *EVER, MANY)


def test_there_are_no_rollups(store: Redis) -> None:
    assert store.refresh(10) == 0
    with pytest.raises(StoreError, match="has no roll-ups; ask a sink with"):
        store.rollups("C1", Span.HOUR, *EVER)


def test_keys_of_other_programs_are_no_sensors(store: Redis, client: redis.Redis) -> None:
    client.set("xx", "text")
    client.rpush("yy", "list")
    client.hset("zz", "Name", "no value")
    write(store, reading(1))
    assert store.codifiers() == ["C1"]


def test_what_the_configuration_calls_a_sensor_stands_apart(store: Redis, client: redis.Redis) -> None:
    store.describe([Description("C1", "cellar", "°C"), Description("F1", "attic", "°C")])
    store.describe([Description("C1", "kastpi CPU", "°C")])
    assert client.hgetall("jph:sensors") == {"C1": '["kastpi CPU", "\\u00b0C"]'}


def test_accounts_are_dropped_after_a_year(store: Redis, client: redis.Redis) -> None:
    for day in (0, 10, 401):
        store.write(Batch(accounts=[Account("C1", NOON_MS + day * 24 * HOUR_MS, sent=1)]), NOON_MS)
    store.maintain(NOON_MS + 401 * 24 * HOUR_MS)
    assert [account.hour_ms for account in store.accounts(*EVER)] == [
        NOON_MS + 10 * 24 * HOUR_MS,
        NOON_MS + 401 * 24 * HOUR_MS,
    ]
    assert len(client.keys("jph:accounts:*")) == 2
