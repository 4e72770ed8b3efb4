import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.sparks import spark
from console.traces import LARGEST

LEVELS = "12345678"
VALUES = st.lists(st.floats(-LARGEST, LARGEST) | st.just(math.nan), max_size=30)


@given(VALUES, st.integers(1, 20))
def test_a_spark_has_exactly_its_width(values: list[float], width: int) -> None:
    assert len(spark(values, LEVELS, width)) == width


def test_the_newest_value_stands_at_the_right_end() -> None:
    assert spark([0.0, 0.0, 7.0], LEVELS, 5) == "  118"


def test_a_spark_goes_from_its_lowest_to_its_highest_value() -> None:
    assert spark([0.0, 3.5, 7.0], LEVELS, 3) == "158"


def test_what_is_missing_is_a_blank() -> None:
    assert spark([0.0, math.nan, 7.0], LEVELS, 3) == "1 8"


@pytest.mark.parametrize("value", [0.0, 21.3, -40.0, 1e12])
def test_a_value_that_does_not_move_is_a_line_in_the_middle(value: float) -> None:
    assert set(spark([value] * 4, LEVELS, 4)) <= {"1", "4", "5"}
    assert len(set(spark([value] * 4, LEVELS, 4))) == 1


def test_noise_of_a_thousandth_moves_a_spark_by_one_level_at_most() -> None:
    assert set(spark([100.0, 100.02, 99.99, 100.01], LEVELS, 4)) <= {"4", "5"}


def test_nothing_known_is_nothing_drawn() -> None:
    assert spark([math.nan], LEVELS, 4) == "    "
