"""The console under load, as `python -m bench.console` measures it."""

import subprocess
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec

from bench import load, processes
from bench.figures import CannotMeasureError, Figure, Measurement, Samples, at_most

FIGURES: Final = (
    Figure("cpu_percent", "% of a core", "processor time of the console, no key pressed", at_most(10)),
    Figure("kb_per_s", "KB/s", "bytes sent to the terminal, no key pressed", at_most(25)),
    Figure("key_p50_ms", "ms", "from a key to its effect on the screen, median"),
    Figure("key_p99_ms", "ms", "from a key to its effect, what one in a hundred exceeds", at_most(100)),
    Figure("keys_unanswered", "keys", "keys without an effect within 5 s"),
    Figure("rss_mib", "MiB", "resident memory"),
    Figure("start_s", "s", "from start to the first screen"),
)

KEYS: Final = {
    "start to first frame": {"seconds": "start_s"},
    "console at rest": {"cpu_percent": "cpu_percent", "kb_per_s": "kb_per_s"},
    "key to paint": {"p50_ms": "key_p50_ms", "p99_ms": "key_p99_ms", "unanswered": "keys_unanswered"},
    "memory": {"rss_mib": "rss_mib"},
}
"""By what `bench.console` calls a line and its figures: what they are called here."""

OTHERWISE_S: Final = 90.0  # to start and to end, beside the two times of measuring


class Extent(NamedTuple):
    """How much is measured: so many seconds without keys, and as many with."""

    seconds: float
    sensors: int


def measure(extent: Extent) -> Samples:
    """Return the samples of FIGURES."""
    with load.loopback_network() as network:
        ended = subprocess.run(
            [processes.PYTHON, "-m", "bench.console", *options(extent, network.control.port)],
            capture_output=True,
            check=False,
            cwd=processes.CHECKOUT,
            timeout=2 * extent.seconds + OTHERWISE_S,
        )
    if ended.returncode != 0:
        raise CannotMeasureError(f"the console was not measured: {processes.last_line(ended.stderr)}")
    return read(ended.stdout)


def options(extent: Extent, port: int) -> list[str]:
    """Return what `bench.console` is told; it uses the port and the one after it."""
    told = {"--seconds": extent.seconds, "--sensors": extent.sensors, "--port": port}
    return [word for option, value in told.items() for word in (option, str(value))]


def read(output: bytes) -> Samples:
    """Take the figures out of what `bench.console` prints."""
    found: dict[str, list[float]] = {}
    for line in output.splitlines():
        document: Mapping[str, Any] = msgspec.json.decode(line)
        for name, key in KEYS.get(document.get("measure", ""), {}).items():
            found[key] = [float(document[name])]
    return found


MEASUREMENT: Final = Measurement(
    "console",
    "The console: 1,000 sensors at 1 Hz on 200x50 cells",
    FIGURES,
    partial(measure, Extent(seconds=20, sensors=1000)),
    partial(measure, Extent(seconds=1, sensors=20)),
)
