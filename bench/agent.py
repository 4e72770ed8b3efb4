"""`jph-agent` on a small machine: ten files of /proc read once a second, against the bare interpreter."""

from contextlib import ExitStack
from functools import partial
from typing import Any, Final, NamedTuple

from bench import agents, load, processes
from bench.figures import Figure, Measurement, Samples, at_most, ratios
from bench.rounds import alternate
from config.model import Network
from protocol.gate import Mode

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
    Figure("keys_rss_ratio", "", "resident memory with tags required, as a multiple of that without"),
    Figure("keys_rss_mib", "MiB", "resident memory of the agent with tags required"),
    Figure("keys_cpu_percent", "% of a core", "processor time of the agent with tags required"),
    Figure("keys_start_ratio", "", "start to the first `N` with tags required, as a multiple of that without"),
    Figure("keys_start_ms", "ms", "start of the agent with tags required to its first `N`"),
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
    with load.loopback_network() as network, ExitStack() as stack:
        commands = {
            mode: agents.agent_command(stack.enter_context(agents.configured(network, nodes(), mode)), *nodes())
            for mode in (Mode.OFF, Mode.REQUIRE)
        }
        starts = alternate(
            extent.starts,
            {
                "agent": partial(agents.until_announced_s, commands[Mode.OFF], network),
                "keys": partial(agents.until_announced_s, commands[Mode.REQUIRE], network),
                "bare": partial(processes.whole_s, [processes.PYTHON, "-c", IMPORTS]),
            },
        )
        bare = stack.enter_context(processes.running([processes.PYTHON, "-c", KEPT_ALIVE]))
        use, with_keys = (_use(command, network, extent) for command in commands.values())
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
        "keys_rss_ratio": [with_keys.rss_mib / use.rss_mib],
        "keys_rss_mib": [with_keys.rss_mib],
        "keys_cpu_percent": [with_keys.cpu_percent],
        "keys_start_ratio": ratios(starts["keys"], starts["agent"]),
        "keys_start_ms": [seconds * 1000 for seconds in starts["keys"]],
        "bare_start_ms": [seconds * 1000 for seconds in starts["bare"]],
    }


def _use(command: agents.Command, network: Network, extent: Extent) -> agents.Use:
    with processes.running(command) as agent:
        return agents.use(agent, network, extent.settle_s, extent.seconds)


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
