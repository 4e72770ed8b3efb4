"""The rows that are shown, written to a file: CSV, or JSON lines when its name ends so."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Final

from console.model import Model
from console.ordering import Key
from protocol.errors import JphError
from protocol.readings import Value

COLUMNS: Final = (
    "codifier",
    "name",
    "node",
    "status",
    "value",
    "unit",
    "timestamp_ms",
    "age_s",
    "received",
    "missing",
    "rtt_ms",
)
_JSON_ENDINGS: Final = frozenset({".json", ".jsonl", ".ndjson"})
_FORMULA_BEGINNINGS: Final = ("=", "+", "-", "@", "\t", "\r")


class ExportError(JphError):
    """The file could not be written."""


def export(model: Model, path: Path) -> int:
    """Write the sensors that are shown, in their order, to a new file; returns how many. Raises ExportError."""
    rows = [_row(model, key) for key in model.keys if not key.is_node]
    write = _write_json if path.suffix in _JSON_ENDINGS else _write_csv
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            write(file, rows)
    except FileExistsError as error:
        raise ExportError(f"{path} exists", "choose another name") from error
    except (OSError, ValueError) as error:
        raise ExportError(f"cannot write {path}: {error}") from error
    return len(rows)


def _row(model: Model, key: Key) -> dict[str, Any]:
    row = model.world.sensors[key.codifier]
    entry = model.catalogue[key.codifier]
    node = model.world.nodes.get(row.node)
    values = (
        row.codifier,
        entry.name,
        row.node,
        str(row.status),
        row.value,
        entry.unit,
        row.timestamp_ms,
        None if row.heard_s is None else round(model.world.now.monotonic_s - row.heard_s, 3),
        row.received,
        row.missing,
        node.round_trip_ms if node else None,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _write_csv(file: IO[str], rows: Iterable[dict[str, Any]]) -> None:
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    writer.writerows({**row, "value": harmless(row["value"])} for row in rows)


def harmless(value: Value | None) -> Value | None:
    """Return a value that a spreadsheet does not take for a formula: text came from the network."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_BEGINNINGS) else value


def _write_json(file: IO[str], rows: Iterable[dict[str, Any]]) -> None:
    file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
