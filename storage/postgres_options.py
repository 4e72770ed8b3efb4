"""How to reach a PostgreSQL database, and where its password lies. Read on every host, so without psycopg."""

import re
from pathlib import Path
from typing import Final

import msgspec

from config.durations import Seconds
from storage.password_files import read_password

_PASSWORD_IN_DSN: Final = re.compile(r"\bpassword\s*=|://[^/@?]*:[^/@?]+@", re.IGNORECASE)


class PostgresOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`dsn` is a connection string or URL of libpq; what is named beside it comes before what it says.

    The password stands in `password_file`, or where libpq looks for it: PGPASSWORD, PGPASSFILE, ~/.pgpass. It is
    never a part of these options, which may be shown, logged and come from the network.
    Readings are kept for `retention` and then dropped by whole months, roll-ups and accounts for `rollup_retention`;
    without these they are kept for ever.
    """

    dsn: str = ""
    host: str | None = None
    port: int | None = None
    database: str | None = None
    user: str | None = None
    password_file: str | None = None
    retention_s: Seconds | None = msgspec.field(default=None, name="retention")
    rollup_retention_s: Seconds | None = msgspec.field(default=None, name="rollup_retention")
    connect_timeout_s: Seconds = msgspec.field(default=10.0, name="connect_timeout")
    statement_timeout_s: Seconds = msgspec.field(default=60.0, name="statement_timeout")

    def __post_init__(self) -> None:
        if _PASSWORD_IN_DSN.search(self.dsn):
            raise ValueError("`dsn` holds a password: put it into a file of mode 0600 and name that as `password_file`")


def password(options: PostgresOptions) -> str | None:
    """Read the password from its file, None when there is none; raises StoreError when others may read it."""
    if options.password_file is None:
        return None
    return read_password(Path(options.password_file).expanduser())
