"""Round trips and clock offsets: what the answers to pings tell, and how wrong it can be at most."""

import math
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.instants import Instant
from protocol.roundtrips import KEPT_ROUND_TRIPS, MAX_OUTSTANDING, OFFSET_SAMPLES, RoundTrips, RoundTripSummary

START = Instant(100.0, 1795334500000.0)
HALF_TICK_MS = 0.5
ROUNDING_MS = 0.01  # what floats keep of a wall clock is coarser than a microsecond


class Exchange(NamedTuple):
    """A ping and its answer, in ms: how long each was under way."""

    there_ms: float
    back_ms: float


DELAYS_MS = st.floats(0, 500)
EXCHANGES = st.lists(st.builds(Exchange, DELAYS_MS, DELAYS_MS), min_size=1, max_size=30)


class Network:
    """Two clocks and the way between them: ours, and that of a node which is ahead by `offset_ms`."""

    def __init__(self, offset_ms: float = 0.0) -> None:
        self.offset_ms = offset_ms
        self.now = START
        self.round_trips = RoundTrips()
        self.numbers = iter(range(1_000_000))

    def wait(self, duration_ms: float) -> None:
        self.now = Instant(self.now.monotonic_s + duration_ms / 1000, self.now.wall_ms + duration_ms)

    def step_our_wall_clock(self, by_ms: float) -> None:
        self.now = Instant(self.now.monotonic_s, self.now.wall_ms + by_ms)
        self.offset_ms -= by_ms

    def exchange(self, there_ms: float, back_ms: float) -> float | None:
        number = float(next(self.numbers))
        self.round_trips.ping(number, self.now)
        self.wait(there_ms)
        timestamp_ms = math.floor(self.now.wall_ms + self.offset_ms)
        self.wait(back_ms)
        return self.round_trips.pong(number, timestamp_ms, self.now)

    def measured(self) -> float:
        offset_ms = self.round_trips.offset_ms
        assert offset_ms is not None
        return offset_ms


def answered(*durations_ms: float) -> RoundTrips:
    network = Network()
    for duration_ms in durations_ms:
        network.exchange(duration_ms / 2, duration_ms / 2)
    return network.round_trips


# Round trips


def test_before_the_first_answer_nothing_is_known() -> None:
    round_trips = RoundTrips()
    round_trips.ping(1.0, START)
    assert round_trips.summary() == RoundTripSummary(sent=1, received=0)
    assert (round_trips.last_ms, round_trips.offset_ms) == (None, None)


def test_a_round_trip_is_the_time_from_ping_to_answer() -> None:
    assert Network().exchange(1.5, 2.5) == pytest.approx(4.0)


def test_a_round_trip_has_a_resolution_of_microseconds() -> None:
    assert Network().exchange(0.021, 0.017) == pytest.approx(0.038, abs=1e-4)


def test_an_answer_to_no_ping_tells_nothing() -> None:
    round_trips = RoundTrips()
    assert round_trips.pong(1.0, 1795334500000, START) is None
    assert round_trips.summary() == RoundTripSummary(sent=0, received=0)


def test_a_second_answer_to_the_same_ping_tells_nothing() -> None:
    round_trips = RoundTrips()
    round_trips.ping(1.0, START)
    round_trips.pong(1.0, 1795334500000, START)
    assert round_trips.pong(1.0, 1795334500000, START) is None
    assert round_trips.received == 1


def test_answers_may_come_in_another_order_than_their_pings() -> None:
    round_trips = RoundTrips()
    round_trips.ping(1.0, Instant(100.0, 0.0))
    round_trips.ping(2.0, Instant(101.0, 0.0))
    assert round_trips.pong(2.0, 0, Instant(101.5, 0.0)) == 500
    assert round_trips.pong(1.0, 0, Instant(102.0, 0.0)) == 2000


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 1e308])
def test_numbers_that_nobody_sent_are_no_answers(number: float) -> None:
    round_trips = RoundTrips()
    round_trips.ping(1.0, START)
    assert round_trips.pong(number, 0, START) is None


def test_pings_that_are_never_answered_take_bounded_room_and_the_newest_count() -> None:
    round_trips = RoundTrips()
    for number in range(10 * MAX_OUTSTANDING):
        round_trips.ping(float(number), START)
    assert len(round_trips._outstanding) == MAX_OUTSTANDING
    assert round_trips.pong(9.0 * MAX_OUTSTANDING - 1, 0, START) is None
    assert round_trips.pong(9.0 * MAX_OUTSTANDING, 0, START) is not None


def test_the_summary_speaks_of_the_newest_round_trips() -> None:
    summary = answered(*[1000.0] * 10, *[1.0] * KEPT_ROUND_TRIPS).summary()
    assert summary.received == KEPT_ROUND_TRIPS + 10
    assert summary.max == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("count", "median", "p99"), [(1, 1, 1), (2, 1.5, 2), (3, 2, 3), (99, 50, 99), (100, 50.5, 99), (200, 100.5, 198)]
)
def test_of_round_trips_of_1_to_n_ms_median_and_p99_are(count: int, median: float, p99: float) -> None:
    summary = answered(*range(count, 0, -1)).summary()
    assert list(summary[2:]) == pytest.approx([1, median, p99, count])


@given(st.lists(DELAYS_MS, min_size=1, max_size=300))
def test_at_least_99_of_100_round_trips_are_within_p99(durations_ms: list[float]) -> None:
    round_trips = answered(*durations_ms)
    kept, p99 = list(round_trips._recent or ()), round_trips.summary().p99
    assert p99 is not None
    assert p99 in kept
    assert sum(duration_ms <= p99 for duration_ms in kept) >= 0.99 * len(kept)


@given(EXCHANGES)
def test_the_figures_of_a_summary_are_in_order(exchanges: list[Exchange]) -> None:
    network = Network()
    for exchange in exchanges:
        network.exchange(*exchange)
    figures = [figure for figure in network.round_trips.summary()[2:] if figure is not None]
    assert figures == sorted(figures)


# Clock offset


@pytest.mark.parametrize("offset_ms", [0.0, 0.25, -0.25, 1234.5, -3_600_000.0, 1e12])
def test_the_offset_of_a_quick_answer_is_true_to_half_a_tick(offset_ms: float) -> None:
    network = Network(offset_ms)
    network.exchange(0.0, 0.0)
    assert network.measured() == pytest.approx(offset_ms, abs=HALF_TICK_MS + ROUNDING_MS)


def test_the_cut_to_whole_milliseconds_does_not_make_clocks_slow_on_average() -> None:
    measured = []
    for tenth in range(10):
        network = Network(tenth / 10)
        network.exchange(0.0, 0.0)
        measured.append(network.measured() - tenth / 10)
    assert sum(measured) / len(measured) == pytest.approx(0.0, abs=0.06)


def test_what_the_way_there_takes_longer_than_the_way_back_is_half_in_the_offset() -> None:
    network = Network()
    network.exchange(30.0, 10.0)
    assert network.measured() == pytest.approx(10.0, abs=HALF_TICK_MS + ROUNDING_MS)


def test_of_several_answers_the_quickest_tells_the_offset() -> None:
    network = Network(1000.0)
    for exchange in (Exchange(40.0, 0.0), Exchange(0.5, 0.5), Exchange(0.0, 80.0)):
        network.exchange(*exchange)
    assert network.measured() == pytest.approx(1000.0, abs=1.0 + ROUNDING_MS)


@given(st.floats(-1e9, 1e9), EXCHANGES)
def test_however_uneven_the_ways_the_error_is_at_most_half_the_quickest_round_trip(
    offset_ms: float, exchanges: list[Exchange]
) -> None:
    network = Network(offset_ms)
    for exchange in exchanges:
        network.exchange(*exchange)
    quickest_ms = min(sum(exchange) for exchange in exchanges[-OFFSET_SAMPLES:])
    assert abs(network.measured() - offset_ms) <= quickest_ms / 2 + HALF_TICK_MS + ROUNDING_MS


def test_an_answer_of_long_ago_tells_no_offset() -> None:
    network = Network()
    network.exchange(0.0, 0.0)
    for _ in range(OFFSET_SAMPLES):
        network.wait(60_000)
        network.offset_ms += 0.3  # the node's clock drifts
        network.exchange(2.0, 2.0)
    assert len(network.round_trips._offsets) <= OFFSET_SAMPLES
    assert network.measured() == pytest.approx(network.offset_ms, abs=2 + HALF_TICK_MS + ROUNDING_MS)


# Clocks that step


@pytest.mark.parametrize("step_ms", [-3_600_000.0, 3_600_000.0, -50.0])
def test_after_a_step_of_the_nodes_clock_the_next_answer_tells_the_new_offset(step_ms: float) -> None:
    network = Network(5.0)
    network.exchange(0.1, 0.1)
    network.offset_ms += step_ms
    network.exchange(4.0, 4.0)
    assert network.measured() == pytest.approx(5.0 + step_ms, abs=4 + HALF_TICK_MS + ROUNDING_MS)


@pytest.mark.parametrize("step_ms", [-3_600_000.0, 3_600_000.0])
def test_after_a_step_of_our_clock_the_next_answer_tells_the_new_offset(step_ms: float) -> None:
    network = Network(5.0)
    network.exchange(0.1, 0.1)
    network.step_our_wall_clock(step_ms)
    network.exchange(4.0, 4.0)
    assert network.measured() == pytest.approx(5.0 - step_ms, abs=4 + HALF_TICK_MS + ROUNDING_MS)


@given(st.floats(-4e6, 4e6), DELAYS_MS, DELAYS_MS)
def test_a_step_of_our_clock_between_ping_and_answer_changes_no_round_trip(
    step_ms: float, there_ms: float, back_ms: float
) -> None:
    network = Network()
    network.round_trips.ping(1.0, network.now)
    network.wait(there_ms)
    network.step_our_wall_clock(step_ms)
    network.wait(back_ms)
    round_trip_ms = network.round_trips.pong(1.0, 0, network.now)
    assert round_trip_ms == pytest.approx(there_ms + back_ms, abs=ROUNDING_MS)


def test_a_slow_answer_that_agrees_does_not_throw_away_a_quick_one() -> None:
    network = Network(5.0)
    network.exchange(0.1, 0.1)
    network.exchange(200.0, 0.0)
    assert network.measured() == pytest.approx(5.0, abs=0.1 + HALF_TICK_MS + ROUNDING_MS)
