"""A thousand nodes in one agent process, each with a reading a second."""

from functools import partial
from typing import Any, Final, NamedTuple

from bench import agents, load, processes
from bench.figures import Figure, Measurement, Samples

FIGURES: Final = (
    Figure("cpu_percent", "% of a core", "processor time of the agent"),
    Figure("rss_mib", "MiB", "resident memory of the agent"),
    Figure("pss_mib", "MiB", "proportional memory (PSS) of the agent"),
    Figure("readings_per_s", "readings/s", "readings of the agent that were heard meanwhile"),
)

SETTLE_S: Final = 8.0  # the nodes announce themselves, see for a second that they are alone, and begin


class Extent(NamedTuple):
    """How much is measured."""

    nodes: int
    settle_s: float
    seconds: float


def measure(extent: Extent) -> Samples:
    """Return the samples of FIGURES."""
    nodes = simulated(extent.nodes)
    with load.loopback_network() as network, agents.configured(network, nodes) as configuration:
        command = agents.agent_command(configuration, *nodes)
        with agents.ear(network.control) as listening, processes.running(command) as program:
            agents.await_announcement(listening, program)
            use = agents.use(program, network, extent.settle_s, extent.seconds)
    return {name: [value] for name, value in use._asdict().items()}


def simulated(count: int) -> dict[str, dict[str, Any]]:
    """Return nodes whose values go up and down, each in its own time."""
    return {
        codifier: {
            "driver": "simulated",
            "interval": "1s",
            "options": {"signal": "sine", "mean": 40, "amplitude": 20, "period": f"{60 + number}s"},
        }
        for number, codifier in enumerate(load.codifiers(count))
    }


MEASUREMENT: Final = Measurement(
    "thousand",
    "1,000 simulated nodes at 1 Hz in one agent",
    FIGURES,
    partial(measure, Extent(nodes=1000, settle_s=SETTLE_S, seconds=20)),
    partial(measure, Extent(nodes=5, settle_s=1.5, seconds=0.5)),
)
