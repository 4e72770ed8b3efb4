"""Which commands are carried out: none twice, none late, whatever happens to the target's clock."""

import pytest

from protocol.frames import ControlFrame, Flag
from protocol.freshness import MAX_STAMPS, WITHIN_MS, Freshness, Stamp
from protocol.instants import Instant

NOW_MS = 1_795_000_000_000


def at(after_ms: float, stepped_ms: float = 0.0) -> Instant:
    """Return the moment so long after the start, when the clock was set on by `stepped_ms` meanwhile."""
    return Instant(100 + after_ms / 1000, NOW_MS + after_ms + stepped_ms)


def command(timestamp_ms: float, sequence: int = 1, source: str = "CK") -> ControlFrame:
    return ControlFrame(sequence, int(timestamp_ms), Flag.SET, source, "FK", 80.0, active=True)


@pytest.fixture
def freshness() -> Freshness:
    return Freshness(at(0))


@pytest.mark.parametrize(
    ("off_ms", "fresh"), [(0, True), (WITHIN_MS, True), (WITHIN_MS + 1, False), (-WITHIN_MS, True), (-30_001, False)]
)
def test_a_command_is_fresh_within_half_a_minute_of_the_targets_clock(
    freshness: Freshness,
    off_ms: float,
    fresh: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    assert freshness.is_fresh(command(NOW_MS + 60_000 + off_ms), at(60_000)) is fresh


def test_what_was_said_before_the_target_started_is_stale(freshness: Freshness) -> None:
    assert not freshness.is_fresh(command(NOW_MS), at(1))
    assert freshness.is_fresh(command(NOW_MS + 1), at(1))


@pytest.mark.parametrize(
    ("timestamp_ms", "sequence", "fresh"),
    [(NOW_MS + 10, 5, False), (NOW_MS + 10, 4, False), (NOW_MS + 10, 6, True), (NOW_MS + 9, 9, False)],
)
def test_only_what_follows_the_last_one_of_its_source_is_fresh(
    freshness: Freshness,
    timestamp_ms: int,
    sequence: int,
    fresh: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    freshness.take(command(NOW_MS + 10, 5))
    assert freshness.is_fresh(command(timestamp_ms, sequence), at(20)) is fresh
    assert freshness.is_fresh(command(NOW_MS + 5, source="CJ"), at(20))


def test_stamps_survive_a_restart() -> None:
    again = Freshness(at(0), {"CK": Stamp(NOW_MS + 20, 7)})
    assert not again.is_fresh(command(NOW_MS + 20, 7), at(30))
    assert again.is_fresh(command(NOW_MS + 21, 1), at(30))


def test_a_stamp_that_the_clock_cannot_have_seen_yet_is_of_another_clock() -> None:
    again = Freshness(at(0), {"CK": Stamp(int(NOW_MS + WITHIN_MS + 1), 7)})
    assert again.is_fresh(command(NOW_MS + 20), at(30))


def test_a_clock_that_was_set_on_does_not_open_the_past(freshness: Freshness) -> None:
    an_hour_ms = 3_600_000.0
    assert not freshness.is_fresh(command(NOW_MS + 10), at(20, an_hour_ms))
    assert not freshness.is_fresh(command(NOW_MS + an_hour_ms), at(20, an_hour_ms))  # before the start, as it is now
    assert freshness.is_fresh(command(NOW_MS + an_hour_ms + 15), at(20, an_hour_ms))


def test_a_clock_that_was_set_back_takes_commands_again(freshness: Freshness) -> None:
    freshness.take(command(NOW_MS + 60_000, 5))
    assert not freshness.is_fresh(command(NOW_MS + 55_000, 6), at(60_000))
    assert freshness.is_fresh(command(NOW_MS + 55_000, 6), at(60_000, stepped_ms=-5_000))


def test_a_clock_that_trembles_forgets_nothing(freshness: Freshness) -> None:
    freshness.take(command(NOW_MS + 60_000, 5))
    assert not freshness.is_fresh(command(NOW_MS + 60_000, 5), at(60_000, stepped_ms=-400))


def test_many_sources_take_no_memory_without_bound(freshness: Freshness) -> None:
    for number in range(2 * MAX_STAMPS):
        freshness.take(command(NOW_MS + number, source=f"{number:04}"))
    assert len(freshness.stamps) == MAX_STAMPS
    assert f"{2 * MAX_STAMPS - 1:04}" in freshness.stamps
