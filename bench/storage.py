"""What the measurements of stores share: readings as sensors send them, in batches as a sink makes them."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from bench import load
from protocol.accounts import Account, hour_of
from protocol.readings import Reading
from protocol.repair import Progress
from storage.store import Batch, Store

BATCH: Final = 5_000  # readings in a transaction, as many as a sink that has much to do


def make_readings(count: int, sensors: int = load.SENSORS) -> list[Reading]:
    """Return readings of so many sensors, a second apart."""
    names, begin_ms = load.codifiers(sensors), now_ms()
    return [
        Reading(names[number % sensors], begin_ms + number // sensors * 1000, number // sensors, value)
        for number, (_, value) in enumerate(islice(load.values(), count))
    ]


def batches(readings: Sequence[Reading]) -> Iterator[Batch]:
    """Make batches with an account and a cursor of each sensor that is in them."""
    for first in range(0, len(readings), BATCH):
        batch = readings[first : first + BATCH]
        newest = {reading.codifier: reading for reading in batch}
        hours_ms = [hour_of(reading.timestamp_ms) for reading in batch]
        counts = Counter(zip((reading.codifier for reading in batch), hours_ms, strict=True))
        accounts = [Account(*key, sent=count, heard=count) for key, count in counts.items()]
        progress = [Progress(codifier, reading.sequence) for codifier, reading in newest.items()]
        yield Batch(batch, progress, accounts, hours_ms=hours_ms)


def write_all(store: Store, written: Iterable[Batch]) -> float:
    """Write batches, and return how many readings a second that were."""
    count, begin_s = 0, time.perf_counter()
    for batch in written:
        count += sum(store.write(batch, now_ms()))
    return count / (time.perf_counter() - begin_s)


def now_ms() -> int:
    """Return the time on the wall, ms since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000
