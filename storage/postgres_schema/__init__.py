"""The schema in its versions: one file of SQL leads from each to the next."""

from importlib import resources
from typing import Final

import psycopg

from storage.store import StoreError, Trouble

HYPERTABLE: Final = "hypertable.sql"

_VERSION: Final = "SELECT max(version) FROM jph.schema_version"
_IS_THERE: Final = "SELECT to_regclass('jph.schema_version') IS NOT NULL, to_regnamespace('jph') IS NOT NULL"


def migrations() -> dict[int, str]:
    """Return the SQL that leads to each version from the one before, in their order."""
    files = resources.files(__name__).iterdir()
    numbered = {int(file.name.removesuffix(".sql")): file for file in files if file.name[:4].isdecimal()}
    return {version: numbered[version].read_text("utf-8") for version in sorted(numbered)}


def hypertable() -> str:
    """Return the SQL that makes the readings a hypertable of TimescaleDB."""
    return resources.files(__name__).joinpath(HYPERTABLE).read_text("utf-8")


def newest() -> int:
    """Return the version that this program writes and reads."""
    return max(migrations())


def version(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    """Return the version of the schema in a database, 0 when there is none; raises StoreError and psycopg.Error."""
    ((has_version, has_schema),) = connection.execute(_IS_THERE)
    if not has_version and has_schema:
        raise StoreError("the schema jph of this database is another program's", "name another database")
    if not has_version:
        return 0
    ((found,),) = connection.execute(_VERSION)
    return found if isinstance(found, int) else 0


def check(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Raise StoreError unless the schema is of the version that this program knows."""
    found, known = version(connection), newest()
    if found == 0:
        message = f"the database {connection.info.dbname} has no schema jph"
        raise StoreError(message, "make it with `jph db init`", Trouble.STORE_NOT_READY)
    if found < known:
        message = f"the schema has version {found}, this jph needs {known}"
        raise StoreError(message, "run `jph db migrate`", Trouble.STORE_NOT_READY)
    if found > known:
        raise StoreError(
            f"the schema was made by a newer jph (version {found}, this one knows {known})",
            "update jph on this machine",
            Trouble.STORE_NEWER,
        )
