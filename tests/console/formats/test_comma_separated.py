"""Comma-separated values of other programs: which column is what, and what is wrong with which line."""

import io
import time

import pytest

from console.formats.comma_separated import Columns, NoColumnError, read
from console.formats.lines import LONGEST_LINE, BadLine, Found
from protocol.readings import Reading, Value

NOON_MS = 1_785_240_000_000


def found(text: str | bytes, **columns: str) -> list[Found]:
    content = text if isinstance(text, bytes) else text.encode()
    return list(read(io.BytesIO(content), Columns(**columns)))


def only(text: str, **columns: str) -> Reading:
    [one] = found(text, **columns)
    assert isinstance(one, Reading), one
    return one


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("21", 21),
        ("-7", -7),
        ("21.0", 21.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("on", "on"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("٣", "٣"),
        ('"a,b"', "a,b"),
    ],
)
def test_a_value_is_a_whole_number_a_number_else_text(cell: str, value: Value) -> None:
    assert repr(only(f"time,codifier,value\n{NOON_MS},C1,{cell}\n").value) == repr(value)


@pytest.mark.parametrize("cell", ["", "NaN", "inf", "null", "1e999"])
def test_what_says_that_there_is_no_value_is_no_reading(cell: str) -> None:
    [bad] = found(f"time,codifier,value\n{NOON_MS},C1,{cell}\n")
    assert isinstance(bad, BadLine)


@pytest.mark.parametrize(
    "cell",
    [
        str(NOON_MS),
        "2026-07-28T12:00:00Z",
        "2026-07-28 14:00:00+02:00",
        "2026-07-28T12:00:00.000999+00:00",
    ],
)
def test_a_time_is_milliseconds_or_iso_8601(cell: str) -> None:
    assert only(f"time,codifier,value\n{cell},C1,1\n").timestamp_ms == NOON_MS


def test_a_time_without_offset_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Amsterdam")
    time.tzset()
    try:
        assert only("time,codifier,value\n2026-07-28 14:00,C1,1\n").timestamp_ms == NOON_MS
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_reading_without_sequence_has_one_of_its_time_each_time_the_same() -> None:
    assert only(f"time,codifier,value\n{NOON_MS},C1,1\n").sequence == NOON_MS % 2**31


def test_columns_may_have_any_names_and_the_sensor_may_be_said() -> None:
    text = f"When,Room °C,Note\n{NOON_MS},21.5,x\n"
    assert only(text, time="when", value="Room °C", sensor="F1") == Reading("F1", NOON_MS, NOON_MS % 2**31, 21.5)


def test_the_delimiter_is_the_one_of_the_heading_and_a_semicolon_comes_with_decimal_commas() -> None:
    assert only(f"time;codifier;value\n{NOON_MS};C1;21,5\n").value == 21.5
    assert only(f"time\tcodifier\tvalue\n{NOON_MS}\tC1\t21,5\n").value == "21,5"


def test_windows_line_ends_a_byte_order_mark_and_empty_lines_are_no_trouble() -> None:
    [one, other] = found(f"\ufefftime,codifier,value\r\n{NOON_MS},C1,on\r\n\r\n{NOON_MS},F1,off")
    assert isinstance(one, Reading)
    assert isinstance(other, Reading)
    assert (one.value, other.value) == ("on", "off")


def test_each_bad_line_is_told_with_its_number_and_the_others_are_read() -> None:
    lines = [
        b"time,codifier,value",
        b"yesterday,C1,1",
        b"%d,kitchen,1" % NOON_MS,
        b"%d,C1" % NOON_MS,
        b"%d,C1,\xff" % NOON_MS,
        b'%d,C1,"on' % NOON_MS,
        b"x" * (LONGEST_LINE + 5),
        b"-1,C1,1",
        b"%d,C1,7" % NOON_MS,
    ]
    *bad, good = found(b"\n".join(lines))
    assert [(one.number, one.reason) for one in bad if isinstance(one, BadLine)] == [
        (2, "'yesterday' is no time: neither ISO 8601 nor whole milliseconds"),
        (3, "'kitchen' is no codifier"),
        (4, "2 cells where the heading has 3"),
        (5, "no UTF-8 from byte 18 on"),
        (6, "unexpected end of data"),
        (7, f"longer than {LONGEST_LINE} bytes"),
        (8, "the timestamp -1 lies before 1970 or after the year 9999"),
    ]
    assert isinstance(good, Reading)


def test_what_history_printed_before_there_were_types_is_read() -> None:
    heading = "time,timestamp_ms,codifier,sequence,value"
    assert only(f"{heading}\n2026-07-28T14:00:00.000+02:00,{NOON_MS},C1,4,21.5\n") == Reading("C1", NOON_MS, 4, 21.5)


@pytest.mark.parametrize(
    ("heading", "columns", "advice"),
    [
        ("when,codifier,value", {}, "there are: when, codifier, value; name the column of the time with --time-column"),
        ("time,codifier,temperature", {}, "with --value-column"),
        ("time,value", {}, "or the sensor with --codifier"),
        ("time,codifier,value", {"time": "at"}, "no column 'at'"),
        ('time,"\x1b[31m', {}, "the heading cannot be read"),
        ("time,\x1b[31m,value", {}, r"\\x1b"),
    ],
)
def test_a_heading_that_does_not_tell_enough_is_answered_with_what_to_do(
    heading: str, columns: dict[str, str], advice: str
) -> None:
    with pytest.raises(NoColumnError, match=advice):
        found(heading + "\n", **columns)


def test_a_last_line_without_its_end_may_be_cut_off() -> None:
    heading = "time,timestamp_ms,codifier,sequence,value,type,attributes"
    [bad] = found(f"{heading}\n,{NOON_MS},C1,1,21,int,")
    assert bad == BadLine(2, "the line has no end: the file was cut off")
