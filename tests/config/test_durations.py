import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.durations import (
    LARGEST_BYTES,
    LONGEST_S,
    NotReadableError,
    format_duration,
    format_size,
    parse_duration,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5s", 5.0),
        ("24h", 86_400.0),
        ("1.5h", 5_400.0),
        ("200ms", 0.2),
        ("700ms", 0.7),
        ("1d", 86_400.0),
        ("10m", 600.0),
        ("10min", 600.0),
        ("5", 5.0),
        ("0.25", 0.25),
        ("1h30m", 5_400.0),
        ("1d 12h", 129_600.0),
        ("5 s", 5.0),
        (" 5s ", 5.0),
        ("3660d", LONGEST_S),
    ],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "5x",
        "s",
        "-5s",
        "+5s",
        "5s5",
        "5,5s",
        "1e3",
        ".5s",
        "5.s",
        "nan",
        "inf",
        "0x10",
        "\u0665s",
        "5s\n6",
        "5 S",
    ],
)
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(NotReadableError) as refused:
        parse_duration(text)
    assert refused.value.message == f"{text!r} is no duration"
    assert refused.value.advice == "write 5s, 10m or 24h"


@pytest.mark.parametrize("text", ["0", "0s", "0.0", "0h0m", "0ms"])
def test_a_duration_lasts(text: str) -> None:
    with pytest.raises(NotReadableError, match="no time at all"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["3661d", "9999999999", "9" * 400, "9" * 400 + "d"])
def test_a_duration_beyond_ten_years_is_a_slip_of_the_pen(text: str) -> None:
    with pytest.raises(NotReadableError, match="too long"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5.0, "5s"),
        (60.0, "1m"),
        (90.0, "90s"),
        (5_400.0, "90m"),
        (86_400.0, "1d"),
        (0.2, "200ms"),
        (1.5, "1.5s"),
        (0.0001, "0.0001s"),
        (1e-7, "0.0000001s"),
    ],
)
def test_a_duration_is_written_in_its_largest_whole_unit(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.floats(0, LONGEST_S, exclude_min=True) | st.integers(1, int(LONGEST_S)).map(float))
def test_every_duration_that_is_written_is_read_as_the_same_number(seconds: float) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8MiB", 8 * 2**20),
        ("64KB", 64_000),
        ("64kB", 64_000),
        ("1.5KiB", 1536),
        ("512", 512),
        ("512B", 512),
        ("2 GiB", 2**31),
        ("1GB", 10**9),
        ("1MB", 10**6),
    ],
)
def test_a_size_is_read_in_bytes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MiB", "-1", "8 MiBs", "8Mb", "8 mib", "1e6", "eight", "8MiB 2KiB"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(NotReadableError) as refused:
        parse_size(text)
    assert refused.value.message == f"{text!r} is no size"
    assert refused.value.advice == "write 64KB or 8MiB"


@pytest.mark.parametrize(
    ("text", "reason"),
    [("0", "no space"), ("0MiB", "no space"), ("9999999GiB", "too large"), ("9" * 400, "too large"), ("0.5B", "whole")],
)
def test_a_size_that_cannot_be_meant_is_refused(text: str, reason: str) -> None:
    with pytest.raises(NotReadableError, match=reason):
        parse_size(text)


@pytest.mark.parametrize(("size", "text"), [(8 * 2**20, "8MiB"), (64_000, "64KB"), (1023, "1023B"), (2**31, "2GiB")])
def test_a_size_is_written_in_its_largest_whole_unit(size: int, text: str) -> None:
    assert format_size(size) == text


@given(st.integers(1, LARGEST_BYTES))
def test_every_size_that_is_written_is_read_as_the_same_number(size: int) -> None:
    assert parse_size(format_size(size)) == size
