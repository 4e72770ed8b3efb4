"""What an operator does with the database: make its schema, bring it up to date, look at it, add users to it."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from config.model import Configuration
from storage import postgres_schema, postgres_views
from storage.passwords import NUL, hash_password
from storage.postgres_link import Connection, connected
from storage.postgres_options import PostgresOptions
from storage.store import StoreError

LONGEST_EMAIL: Final = 120
SHORTEST_PASSWORD: Final = 8

_MIGRATION_TIMEOUT: Final = "SELECT set_config('statement_timeout', '1h', true)"  # it may write every reading anew
# Two that make or change the schema at the same time take turns; the number is the schema's name in ASCII.
_TAKE_TURNS: Final = "SELECT pg_advisory_xact_lock(x'6a7068'::int)"
_NOTE_VERSION: Final = "INSERT INTO jph.schema_version (version) VALUES (%s)"
_NOTE_VERSION_TEXT: Final = "INSERT INTO jph.schema_version (version) VALUES ({});\n"

_EXTENSION: Final = """
SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
WHERE extname = 'timescaledb'
"""
_AVAILABLE: Final = "SELECT count(*) > 0 FROM pg_available_extensions WHERE name = 'timescaledb'"
_SEARCH: Final = "SELECT set_config('search_path', %s, true)"
_ADD_USER: Final = "INSERT INTO jph.users (email, password) VALUES (%s, %s) ON CONFLICT (email) DO NOTHING"
_REMOVE_USER: Final = "DELETE FROM jph.users WHERE email = %s"
_USERS: Final = "SELECT email FROM jph.users ORDER BY email"
_CHANGE_USER: Final = "UPDATE jph.users SET password = %s WHERE email = %s"
_CHANGING: Final = "`jph db user add --change` changes the password"


class Prepared(NamedTuple):
    """What was done to a database: the versions its schema went through, its views, and what else is to be said."""

    versions: tuple[int, ...]
    made: tuple[str, ...]
    skipped: Mapping[str, str]
    advice: str = ""


def schema_sql(configuration: Configuration | None = None, *, is_hypertable: bool = False) -> str:
    """Return the whole schema as SQL that psql takes, with the views of the sensors of a configuration."""
    parts: list[str] = []
    for version, text in postgres_schema.migrations().items():
        parts += [text, _NOTE_VERSION_TEXT.format(version)]
    if is_hypertable:
        parts.append(postgres_schema.hypertable())
    for view in postgres_views.views(configuration or Configuration()):
        parts.append(f"{view.statement.as_string().strip()};\n{view.comment.as_string()};\n")
    return "\n".join(["BEGIN;\n", *parts, "COMMIT;\n"])


def init(options: PostgresOptions, configuration: Configuration) -> Prepared:
    """Make the schema where there is none, and the views; raises StoreError. A second time does nothing new."""
    with connected(options) as connection, connection.transaction():
        _begin(connection)
        if postgres_schema.version(connection) == 0:
            return _upgrade(connection, configuration)
        postgres_schema.check(connection)
        return Prepared((), *postgres_views.make(connection, postgres_views.views(configuration)))


def migrate(options: PostgresOptions, configuration: Configuration) -> Prepared:
    """Bring a schema up to date, and its views; raises StoreError. A second time does nothing new."""
    with connected(options) as connection, connection.transaction():
        _begin(connection)
        if postgres_schema.version(connection) == 0:
            postgres_schema.check(connection)
        return _upgrade(connection, configuration)


def add_user(options: PostgresOptions, email: str, password: str, *, is_change: bool = False) -> None:
    """Add a user with a password of which only the hash is kept, or change the password of one; raises StoreError."""
    _check_user(email, password)
    hashed = hash_password(password)
    with connected(options) as connection:
        postgres_schema.check(connection)
        statement, values = (_CHANGE_USER, (hashed, email)) if is_change else (_ADD_USER, (email, hashed))
        if connection.execute(statement, values).rowcount == 0:
            raise _no_such_user(email) if is_change else StoreError(f"there is a user {email} already", _CHANGING)


def remove_user(options: PostgresOptions, email: str) -> None:
    """Remove a user; raises StoreError when there is none."""
    with connected(options) as connection:
        postgres_schema.check(connection)
        if connection.execute(_REMOVE_USER, (_storable(email),)).rowcount == 0:
            raise _no_such_user(email)


def _no_such_user(email: str) -> StoreError:
    return StoreError(f"there is no user {email}", "`jph db user list` names those that there are")


def users(options: PostgresOptions) -> list[str]:
    """Return the e-mail addresses of all users, sorted; raises StoreError."""
    with connected(options) as connection:
        postgres_schema.check(connection)
        return [email for (email,) in connection.execute(_USERS)]


def _storable(text: str) -> str:
    """Return what a text of the database can be; no user has an address with anything else."""
    return text.encode(errors="replace").decode().replace("\0", "?")


def _begin(connection: Connection) -> None:
    connection.execute(_MIGRATION_TIMEOUT)
    connection.execute(_TAKE_TURNS)


def _upgrade(connection: Connection, configuration: Configuration) -> Prepared:
    """Go through the versions that are missing, in the transaction that the caller began."""
    found, wanted = postgres_schema.version(connection), postgres_schema.migrations()
    missing = [version for version in wanted if version > found]
    for version in missing:
        connection.execute(wanted[version].encode())
        connection.execute(_NOTE_VERSION, (version,))
    advice = _use_timescaledb(connection) if found == 0 else ""
    postgres_schema.check(connection)
    made, skipped = postgres_views.make(connection, postgres_views.views(configuration))
    return Prepared(tuple(missing), made, skipped, advice)


def _use_timescaledb(connection: Connection) -> str:
    """Make the readings a hypertable where the extension is in the database; return what to say about it."""
    extension = connection.execute(_EXTENSION).fetchone()
    if extension:
        connection.execute(_SEARCH, extension)
        connection.execute(postgres_schema.hypertable().encode())
        connection.execute(_SEARCH, ("pg_catalog",))
        return "the readings are a hypertable of TimescaleDB"
    ((is_available,),) = connection.execute(_AVAILABLE)
    return "for a hypertable: CREATE EXTENSION timescaledb before `jph db init`" if is_available else ""


def _check_user(email: str, password: str) -> None:
    if not 3 <= len(email) <= LONGEST_EMAIL or "@" not in email or not email.isprintable():
        raise StoreError(f"{email!r} is no e-mail address", f"it has an @ and at most {LONGEST_EMAIL} characters")
    if len(password) < SHORTEST_PASSWORD:
        raise StoreError(f"the password has fewer than {SHORTEST_PASSWORD} characters", "choose a longer one")
    if NUL in password:
        raise StoreError("the password has the character NUL", "choose one without it")
