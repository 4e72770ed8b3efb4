"""What keeps a SQLite file in its bounds: a bounded piece of work each time."""

import sqlite3
from typing import Final

from protocol.accounts import hour_of
from storage.sqlite_rollups import refresh
from storage.store import MAX_ASIDE

MAX_DROPPED: Final = 200_000  # readings a time, about half a second: called once a minute, 3,000 of them a second
MAX_REFRESHED: Final = 1_000  # hours of a sensor a time, a few seconds: what is dropped must be rolled up before

_ADVANCE: Final = "UPDATE dropped SET until_ms = max(until_ms, ?)"
_SENSORS: Final = "SELECT codifier FROM sensors ORDER BY codifier"
# The time of the first reading that may stay when no more are to be dropped.
_FIRST_TO_STAY: Final = """
SELECT timestamp_ms FROM readings WHERE codifier = ? AND timestamp_ms <= ? ORDER BY timestamp_ms LIMIT 1 OFFSET ?
"""
_DROP_READINGS: Final = "DELETE FROM readings WHERE codifier = ? AND timestamp_ms < ?"
_DROP_BUCKETS: Final = "DELETE FROM buckets WHERE end_ms <= ?"
_DROP_ACCOUNTS: Final = "DELETE FROM accounts WHERE hour_ms < ?"
_TRIM_ASIDE: Final = (
    "DELETE FROM conflicts WHERE rowid <= (SELECT max(rowid) FROM conflicts) - ?",
    "DELETE FROM rejected WHERE rowid <= (SELECT max(rowid) FROM rejected) - ?",
)

# Only when a twentieth of the file is free: new readings need room as well. 1,024 pages are 4 MiB to be copied.
_MUCH_IS_FREE: Final = "SELECT freelist_count > page_count / 20 + 1024 FROM pragma_freelist_count, pragma_page_count"
_GIVE_BACK: Final = "PRAGMA incremental_vacuum(1024)"


def drop_readings(connection: sqlite3.Connection, before_ms: int) -> None:
    """Drop readings of whole hours before a moment; their roll-ups stay, and from now on as they are."""
    until_ms = hour_of(before_ms)
    if refresh(connection, MAX_REFRESHED, until_ms) == MAX_REFRESHED:
        return  # the rest first
    connection.execute(_ADVANCE, (until_ms,))
    room = MAX_DROPPED
    for (codifier,) in connection.execute(_SENSORS).fetchall():
        row = connection.execute(_FIRST_TO_STAY, (codifier, until_ms, room)).fetchone()
        room -= connection.execute(_DROP_READINGS, (codifier, row[0] if row else until_ms + 1)).rowcount


def drop_rollups(connection: sqlite3.Connection, before_ms: int) -> None:
    """Drop roll-ups and accounts of hours before a moment."""
    connection.execute(_DROP_BUCKETS, (before_ms,))
    connection.execute(_DROP_ACCOUNTS, (hour_of(before_ms),))


def trim_aside(connection: sqlite3.Connection) -> None:
    """Keep the newest of what was kept apart."""
    for statement in _TRIM_ASIDE:
        connection.execute(statement, (MAX_ASIDE,))


def give_back(connection: sqlite3.Connection) -> None:
    """Return some of the file's free pages to the file system, when there are many; outside of a transaction."""
    ((is_much_free,),) = connection.execute(_MUCH_IS_FREE)
    if is_much_free:
        connection.executescript(_GIVE_BACK)  # a row for each page, which execute() takes for one statement's end
