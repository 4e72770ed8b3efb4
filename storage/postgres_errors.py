"""What PostgreSQL's errors mean to the operator, and which of them are the fault of a single row."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

import psycopg
from psycopg import errors

from storage.store import StoreError, Trouble

_GRANT: Final = "make this user the owner of the schema jph, or grant it what is missing"
_INIT: Final = "make the schema with `jph db init`"
_SERVER: Final = "see the server's log"
_NEXT_TIME: Final = "another program was in the way: the next try works"


class Meaning(NamedTuple):
    """What an error means: to everybody, and what the operator can do."""

    trouble: Trouble
    advice: str


_LOGIN: Final = Meaning(Trouble.STORE_LOGIN, "see `user`, `password_file` and the server's pg_hba.conf")
_DATABASE: Final = Meaning(Trouble.STORE_NOT_READY, "make the database: createdb NAME")
_MIGRATE: Final = Meaning(Trouble.STORE_NOT_READY, "bring the schema up to date with `jph db migrate`")
_CONNECTIONS: Final = Meaning(Trouble.STORE_BUSY, "raise max_connections of the server, or end other programs")
_STOPPING: Final = Meaning(Trouble.STORE_AWAY, "the server is stopping or starting: wait until it runs")
_AWAY: Final = Meaning(Trouble.STORE_AWAY, "see that the server runs and the network is up")
_FULL: Final = Meaning(Trouble.STORE_FULL, "make room on the server's disk")
_UNKNOWN: Final = Meaning(Trouble.STORE_FAILS, "")

# By SQLSTATE, the longest beginning that fits (PostgreSQL's manual, appendix "Error Codes").
_MEANINGS: Final = {
    "08": _AWAY,
    "25006": Meaning(
        Trouble.STORE_READ_ONLY, "the server takes no changes: name the primary, or end its read-only mode"
    ),
    "28": _LOGIN,
    "3D000": _DATABASE,
    "3F000": Meaning(Trouble.STORE_NOT_READY, _INIT),
    "40": Meaning(Trouble.STORE_BUSY, _NEXT_TIME),
    "42501": Meaning(Trouble.STORE_READ_ONLY, _GRANT),
    "42P01": Meaning(Trouble.STORE_NOT_READY, _INIT),
    "42703": _MIGRATE,
    "42883": _MIGRATE,
    "53100": _FULL,
    "53200": Meaning(Trouble.STORE_MEMORY, "give the server more memory"),
    "53300": _CONNECTIONS,
    "53400": Meaning(Trouble.STORE_FAILS, _SERVER),
    "55P03": Meaning(Trouble.STORE_BUSY, "another program holds a lock on the tables: see pg_locks"),
    "57014": Meaning(
        Trouble.STORE_BUSY, "the server was too slow: see what else it does, or raise `statement_timeout`"
    ),
    "57P": _STOPPING,
    "58": Meaning(Trouble.STORE_FAILS, _SERVER),
    "XX": Meaning(Trouble.STORE_FAILS, _SERVER),
}
# A failed connection has no SQLSTATE, only a text.
_CONNECTING: Final = {
    "password authentication failed": _LOGIN,
    "no password supplied": Meaning(Trouble.STORE_LOGIN, "name a `password_file`, or set PGPASSWORD or PGPASSFILE"),
    "pg_hba.conf": _LOGIN,
    "peer authentication failed": _LOGIN,
    'role "': Meaning(Trouble.STORE_LOGIN, "make the user: createuser NAME"),
    'database "': _DATABASE,
    "No space left on device": _FULL,
    "too many clients": _CONNECTIONS,
    "remaining connection slots": _CONNECTIONS,
    "starting up": _STOPPING,
    "shutting down": _STOPPING,
    "not yet accepting connections": _STOPPING,
    "recovery mode": _STOPPING,
    "could not translate host name": Meaning(Trouble.STORE_AWAY, "see `host`, and that names can be resolved here"),
}

# The classes of SQLSTATE that speak of the data and not of the server. A key that is there already is none of them.
_POISON: Final = ("22", "23", "54", "P0001")


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Turn what PostgreSQL and psycopg say into a StoreError that says what to do."""
    try:
        yield
    except psycopg.Error as error:
        trouble, advice = meaning(error)
        raise StoreError(f"{place}: {reason(error)}", advice, trouble) from error


def reason(error: psycopg.Error) -> str:
    """Return what is wrong, in one line. The texts of libpq and of the server never hold a password."""
    text = error.diag.message_primary or str(error).strip()
    return " ".join(text.split()) or type(error).__name__


def meaning(error: psycopg.Error) -> Meaning:
    """Return what is wrong and what the operator can do."""
    state = error.sqlstate or ""
    for length in (5, 3, 2):
        if state[:length] in _MEANINGS:
            return _MEANINGS[state[:length]]
    if isinstance(error, errors.OperationalError):
        text = str(error)
        return next((found for part, found in _CONNECTING.items() if part in text), _AWAY)
    return _UNKNOWN


def is_poison(error: psycopg.Error) -> bool:
    """Tell whether a row is refused whatever is done, so that it has to be set aside for the others to be stored."""
    if is_race(error):
        return False
    state = error.sqlstate
    return state.startswith(_POISON) if state else isinstance(error, errors.DataError)


def is_race(error: psycopg.Error) -> bool:
    """Tell whether another writer stored the same reading meanwhile."""
    return isinstance(error, errors.UniqueViolation) and (error.diag.constraint_name or "").endswith("_pkey")
