import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.alarms import COMPARISONS, Alarms, AlarmState, Condition, Level
from protocol.readings import Value

NUMBERS = st.floats(-1e6, 1e6) | st.integers(-1000, 1000)
CONDITIONS = st.builds(Condition, st.sampled_from(COMPARISONS), st.floats(-1e6, 1e6))

HOT = Condition(">", 70)
VERY_HOT = Condition(">", 80)


def levels(alarms: Alarms, *values: Value) -> list[Level]:
    state = AlarmState(alarms)
    return [state.update(value) for value in values]


def ok(count: int) -> list[Level]:
    return [Level.OK] * count


@pytest.mark.parametrize(
    ("comparison", "below", "equal", "above"),
    [
        ("<", True, False, False),
        ("<=", True, True, False),
        (">", False, False, True),
        (">=", False, True, True),
        ("==", False, True, False),
        ("!=", True, False, True),
    ],
)
def test_a_condition_compares_the_value_with_its_threshold(
    comparison: str, *, below: bool, equal: bool, above: bool
) -> None:
    condition = Condition(comparison, 5)
    assert [condition.holds(value) for value in (4, 5, 6)] == [below, equal, above]


@pytest.mark.parametrize("comparison", COMPARISONS)
@pytest.mark.parametrize("value", ["80", "", math.nan])
def test_text_and_nan_neither_satisfy_nor_leave_a_condition(comparison: str, value: Value) -> None:
    condition = Condition(comparison, 5)
    assert not condition.holds(value)
    assert not condition.leaves(value, 0)


@given(CONDITIONS, NUMBERS)
def test_without_hysteresis_a_value_leaves_a_condition_exactly_when_it_does_not_hold(
    condition: Condition, value: float
) -> None:
    assert condition.leaves(value, 0) is not condition.holds(value)


@given(CONDITIONS, NUMBERS, st.floats(0, 100))
def test_a_value_never_both_satisfies_and_leaves_a_condition(
    condition: Condition, value: float, hysteresis: float
) -> None:
    assert not (condition.holds(value) and condition.leaves(value, hysteresis))


@pytest.mark.parametrize("comparison", ["", "=", "=>", "above"])
def test_an_unknown_comparison_is_refused(comparison: str) -> None:
    with pytest.raises(ValueError, match="is none of"):
        Condition(comparison, 1)


@pytest.mark.parametrize("threshold", [math.nan, math.inf, -math.inf])
def test_a_threshold_that_nothing_can_cross_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="never be crossed"):
        Condition(">", threshold)


@pytest.mark.parametrize(
    ("condition", "text"),
    [(Condition(">", 70), "> 70"), (Condition("<=", 0.1), "<= 0.1"), (Condition("!=", -3.0), "!= -3")],
)
def test_a_condition_is_shown_as_it_is_written(condition: Condition, text: str) -> None:
    assert str(condition) == text


@pytest.mark.parametrize("hysteresis", [-1.0, math.nan, math.inf])
def test_a_hysteresis_is_a_distance(hysteresis: float) -> None:
    with pytest.raises(ValueError, match="hysteresis"):
        Alarms(HOT, hysteresis=hysteresis)


def test_an_alarm_needs_at_least_one_hit() -> None:
    with pytest.raises(ValueError, match="at least 1 reading"):
        Alarms(HOT, hits=0)


def test_a_level_is_raised_by_the_first_reading_unless_more_hits_are_asked_for() -> None:
    assert levels(Alarms(HOT), 70, 71, 70) == [Level.OK, Level.WARNING, Level.OK]


def test_a_level_is_raised_by_as_many_readings_in_a_row_as_hits() -> None:
    assert levels(Alarms(HOT, hits=3), 71, 72, 71) == [*ok(2), Level.WARNING]


def test_one_good_reading_starts_the_row_of_hits_anew() -> None:
    assert levels(Alarms(HOT, hits=3), 71, 72, 70, 71, 72, 73) == [*ok(5), Level.WARNING]


def test_a_level_is_left_only_beyond_the_hysteresis() -> None:
    assert levels(Alarms(HOT, hysteresis=2), 71, 69, 68.1, 68, 69) == [*[Level.WARNING] * 3, *ok(2)]


def test_hysteresis_works_towards_the_good_side_of_a_lower_limit() -> None:
    low = Alarms(Condition("<", 10), hysteresis=2)
    assert levels(low, 9, 11, 11.9, 12, 11) == [*[Level.WARNING] * 3, *ok(2)]


def test_an_equality_is_left_by_more_than_the_hysteresis_on_either_side() -> None:
    stuck = Alarms(Condition("==", 85), hysteresis=1)
    assert levels(stuck, 85, 84, 86, 86.5) == [*[Level.WARNING] * 3, Level.OK]
    assert levels(stuck, 85, 83.5) == [Level.WARNING, Level.OK]


def test_an_inequality_is_left_only_at_its_threshold() -> None:
    assert levels(Alarms(Condition("!=", 1), hysteresis=5), 0, 2, 1) == [*[Level.WARNING] * 2, Level.OK]


def test_leaving_a_level_takes_one_reading_however_many_hits_raised_it() -> None:
    assert levels(Alarms(HOT, hits=3), 71, 71, 71, 70) == [*ok(2), Level.WARNING, Level.OK]


def test_a_level_that_was_left_needs_its_hits_again() -> None:
    assert levels(Alarms(HOT, hits=2), 71, 71, 70, 71, 71) == [Level.OK, Level.WARNING, *ok(2), Level.WARNING]


def test_critical_stands_above_warning_and_leaves_it_behind() -> None:
    both = Alarms(HOT, VERY_HOT)
    assert levels(both, 60, 75, 85, 75, 60) == [
        Level.OK,
        Level.WARNING,
        Level.CRITICAL,
        Level.WARNING,
        Level.OK,
    ]


def test_critical_works_without_warning() -> None:
    assert levels(Alarms(critical=VERY_HOT), 75, 85, 75) == [Level.OK, Level.CRITICAL, Level.OK]


def test_warning_and_critical_can_watch_different_sides() -> None:
    both = Alarms(Condition(">", 30), Condition("<", 5))
    assert levels(both, 31, 4, 20) == [Level.WARNING, Level.CRITICAL, Level.OK]


def test_text_raises_nothing_and_ends_nothing() -> None:
    assert levels(Alarms(HOT), "99", 71, "cold", 70) == [Level.OK, *[Level.WARNING] * 2, Level.OK]


def test_nan_raises_nothing_and_ends_nothing() -> None:
    different = Alarms(Condition("!=", 1))
    assert levels(different, math.nan, 2, math.nan, 1) == [Level.OK, *[Level.WARNING] * 2, Level.OK]


def test_text_interrupts_the_row_of_hits() -> None:
    assert levels(Alarms(HOT, hits=2), 71, "?", 71, 71) == [*ok(3), Level.WARNING]


def test_without_conditions_everything_is_well() -> None:
    assert levels(Alarms(), -1e300, 1e300, "fire") == ok(3)


def test_the_level_can_be_asked_for_without_a_reading() -> None:
    state = AlarmState(Alarms(HOT))
    before = state.level
    state.update(71)
    assert [before, state.level] == [Level.OK, Level.WARNING]


@given(CONDITIONS, st.lists(NUMBERS), st.floats(0, 10), st.integers(1, 5))
def test_a_raised_level_always_had_its_hits_and_was_not_left_since(
    condition: Condition, values: list[float], hysteresis: float, hits: int
) -> None:
    state = AlarmState(Alarms(condition, hysteresis=hysteresis, hits=hits))
    seen: list[float] = []
    raised = False
    for value in values:
        seen.append(value)
        row = len(seen) >= hits and all(condition.holds(one) for one in seen[-hits:])
        raised = not condition.leaves(value, hysteresis) if raised else row
        assert (state.update(value) is Level.WARNING) is raised


def test_a_state_is_small_enough_for_ten_thousand_sensors() -> None:
    assert not hasattr(AlarmState(Alarms()), "__dict__")
