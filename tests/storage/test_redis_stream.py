"""The newest readings of everybody, to be followed and to be looked up."""

import json
from collections.abc import Iterator
from contextlib import closing

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol.readings import Reading
from storage.redis import Redis
from storage.redis_options import SMALLEST_STREAM
from storage.store import Written
from tests.storage.conformance import EVER, MANY, NOON_MS, everything, reading, write
from tests.storage.redis_server import RedisServer
from tests.storage.redis_server import client as client  # noqa: PLC0414 - a fixture


@pytest.fixture
def store(redis_server: RedisServer, client: redis.Redis) -> Iterator[Redis]:
    with closing(Redis(redis_server.options(stream=SMALLEST_STREAM))) as store:
        yield store


def stream(client: redis.Redis) -> list[dict[str, str]]:
    return [fields for _, fields in client.xrange("jph:readings") or []]  # type: ignore[misc] # decoded


def test_the_stream_tells_all_of_a_reading(store: Redis, client: redis.Redis) -> None:
    write(store, reading(1, 21.3), reading(2, "on", attributes={"unit": "°C"}))
    assert stream(client) == [
        {"codifier": "C1", "timestamp": str(NOON_MS + 1000), "sequence": "1", "value": "21.3"},
        {
            "codifier": "C1",
            "timestamp": str(NOON_MS + 2000),
            "sequence": "2",
            "value": '"on"',
            "attributes": json.dumps({"unit": "°C"}),
        },
    ]


def test_who_follows_the_stream_gets_every_reading_once_in_order_of_arrival(store: Redis, client: redis.Redis) -> None:
    for sequence in (1, 4, 2, 4, 3, 2):
        write(store, reading(sequence))
    assert [fields["sequence"] for fields in stream(client)] == ["1", "4", "2", "3"]


def test_the_stream_has_a_bound_and_the_history_is_what_it_holds(store: Redis, client: redis.Redis) -> None:
    for start in range(0, 3 * SMALLEST_STREAM, 300):
        write(store, *(reading(sequence, codifier=f"C{sequence % 3}") for sequence in range(start, start + 300)))
    assert client.xlen("jph:readings") == SMALLEST_STREAM
    assert sorted(found.sequence for found in everything(store)) == list(
        range(2 * SMALLEST_STREAM, 3 * SMALLEST_STREAM)
    )


def test_of_a_batch_that_is_longer_than_the_stream_the_newest_are_kept(store: Redis, client: redis.Redis) -> None:
    write(store, reading(0))
    batch = [reading(sequence) for sequence in range(1, SMALLEST_STREAM + 11)]
    assert write(store, *batch) == Written(stored=len(batch))
    assert client.xlen("jph:readings") == SMALLEST_STREAM
    assert everything(store) == batch[10:]


def test_a_sensor_whose_readings_were_pushed_out_is_no_sensor(store: Redis, client: redis.Redis) -> None:
    write(store, reading(1, codifier="A1"))
    write(store, *(reading(sequence) for sequence in range(SMALLEST_STREAM)))
    assert store.codifiers() == ["C1"]
    assert client.exists("jph:history:A1") == 0


def test_of_two_readings_with_one_sequence_one_can_be_pushed_out_alone(store: Redis) -> None:
    again = reading(1)._replace(timestamp_ms=reading(1).timestamp_ms + 5)
    write(store, reading(1), *(reading(sequence, codifier="F1") for sequence in range(SMALLEST_STREAM - 2)))
    write(store, again, reading(2))
    assert store.history("C1", *EVER, MANY) == [again, reading(2)]


def test_a_smaller_stream_drops_what_is_too_much(redis_server: RedisServer, client: redis.Redis) -> None:
    with closing(Redis(redis_server.options(stream=3 * SMALLEST_STREAM))) as store:
        write(store, *(reading(sequence) for sequence in range(3 * SMALLEST_STREAM)))
    with closing(Redis(redis_server.options(stream=SMALLEST_STREAM))) as store:
        write(store, reading(9999, codifier="F1"))
        assert client.xlen("jph:readings") == SMALLEST_STREAM
        assert len(everything(store)) == SMALLEST_STREAM


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(
            st.builds(
                Reading,
                codifier=st.sampled_from(["C1", "F1"]),
                timestamp_ms=st.integers(NOON_MS, NOON_MS + 3),
                sequence=st.integers(0, 3),
                value=st.just(20),
                attributes=st.none(),
            ),
            max_size=8,
        ),
        max_size=5,
    )
)
def test_history_and_stream_hold_the_same(
    redis_server: RedisServer, client: redis.Redis, batches: list[list[Reading]]
) -> None:
    client.flushall()
    filling = [reading(sequence, codifier="ZZ") for sequence in range(SMALLEST_STREAM - 6)]
    with closing(Redis(redis_server.options(stream=SMALLEST_STREAM))) as store:
        write(store, *filling)
        for batch in batches:
            write(store, *batch)
        streamed = [(entry["codifier"], int(entry["timestamp"]), int(entry["sequence"])) for entry in stream(client)]
        assert sorted(streamed) == sorted(found[:3] for found in everything(store))
