"""What PostgreSQL's errors mean to the operator, and which of them are the fault of a single row."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import errors

from storage.store import StoreError

_GRANT: Final = "make this user the owner of the schema jph, or grant it what is missing"
_INIT: Final = "make the schema with `jph db init`"
_SERVER: Final = "see the server's log"
_AGAIN: Final = "it is tried again"

# By SQLSTATE, the longest beginning that fits (PostgreSQL's manual, appendix "Error Codes").
_ADVICE: Final = {
    "08": "see that the server runs and the network is up; it is tried again",
    "25006": "the server takes no changes: name the primary, or end its read-only mode",
    "28": "see `user`, `password_file` and the server's pg_hba.conf",
    "3D000": "make the database: createdb NAME",
    "3F000": _INIT,
    "40": _AGAIN,
    "42501": _GRANT,
    "42P01": _INIT,
    "42703": "bring the schema up to date with `jph db migrate`",
    "42883": "bring the schema up to date with `jph db migrate`",
    "53100": "make room on the server's disk",
    "53200": "give the server more memory",
    "53300": "raise max_connections of the server, or end other programs",
    "53400": _SERVER,
    "55P03": "another program holds a lock on the tables: see pg_locks; it is tried again",
    "57014": "the server was too slow: see what else it does, or raise `statement_timeout`",
    "57P": "the server is stopping or starting; it is tried again",
    "58": _SERVER,
    "XX": _SERVER,
}
# A failed connection has no SQLSTATE, only a text.
_CONNECTING: Final = {
    "password authentication failed": _ADVICE["28"],
    "no password supplied": "name a `password_file`, or set PGPASSWORD or PGPASSFILE",
    "pg_hba.conf": _ADVICE["28"],
    "peer authentication failed": _ADVICE["28"],
    'role "': "make the user: createuser NAME",
    'database "': _ADVICE["3D000"],
    "too many clients": _ADVICE["53300"],
    "remaining connection slots": _ADVICE["53300"],
    "starting up": _ADVICE["57P"],
    "shutting down": _ADVICE["57P"],
    "not yet accepting connections": _ADVICE["57P"],
    "recovery mode": _ADVICE["57P"],
    "could not translate host name": "see `host`, and that names can be resolved here",
}

# The classes of SQLSTATE that speak of the data and not of the server. A key that is there already is none of them.
_POISON: Final = ("22", "23", "54", "P0001")


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Turn what PostgreSQL and psycopg say into a StoreError that says what to do."""
    try:
        yield
    except psycopg.Error as error:
        raise StoreError(f"{place}: {reason(error)}", advice(error)) from error


def reason(error: psycopg.Error) -> str:
    """Return what is wrong, in one line. The texts of libpq and of the server never hold a password."""
    text = error.diag.message_primary or str(error).strip()
    return " ".join(text.split()) or type(error).__name__


def advice(error: psycopg.Error) -> str:
    """Return what the operator can do."""
    state = error.sqlstate or ""
    for length in (5, 3, 2):
        if state[:length] in _ADVICE:
            return _ADVICE[state[:length]]
    if isinstance(error, errors.OperationalError):
        text = str(error)
        return next((hint for part, hint in _CONNECTING.items() if part in text), _ADVICE["08"])
    return ""


def is_poison(error: psycopg.Error) -> bool:
    """Tell whether a row is refused whatever is done, so that it has to be set aside for the others to be stored."""
    if is_race(error):
        return False
    state = error.sqlstate
    return state.startswith(_POISON) if state else isinstance(error, errors.DataError)


def is_race(error: psycopg.Error) -> bool:
    """Tell whether another writer stored the same reading meanwhile."""
    return isinstance(error, errors.UniqueViolation) and (error.diag.constraint_name or "").endswith("_pkey")
