"""How to reach a PostgreSQL database, and where its password lies. Read on every host, so without psycopg."""

import re
from pathlib import Path
from typing import Annotated, Final

import msgspec

from config.durations import Seconds
from storage.password_files import read_password

_PASSWORD_IN_DSN: Final = re.compile(r"\bpassword\s*=|://[^/@?]*:[^/@?]+@", re.IGNORECASE)


class PostgresOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the database is, and how long what is in it is kept.

    A password is never a part of these options, which may be shown, logged and come from the network.
    """

    dsn: Annotated[
        str,
        msgspec.Meta(
            description="a connection string or URL of libpq; what is named beside it comes before what it says"
        ),
    ] = ""
    host: Annotated[
        str | None, msgspec.Meta(description="the computer of the database; without it as libpq: `PGHOST`")
    ] = None
    port: Annotated[int | None, msgspec.Meta(description="its port; without it as libpq: `PGPORT`")] = None
    database: Annotated[
        str | None, msgspec.Meta(description="the name of the database; without it as libpq: `PGDATABASE`")
    ] = None
    user: Annotated[str | None, msgspec.Meta(description="who to be there; without it as libpq: `PGUSER`")] = None
    password_file: Annotated[
        str | None,
        msgspec.Meta(
            description="a file of mode 0600 with the password in it; without it as libpq: `PGPASSWORD`, `PGPASSFILE`, "
            "`~/.pgpass`"
        ),
    ] = None
    retention_s: Annotated[
        Seconds | None,
        msgspec.Meta(
            description="drop whole months of readings that ended so long ago, by the clock of their sensor; "
            "without it all are kept"
        ),
    ] = msgspec.field(default=None, name="retention")
    rollup_retention_s: Annotated[
        Seconds | None,
        msgspec.Meta(description="drop roll-ups and accounts that are older; without it all are kept"),
    ] = msgspec.field(default=None, name="rollup_retention")
    connect_timeout_s: Annotated[Seconds, msgspec.Meta(description="how long to wait for the server, at least 2 s")] = (
        msgspec.field(default=10.0, name="connect_timeout")
    )
    statement_timeout_s: Annotated[Seconds, msgspec.Meta(description="how long one statement may take")] = (
        msgspec.field(default=60.0, name="statement_timeout")
    )

    def __post_init__(self) -> None:
        if _PASSWORD_IN_DSN.search(self.dsn):
            raise ValueError("`dsn` holds a password: put it into a file of mode 0600 and name that as `password_file`")


def password(options: PostgresOptions) -> str | None:
    """Read the password from its file, None when there is none; raises StoreError when others may read it."""
    if options.password_file is None:
        return None
    return read_password(Path(options.password_file).expanduser())
