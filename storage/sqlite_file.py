"""One SQLite file of readings: how it is opened and brought up to date, and what its errors mean to the operator."""

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from storage.sqlite_schema import APPLICATION_ID, MIGRATIONS, SCHEMA
from storage.store import StoreError, Trouble

_LEAST_ROOM_BYTES: Final = 32_768  # what SQLite needs to open a file with a log: one part of the log's index

_BUSY_TIMEOUT_S: Final = 5.0  # a checkpoint or a copy of the file holds the lock for less

_WRITER_PRAGMAS: Final = (
    "PRAGMA auto_vacuum = INCREMENTAL",  # of a new file: room of dropped readings can be given back piece by piece
    "PRAGMA journal_mode = WAL",  # readers do not stop the writer, nor the writer readers
    "PRAGMA synchronous = NORMAL",  # a killed program loses no committed batch, a cut of the power the last at most
    "PRAGMA cache_size = -8000",  # 8,000 KiB: the last leaf of each of 1,000 sensors and the nodes above them
    "PRAGMA wal_autocheckpoint = 4000",  # 16 MB: each page is copied back once for many batches
    "PRAGMA journal_size_limit = 67108864",  # 64 MiB: what a slow reader made the log grow to is given back
)

_LOCKED: Final = "another program has locked it: let one sink at a time write to a file"
_FORBIDDEN: Final = "give the user of the agent the right to write the file and its directory"

_ADVICE: Final = {
    sqlite3.SQLITE_ERROR: "an older jph may have written the file: the sink of this one brings it up to date",
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_READONLY: _FORBIDDEN,
    sqlite3.SQLITE_PERM: _FORBIDDEN,
    sqlite3.SQLITE_CANTOPEN: "give the user of the agent the right to read the file and to write its directory",
    sqlite3.SQLITE_FULL: "make room on the disk, or name a path on another",
    sqlite3.SQLITE_IOERR: "the disk failed: see the kernel's log (dmesg)",
    sqlite3.SQLITE_CORRUPT: "move it away, a new one is begun; `sqlite3 FILE .recover` saves what can still be read",
    sqlite3.SQLITE_NOTADB: "name another path, or move the file away and a new one is begun",
}
"""What a sink can do about SQLite's errors."""

_TROUBLES: Final = {
    sqlite3.SQLITE_BUSY: Trouble.STORE_BUSY,
    sqlite3.SQLITE_LOCKED: Trouble.STORE_BUSY,
    sqlite3.SQLITE_READONLY: Trouble.STORE_READ_ONLY,
    sqlite3.SQLITE_PERM: Trouble.STORE_READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: Trouble.STORE_AWAY,
    sqlite3.SQLITE_FULL: Trouble.STORE_FULL,
}
_TROUBLES_OF_FILES: Final = {
    errno.ENOENT: Trouble.STORE_AWAY,
    errno.ENOTDIR: Trouble.STORE_AWAY,
    errno.EEXIST: Trouble.STORE_AWAY,  # a file in the place of a directory
    errno.ENOSPC: Trouble.STORE_FULL,
    errno.EDQUOT: Trouble.STORE_FULL,
    errno.EROFS: Trouble.STORE_READ_ONLY,
    errno.EACCES: Trouble.STORE_READ_ONLY,
    errno.EPERM: Trouble.STORE_READ_ONLY,
}
"""What everybody is told of SQLite's errors and of those of the file system; all others are STORE_FAILS."""

_ADVICE_FOR_READERS: Final = _ADVICE | {
    sqlite3.SQLITE_READONLY: "read it as a user who may write to its directory, or copy it",
    sqlite3.SQLITE_PERM: "read it as a user who may read it",
    sqlite3.SQLITE_CANTOPEN: "name a file that is there and that this user may read",
    sqlite3.SQLITE_CORRUPT: "`sqlite3 FILE .recover` saves what can still be read",
    sqlite3.SQLITE_NOTADB: "name the file of a node with `driver: sqlite`",
}
"""What somebody can do who only reads: the file may be anybody's, and must stay where it is."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the file, made with its directories when it is missing, at the newest schema; raises StoreError."""
    _refuse_directory(path)
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        return _prepared(path, _connect(path.as_uri()), _prepare_for_writing)


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open the file without changing it, also while a sink writes to it; raises StoreError."""
    _refuse_directory(path)
    with explained(path, _ADVICE_FOR_READERS):
        try:
            return _prepared(path, _connect(f"{path.as_uri()}?mode=ro"), _refuse_empty)
        except sqlite3.OperationalError as error:
            if not _is_closed_but_forbidden(path, error):
                raise
        return _prepared(path, _connect(f"{path.as_uri()}?immutable=1"), _refuse_empty)


def identity(path: Path) -> tuple[int, int] | None:
    """Tell which file lies under the path now, None when there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


@contextmanager
def explained(path: Path, advice: Mapping[int, str] = _ADVICE) -> Iterator[None]:
    """Turn what SQLite and the file system say into a StoreError that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = _true_code(path, _primary_code(error))
        trouble = _TROUBLES.get(code, Trouble.STORE_FAILS)
        if code == sqlite3.SQLITE_CANTOPEN and path.exists() and not os.access(path.parent, os.W_OK):
            trouble = Trouble.STORE_READ_ONLY
        raise StoreError(f"{path}: {error}", advice.get(code, ""), trouble) from error
    except OSError as error:
        trouble = _TROUBLES_OF_FILES.get(error.errno or 0, Trouble.STORE_FAILS)
        message = f"{error.filename or path}: {error.strerror}"
        raise StoreError(message, "name a path that the agent may use", trouble) from error
    except ValueError as error:
        raise StoreError(f"{path} holds a row that jph did not write: {error}", "delete that row") from error


def _refuse_directory(path: Path) -> None:
    """Say what SQLite calls a failed disk, or a lack of rights."""
    if path.is_dir():
        raise StoreError(f"{path} is a directory", "name a file in it", Trouble.STORE_AWAY)


def _connect(uri: str) -> sqlite3.Connection:
    """Connect for one thread at a time, whichever it is: a sink may open, write and close in different ones."""
    return sqlite3.connect(uri, uri=True, timeout=_BUSY_TIMEOUT_S, isolation_level="IMMEDIATE", check_same_thread=False)


def _prepared(
    path: Path, connection: sqlite3.Connection, prepare: Callable[[Path, sqlite3.Connection], None]
) -> sqlite3.Connection:
    try:
        prepare(path, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare_for_writing(path: Path, connection: sqlite3.Connection) -> None:
    _schema(path, connection)  # before anything is changed: the file may be another program's
    for pragma in _WRITER_PRAGMAS:
        connection.execute(pragma)
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for statements in MIGRATIONS[_schema(path, connection) :]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA}")


def _refuse_empty(path: Path, connection: sqlite3.Connection) -> None:
    if _schema(path, connection) == 0:
        raise StoreError(f"there is no history in {path} yet", "its sink has written nothing so far")


def _schema(path: Path, connection: sqlite3.Connection) -> int:
    """Return the file's schema number, 0 when it is empty; raises StoreError when it is not for this program."""
    ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_schema")
    ((application,),) = connection.execute("PRAGMA application_id")
    ((schema,),) = connection.execute("PRAGMA user_version")
    if tables and application != APPLICATION_ID:
        raise StoreError(f"{path} is the database of another program", "name another path")
    if schema > SCHEMA:
        raise StoreError(
            f"{path} was written by a newer jph (schema {schema}, this one knows {SCHEMA})",
            "update jph on this machine, or name another path",
            Trouble.STORE_NEWER,
        )
    return int(schema)


def _is_closed_but_forbidden(path: Path, error: sqlite3.Error) -> bool:
    """Tell whether a reader only lacks the right to make the log's index, and nobody is writing.

    SQLite wants that index even to read. Where there is no log there is nothing in it, and the file can be read alone.
    """
    forbidden = _primary_code(error) in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
    return forbidden and path.exists() and not path.with_name(f"{path.name}-wal").exists()


def _true_code(path: Path, code: int) -> int:
    """Return the code that tells the cause: on a full disk SQLite calls it an I/O error that its log has no index."""
    if code != sqlite3.SQLITE_IOERR:
        return code
    try:
        disk = os.statvfs(path.parent)
    except OSError:
        return code
    return sqlite3.SQLITE_FULL if disk.f_bavail * disk.f_frsize < _LEAST_ROOM_BYTES else code


def _primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's code without its details; errors of the Python module itself have none."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
