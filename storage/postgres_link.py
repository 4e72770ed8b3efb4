"""The connection to PostgreSQL: made when it is needed, given up when anything went wrong with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, LiteralString, TypeAlias

import psycopg
from psycopg import conninfo

from storage import postgres_schema
from storage.postgres_errors import explained
from storage.postgres_options import PostgresOptions, password
from storage.store import StoreError

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

LOCK_TIMEOUT_MS: Final = 10_000  # nobody holds a lock on these tables for longer, except who changes the schema

# A network that was cut is noticed within half a minute, not after the quarter of an hour that TCP takes by itself.
_TCP: Final = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}

# Whatever the database's owner set for others: what is written here is exact, durable as the server is, and ends.
_SESSION: Final[LiteralString] = """
SELECT set_config(name, setting, false) FROM (VALUES
    ('statement_timeout', %s),
    ('lock_timeout', %s),
    ('idle_in_transaction_session_timeout', '60s'),
    ('default_transaction_isolation', 'read committed'),
    ('search_path', 'pg_catalog'),
    ('timezone', 'UTC'),
    ('client_min_messages', 'warning')
) AS session (name, setting)
"""


class Link:
    """One connection to a database with the schema of this program; opened again after whatever closed it."""

    def __init__(self, options: PostgresOptions) -> None:
        self._options = options
        self._place = place(options)
        self._is_closed = False
        self._connection: Connection | None = self._open()

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """Lend the connection; raises StoreError for whatever goes wrong, and begins with a new one after that."""
        if self._is_closed:
            raise StoreError("the store is closed")
        try:
            if self._connection is None:
                self._connection = self._open()
            with explained(self._place):
                yield self._connection
        except BaseException:
            self._give_up()
            raise

    def close(self) -> None:
        """Give up the connection for good; a second time does nothing."""
        self._is_closed = True
        self._give_up()

    def _open(self) -> Connection:
        connection = connect(self._options)
        try:
            with explained(self._place):
                postgres_schema.check(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _give_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def connect(options: PostgresOptions) -> Connection:
    """Open a connection that commits each statement, unless a transaction is begun; raises StoreError."""
    where = place(options)
    with explained(where):
        connection = psycopg.connect(_conninfo(options), autocommit=True, password=password(options))
    try:
        with explained(where):
            timeout_ms = round(options.statement_timeout_s * 1000)
            connection.execute(_SESSION, (str(timeout_ms), str(LOCK_TIMEOUT_MS)))
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def connected(options: PostgresOptions) -> Iterator[Connection]:
    """Lend a connection of its own, whatever the schema is; raises StoreError."""
    with explained(place(options)), connect(options) as connection:
        yield connection


def place(options: PostgresOptions) -> str:
    """Return how messages name the database."""
    said = conninfo.conninfo_to_dict(_conninfo(options))
    return f"PostgreSQL {said.get('dbname') or 'by default'} on {said.get('host') or 'this host'}"


def _conninfo(options: PostgresOptions) -> str:
    """Return what libpq is told, except for the password."""
    try:
        said: dict[str, Any] = dict(conninfo.conninfo_to_dict(options.dsn))
    except psycopg.ProgrammingError as error:
        del error  # its text repeats the string, and with it a password that somebody put there
        raise StoreError("`dsn` is no connection string", "postgresql://USER@HOST/DATABASE is one") from None
    if "password" in said:
        raise StoreError("`dsn` holds a password", "put it into a file of mode 0600 and name that as `password_file`")
    named = {"host": options.host, "port": options.port, "dbname": options.database, "user": options.user}
    said |= {key: value for key, value in named.items() if value is not None}
    own = {"connect_timeout": max(2, round(options.connect_timeout_s)), "client_encoding": "utf8"}
    return conninfo.make_conninfo(**{"fallback_application_name": "jph", **_TCP, **said, **own})
