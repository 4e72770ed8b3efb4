"""Storing in SQLite: the sink's batches, roll-ups of many readings, and a whole agent from the bus to the file."""

import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from bench import agents, load, processes, storage
from bench.figures import CannotMeasureError, Figure, Measurement, Samples, at_least
from bench.rounds import alternate
from config.model import Network
from storage.sqlite import Sqlite, SqliteOptions
from storage.store import Batch

FIGURES: Final = (
    Figure(
        "write_per_s",
        "readings/s",
        f"`Store.write` in batches of {storage.BATCH:,} with cursors and accounts, of {load.SENSORS} sensors",
        at_least(50_000),
    ),
    Figure("write_1000_per_s", "readings/s", "the same of 1,000 sensors, five readings of each in a batch"),
    Figure("repeated_per_s", "readings/s", "`Store.write` of what is stored already"),
    Figure("bytes_per_reading", "bytes", "the file's, with roll-ups and everything"),
    Figure("rolled_up_per_s", "readings/s", "`Store.refresh`: per ten minutes and per hour, both together"),
    Figure("rolled_up_s", "s", "the same for all of them"),
    Figure("sink_per_s", "readings/s", "from the first sent to the last in the file of a sink", at_least(50_000)),
    Figure("sink_per_cpu_s", "readings/s", "the same in a second of the agent's processor time: on a core of its own"),
    Figure("sink_lost", "readings", "of them not in the file, sent at full speed"),
)

MANY_SENSORS: Final = 1_000
ROLLED_UP_SENSORS: Final = 10
HOURS_AT_ONCE: Final = 100
BEGIN_MS: Final = 1_700_000_000_000

# Made by SQLite: to write them through the store would take longer than all else.
_FILL: Final = """
INSERT INTO readings (codifier, timestamp_ms, sequence, value)
WITH RECURSIVE
    seconds (second) AS (SELECT 1 UNION ALL SELECT second + 1 FROM seconds WHERE second < :each),
    sensors (sensor) AS (SELECT 0 UNION ALL SELECT sensor + 1 FROM sensors WHERE sensor < 9)
SELECT 'S' || sensor, :begin_ms + second * 1000, second, abs(random() % 1000) / 10.0
FROM sensors CROSS JOIN seconds
"""
_MARK: Final = """
INSERT INTO dirty (end_ms, codifier) SELECT DISTINCT (timestamp_ms + 599999) / 600000 * 600000, codifier FROM readings
"""

SINK: Final = "Q1"
SETTLE_S: Final = 2.0  # the sink announces itself and sees for a second that it is alone
LOOK_EVERY_S: Final = 0.1
SILENCE_S: Final = 4.0  # when nothing more was stored for so long, the rest is lost


class Extent(NamedTuple):
    """How much is measured; a rate of 0 is full speed."""

    rounds: int
    readings: int
    rate_hz: float
    rolled_up: int


class Written(NamedTuple):
    """How fast readings were written, the first time and once more, and how large the file was then, in bytes."""

    per_s: float
    repeated_per_s: float
    size: int


class Stored(NamedTuple):
    """What became of the readings that were sent to a sink."""

    elapsed_s: float
    readings: int
    cpu_s: float


def measure(extent: Extent) -> Samples:
    """Return the samples of FIGURES."""
    contenders = {
        "write": partial(_write_twice, list(storage.batches(storage.make_readings(extent.readings)))),
        "many": partial(_write_twice, list(storage.batches(storage.make_readings(extent.readings, MANY_SENSORS)))),
    }
    found = alternate(extent.rounds, contenders)
    journeys = alternate(extent.rounds, {"sink": partial(travel, extent)}, warm_up=False)["sink"]
    rolled_up_s = _roll_up(extent.rolled_up)
    return {
        "write_per_s": [written.per_s for written in found["write"]],
        "write_1000_per_s": [written.per_s for written in found["many"]],
        "repeated_per_s": [written.repeated_per_s for written in found["write"]],
        "bytes_per_reading": [written.size / extent.readings for written in found["write"]],
        "rolled_up_per_s": [extent.rolled_up / rolled_up_s],
        "rolled_up_s": [rolled_up_s],
        "sink_per_cpu_s": [stored.readings / stored.cpu_s for stored in journeys],
        "sink_per_s": [stored.readings / stored.elapsed_s for stored in journeys],
        "sink_lost": [extent.readings - stored.readings for stored in journeys],
    }


def _write_twice(batches: list[Batch]) -> Written:
    """Write all into a new file, and once more."""
    with TemporaryDirectory() as directory:
        file = Path(directory, "history.db")
        with closing(Sqlite(SqliteOptions(path=str(file)))) as store:
            per_s = storage.write_all(store, batches)
            repeated_per_s = storage.write_all(store, batches)
            _refresh(store)
        return Written(per_s, repeated_per_s, file.stat().st_size)


def _roll_up(readings: int) -> float:
    """Compute all roll-ups of so many readings, of ten sensors a second apart, and return how long that took."""
    with TemporaryDirectory() as directory:
        file = Path(directory, "history.db")
        with closing(Sqlite(SqliteOptions(path=str(file)))) as store:
            with closing(sqlite3.connect(file)) as filling, filling:
                filling.execute(_FILL, {"begin_ms": BEGIN_MS, "each": readings // ROLLED_UP_SENSORS})
                filling.execute(_MARK)
            begin_s = time.perf_counter()
            _refresh(store)
            return time.perf_counter() - begin_s


def _refresh(store: Sqlite) -> None:
    while store.refresh(HOURS_AT_ONCE):
        pass


def travel(extent: Extent) -> Stored:
    """Send readings from one process to the sink of another, and wait until its file has them all or gets no more."""
    with load.loopback_network() as network, TemporaryDirectory() as directory:
        file = Path(directory, "history.db")
        nodes = {SINK: {"driver": "sqlite", "options": {"path": str(file)}}}
        with agents.configured(network, nodes) as configuration, agents.ear(network.control) as listening:
            command = agents.agent_command(configuration, SINK)
            with processes.running(command) as agent:
                agents.await_announcement(listening, agent)
                time.sleep(SETTLE_S)
                return _stored(network, extent, file, agent)


def _stored(network: Network, extent: Extent, file: Path, agent: processes.Running) -> Stored:
    begin_cpu_s = processes.cpu_s(agent.pid)
    places = (network.control, network.data)
    with processes.courier("jph-sender", places, extent.readings, extent.rate_hz) as sender:
        sender.hear()
        sender.go()
        begin_s = sender.hear()["ns"][0] / 1e9
        readings, last_s = _await_readings(file, extent.readings)
    return Stored(last_s - begin_s, readings, max(processes.cpu_s(agent.pid) - begin_cpu_s, processes.TICK_S))


def _await_readings(file: Path, wanted: int) -> tuple[int, float]:
    """Look into the file until all readings are there or no more come; return their number and when it was reached."""
    readings, last_s = 0, time.monotonic()
    while readings < wanted and time.monotonic() < last_s + SILENCE_S:
        time.sleep(LOOK_EVERY_S)
        found = _count(file)
        if found > readings:
            readings, last_s = found, time.monotonic()
    if not readings:
        raise CannotMeasureError("the sink stored nothing")
    return readings, last_s


def _count(file: Path) -> int:
    if not file.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
            ((count,),) = connection.execute("SELECT count(*) FROM readings WHERE codifier <> ?", (SINK,))
    except sqlite3.OperationalError:  # the sink is making the file
        return 0
    return int(count)


MEASUREMENT: Final = Measurement(
    "sqlite",
    "The SQLite sink",
    FIGURES,
    partial(measure, Extent(rounds=3, readings=200_000, rate_hz=0, rolled_up=10_000_000)),
    partial(measure, Extent(rounds=1, readings=500, rate_hz=0, rolled_up=10_000)),
)
