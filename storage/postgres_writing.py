"""One batch into PostgreSQL, in one transaction: readings, what they touch, cursors and accounts."""

import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString, NamedTuple, TypeVar
from uuid import uuid4

import psycopg

from protocol.codifiers import is_codifier
from protocol.frames import LATEST_TIMESTAMP_MS
from protocol.readings import Reading
from storage.booking import booked, written
from storage.judging import Known, Outcome, judge, refusal, to_json
from storage.postgres_errors import is_poison, is_race, reason
from storage.postgres_link import Connection
from storage.postgres_partitions import Partitions
from storage.postgres_rows import TYPES, from_row, to_row
from storage.store import SAME_SEQUENCE_MS, Batch, Span, StoreError, Trouble, Written

_Key = TypeVar("_Key", bound=Hashable)

NOTHING: Final = Written()
MAX_RACES: Final = 10  # times that writers that take no turns may come first before the batch is given back

# All writers write side by side. One that others came before with the same readings writes alone the next time: who
# stores much at once would else lose again and again against those who store little. Ends with the transaction.
_SIDE_BY_SIDE: Final = "SELECT pg_advisory_xact_lock_shared(x'6a7069'::int)"
_ALONE: Final = "SELECT pg_advisory_xact_lock(x'6a7069'::int)"

# The number of a batch is claimed with it: there is no row to return when that batch was committed before.
_CLAIM: Final = """
INSERT INTO jph.writers (writer, batches, wrote_ms) VALUES (%s, %s, %s)
ON CONFLICT (writer) DO UPDATE SET batches = excluded.batches, wrote_ms = excluded.wrote_ms
WHERE writers.batches < excluded.batches
RETURNING batches
"""
# One look for each sensor tells whether the store can have any of the batch. Mostly it has not. The codifier is written
# as in the index that finds sequences.
_TOUCHED: Final = """
SELECT wanted.codifier
FROM json_to_recordset(%s::json) AS wanted (codifier text, first bigint, last bigint, since bigint, until bigint)
CROSS JOIN LATERAL (
    SELECT FROM jph.readings
    WHERE readings.codifier || '' = wanted.codifier
        AND readings.sequence BETWEEN wanted.first AND wanted.last
        AND readings.timestamp_ms BETWEEN wanted.since AND wanted.until
    LIMIT 1
) AS touched
"""
_KNOWN: Final = """
SELECT known.*
FROM json_to_recordset(%s::json) AS wanted (codifier text, first bigint, since bigint, until bigint)
CROSS JOIN LATERAL (
    SELECT * FROM jph.readings
    WHERE readings.codifier || '' = wanted.codifier
        AND readings.sequence = wanted.first
        AND readings.timestamp_ms BETWEEN wanted.since AND wanted.until
    OFFSET 0 -- keeps the planner from reading everything once instead of a little often
) AS known
"""
_COPY: Final = """
COPY jph.readings (timestamp_ms, sequence, number, integer, codifier, text, exact, attributes)
FROM STDIN (FORMAT binary)
"""
_SENSORS: Final = """
INSERT INTO jph.sensors (codifier) SELECT json_array_elements_text(%s::json) AS codifier ORDER BY codifier
ON CONFLICT DO NOTHING
"""
# Locked also when it is marked already: otherwise a roll-up that is being computed now would do without these readings.
_DIRTY: Final = """
INSERT INTO jph.dirty (codifier, span_ms, end_ms)
SELECT codifier, span_ms, end_ms
FROM json_to_recordset(%s::json) AS touched (codifier text, span_ms bigint, end_ms bigint)
ORDER BY codifier COLLATE "C", span_ms, end_ms
ON CONFLICT (codifier, span_ms, end_ms) DO UPDATE SET batches = dirty.batches + 1
"""
_CONFLICTS: Final = """
INSERT INTO jph.conflicts (codifier, timestamp_ms, sequence, reading, found_ms)
SELECT * FROM json_to_recordset(%s::json) AS found (
    codifier text, timestamp_ms bigint, sequence bigint, reading text, found_ms bigint
)
ON CONFLICT DO NOTHING
"""
_REJECTED: Final = """
INSERT INTO jph.rejected (reading, reason, found_ms)
SELECT * FROM json_to_recordset(%s::json) AS found (reading text, reason text, found_ms bigint)
"""
_ACCOUNTS: Final = """
INSERT INTO jph.accounts (
    codifier, hour_ms, sent, heard, repaired, stored, duplicate, bad, rejected, conflict,
    not_kept, renumbered, too_many_holes, doubled, restarts
)
SELECT
    codifier, hour_ms, sent, heard, repaired, stored, duplicate, bad, rejected, conflict,
    not_kept, renumbered, too_many_holes, doubled, restarts
FROM json_populate_recordset(NULL::jph.accounts, %s::json)
ORDER BY hour_ms, codifier
ON CONFLICT (hour_ms, codifier) DO UPDATE SET
    sent = accounts.sent + excluded.sent,
    heard = accounts.heard + excluded.heard,
    repaired = accounts.repaired + excluded.repaired,
    stored = accounts.stored + excluded.stored,
    duplicate = accounts.duplicate + excluded.duplicate,
    bad = accounts.bad + excluded.bad,
    rejected = accounts.rejected + excluded.rejected,
    conflict = accounts.conflict + excluded.conflict,
    not_kept = accounts.not_kept + excluded.not_kept,
    renumbered = accounts.renumbered + excluded.renumbered,
    too_many_holes = accounts.too_many_holes + excluded.too_many_holes,
    doubled = accounts.doubled + excluded.doubled,
    restarts = accounts.restarts + excluded.restarts
"""
_PROGRESS: Final = """
INSERT INTO jph.progress (codifier, last, holes)
SELECT codifier, last, holes FROM json_populate_recordset(NULL::jph.progress, %s::json)
ORDER BY codifier
ON CONFLICT (codifier) DO UPDATE SET last = excluded.last, holes = excluded.holes
"""


@dataclass(slots=True)
class _Attempt:
    """A batch on its way: its number among those of the writer, and what became of it when it was last tried."""

    number: int
    batch: Batch
    written: Written = NOTHING


class _Found(NamedTuple):
    """What the readings of a batch turned out to be, in their order; `reasons` of those that are rejected."""

    outcomes: list[Outcome]
    reasons: dict[int, str]


class Writer:
    """Writes batches, each exactly once: also when the answer to a commit was lost and the batch comes again."""

    def __init__(self) -> None:
        self._name = str(uuid4())
        self._number = 0
        self._attempt: _Attempt | None = None
        self._partitions = Partitions()
        self._connection: Connection | None = None
        self._sensors: set[str] = set()  # those that the table of sensors is known to have

    def write(self, connection: Connection, batch: Batch, now_ms: int) -> Written:
        """Keep a batch as `storage.store.Store.write` says; raises psycopg.Error and StoreError."""
        if self._attempt is None or self._attempt.batch != batch:
            self._number += 1
            self._attempt = _Attempt(self._number, batch)
        self._prepare(connection, batch.readings, now_ms)
        self._commit(connection, self._attempt, now_ms)
        done, self._attempt = self._attempt, None
        return done.written

    def make_ahead(self, connection: Connection, now_ms: int) -> None:
        """Make the partitions of the next months."""
        self._partitions.make_ahead(connection, now_ms)

    def _prepare(self, connection: Connection, readings: Sequence[Reading], now_ms: int) -> None:
        """Make what readings need beside them: partitions, and the rows of sensors that are new."""
        if connection is not self._connection:
            self._connection = connection
            self._sensors.clear()
        moments = (reading.timestamp_ms for reading in readings)
        self._partitions.make_ready(connection, (at for at in moments if 0 <= at <= LATEST_TIMESTAMP_MS), now_ms)
        new = set(filter(is_codifier, {reading.codifier for reading in readings} - self._sensors))
        if new:
            connection.execute(_SENSORS, (json.dumps(list(new)),))
            self._sensors |= new

    def _commit(self, connection: Connection, attempt: _Attempt, now_ms: int) -> None:
        turn: LiteralString = _SIDE_BY_SIDE
        for _ in range(MAX_RACES):
            try:
                with connection.transaction():
                    connection.execute(turn)
                    if connection.execute(_CLAIM, (self._name, attempt.number, now_ms)).fetchone():
                        attempt.written = _keep(connection, attempt.batch, now_ms)
            except psycopg.errors.UniqueViolation as error:
                if not is_race(error):
                    raise
                turn = _ALONE
            else:
                return
        message = "another sink stores the same readings at the same time"
        raise StoreError(message, "the next try works", Trouble.STORE_BUSY)


def _keep(connection: Connection, batch: Batch, now_ms: int) -> Written:
    """Write everything of a batch, in the transaction that the caller began."""
    found = _store(connection, batch.readings)
    _set_aside(connection, batch.readings, found, now_ms)
    _insert(connection, _ACCOUNTS, [account._asdict() for account in booked(batch, found.outcomes, now_ms)])
    _insert(connection, _PROGRESS, list({each.codifier: each._asdict() for each in batch.progress}.values()))
    return written(found.outcomes)


def _store(connection: Connection, readings: Sequence[Reading]) -> _Found:
    outcomes = judge(readings, _known(connection, readings))
    reasons = {place: refusal(readings[place]) or "" for place in _places(outcomes, Outcome.REJECTED)}
    # In the order of their key: pages are filled side by side, and two writers never wait for each other.
    places = sorted(_places(outcomes, Outcome.STORED), key=lambda place: readings[place][:3])
    for place, why in _copy(connection, readings, places):
        outcomes[place], reasons[place] = Outcome.REJECTED, why
    _mark_dirty(connection, (readings[place] for place in _places(outcomes, Outcome.STORED)))
    return _Found(outcomes, reasons)


def _places(outcomes: Sequence[Outcome], wanted: Outcome) -> list[int]:
    return [place for place, outcome in enumerate(outcomes) if outcome is wanted]


def _known(connection: Connection, readings: Sequence[Reading]) -> Known:
    """Return what the database has under the sequences of some readings, near enough in time to be the same."""
    sensors = _grouped((reading for reading in readings if refusal(reading) is None), lambda reading: reading.codifier)
    touched = connection.execute(_TOUCHED, (json.dumps([_range(group) for group in sensors.values()]),))
    suspects = (reading for (codifier,) in touched for reading in sensors[str(codifier)])
    wanted = _grouped(suspects, lambda reading: (reading.codifier, reading.sequence))
    if not wanted:
        return {}
    rows = connection.execute(_KNOWN, (json.dumps([_range(group) for group in wanted.values()]),), binary=True)
    return _grouped(map(from_row, rows), lambda reading: (reading.codifier, reading.sequence))


def _grouped(readings: Iterable[Reading], key: Callable[[Reading], _Key]) -> dict[_Key, list[Reading]]:
    groups: dict[_Key, list[Reading]] = {}
    for reading in readings:
        groups.setdefault(key(reading), []).append(reading)
    return groups


def _range(readings: Sequence[Reading]) -> dict[str, str | int]:
    """Return between which sequences and moments a reading lies that can be the same as one of these of one sensor."""
    sequences = [reading.sequence for reading in readings]
    moments = [reading.timestamp_ms for reading in readings]
    return {
        "codifier": readings[0].codifier,
        "first": min(sequences),
        "last": max(sequences),
        "since": min(moments) - SAME_SEQUENCE_MS,
        "until": max(moments) + SAME_SEQUENCE_MS,
    }


def _copy(connection: Connection, readings: Sequence[Reading], places: Sequence[int]) -> list[tuple[int, str]]:
    """Store the readings at some places; return those that are refused whatever is done, each with the reason."""
    if not places:
        return []
    try:
        with connection.transaction(), connection.cursor().copy(_COPY) as copy:
            copy.set_types(TYPES)
            for place in places:
                copy.write_row(to_row(readings[place]))
    except psycopg.Error as error:
        if not is_poison(error):
            raise
        if len(places) == 1:
            return [(places[0], reason(error))]
    else:
        return []
    middle = len(places) // 2
    return _copy(connection, readings, places[:middle]) + _copy(connection, readings, places[middle:])


def _mark_dirty(connection: Connection, readings: Iterable[Reading]) -> None:
    """Note the roll-ups that readings touch."""
    ends_ms = Span.TEN_MINUTES.end_ms
    parts = {(codifier, ends_ms(at)) for codifier, at, _, value, _ in readings if not isinstance(value, str)}
    touched = {(codifier, span.length_ms, span.end_ms(end_ms)) for codifier, end_ms in parts for span in Span}
    columns = ("codifier", "span_ms", "end_ms")
    _insert(connection, _DIRTY, [dict(zip(columns, bucket, strict=True)) for bucket in touched])


def _set_aside(connection: Connection, readings: Sequence[Reading], found: _Found, now_ms: int) -> None:
    """Keep conflicts and rejected readings apart, as JSON."""
    conflicts = [readings[place] for place in _places(found.outcomes, Outcome.CONFLICT)]
    columns = ("codifier", "timestamp_ms", "sequence")
    records = [
        {**dict(zip(columns, reading[:3], strict=True)), "reading": to_json(reading), "found_ms": now_ms}
        for reading in conflicts
    ]
    _insert(connection, _CONFLICTS, records)
    rejected = [
        {"reading": to_json(readings[place]), "reason": why, "found_ms": now_ms} for place, why in found.reasons.items()
    ]
    _insert(connection, _REJECTED, rejected)


def _insert(connection: Connection, statement: LiteralString, records: Sequence[Mapping[str, object]]) -> None:
    if records:
        connection.execute(statement, (json.dumps(records),))
