"""Views with the names and columns of the original system's tables, so that what was written for it still reads.

    sensor_c1 (timestamp, value)
    sensor_c1_10min, sensor_c1_hour (timestamp, mean, mode, median, max, min, stdev)

A timestamp is in milliseconds since 1970-01-01 UTC; that of a roll-up is its end. The value has the DataType of the
original's configuration, and is a double where there is none.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, LiteralString, NamedTuple

import psycopg
from psycopg import sql

from config.model import Configuration
from storage.postgres_link import Connection
from storage.store import Span, StoreError

SCHEMA: Final = "public"  # where the original's programs look
_OWN: Final = "jph: "  # how the comment of a view begins that was made here

_READINGS: Final = """
CREATE OR REPLACE VIEW {view} AS
SELECT timestamp_ms AS "timestamp", {value} AS value
FROM jph.readings
WHERE codifier = {codifier} AND {value} IS NOT NULL"""
_ROLLUPS: Final = """
CREATE OR REPLACE VIEW {view} AS
SELECT end_ms AS "timestamp", mean, mode, median, max, min, stdev
FROM jph.buckets
WHERE codifier = {codifier} AND span_ms = {span_ms}"""
_COMMENT: Final = "COMMENT ON VIEW {view} IS {comment}"
_DROP: Final = "DROP VIEW {view}"

_NUMBER: Final = "number"
_INTEGER: Final = "coalesce(integer, CASE WHEN abs(number) < 9.2e18 THEN number::bigint END)"
_VALUES: Final[Mapping[str, LiteralString]] = {
    "float": _NUMBER,
    "integer": _INTEGER,
    "bool": "(number <> 0)",
    "boolean": "(number <> 0)",
    "string": "coalesce(text, number::text)",
    "text": "coalesce(text, number::text)",
}

_EXISTING: Final = """
SELECT relname, relkind = 'v' AND obj_description(oid, 'pg_class') LIKE %s
FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relname = ANY (%s)
"""


class View(NamedTuple):
    """One view: its name, and the statement that makes it or makes it anew."""

    name: str
    statement: sql.Composed

    @property
    def comment(self) -> sql.Composed:
        """The statement by whose comment it is known later."""
        return sql.SQL(_COMMENT).format(view=_identifier(self.name), comment=sql.Literal(f"{_OWN}{self.name}"))


class Views(NamedTuple):
    """What became of the views: the names of those that are there now, and why others are not."""

    made: tuple[str, ...] = ()
    skipped: Mapping[str, str] = {}


def views(configuration: Configuration) -> Iterator[View]:
    """Go through the views of all sensors, three of each."""
    codifiers = [sensor.codifier for _, sensor in configuration.sensors()]
    data_types = _data_types(configuration)
    folded = Counter(codifier.lower() for codifier in codifiers)
    for codifier in codifiers:
        # The original did not quote its names: PostgreSQL folded them to small letters.
        name = f"sensor_{codifier.lower() if folded[codifier.lower()] == 1 else codifier}"
        yield _readings(name, codifier, _VALUES.get(data_types.get(codifier, ""), _NUMBER))
        for span in Span:
            yield _rollups(f"{name}_{span}", codifier, span)


def make(connection: Connection, wanted: Iterator[View]) -> Views:
    """Make or renew views; whatever else has the name of one is left alone."""
    by_name = {view.name: view for view in wanted}
    found = connection.execute(_EXISTING, (f"{_OWN}%", SCHEMA, list(by_name)))
    skipped = {name: "there is something else of this name" for name, is_own in found if not is_own}
    for name, view in by_name.items():
        if name not in skipped:
            skipped |= _make(connection, view)
    return Views(tuple(name for name in by_name if name not in skipped), skipped)


def _make(connection: Connection, view: View) -> dict[str, str]:
    try:
        with connection.transaction():
            _create(connection, view)
            connection.execute(view.comment)
    except psycopg.errors.DependentObjectsStillExist:
        return {view.name: "its columns have changed, and another view needs it as it is"}
    except psycopg.errors.InsufficientPrivilege as error:
        hint = f"as its owner: GRANT CREATE ON SCHEMA {SCHEMA} TO {connection.info.user}"
        raise StoreError(f"this user may make no views in the schema {SCHEMA}", hint) from error
    return {}


def _create(connection: Connection, view: View) -> None:
    try:
        with connection.transaction():
            connection.execute(view.statement)
    except psycopg.errors.InvalidTableDefinition:  # a view cannot change the type of a column
        connection.execute(sql.SQL(_DROP).format(view=_identifier(view.name)))
        connection.execute(view.statement)


def _readings(name: str, codifier: str, value: LiteralString) -> View:
    parts = {"view": _identifier(name), "codifier": sql.Literal(codifier), "value": sql.SQL(value)}
    return View(name, sql.SQL(_READINGS).format(**parts))


def _rollups(name: str, codifier: str, span: Span) -> View:
    parts = {"view": _identifier(name), "codifier": sql.Literal(codifier), "span_ms": sql.Literal(span.length_ms)}
    return View(name, sql.SQL(_ROLLUPS).format(**parts))


def _identifier(name: str) -> sql.Identifier:
    return sql.Identifier(SCHEMA, name)


def _data_types(configuration: Configuration) -> dict[str, str]:
    """Return what the original's document says of its sensors' values, by codifier."""
    sensors = (configuration.original or {}).get("Sensors")
    described = [sensor for sensor in sensors if isinstance(sensor, Mapping)] if isinstance(sensors, list) else []
    return {str(sensor.get("Codifier")): str(sensor.get("DataType")) for sensor in described}
