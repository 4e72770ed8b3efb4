import math
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.screen import figures
from protocol.readings import Value

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (21.3, "21.3"),
        (45, "45"),
        (1013.256, "1013.26"),
        (-40.25, "-40.25"),
        (0.0, "0"),
        (0.00012, "0.00012"),
        (12345678.5, "1.2346e+07"),
        (2**70, "1.1806e+21"),
        (10**400, "huge"),
        (None, "-"),
        ("open\x1b", r"open\x1b"),
    ],
)
def test_values_are_written_with_as_many_digits_as_an_eye_can_use(value: Value | None, text: str) -> None:
    assert figures.value_text(value) == text


@given(st.floats(-1e300, 1e300))
def test_a_written_number_is_the_number_to_four_significant_digits_or_four_decimals(value: float) -> None:
    assert float(figures.value_text(value)) == pytest.approx(value, rel=1e-4, abs=5e-5)


@given(st.floats(-999_999, 9_999_999) | st.integers(-999_999, 9_999_999))
def test_decimal_points_stand_in_one_column(value: float) -> None:
    text = figures.aligned(value)
    assert len(text) == figures.VALUE
    if "e" not in text:
        assert text.partition(".")[0].rstrip() == text[: figures.WHOLE]


@given(FINITE | st.integers() | st.text())
def test_any_value_can_be_aligned(value: Value) -> None:
    assert len(figures.aligned(value)) >= figures.VALUE


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.0, "now"),
        (1.99, "now"),
        (2.0, "2s"),
        (99.9, "99s"),
        (100, "1m"),
        (5_999, "99m"),
        (6_000, "1h"),
        (172_799, "47h"),
        (172_800, "2d"),
        (1e9, "old"),
    ],
)
def test_ages_are_told_in_the_unit_of_their_size(seconds: float | None, text: str) -> None:
    assert figures.age(seconds) == text


@given(st.floats(0, sys.float_info.max))
def test_an_age_takes_at_most_four_cells(seconds: float) -> None:
    assert len(figures.age(seconds)) <= 4


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min"), (90, "1 min 30 s"), (3_600, "1 h"), (90_061, "1 d 1 h"), (-1, "0 s")],
)
def test_durations_have_their_two_largest_units(seconds: float, text: str) -> None:
    assert figures.duration(seconds) == text


@pytest.mark.parametrize(
    ("ms", "text"), [(None, "-"), (0.4217, "0.42ms"), (12.34, "12.3ms"), (123.4, "123ms"), (12_345.0, "12 s")]
)
def test_round_trips_are_short(ms: float | None, text: str) -> None:
    assert figures.milliseconds(ms) == text


@pytest.mark.parametrize(
    ("ms", "text"),
    [(None, "-"), (1.24, "+1.2 ms"), (-3_400.0, "-3.4 s"), (150_000.0, "+2.5 min"), (-9_000_000.0, "-2.5 h")],
)
def test_clock_offsets_have_a_sign_and_a_unit(ms: float | None, text: str) -> None:
    assert figures.offset(ms) == text


@given(st.floats(0, 1, exclude_min=True))
def test_what_was_lost_never_looks_like_nothing(share: float) -> None:
    text = figures.percent(share)
    assert text not in {"0%", "0.0%"}
    assert len(text) <= 5


@given(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12))
@example(0.0, 5e-324)
def test_an_axis_holds_all_values_between_round_bounds(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    bottom, top = figures.nice_bounds(low, high)
    slack = max(abs(low), abs(high), 1e-3) * 1e-6
    assert bottom < top
    assert bottom <= low + slack
    assert top >= high - slack


def test_an_axis_of_one_value_has_that_value_in_its_middle() -> None:
    low, high = figures.nice_bounds(5.0, 5.0)
    assert low < 5.0 < high


@given(st.floats(1e-9, 1e9))
def test_a_round_step_is_one_two_or_five_times_a_power_of_ten(rough: float) -> None:
    step = figures.nice_step(rough)
    mantissa = step / 10 ** math.floor(math.log10(step * (1 + 1e-9)))
    assert rough * (1 - 1e-6) <= step <= rough * 2.5001
    assert min(abs(mantissa - factor) for factor in (1, 2, 5, 10)) < 1e-6


@pytest.mark.parametrize("ms", [-0.0, -0.04, 0.04])
def test_an_offset_of_nothing_has_no_minus(ms: float) -> None:
    assert figures.offset(ms) == "+0.0 ms"
