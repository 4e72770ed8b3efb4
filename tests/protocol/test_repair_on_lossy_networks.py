"""What repair does where a network loses frames: requests, answers and refusals as well as readings.

Time is that of the simulation, so these figures are the same on every machine.
"""

from functools import cache

import pytest

from protocol.accounts import Account
from tests.protocol.lossy_network import LossyNetwork

TALK_S = 120.0
REPAIR_S = 300.0
CUT_S = 60.0
BURST = 30


@cache
def after(loss: float, *, burst: int = 1, cut_s: float = 0.0, interval_s: float = 1.0, agents: int = 4) -> LossyNetwork:
    """Let agents with five sensors each talk for two minutes, cut the network, and let the receiver repair."""
    network = LossyNetwork(loss, seed=7, agents=agents, burst=burst, interval_s=interval_s)
    network.run(TALK_S)
    network.is_cut = True
    network.run(cut_s)
    network.is_cut = False
    network.run(TALK_S / 4)
    network.halt()
    network.run(REPAIR_S)
    return network


def percentile(network: LossyNetwork, share: float) -> float:
    ordered = sorted(network.repair_times_s)
    return ordered[int(len(ordered) * share)]


def account(network: LossyNetwork) -> Account:
    total = Account("", 0)
    for each in network.accounts:
        total = total.plus(each)
    return total


LOSSES = (0.0, 0.05, 0.2, 0.4)
NETWORKS = (
    *({"loss": loss} for loss in LOSSES),
    *({"loss": loss, "burst": BURST} for loss in LOSSES[1:]),
    *({"loss": loss, "cut_s": CUT_S} for loss in LOSSES),
    {"loss": 0.2, "interval_s": 0.05, "agents": 1},
    {"loss": 0.4, "interval_s": 0.05, "agents": 1},
    {"loss": 0.2, "interval_s": 0.1, "agents": 1, "cut_s": CUT_S},
)


@pytest.mark.parametrize("conditions", NETWORKS, ids=str)
def test_every_reading_is_stored_and_none_twice(conditions: dict[str, float]) -> None:
    network = after(**conditions)
    assert network.missed == set()
    assert network.stored_twice == 0


@pytest.mark.parametrize("conditions", NETWORKS, ids=str)
def test_the_accounts_name_what_was_heard_and_what_was_repaired_and_no_loss(conditions: dict[str, float]) -> None:
    network = after(**conditions)
    total = account(network)
    assert (total.sent, total.arrived, total.unavailable, total.pending) == (len(network.taken), total.sent, 0, 0)


@pytest.mark.parametrize(("loss", "median_s", "p99_s"), [(0.05, 0.1, 1.0), (0.2, 0.1, 2.0), (0.4, 0.4, 12.0)])
def test_a_lost_reading_is_repaired_within(loss: float, median_s: float, p99_s: float) -> None:
    network = after(loss)
    assert percentile(network, 0.5) <= median_s
    assert percentile(network, 0.99) <= p99_s


@pytest.mark.parametrize(("loss", "longest_s"), [(0.0, 1.0), (0.05, 2.0), (0.2, 5.0), (0.4, 15.0)])
def test_a_minute_s_cut_is_repaired_within(loss: float, longest_s: float) -> None:
    assert percentile(after(loss, cut_s=CUT_S), 0.98) <= longest_s


@pytest.mark.parametrize(("loss", "each"), [(0.05, 1.2), (0.2, 1.8), (0.4, 3.0)])
def test_a_lost_reading_costs_few_requests_and_answers(loss: float, each: float) -> None:
    network = after(loss)
    repaired = len(network.repair_times_s)
    first_ones = len(network.repairs._sensors)  # a request for what was before the first reading of each sensor
    assert network.repairs.requested <= repaired * each + first_ones
    assert network.unicast.carried <= repaired * each + first_ones


def test_of_a_minute_s_cut_many_readings_are_asked_for_at_once() -> None:
    network = after(0.0, cut_s=CUT_S)
    assert network.repairs.requested <= len(network.repair_times_s) / 25


def test_where_nothing_is_lost_nothing_is_asked_for_but_what_was_before_the_first_reading() -> None:
    network = after(0.0)
    assert network.repairs.requested == len(network.repairs._sensors)


def test_answers_are_no_more_than_an_agent_may_send_however_much_is_missing() -> None:
    network = after(0.2, interval_s=0.1, agents=1, cut_s=CUT_S)
    assert network.most_answers_in_a_second <= 510
