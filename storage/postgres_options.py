"""How to reach a PostgreSQL database, and where its password lies. Read on every host, so without psycopg."""

import re
from pathlib import Path
from typing import Final

import msgspec

from config.durations import Seconds
from storage.store import StoreError

_PASSWORD_IN_DSN: Final = re.compile(r"\bpassword\s*=|://[^/@?]*:[^/@?]+@", re.IGNORECASE)
_OTHERS: Final = 0o077  # the permissions of everybody but the owner


class PostgresOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`dsn` is a connection string or URL of libpq; what is named beside it comes before what it says.

    The password stands in `password_file`, or where libpq looks for it: PGPASSWORD, PGPASSFILE, ~/.pgpass. It is
    never a part of these options, which may be shown, logged and come from the network.
    Readings are kept for `retention`, and then dropped by whole months; without it they are kept for ever.
    """

    dsn: str = ""
    host: str | None = None
    port: int | None = None
    database: str | None = None
    user: str | None = None
    password_file: str | None = None
    retention_s: Seconds | None = msgspec.field(default=None, name="retention")
    connect_timeout_s: Seconds = msgspec.field(default=10.0, name="connect_timeout")
    statement_timeout_s: Seconds = msgspec.field(default=60.0, name="statement_timeout")

    def __post_init__(self) -> None:
        if _PASSWORD_IN_DSN.search(self.dsn):
            raise ValueError("`dsn` holds a password: put it into a file of mode 0600 and name that as `password_file`")


def password(options: PostgresOptions) -> str | None:
    """Read the password from its file, None when there is none; raises StoreError when others may read it."""
    if options.password_file is None:
        return None
    path = Path(options.password_file).expanduser()
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no UTF-8 text"
        raise StoreError(f"the password in {path} cannot be read: {reason}", "write it there, mode 0600") from error
    if mode & _OTHERS:
        raise StoreError(f"others may read the password in {path} (mode {mode & 0o777:04o})", f"chmod 600 {path}")
    if not text:
        raise StoreError(f"there is no password in {path}", "write it there, mode 0600")
    return text
