"""`jph-agent` on a small machine: ten files of /proc read once a second, against the bare interpreter."""

from contextlib import ExitStack
from functools import partial
from typing import Any, Final, NamedTuple

from bench import agents, load, processes
from bench.figures import Figure, Measurement, Samples, at_most, ratios
from bench.rounds import alternate

FIGURES: Final = (
    Figure("rss_ratio", "", "resident memory, as a multiple of `import asyncio`'s, kept alive", at_most(1.35)),
    Figure("rss_mib", "MiB", "resident memory of the agent"),
    Figure("bare_rss_mib", "MiB", "resident memory of `import asyncio`, kept alive"),
    Figure("pss_mib", "MiB", "proportional memory (PSS) of the agent"),
    Figure("bare_pss_mib", "MiB", "proportional memory of `import asyncio`, kept alive"),
    Figure("cpu_percent", "% of a core", "processor time of the agent", at_most(1)),
    Figure("readings_per_s", "readings/s", "readings of the agent that were heard meanwhile"),
    Figure("start_ratio", "", "start to the first `N`, as a multiple of `import asyncio, yaml`", at_most(2)),
    Figure("start_ms", "ms", "start of the agent to its first `N`"),
    Figure("bare_start_ms", "ms", '`python -c "import asyncio, yaml"` from start to end'),
)

SENSORS: Final = 10
SETTLE_S: Final = 5.0
KEPT_ALIVE: Final = "import asyncio; asyncio.run(asyncio.sleep(86_400))"
IMPORTS: Final = "import asyncio, yaml"

SOURCES: Final[tuple[dict[str, Any], ...]] = (
    {"path": "/proc/loadavg", "field": 1},
    {"path": "/proc/loadavg", "field": 2},
    {"path": "/proc/uptime", "field": 1},
    {"path": "/proc/meminfo", "pattern": r"MemAvailable:\s+(\d+)", "scale": 0.001},
    {"path": "/proc/sys/kernel/random/entropy_avail"},
)


class Extent(NamedTuple):
    """How much is measured."""

    starts: int
    settle_s: float
    seconds: float


def measure(extent: Extent) -> Samples:
    """Return the samples of FIGURES."""
    with load.loopback_network() as network, agents.configured(network, nodes()) as configuration:
        command = agents.agent_command(configuration, *nodes())
        starts = alternate(
            extent.starts,
            {
                "agent": partial(agents.until_announced_s, command, network),
                "bare": partial(processes.whole_s, [processes.PYTHON, "-c", IMPORTS]),
            },
        )
        with ExitStack() as stack:
            bare = stack.enter_context(processes.running([processes.PYTHON, "-c", KEPT_ALIVE]))
            agent = stack.enter_context(processes.running(command))
            use = agents.use(agent, network, extent.settle_s, extent.seconds)
            bare_rss_mib, bare_pss_mib = processes.rss_mib(bare.pid), processes.pss_mib(bare.pid)
    return {
        "rss_ratio": [use.rss_mib / bare_rss_mib],
        "rss_mib": [use.rss_mib],
        "bare_rss_mib": [bare_rss_mib],
        "pss_mib": [use.pss_mib],
        "bare_pss_mib": [bare_pss_mib],
        "cpu_percent": [use.cpu_percent],
        "readings_per_s": [use.readings_per_s],
        "start_ratio": ratios(starts["agent"], starts["bare"]),
        "start_ms": [seconds * 1000 for seconds in starts["agent"]],
        "bare_start_ms": [seconds * 1000 for seconds in starts["bare"]],
    }


def nodes() -> dict[str, dict[str, Any]]:
    """Return ten nodes, each of which reads a file once a second."""
    return {
        codifier: {"driver": "pipe", "options": SOURCES[number % len(SOURCES)], "interval": "1s"}
        for number, codifier in enumerate(load.codifiers(SENSORS))
    }


MEASUREMENT: Final = Measurement(
    "agent",
    "The agent: 10 sensors at 1 Hz",
    FIGURES,
    partial(measure, Extent(starts=11, settle_s=SETTLE_S, seconds=30)),
    partial(measure, Extent(starts=1, settle_s=2, seconds=0.5)),
)
