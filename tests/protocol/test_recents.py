"""What the last readings said: enough to tell one that is repeated from another under the same number."""

import pytest

from protocol.frames import DataFrame, Flag
from protocol.readings import Value
from protocol.recents import RECENT, Likeness, Recents
from tests.protocol.repairing import reading


@pytest.fixture
def recents() -> Recents:
    filled = Recents()
    for position in range(100, 100 + RECENT):
        filled.remember(position, reading(position))
    return filled


def test_a_repeated_reading_is_the_same(recents: Recents) -> None:
    assert {recents.compare(position, reading(position)) for position in range(100, 100 + RECENT)} == {Likeness.SAME}


def test_another_value_or_timestamp_is_another_reading(recents: Recents) -> None:
    assert recents.compare(120, reading(120, value=22.0)) is Likeness.OTHER
    assert recents.compare(120, reading(120, timestamp_ms=1)) is Likeness.OTHER


def test_nothing_is_known_at_first_and_of_what_is_missing(recents: Recents) -> None:
    assert Recents().compare(7, reading(7)) is Likeness.UNKNOWN
    recents.forget(150, 155)
    likeness = [recents.compare(position, reading(position)) for position in (149, 150, 154, 155)]
    assert likeness == [Likeness.SAME, Likeness.UNKNOWN, Likeness.UNKNOWN, Likeness.SAME]


def test_after_a_long_gap_nothing_is_known(recents: Recents) -> None:
    recents.forget(164, 100_000)
    assert recents.compare(99_999, reading(99_999)) is Likeness.UNKNOWN


def test_the_oldest_is_forgotten_for_the_newest(recents: Recents) -> None:
    recents.remember(100 + RECENT, reading(100 + RECENT))
    assert recents.compare(100 + RECENT, reading(100 + RECENT)) is Likeness.SAME


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0, 0.0, "", "text", 2**200])
def test_a_value_of_any_kind_is_like_itself(value: Value) -> None:
    recents = Recents()
    recents.remember(7, DataFrame(7, 0, Flag.FLOAT, "C1", "@@", value))
    assert recents.compare(7, DataFrame(7, 0, Flag.FLOAT, "C1", "@@", value)) is Likeness.SAME
