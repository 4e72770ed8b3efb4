"""Parquet as other programs see it, and files that are none of ours."""

import io
import sys
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped] # it has no types
import pytest
from pyarrow import parquet

from console.formats.lines import BadLine
from console.formats.parquet import COLUMNS, ParquetError, Writer, read
from protocol.readings import Reading

NOON_MS = 1_785_240_000_000
READINGS = (
    Reading("C1", NOON_MS, 1, 21.5),
    Reading("C1", NOON_MS, 2, 22),
    Reading("C1", NOON_MS, 3, 2**70),
    Reading("C1", NOON_MS, 4, "on", {"volts": 3.3}),
)


def written() -> io.BytesIO:
    file = io.BytesIO()
    writer = Writer(file)
    writer.write(READINGS)
    writer.close()
    return file


def changed(name: str, values: list[Any], kind: Any) -> io.BytesIO:
    table = parquet.read_table(written())
    file = io.BytesIO()
    place = table.column_names.index(name)
    parquet.write_table(table.set_column(place, name, pa.array(values, kind)), file)
    return file


def test_the_schema_is_the_documented_one() -> None:
    types = {field.name: str(field.type) for field in parquet.read_schema(written())}
    assert types == {
        "codifier": "string",
        "timestamp": "timestamp[ms, tz=UTC]",
        "sequence": "int64",
        "number": "double",
        "integer": "int64",
        "text": "string",
        "exact": "string",
        "attributes": "string",
    }


def test_another_program_reads_times_and_numbers() -> None:
    table = parquet.read_table(written())
    assert table["timestamp"][0].as_py() == datetime(2026, 7, 28, 12, tzinfo=UTC)
    assert table["number"].to_pylist() == [21.5, 22.0, float(2**70), None]
    assert table["integer"].to_pylist() == [None, 22, None, None]
    assert table["text"].to_pylist() == [None, None, None, "on"]
    assert table["exact"].to_pylist() == [None, None, str(2**70), None]
    assert table["attributes"].to_pylist() == [None, None, None, '{"volts": 3.3}']


@pytest.mark.parametrize(
    ("name", "values", "kind", "reason"),
    [
        ("codifier", ["kitchen", "C1", "C1", "C1"], pa.string(), "'kitchen' is no codifier"),
        ("codifier", [None, "C1", "C1", "C1"], pa.string(), "no codifier, timestamp or sequence"),
        ("sequence", [-1, 2, 3, 4], pa.int64(), "the sequence -1 is none of 0 to 4294967295"),
        ("number", [None, 22.0, None, None], pa.float64(), "no value"),
        ("number", [float("nan"), 22.0, None, None], pa.float64(), "nan is not a finite number"),
        ("exact", ["[1]", None, "7", None], pa.string(), "'[1]' is no whole number or text as JSON"),
        ("exact", ["{", None, "7", None], pa.string(), "Expecting property name"),
        ("attributes", ["[]", None, None, None], pa.string(), "no JSON object"),
    ],
)
def test_a_bad_row_is_told_with_its_number_and_the_others_are_read(
    name: str, values: list[Any], kind: Any, reason: str
) -> None:
    bad, *good = read(changed(name, values, kind))
    assert isinstance(bad, BadLine)
    assert (bad.number, bad.reason[: len(reason)]) == (1, reason)
    assert all(isinstance(one, Reading) for one in good)
    assert len(good) == 3


def test_numbers_of_another_width_are_taken() -> None:
    found = list(read(changed("sequence", [1, 2, 3, 4], pa.uint32())))
    assert found == list(READINGS)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no Parquet at all, but long enough to look at"])
def test_what_is_no_parquet_is_said(content: bytes) -> None:
    with pytest.raises(ParquetError, match="only what `jph export` wrote can be imported"):
        list(read(io.BytesIO(content)))


def test_columns_of_another_kind_are_said() -> None:
    with pytest.raises(ParquetError, match="only what `jph export` wrote can be imported"):
        list(read(changed("timestamp", ["a", "b", "c", "d"], pa.string())))


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_that_is_not_there_is_named(name: str) -> None:
    file = io.BytesIO()
    parquet.write_table(parquet.read_table(written()).drop_columns([name]), file)
    with pytest.raises(ParquetError, match=f"there is no column '{name}'"):
        list(read(file))


def test_without_pyarrow_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ParquetError, match=r'pip install "jph\[parquet\]"'):
        Writer(io.BytesIO())
