"""Readings in a Parquet file (docs/cli.md, "jph export"): the columns in which PostgreSQL keeps them.

codifier     string
timestamp    timestamp[ms, UTC]
sequence     int64
number       double: every number that a double can hold
integer      int64: beside it, exactly, a whole number of 64 bits
text         string
exact        string: JSON of what no other column holds, such as larger whole numbers
attributes   string: JSON
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

from console.formats.lines import BadLine, FormError, Found, checked
from protocol import documents
from protocol.readings import Reading
from storage.postgres_rows import from_row, to_row

EXTRA: Final = "parquet"
ROWS_AT_ONCE: Final = 50_000  # readings, about 10 MiB: a row group that is written, and rows that are read

COLUMNS: Final = ("codifier", "timestamp", "sequence", "number", "integer", "text", "exact", "attributes")


class ParquetError(FormError):
    """The file is none that `jph export` wrote, or pyarrow is missing."""


class Writer:
    """Writes a file, in row groups; what was written is a file only after `close`."""

    def __init__(self, file: BinaryIO) -> None:
        self._schema = _schema()
        with _explained():
            self._writer = _parquet().ParquetWriter(file, self._schema, compression="zstd")
        self._rows: list[Reading] = []

    def write(self, readings: Sequence[Reading]) -> None:
        """Write readings, when there are enough for a row group."""
        self._rows += readings
        if len(self._rows) >= ROWS_AT_ONCE:
            self._write_group()

    def close(self) -> None:
        """Write the rest and the end of the file."""
        if self._rows:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        columns = zip(*map(_columns, self._rows), strict=True)
        self._writer.write_table(_arrow().table(list(map(list, columns)), schema=self._schema))
        self._rows = []


def read(file: BinaryIO) -> Iterator[Found]:
    """Go through the readings of a file; raises OSError and ParquetError. A row's number counts from 1."""
    with _explained():
        opened = _parquet().ParquetFile(file)
    missing = [name for name in COLUMNS if name not in opened.schema_arrow.names]
    if missing:
        raise ParquetError(f"there is no column {missing[0]!r}", "only what `jph export` wrote can be imported")
    for number, row in enumerate(_rows(opened), start=1):
        yield _found(number, row)


def _rows(opened: Any) -> Iterator[tuple[Any, ...]]:
    schema = _schema()
    with _explained():
        for batch in opened.iter_batches(ROWS_AT_ONCE, columns=list(COLUMNS)):
            table = _arrow().Table.from_batches([batch]).select(list(COLUMNS)).cast(schema)
            plain = table.set_column(1, "timestamp", table["timestamp"].cast("int64"))
            yield from zip(*(column.to_pylist() for column in plain.columns), strict=True)


def _columns(reading: Reading) -> tuple[Any, ...]:
    timestamp_ms, sequence, number, integer, codifier, text, exact, attributes = to_row(reading)
    return codifier, timestamp_ms, sequence, number, integer, text, _to_json(exact), _to_json(attributes)


def _found(number: int, row: tuple[Any, ...]) -> Found:
    try:
        return checked(number, _reading(*row))
    except ValueError as error:
        return BadLine(number, str(error))


def _reading(codifier: str | None, timestamp_ms: int | None, sequence: int | None, *said: Any) -> Reading:
    number, integer, text, exact, attributes = said
    if codifier is None or timestamp_ms is None or sequence is None:
        raise ValueError("no codifier, timestamp or sequence")
    if number is None and integer is None and text is None and exact is None:
        raise ValueError("no value")
    more = None if attributes is None else documents.parse(attributes)
    return from_row((timestamp_ms, sequence, number, integer, codifier, text, _exact(exact), more))


def _exact(text: str | None) -> int | str | None:
    found = None if text is None else json.loads(text)
    if text is not None and (isinstance(found, bool) or not isinstance(found, int | str)):
        raise ValueError(f"{text!r} is no whole number or text as JSON")
    return found


def _to_json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def _schema() -> Any:
    arrow = _arrow()
    timestamp = arrow.timestamp("ms", "UTC")
    types = (arrow.string(), timestamp, arrow.int64(), arrow.float64(), arrow.int64(), *[arrow.string()] * 3)
    return arrow.schema(list(zip(COLUMNS, types, strict=True)))


def _arrow() -> Any:
    try:
        import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 - 100 MB that only this format needs
    except ImportError as error:
        raise ParquetError(f"Parquet needs a package that is not installed: {error}", _INSTALL) from error
    return pa


def _parquet() -> Any:
    _arrow()
    from pyarrow import parquet  # noqa: PLC0415 - the same

    return parquet


_INSTALL: Final = f'pip install "jph[{EXTRA}]"'


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what pyarrow says of a file into a ParquetError."""
    arrow = _arrow()
    try:
        yield
    except arrow.ArrowException as error:
        reason = str(error).splitlines()[0]
        raise ParquetError(f"no Parquet of jph: {reason}", "only what `jph export` wrote can be imported") from error
