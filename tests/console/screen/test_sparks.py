import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.screen.sparks import least_range, spark
from console.screen.traces import LARGEST
from protocol.alarms import Alarms, Condition

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


def test_a_step_of_the_last_digit_does_not_fill_the_height() -> None:
    assert set(spark([20.1, 20.1, 20.2, 20.2], LEVELS, 4)) <= {"3", "4", "5", "6"}


def test_a_movement_fills_the_height() -> None:
    assert spark([20.0, 22.0], LEVELS, 2) == "18"


def test_what_is_little_beside_the_alarms_does_not_fill_the_height() -> None:
    least = least_range(Alarms(Condition(">", 10.0), Condition(">", 30.0)))
    assert least == pytest.approx(2.0)
    assert spark([1.0, 1.5], LEVELS, 2, least) == "45"
    assert spark([1.0, 1.5], LEVELS, 2) == "18"


@pytest.mark.parametrize("alarms", [None, Alarms(), Alarms(warning=Condition(">", 10.0))])
def test_alarms_without_a_range_say_nothing_of_it(alarms: Alarms | None) -> None:
    assert least_range(alarms) == 0.0
