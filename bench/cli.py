"""The commands an operator types: how soon `jph --help` is there, and how soon `jph get` hears."""

from functools import partial
from typing import Any, Final

from bench import agents, load, processes
from bench.figures import Figure, Measurement, Samples, at_most, ratios
from bench.rounds import alternate

FIGURES: Final = (
    Figure("help_ratio", "", "`jph --help`, as a multiple of `import asyncio, typer, rich.console`", at_most(1.6)),
    Figure("get_ratio", "", "`jph get` until it listens, as the same multiple", at_most(1.6)),
    Figure("help_ms", "ms", "`jph --help` from start to end"),
    Figure("get_ms", "ms", "start of `jph get` to its first frame, which follows on joining the groups"),
    Figure("bare_ms", "ms", '`python -c "import asyncio, typer, rich.console"` from start to end'),
)

JPH: Final = (processes.PYTHON, "-c", "import sys; from console.cli import main; sys.exit(main())")
"""What the installed program `jph` does."""

IMPORTS: Final = "import asyncio, typer, rich.console"
NODES: Final[dict[str, dict[str, Any]]] = {
    "C1": {"driver": "simulated", "options": {"signal": "constant", "value": 1}},
    "CC": {"driver": "console"},
}


def measure(rounds: int) -> Samples:
    """Return the samples of FIGURES."""
    with load.loopback_network() as network, agents.configured(network, NODES) as configuration:
        get = (*JPH, "get", "C1", "--config", configuration, "--timeout", "60s")
        found = alternate(
            rounds,
            {
                "help": partial(processes.whole_s, (*JPH, "--help")),
                "get": partial(agents.until_announced_s, get, network),
                "bare": partial(processes.whole_s, (processes.PYTHON, "-c", IMPORTS)),
            },
        )
    return {
        "help_ratio": ratios(found["help"], found["bare"]),
        "get_ratio": ratios(found["get"], found["bare"]),
        **{f"{name}_ms": [seconds * 1000 for seconds in values] for name, values in found.items()},
    }


MEASUREMENT: Final = Measurement("cli", "The command line", FIGURES, partial(measure, 11), partial(measure, 1))
