"""The configuration of the demo: the plant, this machine, and simulated nodes."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from agent.configuration import kinds
from config.loading import loads
from config.model import Configuration
from console import machine
from console.demo_network import MOST_SIMULATED, PLANT, Home, codifiers, compose, written
from storage.sqlite import SqliteOptions

HOME = Home("here", "239.192.71.77:40001", "239.192.71.77:40002", Path("/tmp/demo/history.db"))  # noqa: S108 - a name


def demo(simulated: int = 0, plant: dict[str, Any] | None = None) -> Configuration:
    """Return the demo's configuration as its agent loads it."""
    plant = plant or yaml.safe_load(PLANT.read_text("utf-8"))
    return loads(written(compose(plant, machine.nodes("here"), HOME, simulated)).encode(), "demo", kinds)


def test_it_loads_without_a_problem() -> None:
    assert demo().warnings == ()


def test_nothing_leaves_this_computer() -> None:
    network = demo().network
    assert (network.interface, network.ttl) == ("lo", 0)
    assert (str(network.control), str(network.data)) == (HOME.control, HOME.data)


def test_this_machine_is_there_with_its_own_values() -> None:
    nodes = demo().nodes
    assert {nodes[codifier].name for codifier in ("C1", "M1", "U1")} == {"load", "free memory", "uptime"}


def test_the_plant_keeps_its_times() -> None:
    assert demo().nodes["FK"].interval_s == demo().defaults.interval_s == 1.0


def test_everything_runs_here_but_the_codifiers_of_operators() -> None:
    hosts = {(node.driver == "console", node.host) for node in demo(simulated=3).nodes.values()}
    assert hosts == {(True, None), (False, "here")}


def test_what_is_recorded_goes_to_the_demo() -> None:
    stores = [node.options for node in demo().nodes.values() if isinstance(node.options, SqliteOptions)]
    assert [store.path for store in stores] == [str(HOME.database)]


@pytest.mark.parametrize("count", [1, 100, MOST_SIMULATED])
def test_simulated_nodes_clash_with_nobody(count: int) -> None:
    plain, more = demo(), demo(count)
    assert len(more.nodes) == len(plain.nodes) + count
    assert len(list(more.sensors())) == len(list(plain.sensors())) + count


def test_simulated_nodes_get_the_same_codifiers_each_time() -> None:
    assert list(demo(20).nodes) == list(demo(20).nodes)


@given(st.sets(st.sampled_from(["C1", "M1", "U1", "AA", "AB", "FK"]), min_size=1), st.integers(0, 30))
def test_a_plant_may_have_any_codifiers(taken: set[str], simulated: int) -> None:
    node = {"driver": "simulated", "options": {"signal": "constant", "value": 1}}
    plant = {"nodes": dict.fromkeys(sorted(taken), node)}
    configuration = demo(simulated, plant)
    names = [node.name for node in configuration.nodes.values()]
    assert {"load", "free memory", "uptime"} <= set(names)
    assert len(configuration.nodes) == len(taken) + len(machine.nodes("here")) + simulated


def test_proxies_of_the_plant_keep_their_codifiers() -> None:
    node = {
        "driver": "pipe",
        "options": {"path": "/proc/loadavg", "fields": {"value": 1, "other": 2}},
        "proxies": {"AA": {"channel": "other"}},
    }
    configuration = demo(1, {"nodes": {"X1": node}})
    assert configuration.owner("AA") is configuration.nodes["X1"]
    assert "AB" in configuration.nodes


def test_there_are_codifiers_for_all_that_can_be_simulated() -> None:
    assert len(set(codifiers())) == 3844
    assert MOST_SIMULATED < 3844
