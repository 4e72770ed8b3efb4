"""Figures: budgets, spreads, ratios, and the order in which contenders take their turns."""

from collections.abc import Callable

import pytest

from bench.figures import Budget, Spread, at_least, at_most, ratios, spread
from bench.rounds import alternate


@pytest.mark.parametrize(
    ("budget", "value", "met"),
    [
        (at_least(0.25), 0.25, True),
        (at_least(0.25), 0.2499, False),
        (at_most(1.6), 1.6, True),
        (at_most(1.6), 1.601, False),
    ],
)
def test_a_budget_is_met_up_to_its_bound(budget: Budget, value: float, met: bool) -> None:  # noqa: FBT001 - a parameter
    assert budget.is_met(value) is met


@pytest.mark.parametrize(("budget", "words"), [(at_least(50_000), "at least 50,000"), (at_most(1.35), "at most 1.35")])
def test_a_budget_says_what_it_asks_for(budget: Budget, words: str) -> None:
    assert str(budget) == words


def test_a_spread_has_the_smallest_the_median_and_the_largest_of_all_rounds() -> None:
    assert spread([3.0, 9.0, 1.0, 5.0]) == Spread(1.0, 4.0, 9.0, 4)


def test_ratios_are_those_of_the_values_of_the_same_round() -> None:
    assert ratios([10.0, 40.0], [5.0, 10.0]) == [2.0, 4.0]


def test_ratios_of_unequally_many_rounds_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])


def contender(name: str, turns: list[str]) -> Callable[[], int]:
    def run() -> int:
        turns.append(name)
        return len(turns)

    return run


def test_contenders_take_turns() -> None:
    turns: list[str] = []
    alternate(2, {name: contender(name, turns) for name in "ab"}, warm_up=False)
    assert turns == ["a", "b", "a", "b"]


def test_a_round_to_warm_up_is_run_and_forgotten() -> None:
    turns: list[str] = []
    found = alternate(2, {name: contender(name, turns) for name in "ab"})
    assert len(turns) == 6
    assert found == {"a": [3, 5], "b": [4, 6]}
