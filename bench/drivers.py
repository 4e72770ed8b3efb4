"""What each driver adds to an agent: memory, start and processor time, against a node that reads nothing.

`python -m bench.drivers` writes the figures of the newest results into the table of docs/drivers.md.
"""

import re
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench import agents, load, processes
from bench.figures import CannotMeasureError, Figure, Measurement, Samples
from bench.rounds import alternate
from bench.runs import Measured, newest
from config.model import Network
from config.options import ANNOUNCED
from drivers.registry import DRIVERS

WITHOUT: Final = "console"
"""The driver that reads nothing: what an agent costs by itself."""

OPTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "adcpi": {"pin": 1},
    "control": {"default": 20},
    "dht": {"pin": 4},
    "exec": {"command": "echo 1"},
    "fan": {"gpio": {"pin": 18}},
    "gpio": {"pin": 4},
    "hwmon": {"chip": "cpu_thermal"},
    "iio": {"device": "bme280"},
    "json": {"url": "http://127.0.0.1:9/", "field": "value"},
    "mqtt": {"host": "127.0.0.1", "topic": "t", "path": "a"},
    "nest": {"credentials": "/var/empty/credentials.json"},
    "pipe": {"path": "/proc/loadavg", "field": 1},
    "pool": {"url": "http://127.0.0.1:9/", "format": "ckpool"},
    "python": {"expressions": {"value": "A4 - A5"}},
    "simulated": {"signal": "constant", "value": 1},
    "simulated-fan": {},
    "system": {},
    "w1": {},
    "zwave": {"url": "ws://127.0.0.1:9", "value": "2-50-0-value-66049"},
}
"""Options with which each driver starts and imports its library, also where there is no hardware for it."""

CODIFIER: Final = "C1"
PAGE: Final = processes.CHECKOUT / "docs" / "drivers.md"


def measured_drivers() -> list[str]:
    """Return the drivers that read something."""
    return [name for name in sorted(DRIVERS) if name != WITHOUT and name not in ANNOUNCED]


def figures() -> Iterator[Figure]:
    """Yield the figures of the bare agent, and what each driver adds to them."""
    yield Figure("bare_rss_mib", "MiB", "resident memory of an agent that reads nothing")
    yield Figure("bare_start_ms", "ms", "its start to its first `N`")
    yield Figure("bare_cpu_ms", "ms", "its processor time until its first read is over")
    for name in measured_drivers():
        yield Figure(f"{name}_rss_mib", "MiB", f"`{name}`: resident memory that it adds")
        yield Figure(f"{name}_start_ms", "ms", f"`{name}`: how much later the first `N` comes")
        yield Figure(f"{name}_cpu_ms", "ms", f"`{name}`: processor time that it adds until its first read is over")


class Extent(NamedTuple):
    """How much is measured."""

    rounds: int
    settle_s: float
    warm_up: bool = True


class Cost(NamedTuple):
    """What one start of an agent took."""

    rss_mib: float
    start_ms: float
    cpu_ms: float


def measure(extent: Extent) -> Samples:
    """Return the samples of the figures; raises CannotMeasureError when OPTIONS lack a driver."""
    missing = [name for name in measured_drivers() if name not in OPTIONS]
    if missing:
        raise CannotMeasureError(f"bench/drivers.py has no options for {', '.join(missing)}", "add a line to OPTIONS")
    with load.loopback_network() as network:
        names = (WITHOUT, *measured_drivers())
        contenders = {name: partial(_cost, name, network, extent.settle_s) for name in names}
        found = alternate(extent.rounds, contenders, warm_up=extent.warm_up)
    bare = found.pop(WITHOUT)
    samples = {f"bare_{key}": [cost._asdict()[key] for cost in bare] for key in Cost._fields}
    for name, costs in found.items():
        for place, key in enumerate(Cost._fields):
            samples[f"{name}_{key}"] = [cost[place] - base[place] for cost, base in zip(costs, bare, strict=True)]
    return samples


def _cost(driver: str, network: Network, settle_s: float) -> Cost:
    """Start an agent with one node of a driver, and let it read once."""
    nodes = {CODIFIER: {"driver": driver, "options": dict(OPTIONS.get(driver, {})), "interval": "1h"}}
    with (
        agents.configured(network, nodes) as configuration,
        agents.ear(network.control) as listening,
    ):
        begin_s = time.perf_counter()
        with processes.running(agents.agent_command(configuration, CODIFIER)) as program:
            agents.await_announcement(listening, program)
            start_ms = 1000 * (time.perf_counter() - begin_s)
            time.sleep(settle_s)
            return Cost(processes.rss_mib(program.pid), start_ms, 1000 * processes.cpu_s(program.pid))


MEASUREMENT: Final = Measurement(
    "drivers",
    "What each driver adds to an agent",
    tuple(figures()),
    partial(measure, Extent(rounds=7, settle_s=3.0)),  # a node looks for another of its name for 1 s before it reads
    partial(measure, Extent(rounds=1, settle_s=0.2, warm_up=False)),
)


def page_table(measured: Measured) -> str:
    """Return the table of docs/drivers.md: a row for each driver, in order of the memory that it adds."""
    names = [key.removesuffix("_rss_mib") for key in measured.figures if key.endswith("_rss_mib")]
    names.remove("bare")
    names.sort(key=lambda name: measured.figures[f"{name}_rss_mib"].value)
    rows = [f"| `{name}` | {' | '.join(_cells(name, measured))} |" for name in names]
    return "\n".join(["| driver | memory | start | processor time |", "|---|---:|---:|---:|", *rows, ""])


def _cells(name: str, measured: Measured) -> Iterator[str]:
    """Yield figures as far as they mean something: a tenth of a MiB, and the 10 ms in which processor time is told."""
    yield f"{measured.figures[f'{name}_rss_mib'].value:.1f} MiB"
    for key in ("start_ms", "cpu_ms"):
        value = max(0.0, measured.figures[f"{name}_{key}"].value)  # what is below nothing is chance
        yield f"{round(value, -1):.0f} ms"


def write_page(page: Path = PAGE) -> None:
    """Put the newest figures into the table of the page; raises CannotMeasureError when there are none."""
    run = newest()
    if run is None or MEASUREMENT.name not in run.measurements:
        raise CannotMeasureError("the drivers were not measured yet", "make bench ARGS=drivers")
    table = page_table(run.measurements[MEASUREMENT.name])
    page.write_text(TABLE.sub(lambda _: table, page.read_text("utf-8")), "utf-8")


TABLE: Final = re.compile(r"^\| driver \| memory \|.*\n(\|.*\n)+", re.MULTILINE)
"""The table in docs/drivers.md."""

if __name__ == "__main__":
    write_page()
