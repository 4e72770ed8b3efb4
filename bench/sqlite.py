"""Storing: readings into SQLite in the sink's batches, and through a whole agent from the bus to the file."""

import sqlite3
import time
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from agent.sink import BATCH
from bench import agents, load, processes
from bench.figures import CannotMeasureError, Figure, Measurement, Samples, at_least
from bench.rounds import alternate
from config.model import Network
from protocol.readings import Reading
from storage.sqlite import Sqlite, SqliteOptions

FIGURES: Final = (
    Figure("write_per_s", "readings/s", f"`Store.write` in batches of {BATCH:,}, into a new file", at_least(50_000)),
    Figure("sink_per_s", "readings/s", "from the first sent to the last in the file of a sink", at_least(50_000)),
    Figure("sink_per_cpu_s", "readings/s", "the same in a second of the agent's processor time: on a core of its own"),
    Figure("sink_lost", "readings", "of them not in the file, sent at full speed"),
)

SINK: Final = "Q1"
SETTLE_S: Final = 2.0  # the sink announces itself and sees for a second that it is alone
LOOK_EVERY_S: Final = 0.1
SILENCE_S: Final = 4.0  # when nothing more was stored for so long, the rest is lost


class Extent(NamedTuple):
    """How much is measured; a rate of 0 is full speed."""

    rounds: int
    readings: int
    rate_hz: float


class Stored(NamedTuple):
    """What became of the readings that were sent to a sink."""

    elapsed_s: float
    readings: int
    cpu_s: float


def measure(extent: Extent) -> Samples:
    """Return the samples of FIGURES."""
    readings = make_readings(extent.readings)
    found = alternate(extent.rounds, {"write": partial(write_s, readings)})
    journeys = alternate(extent.rounds, {"sink": partial(travel, extent)}, warm_up=False)["sink"]
    return {
        "write_per_s": [extent.readings / seconds for seconds in found["write"]],
        "sink_per_cpu_s": [stored.readings / stored.cpu_s for stored in journeys],
        "sink_per_s": [stored.readings / stored.elapsed_s for stored in journeys],
        "sink_lost": [extent.readings - stored.readings for stored in journeys],
    }


def make_readings(count: int) -> list[Reading]:
    """Return readings of 200 sensors, a second apart."""
    names = load.codifiers(load.SENSORS)
    now_ms = time.time_ns() // 1_000_000
    return [
        Reading(names[place], now_ms + number // load.SENSORS * 1000, number // load.SENSORS, value)
        for number, (place, value) in enumerate(islice(load.values(), count))
    ]


def write_s(readings: list[Reading]) -> float:
    """Write all into a new file, as the sink does, and return how long that took."""
    with TemporaryDirectory() as directory, closing(Sqlite(SqliteOptions(path=f"{directory}/history.db"))) as store:
        begin_s = time.perf_counter()
        for first in range(0, len(readings), BATCH):
            store.write(readings[first : first + BATCH])
        return time.perf_counter() - begin_s


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
    partial(measure, Extent(rounds=3, readings=200_000, rate_hz=0)),
    partial(measure, Extent(rounds=1, readings=500, rate_hz=0)),
)
