"""What is written in any format is read again exactly."""

import io
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.formats.comma_separated import Columns
from console.formats.lines import BadLine, Found
from console.formats.registry import FORMATS, UnknownFormatError, chosen
from protocol.errors import JphError
from protocol.frames import LATEST_TIMESTAMP_MS
from protocol.readings import Reading, Value
from tests.storage.conformance import EDGE_NUMBERS, EDGE_TEXTS, NOON_MS, exactly, reading, readings

EDGE_VALUES: list[Value] = [*EDGE_NUMBERS, *EDGE_TEXTS]
EDGES = [reading(sequence, value=value) for sequence, value in enumerate(EDGE_VALUES)]
ODD = [
    Reading('",', 0, 2**32 - 1, 'a,"b",c;\t', {}),
    Reading("=1", LATEST_TIMESTAMP_MS, 0, "=1+1", {"a": {"b": [None, True, 1.0, 1]}}),
    Reading("C1", NOON_MS, 1, " 7 "),
    Reading("C1", NOON_MS, 2, "nan\r\nnull"),
]

every_format = pytest.mark.parametrize("name", FORMATS)


def written(name: str, readings: Sequence[Reading], pieces: int = 3) -> bytes:
    file = io.BytesIO()
    writer = FORMATS[name].writer(file)
    for first in range(0, len(readings), pieces):
        writer.write(readings[first : first + pieces])
    writer.close()
    return file.getvalue()


def read(name: str, content: bytes, columns: Columns = Columns()) -> list[Found]:  # noqa: B008 - it is immutable
    return list(FORMATS[name].read(io.BytesIO(content), columns))


def good(found: Sequence[Found]) -> list[str]:
    assert [one for one in found if isinstance(one, BadLine)] == []
    return [exactly(one) for one in found if isinstance(one, Reading)]


@every_format
@example(batch=EDGES)
@example(batch=ODD)
@given(batch=st.lists(readings, max_size=12))
def test_readings_come_back_exactly_and_in_their_order(name: str, batch: list[Reading]) -> None:
    assert good(read(name, written(name, batch))) == [exactly(one) for one in batch]


@every_format
def test_more_readings_than_are_written_at_once_come_back(name: str) -> None:
    batch = [reading(number, value=number / 8) for number in range(120_000)]
    assert good(read(name, written(name, batch, pieces=7_000))) == [exactly(one) for one in batch]


@every_format
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_a_file_holds_no_reading_is_made_up(name: str, content: bytes) -> None:
    """It is refused as a whole, or every line is a reading that stores take or one that is told to be bad."""
    with suppress(JphError):
        assert len(read(name, content)) <= content.count(b"\n") + 1


@every_format
@given(batch=st.lists(readings, min_size=1, max_size=4), data=st.data())
def test_a_file_that_was_cut_gives_only_what_was_written(name: str, batch: list[Reading], data: st.DataObject) -> None:
    content = written(name, batch)
    cut = content[: data.draw(st.integers(0, len(content) - 1))]
    known = {exactly(one) for one in batch}
    with suppress(JphError):
        assert {exactly(one) for one in read(name, cut) if isinstance(one, Reading)} <= known


@pytest.mark.parametrize("name", [name for name, one in FORMATS.items() if one.is_text])
@given(batch=st.lists(readings, max_size=4))
def test_text_is_harmless_to_a_terminal(name: str, batch: list[Reading]) -> None:
    assert all(line.isprintable() for line in written(name, batch).decode().split("\n"))


@pytest.mark.parametrize(
    ("asked", "path", "name"),
    [
        (None, "a.csv", "csv"),
        (None, "/x.y/B.JSONL", "jsonl"),
        (None, "a.ndjson", "jsonl"),
        (None, "a.parquet", "parquet"),
        ("csv", "a.parquet", "csv"),
    ],
)
def test_a_format_is_the_one_that_is_asked_for_else_that_of_the_name(asked: str | None, path: str, name: str) -> None:
    assert chosen(asked, path) == name


def test_a_name_that_tells_no_format_is_answered_with_those_that_do() -> None:
    with pytest.raises(UnknownFormatError, match=r"\.csv, \.jsonl, \.ndjson, \.parquet; say --format csv\|jsonl"):
        chosen(None, "a.txt")
