import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.text.decimals import check_finite, difference, exact, is_multiple, parse, scaled, sum_of, to_number

finite = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("-7", -7), ("+5", 5), ("007", 7), ("21.5", 21.5), (".5", 0.5), ("5.", 5), ("1e3", 1000.0)],
)
def test_numbers_are_read_as_people_write_them(text: str, number: float) -> None:
    assert repr(to_number(parse(text))) == repr(number)


@pytest.mark.parametrize(
    "text", ["", " ", "x", "1 2", "1,5", "1_000", "0x1f", "--1", "1e", ".", "٣", "½", "true", "21.5 °C", "1\n2"]
)
def test_everything_else_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        parse(text)


@pytest.mark.parametrize("text", ["nan", "NaN", "-nan", "inf", "-Infinity", "INF"])
def test_nan_and_infinity_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"{text} is not a finite number"):
        parse(text)


@pytest.mark.parametrize("text", ["1e999", "-1e309", "1e99999999999999999999", "9" * 400])
def test_what_no_float_can_hold_is_too_large(text: str) -> None:
    with pytest.raises(ValueError, match="too large"):
        to_number(parse(text))


def test_a_long_text_is_not_repeated_whole() -> None:
    with pytest.raises(ValueError, match=r"^'x{40}…' is not a number$"):
        parse("x" * 5000)


@given(finite)
def test_every_float_survives(number: float) -> None:
    assert to_number(exact(number)) == number


@given(st.integers(-(10**300), 10**300))
def test_every_int_survives_as_an_int(number: int) -> None:
    assert repr(to_number(parse(str(number)))) == str(number)


def test_scaling_gives_what_one_would_write() -> None:
    assert 20016 * 0.001 != 20.016
    assert to_number(scaled(parse("20016"), exact(0.001), exact(0))) == 20.016


def test_whole_numbers_stay_whole() -> None:
    assert repr(to_number(scaled(parse("24"), exact(1024), exact(-1)))) == "24575"


@given(st.integers(-(10**60), 10**60), st.integers(-(10**60), 10**60), st.integers(-(10**60), 10**60))
def test_scaling_does_not_round(number: int, scale: int, offset: int) -> None:
    assert scaled(Decimal(number), Decimal(scale), Decimal(offset)) == number * scale + offset


def test_sums_are_those_of_paper() -> None:
    assert to_number(sum_of(0.1, 0.2)) == 0.3
    assert to_number(difference(0.3, 0.1)) == 0.2


def test_multiples_are_exact() -> None:
    assert is_multiple(exact(0.3), exact(0.1))
    assert not is_multiple(exact(0.35), exact(0.1))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 10**400])
def test_an_option_that_is_no_number_is_named(number: float) -> None:
    with pytest.raises(ValueError, match="`scale`: "):
        check_finite("scale", number)
