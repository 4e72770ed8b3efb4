"""Readings from the tables that the original system filled: sensor_c1 (timestamp, value), one for each codifier."""

import logging
import math
from collections.abc import Generator, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from psycopg import sql

from protocol import sequences
from protocol.frames import LATEST_TIMESTAMP_MS
from protocol.readings import Reading, Value
from storage.postgres_link import Connection, connected
from storage.postgres_options import PostgresOptions

log: Final = logging.getLogger("jph.postgres")

ROWS_AT_ONCE: Final = 5_000  # fetched in one go: a table of years does not fit into memory

# What was written without quotes lies under small letters; a name in quotes is looked for first.
_FIND: Final = """
SELECT relname, nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relname = ANY (%s) AND relkind IN ('r', 'p', 'f') AND nspname NOT IN ('jph', 'pg_catalog', 'information_schema')
ORDER BY relname = %s DESC, nspname = 'public' DESC, nspname LIMIT 1
"""
_TAKE_TIME: Final = "SELECT set_config('idle_in_transaction_session_timeout', '0', true)"  # who reads may have to wait
_READ: Final = 'SELECT "timestamp", value FROM {table} WHERE value IS NOT NULL ORDER BY "timestamp"'


def import_original(options: PostgresOptions, codifiers: Iterable[str]) -> Generator[Reading, None, None]:
    """Go through what the original stored of some sensors, each in the order of time; raises StoreError.

    The original kept no sequences. Here a reading's is its timestamp modulo 2**31, so that a second import gives the
    same readings. Sensors without a table, and rows that are no readings, are left out and logged.
    """
    with connected(options) as connection:
        for codifier in codifiers:
            names = (f"sensor_{codifier}", f"sensor_{codifier.lower()}")
            found = connection.execute(_FIND, (list(names), names[0])).fetchone()
            if found is None:
                log.warning("%s: there is no table %s of the original", codifier, names[1])
            else:
                yield from _readings(connection, codifier, sql.Identifier(found[1], found[0]))


def _readings(connection: Connection, codifier: str, table: sql.Identifier) -> Iterator[Reading]:
    left_out = 0
    with connection.transaction(), connection.cursor(name="jph_import") as rows:
        connection.execute(_TAKE_TIME)
        rows.itersize = ROWS_AT_ONCE
        rows.execute(sql.SQL(_READ).format(table=table))
        for timestamp_ms, found in rows:
            value = _value(found)
            if value is None or not 0 <= timestamp_ms <= LATEST_TIMESTAMP_MS:
                left_out += 1
            else:
                yield Reading(codifier, timestamp_ms, sequences.of_time(timestamp_ms), value)
    if left_out:
        log.warning("%s: %d rows of the original are no readings and were left out", codifier, left_out)


def _value(found: Any) -> Value | None:
    """Return what the original measured, None for what is no finite number nor text."""
    convert = _CONVERSIONS.get(type(found))
    value = None if convert is None else convert(found)
    return None if isinstance(value, float) and not math.isfinite(value) else value


_CONVERSIONS: Final[Mapping[type, Any]] = {bool: int, int: int, float: float, Decimal: float, str: str}
