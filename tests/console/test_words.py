"""Values, times and text in words for one line."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import words


@pytest.mark.parametrize(("count", "said"), [(0, "0 readings"), (1, "1 reading"), (2, "2 readings")])
def test_one_is_not_told_as_many(count: int, said: str) -> None:
    assert words.counted(count, "reading") == said


@given(st.text())
def test_visible_text_is_printable_whatever_it_was(text: str) -> None:
    assert words.visible(text).isprintable()


@given(st.text().filter(str.isprintable))
def test_printable_text_stays_as_it_is(text: str) -> None:
    assert words.visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("two\nlines", r"two\nlines"),
        ("\u202eback", r"\u202eback"),
        ("\ud800", r"\ud800"),
        ("\x9b31m", r"\x9b31m"),
        ("温度 °C", "温度 °C"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_escaped(text: str, shown: str) -> None:
    assert words.visible(text) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(21.3, "21.3"), (80.0, "80"), (5, "5"), (2**40, "1099511627776"), (0.1 + 0.2, "0.3"), (1e300, "1e+300")],
)
def test_numbers_are_as_short_as_they_can_be_told(value: float, shown: str) -> None:
    assert words.number(value) == shown


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_in_words_is_close_to_the_number(value: float) -> None:
    assert float(words.number(value)) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize(
    ("typed", "shown"), [(80.0, "80"), (-5.0, "-5"), (21.5, "21.5"), (1e16, "1e+16"), (21.123456789, "21.123456789")]
)
def test_a_number_that_was_typed_is_shown_as_it_was_typed(typed: float, shown: str) -> None:
    assert words.quantity(typed) == shown


@pytest.mark.parametrize(
    ("value", "unit", "shown"), [(21.5, "°C", "21.5 °C"), (None, "°C", "-"), ("open", "", "open"), (3, "", "3")]
)
def test_a_reading_has_its_unit(value: float | str | None, unit: str, shown: str) -> None:
    assert words.reading(value, unit) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (59.6, "60 s"),
        (600, "10 min"),
        (36_000, "10 h"),
        (864_000, "10 d"),
    ],
)
def test_an_age_is_told_in_the_unit_a_person_would_use(seconds: float | None, shown: str) -> None:
    assert words.age(seconds) == shown


@pytest.mark.parametrize(
    ("ms", "shown"), [(None, "-"), (0.4123, "0.412 ms"), (1.8, "1.80 ms"), (12.34, "12.3 ms"), (1234.5, "1234.5 ms")]
)
def test_round_trips_keep_three_digits(ms: float | None, shown: str) -> None:
    assert words.milliseconds(ms) == shown


def test_an_offset_has_its_sign() -> None:
    assert words.milliseconds(0.5, signed=True) == "+0.500 ms"
    assert words.milliseconds(-0.5, signed=True) == "-0.500 ms"


@pytest.mark.parametrize(("part", "shown"), [(0, "0 %"), (0.0001, "<0.1 %"), (0.5, "50.0 %"), (1, "100.0 %")])
def test_what_is_not_nothing_never_looks_like_nothing(part: float, shown: str) -> None:
    assert words.share(part) == shown


def test_times_are_local_and_have_milliseconds() -> None:
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.123", words.clock_time(1_785_240_000_123))
    assert re.fullmatch(r"2026-07-2\d \d\d:\d\d:00\.000", words.date_and_time(1_785_240_000_000))
    assert re.fullmatch(r"2026-07-2\dT\d\d:\d\d:00\.000[+-]\d\d:\d\d", words.iso_time(1_785_240_000_000))


@given(st.one_of(st.integers(0, 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False)))
def test_any_number_can_be_called_a_timestamp(wall_ms: float) -> None:
    assert words.date_and_time(wall_ms)
    assert words.iso_time(wall_ms)


def test_what_is_not_known_has_no_time() -> None:
    assert words.clock_time(None) == words.date_and_time(None) == "-"


def test_a_long_list_is_cut() -> None:
    assert words.listed(["C1", "C2"]) == "C1, C2"
    assert words.listed(["C1", "C2", "C3"], most=2) == "C1, C2 and 1 more"


@pytest.mark.parametrize(
    ("sender", "shown"),
    [(None, None), (("10.0.0.1", 4101), "10.0.0.1:4101"), (("fe80::1", 4101, 0, 2), "[fe80::1]:4101")],
)
def test_an_address_is_host_and_port(sender: tuple[object, ...] | None, shown: str | None) -> None:
    assert words.address(sender) == shown


def test_figures_for_json_have_three_decimals() -> None:
    assert words.rounded(0.123456) == 0.123
    assert words.rounded(None) is None
