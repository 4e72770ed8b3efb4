"""The tables of a SQLite file, and the statements that lead from each schema to the next.

Times are milliseconds since 1970-01-01 UTC; what is JSON is text.
"""

from typing import Final

APPLICATION_ID: Final = int.from_bytes(b"jph1", "big")  # how file(1) and jph know the file

# Rows lie in the tree of the key, which is the order in which a history is read: 31 bytes a reading, where a rowid
# and an index beside it take 56 and half the speed. Numbers instead of codifiers would save one more byte.
_READINGS: Final = """
CREATE TABLE readings (
    codifier     TEXT    NOT NULL,
    timestamp_ms INTEGER NOT NULL,  -- the sensor's clock
    sequence     INTEGER NOT NULL,
    value                NOT NULL,  -- integer, real or text as measured; a BLOB is JSON of what these cannot hold
    attributes   TEXT,              -- JSON
    PRIMARY KEY (codifier, timestamp_ms, sequence)
) WITHOUT ROWID
"""

# `numberings` is for the program: see storage/numberings.py.
_SENSORS: Final = """
CREATE TABLE sensors (
    codifier   TEXT PRIMARY KEY,
    name       TEXT,                -- of the configuration; NULL when it does not know the sensor
    unit       TEXT,
    numberings TEXT NOT NULL DEFAULT '[]'
) WITHOUT ROWID
"""
_PROGRESS: Final = """
CREATE TABLE progress (
    codifier TEXT    PRIMARY KEY,
    last     INTEGER NOT NULL,      -- the newest sequence known
    holes    TEXT    NOT NULL       -- [[first, count, hour_ms], ...] missing before it
) WITHOUT ROWID
"""
_ACCOUNTS: Final = """
CREATE TABLE accounts (
    hour_ms        INTEGER NOT NULL,
    codifier       TEXT    NOT NULL,
    sent           INTEGER NOT NULL,
    heard          INTEGER NOT NULL,
    repaired       INTEGER NOT NULL,
    stored         INTEGER NOT NULL,
    duplicate      INTEGER NOT NULL,
    bad            INTEGER NOT NULL,
    rejected       INTEGER NOT NULL,
    conflict       INTEGER NOT NULL,
    not_kept       INTEGER NOT NULL,
    renumbered     INTEGER NOT NULL,
    too_many_holes INTEGER NOT NULL,
    doubled        INTEGER NOT NULL,
    restarts       INTEGER NOT NULL,
    PRIMARY KEY (hour_ms, codifier)
) WITHOUT ROWID
"""
_CONFLICTS: Final = """
CREATE TABLE conflicts (            -- what says other than the reading that came first with its sequence
    codifier     TEXT    NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    reading      TEXT    NOT NULL,  -- JSON
    found_ms     INTEGER NOT NULL,
    UNIQUE (codifier, timestamp_ms, sequence, reading)
)
"""
_REJECTED: Final = """
CREATE TABLE rejected (             -- what cannot be stored
    reading  TEXT    NOT NULL,      -- JSON
    reason   TEXT    NOT NULL,
    found_ms INTEGER NOT NULL
)
"""
_BUCKETS: Final = """
CREATE TABLE buckets (
    codifier TEXT    NOT NULL,
    span_ms  INTEGER NOT NULL,
    end_ms   INTEGER NOT NULL,      -- a bucket is (end_ms - span_ms, end_ms]
    mean     REAL    NOT NULL,
    mode     REAL,                  -- NULL when several values came most often
    median   REAL    NOT NULL,
    max      REAL    NOT NULL,
    min      REAL    NOT NULL,
    stdev    REAL    NOT NULL,      -- of the population
    count    INTEGER NOT NULL,
    PRIMARY KEY (codifier, span_ms, end_ms)
) WITHOUT ROWID
"""
_DIRTY: Final = """
CREATE TABLE dirty (                -- ten minutes whose readings changed since their roll-ups were computed
    end_ms   INTEGER NOT NULL,
    codifier TEXT    NOT NULL,
    PRIMARY KEY (end_ms, codifier)
) WITHOUT ROWID
"""
# One row. A roll-up that ends by then stays as it is: its readings are gone.
_DROPPED: Final = "CREATE TABLE dropped (until_ms INTEGER NOT NULL)"

_MIGRATE_REJECTED: Final = """
INSERT INTO rejected (reading, reason, found_ms)
SELECT
    json_object(
        'codifier', codifier, 'sequence', sequence,
        'timestamp_ms', CASE typeof(timestamp_ms) WHEN 'blob' THEN hex(timestamp_ms) ELSE timestamp_ms END,
        'value', CASE typeof(value) WHEN 'blob' THEN CAST(value AS TEXT) ELSE value END, 'attributes', attributes
    ),
    'the timestamp lies after the year 9999', 0
FROM readings WHERE timestamp_ms > 253402300799999
"""
_MIGRATE_SENSORS: Final = """
INSERT INTO sensors (codifier, numberings)
SELECT
    codifier,
    '[[' || min(sequence) || ',' || (max(sequence) - min(sequence)) || ',' || min(timestamp_ms) || ','
        || max(timestamp_ms) || ']]'
FROM readings GROUP BY codifier
"""
_MIGRATE_DIRTY: Final = """
INSERT INTO dirty (end_ms, codifier)
SELECT DISTINCT (timestamp_ms + 599999) / 600000 * 600000, codifier FROM readings
"""

MIGRATIONS: Final = (
    (_READINGS, f"PRAGMA application_id = {APPLICATION_ID}"),
    (
        *(_SENSORS, _PROGRESS, _ACCOUNTS, _CONFLICTS, _REJECTED, _BUCKETS, _DIRTY, _DROPPED),
        "INSERT INTO dropped VALUES (-1)",
        _MIGRATE_REJECTED,
        "DELETE FROM readings WHERE timestamp_ms > 253402300799999",
        _MIGRATE_SENSORS,
        _MIGRATE_DIRTY,
    ),
)
"""The statements that lead from each schema number to the next."""

SCHEMA: Final = len(MIGRATIONS)
