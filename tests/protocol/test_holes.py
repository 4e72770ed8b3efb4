"""Ranges of missing readings: always in order, apart from each other and never empty."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from protocol.accounts import Lost
from protocol.holes import NO_HOUR_MS, Hole, Holes

HOUR = 3_600_000


def holes(*ranges: tuple[int, int]) -> Holes:
    made = Holes()
    for first, end in ranges:
        made.add(Hole(first, end, HOUR))
    return made


def ranges(made: Holes) -> list[tuple[int, int]]:
    return [(hole.first, hole.end) for hole in made]


def lost(first: int, end: int, hour_ms: int = HOUR, why: Lost = Lost.NOT_KEPT) -> Hole:
    return Hole(first, end, hour_ms, why=why)


def test_holes_are_in_order_whenever_they_were_added() -> None:
    made = holes((20, 25), (1, 3), (10, 11))
    assert ranges(made) == [(1, 3), (10, 11), (20, 25)]
    assert len(made) == 3


def test_the_hole_that_a_position_is_in_is_found() -> None:
    made = holes((1, 3), (10, 11))
    found = [made.find(position) for position in (0, 1, 2, 3, 10, 11)]
    assert [hole and hole.first for hole in found] == [None, 1, 1, None, 10, None]


def test_the_holes_between_two_positions_are_those_with_a_part_there() -> None:
    made = holes((1, 3), (10, 12), (20, 25))
    assert ranges_of(made.between(2, 21)) == [1, 10, 20]
    assert ranges_of(made.between(3, 20)) == [10]
    assert ranges_of(made.between(11, 12)) == [10]
    assert made.between(11, 11) == made.between(12, 20) == made.between(30, 40) == []


def ranges_of(found: list[Hole]) -> list[int]:
    return [hole.first for hole in found]


def test_what_is_cut_out_leaves_what_was_before_and_after() -> None:
    made = holes((1, 10))
    before, behind = made.cut(next(iter(made)), 4, 6)
    assert ((before.first, before.end), (behind.first, behind.end)) == ((1, 4), (6, 10))
    assert ranges(made) == [(1, 4), (6, 10)]


def test_nothing_is_left_of_a_hole_that_is_cut_out_wholly() -> None:
    made = holes((1, 10), (20, 21))
    made.cut(next(iter(made)), 1, 10)
    assert ranges(made) == [(20, 21)]


def test_the_smallest_of_several_is_the_oldest_of_these() -> None:
    assert holes((1, 10), (20, 21), (30, 31)).smallest().first == 20


def test_ranges_that_were_given_up_one_after_the_other_are_one() -> None:
    made = Holes()
    for first in (0, 64, 128):
        made.append_to_neighbour(lost(first, first + 64))
    assert ranges(made) == [(0, 192)]


def test_ranges_of_another_hour_or_reason_stay_apart() -> None:
    made = Holes()
    made.append_to_neighbour(lost(0, 10))
    made.append_to_neighbour(lost(10, 20, hour_ms=2 * HOUR))
    made.append_to_neighbour(lost(20, 30, hour_ms=2 * HOUR, why=Lost.TOO_MANY_HOLES))
    made.append_to_neighbour(lost(31, 40, hour_ms=2 * HOUR, why=Lost.TOO_MANY_HOLES))
    assert ranges(made) == [(0, 10), (10, 20), (20, 30), (31, 40)]


def test_a_hole_without_an_hour_is_a_guess() -> None:
    assert Hole(0, 1, NO_HOUR_MS).is_guess
    assert not Hole(0, 1, HOUR).is_guess


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=40))
def test_holes_stand_for_a_set_of_positions(cuts: list[tuple[int, int]]) -> None:
    made, positions = holes((0, 80)), set(range(80))
    for first, count in cuts:
        for hole in made.between(first, first + count):
            made.cut(hole, max(first, hole.first), min(first + count, hole.end))
        positions -= set(range(first, first + count))
        assert {position for hole in made for position in range(hole.first, hole.end)} == positions
        assert {position for position in range(80) if made.find(position)} == positions
        assert made.readings == len(positions)
        assert all(hole.end < following.first for hole, following in itertools.pairwise(made))
        assert all(len(hole) > 0 for hole in made)
