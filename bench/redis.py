"""Storing in Redis: the sink's batches, with the last state of each sensor alone and with a stream beside it.

A server of its own that keeps nothing on disk: what a disk costs depends on the server's settings.
"""

import time
from contextlib import closing
from functools import partial
from typing import Final, NamedTuple

from bench import load, storage
from bench.figures import CannotMeasureError, Figure, Measurement, Samples
from bench.rounds import alternate
from storage.redis import Redis
from storage.store import Batch
from tests.storage.redis_server import RedisServer

STREAM: Final = 100_000

FIGURES: Final = (
    Figure(
        "write_per_s",
        "readings/s",
        f"`Store.write` in batches of {storage.BATCH:,} with cursors and accounts, of {load.SENSORS} sensors",
    ),
    Figure("stream_per_s", "readings/s", f"the same with `stream: {STREAM}`, half of the time full"),
    Figure("bytes_per_reading", "bytes", "of the server's memory that a reading takes in stream and history"),
    Figure("history_s", "s", f"to read one of {load.SENSORS} sensors back from a full stream"),
)


class Extent(NamedTuple):
    """How much is measured."""

    rounds: int
    readings: int


class Written(NamedTuple):
    """How fast readings were written, what each takes in the server's memory, and how long one sensor's took back."""

    per_s: float
    size: float
    history_s: float


def measure(extent: Extent) -> Samples:
    """Return the samples of FIGURES."""
    batches = list(storage.batches(storage.make_readings(extent.readings)))
    try:
        with RedisServer() as server:
            write = partial(_write, server, batches)
            found = alternate(extent.rounds, {"states": partial(write, 0), "stream": partial(write, STREAM)})
    except FileNotFoundError as error:
        raise CannotMeasureError(str(error)) from error
    return {
        "write_per_s": [written.per_s for written in found["states"]],
        "stream_per_s": [written.per_s for written in found["stream"]],
        "bytes_per_reading": [written.size for written in found["stream"]],
        "history_s": [written.history_s for written in found["stream"]],
    }


def _write(server: RedisServer, batches: list[Batch], stream: int) -> Written:
    """Write all into an empty database."""
    with server.client() as client:
        client.flushall()
    with closing(Redis(server.options(stream=stream))) as store:
        per_s = storage.write_all(store, batches)
        return Written(per_s, _size(server), _read_s(store) if stream else 0.0)


def _size(server: RedisServer) -> float:
    with server.client() as client:
        keys = [key for key in ("jph:readings", *client.scan_iter("jph:history:*")) if client.exists(key)]
        used = sum(client.memory_usage(key, samples=0) or 0 for key in keys)
        return used / max(1, client.xlen("jph:readings"))


def _read_s(store: Redis) -> float:
    begin_s = time.perf_counter()
    store.history(load.codifiers(1)[0], 0, 2**63, 2**63)
    return time.perf_counter() - begin_s


MEASUREMENT: Final = Measurement(
    "redis",
    "The Redis sink",
    FIGURES,
    partial(measure, Extent(rounds=3, readings=200_000)),
    partial(measure, Extent(rounds=1, readings=500)),
)
