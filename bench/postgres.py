"""Storing in PostgreSQL: the sink's batches against other ways to insert, and roll-ups of many readings.

A server of its own in a temporary directory, durable as it comes: each commit waits for the disk.
"""

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias

import psycopg

from bench.figures import CannotMeasureError, Figure, Measurement, Samples, at_least, ratios
from bench.rounds import alternate
from bench.storage import BATCH, batches, make_readings, now_ms, write_all
from protocol.readings import Reading
from storage.postgres import Postgres
from storage.postgres_rows import TYPES, to_row
from storage.store import Batch, Span
from tests.storage.postgres_server import PostgresServer

FIGURES: Final = (
    Figure(
        "write_per_s",
        "readings/s",
        f"`Store.write` in batches of {BATCH:,}, with cursors and accounts",
        at_least(20_000),
    ),
    Figure("against_commits", "times", "the same against a transaction for each reading", at_least(50)),
    Figure("commits_per_s", "readings/s", "BEGIN, INSERT and COMMIT for each reading, without what else a batch does"),
    Figure("repeated_per_s", "readings/s", "`Store.write` of what is stored already, as after a lost answer"),
    Figure(
        "pipelined_per_s", "readings/s", "pipelined INSERT ... ON CONFLICT DO NOTHING, without what else a batch does"
    ),
    Figure(
        "staged_per_s",
        "readings/s",
        "COPY into a temporary table and INSERT from there, without what else a batch does",
    ),
    Figure("rolled_up_per_s", "readings/s", "`Store.refresh`: per ten minutes and per hour, both together"),
    Figure("rolled_up_s", "s", "the same for all of them"),
)

_SETTINGS: Final = {"listen_addresses": "''", "shared_buffers": "256MB", "max_wal_size": "4GB", "lc_messages": "C"}
_INSERT: Final = """
INSERT INTO jph.readings (timestamp_ms, sequence, number, integer, codifier, text, exact, attributes)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_STAGE: Final = "CREATE TEMP TABLE staged (LIKE jph.readings) ON COMMIT DELETE ROWS"
_COPY: Final = "COPY staged FROM STDIN (FORMAT binary)"
_INSERT_STAGED: Final = """
INSERT INTO jph.readings SELECT * FROM staged ORDER BY codifier, timestamp_ms, sequence ON CONFLICT DO NOTHING
"""
# Made by the server: to send them would take longer than all else.
_FILL: Final = """
INSERT INTO jph.readings (codifier, sequence, timestamp_ms, number)
SELECT 'S' || chr(48 + sensor), second, %(begin_ms)s + second * 1000, round(random() * 100) / 10
FROM generate_series(1, %(each)s) AS second, generate_series(0, 9) AS sensor
"""
_MARK: Final = """
INSERT INTO jph.dirty (codifier, span_ms, end_ms)
SELECT DISTINCT codifier, span_ms, (timestamp_ms + span_ms - 1) / span_ms * span_ms
FROM jph.readings, unnest(%s::bigint[]) AS span_ms
"""
SENSORS_ROLLED_UP: Final = 10
HOURS_AT_ONCE: Final = 500

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]


class Extent(NamedTuple):
    """How much is measured."""

    rounds: int
    readings: int
    commits: int
    rolled_up: int


def measure(extent: Extent) -> Samples:
    """Return the samples of FIGURES."""
    try:
        with closing(PostgresServer(_SETTINGS)) as server:
            return _measure(server, extent)
    except FileNotFoundError as error:
        raise CannotMeasureError(str(error)) from error


def _measure(server: PostgresServer, extent: Extent) -> Samples:
    readings = make_readings(extent.readings)
    contenders: dict[str, Callable[[], list[float]]] = {
        "write": partial(_write_twice, server, list(batches(readings))),
        "commits": partial(_insert, server, readings[: extent.commits], _commit_each),
        "pipelined": partial(_insert, server, readings, _pipeline),
        "staged": partial(_insert, server, readings, _stage),
    }
    found = alternate(extent.rounds, contenders, warm_up=False)
    written, repeated = zip(*found["write"], strict=True)
    commits = [per_s for (per_s,) in found["commits"]]
    rolled_up_s = _roll_up(server, extent.rolled_up)
    return {
        "write_per_s": written,
        "against_commits": ratios(written, commits),
        "commits_per_s": commits,
        "repeated_per_s": repeated,
        "pipelined_per_s": [per_s for (per_s,) in found["pipelined"]],
        "staged_per_s": [per_s for (per_s,) in found["staged"]],
        "rolled_up_per_s": [extent.rolled_up / rolled_up_s],
        "rolled_up_s": [rolled_up_s],
    }


def _write_twice(server: PostgresServer, written: list[Batch]) -> list[float]:
    """Write all into a new database, and once more; return how many readings a second that were each time."""
    database = server.new_database()
    with closing(Postgres(server.options(database))) as store:
        found = [write_all(store, written) for _ in range(2)]
    server.drop_database(database)
    return found


def _insert(
    server: PostgresServer, readings: list[Reading], insert: Callable[[Connection, list[Reading]], None]
) -> list[float]:
    """Insert all into a new database, and return how many readings a second that were."""
    database = server.new_database()
    with closing(Postgres(server.options(database))) as store:
        store.maintain(now_ms())  # makes the partitions
    with server.connect(database) as connection:
        begin_s = time.perf_counter()
        insert(connection, readings)
        elapsed_s = time.perf_counter() - begin_s
    server.drop_database(database)
    return [len(readings) / elapsed_s]


def _commit_each(connection: Connection, readings: list[Reading]) -> None:
    for reading in readings:
        with connection.transaction():
            connection.execute(_INSERT, to_row(reading))


def _pipeline(connection: Connection, readings: list[Reading]) -> None:
    for first in range(0, len(readings), BATCH):
        with connection.transaction():
            connection.cursor().executemany(_INSERT, [to_row(reading) for reading in readings[first : first + BATCH]])


def _stage(connection: Connection, readings: list[Reading]) -> None:
    connection.execute(_STAGE)
    for first in range(0, len(readings), BATCH):
        with connection.transaction():
            with connection.cursor().copy(_COPY) as copy:
                copy.set_types(TYPES)
                for reading in readings[first : first + BATCH]:
                    copy.write_row(to_row(reading))
            connection.execute(_INSERT_STAGED)


def _roll_up(server: PostgresServer, readings: int) -> float:
    """Compute all roll-ups of so many readings, of ten sensors a second apart, and return how long that took."""
    database = server.new_database()
    each = readings // SENSORS_ROLLED_UP
    begin_ms = now_ms() - each * 1000
    with closing(Postgres(server.options(database, statement_timeout_s=3600.0))) as store:
        store.maintain(begin_ms)
        store.maintain(now_ms())
        with server.connect(database) as connection:
            connection.execute(_FILL, {"begin_ms": begin_ms, "each": each})
            connection.execute(_MARK, ([span.length_ms for span in Span],))
            connection.execute("VACUUM ANALYZE")
        begin_s = time.perf_counter()
        while store.refresh(HOURS_AT_ONCE):
            pass
        elapsed_s = time.perf_counter() - begin_s
    server.drop_database(database)
    return elapsed_s


MEASUREMENT: Final = Measurement(
    "postgres",
    "The PostgreSQL sink",
    FIGURES,
    partial(measure, Extent(rounds=3, readings=200_000, commits=2_000, rolled_up=10_000_000)),
    partial(measure, Extent(rounds=1, readings=500, commits=20, rolled_up=10_000)),
)
