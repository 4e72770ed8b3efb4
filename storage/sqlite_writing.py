"""One batch into a SQLite file, in one transaction."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Final

from protocol.readings import Reading
from protocol.sequences import MODULUS
from storage.booking import booked, written
from storage.judging import Known, Outcome, judge, refusal, to_json
from storage.numberings import Numberings
from storage.sqlite_rows import Row, from_row, to_row
from storage.store import SAME_SEQUENCE_MS, Batch, Missing, Progress, Span, Written

_INSERT: Final = """
INSERT INTO readings (codifier, timestamp_ms, sequence, value, attributes) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (codifier, timestamp_ms, sequence) DO NOTHING
"""
_SAME: Final = """
SELECT codifier, timestamp_ms, sequence, value, attributes FROM readings
WHERE codifier = ? AND timestamp_ms = ? AND sequence = ?
"""
_NEAR: Final = """
SELECT codifier, timestamp_ms, sequence, value, attributes FROM readings
WHERE codifier = ? AND timestamp_ms BETWEEN ? AND ? AND sequence IN (SELECT value FROM json_each(?))
"""
_DIRTY: Final = "INSERT INTO dirty (end_ms, codifier) VALUES (?, ?) ON CONFLICT DO NOTHING"
_NUMBERINGS: Final = """
INSERT INTO sensors (codifier, numberings) VALUES (?, ?)
ON CONFLICT (codifier) DO UPDATE SET numberings = excluded.numberings
"""
_PROGRESS: Final = """
INSERT INTO progress (codifier, last, holes) VALUES (?, ?, ?)
ON CONFLICT (codifier) DO UPDATE SET last = excluded.last, holes = excluded.holes
"""
_ACCOUNTS: Final = """
INSERT INTO accounts (
    codifier, hour_ms, sent, heard, repaired, stored, duplicate, bad, rejected, conflict,
    not_kept, renumbered, too_many_holes, doubled, restarts
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (hour_ms, codifier) DO UPDATE SET
    sent = sent + excluded.sent,
    heard = heard + excluded.heard,
    repaired = repaired + excluded.repaired,
    stored = stored + excluded.stored,
    duplicate = duplicate + excluded.duplicate,
    bad = bad + excluded.bad,
    rejected = rejected + excluded.rejected,
    conflict = conflict + excluded.conflict,
    not_kept = not_kept + excluded.not_kept,
    renumbered = renumbered + excluded.renumbered,
    too_many_holes = too_many_holes + excluded.too_many_holes,
    doubled = doubled + excluded.doubled,
    restarts = restarts + excluded.restarts
"""
_CONFLICT: Final = """
INSERT INTO conflicts (codifier, timestamp_ms, sequence, reading, found_ms) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""
_REJECTED: Final = "INSERT INTO rejected (reading, reason, found_ms) VALUES (?, ?, ?)"


_codifier = attrgetter("codifier")


class StrangeWriterError(Exception):
    """The file has readings that `Memory` does not know of: somebody else wrote them."""


class Memory:
    """What the writer knows of a file without looking: which readings it cannot have.

    It is read when the file is opened, and again after a batch failed or another program wrote to the file.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.numberings = {
            codifier: Numberings.from_json(text)
            for codifier, text in connection.execute("SELECT codifier, numberings FROM sensors")
        }
        self.progress = read_progress(connection)

    def may_have(self, reading: Reading, *, is_import: bool) -> bool:
        """Tell whether the file may have a reading with this one's sequence.

        What a sink misses can be in the file already when it does not come from the bus.
        """
        codifier, timestamp_ms, sequence, *_ = reading
        numberings = self.numberings.get(codifier)
        if numberings is None or not numberings.may_have(sequence, timestamp_ms):
            return False
        return is_import or not self._is_missing(codifier, sequence)

    def take(self, readings: Iterable[Reading]) -> None:
        """Take note of readings that are stored."""
        for codifier, timestamp_ms, sequence, *_ in readings:
            numberings = self.numberings.get(codifier)
            if numberings is None:
                numberings = self.numberings[codifier] = Numberings()
            numberings.take(sequence, timestamp_ms)

    def _is_missing(self, codifier: str, sequence: int) -> bool:
        progress = self.progress.get(codifier)
        return progress is not None and any((sequence - first) % MODULUS < count for first, count, _ in progress.holes)


def read_progress(connection: sqlite3.Connection) -> dict[str, Progress]:
    """Read how far each sensor was followed."""
    rows = connection.execute("SELECT codifier, last, holes FROM progress")
    return {
        codifier: Progress(codifier, last, tuple(Missing(*hole) for hole in json.loads(holes)))
        for codifier, last, holes in rows
    }


def write(connection: sqlite3.Connection, memory: Memory, batch: Batch, now_ms: int, *, trusting: bool) -> Written:
    """Write a batch inside the transaction that the caller began, and note it in the memory.

    Unless `trusting`, the memory is not asked. Raises StrangeWriterError when it was wrong.
    """
    doubtful = [
        reading for reading in batch.readings if not trusting or memory.may_have(reading, is_import=batch.is_import)
    ]
    outcomes = judge(batch.readings, _load_known(connection, doubtful))
    sorted_out: dict[Outcome, list[Reading]] = {outcome: [] for outcome in Outcome}
    for reading, outcome in zip(batch.readings, outcomes, strict=True):
        sorted_out[outcome].append(reading)
    _insert(connection, memory, sorted_out[Outcome.STORED])
    _set_aside(connection, sorted_out, now_ms)
    connection.executemany(_ACCOUNTS, booked(batch, outcomes, now_ms))
    _advance(connection, memory, batch.progress)
    return written(outcomes)


def _load_known(connection: sqlite3.Connection, readings: Iterable[Reading]) -> Known:
    """Read what the file has under the codifiers and sequences of readings, within a day of them."""
    known: Known = {}
    for row in _find(connection, [reading for reading in readings if refusal(reading) is None]):
        found = from_row(row)
        others = known.setdefault((found.codifier, found.sequence), [])
        if found not in others:
            others.append(found)
    return known


def _find(connection: sqlite3.Connection, readings: Iterable[Reading]) -> Iterator[Row]:
    """Look for each reading itself, and where it is not there for others with its sequence."""
    new = []
    for reading in readings:
        same = connection.execute(_SAME, reading[:3]).fetchone()
        if same is None:
            new.append(reading)
        else:
            yield same
    for codifier, of_sensor in groupby(sorted(new, key=_codifier), key=_codifier):
        yield from connection.execute(_NEAR, _near(codifier, list(of_sensor)))


def _near(codifier: str, readings: Sequence[Reading]) -> tuple[str, int, int, str]:
    timestamps_ms = [reading.timestamp_ms for reading in readings]
    sequences = json.dumps([reading.sequence for reading in readings])
    return codifier, min(timestamps_ms) - SAME_SEQUENCE_MS, max(timestamps_ms) + SAME_SEQUENCE_MS, sequences


def _insert(connection: sqlite3.Connection, memory: Memory, readings: Sequence[Reading]) -> None:
    if not readings:
        return
    rows = sorted(map(to_row, readings), key=itemgetter(0))  # a sensor's rows lie side by side
    if connection.executemany(_INSERT, rows).rowcount < len(rows):
        raise StrangeWriterError
    connection.executemany(_DIRTY, _touched(rows))
    memory.take(readings)
    touched = {codifier for codifier, *_ in rows}
    connection.executemany(_NUMBERINGS, [(codifier, memory.numberings[codifier].to_json()) for codifier in touched])


def _touched(rows: Iterable[Row]) -> set[tuple[int, str]]:
    """Return the ends of the ten minutes that rows lie in, as `Span.end_ms` does, and their codifiers."""
    step_ms = Span.TEN_MINUTES.length_ms
    steps = {(-row[1] // step_ms, row[0]) for row in rows}
    return {(-step * step_ms, codifier) for step, codifier in steps}


def _set_aside(connection: sqlite3.Connection, sorted_out: Mapping[Outcome, Sequence[Reading]], now_ms: int) -> None:
    conflicts = [(*reading[:3], to_json(reading), now_ms) for reading in sorted_out[Outcome.CONFLICT]]
    connection.executemany(_CONFLICT, conflicts)
    rejected = [(to_json(reading), refusal(reading), now_ms) for reading in sorted_out[Outcome.REJECTED]]
    connection.executemany(_REJECTED, rejected)


def _advance(connection: sqlite3.Connection, memory: Memory, progress: Sequence[Progress]) -> None:
    connection.executemany(_PROGRESS, [(one.codifier, one.last, json.dumps(one.holes)) for one in progress])
    memory.progress.update((one.codifier, one) for one in progress)
