from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from console.pings import PingRound

TICK_S = 0.25


def rounds(every_s: float, codifiers: list[str], seconds: float) -> list[list[str]]:
    pings = PingRound(every_s)
    return [pings.due(tick * TICK_S, codifiers) for tick in range(int(seconds / TICK_S) + 1)]


def test_each_node_has_its_turn_once_in_the_time_of_a_round() -> None:
    pinged = Counter(codifier for turn in rounds(15.0, ["C1", "C2", "F1"], 150.0) for codifier in turn)
    assert set(pinged) == {"C1", "C2", "F1"}
    assert all(9 <= count <= 11 for count in pinged.values())


def test_many_nodes_are_never_pinged_all_at_once() -> None:
    codifiers = [f"{number:02}" for number in range(90)]
    assert max(len(turn) for turn in rounds(15.0, codifiers, 60.0)) <= 2


def test_nobody_is_pinged_when_that_is_not_wanted() -> None:
    assert not any(rounds(0.0, ["C1"], 100.0))


def test_a_node_that_joins_gets_its_turn_too() -> None:
    pings = PingRound(1.0)
    pings.due(0.0, ["B1"])
    pings.due(1.0, ["B1"])
    assert pings.due(2.0, ["A1", "B1"]) == ["A1", "B1"]


def test_after_a_pause_nobody_is_pinged_twice_at_once() -> None:
    pings = PingRound(1.0)
    pings.due(0.0, ["A1", "B1"])
    assert pings.due(1_000.0, ["A1", "B1"]) == ["A1", "B1"]


@given(st.lists(st.floats(0, 100), max_size=30).map(sorted), st.sets(st.text(min_size=2, max_size=2), max_size=9))
def test_only_who_takes_part_is_pinged(moments_s: list[float], codifiers: set[str]) -> None:
    pings = PingRound(2.0)
    for now_s in moments_s:
        assert set(pings.due(now_s, sorted(codifiers))) <= codifiers
