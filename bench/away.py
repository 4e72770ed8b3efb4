"""A sink's memory while PostgreSQL is away: 1,000 readings a second for ten minutes, and what is stored afterwards.

    make bench ARGS=away                 # ten minutes, and as long again until everything is stored
    python -m bench.away --seconds 60    # a shorter time; nothing is written down

Sensors, sink and network are real: processes in a network namespace of their own, which needs root.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import yaml

from bench import load, processes
from bench.figures import CannotMeasureError, Figure, Measurement, Samples, at_most
from bench.processes import CHECKOUT, PYTHON
from tests.netns import counting
from tests.netns.hosts import Namespace, missing
from tests.netns.shelves import postgres_shelf
from tests.storage.postgres_server import PostgresServer

AGENTS: Final = 4  # so that their rings of 8 MiB hold all that is sent in twenty minutes
SENSORS: Final = 100
INTERVAL: Final = "100ms"
SINK: Final = "P1"
LOOK_EVERY_S: Final = 1.0
SETTLED_S: Final = 5.0  # of storing in peace, before PostgreSQL goes away

FIGURES: Final = (
    Figure("per_s", "readings/s", "sent while PostgreSQL was away"),
    Figure("before_mib", "MiB", "resident memory of the sink before"),
    Figure("halfway_mib", "MiB", "the most in the first half of the time"),
    Figure("most_mib", "MiB", "the most in the whole time and until all was stored"),
    Figure("grown_mib", "MiB", "more in the second half than in the first", at_most(8)),
    Figure("caught_up_s", "s", "from when PostgreSQL was back until all readings were stored"),
    Figure("lost", "readings", "taken and not stored", at_most(0)),
)

_COUNT: Final = "SELECT count(*) FROM jph.readings"


class Course(NamedTuple):
    """The sink's resident memory in MiB, once a second: in peace, while PostgreSQL is away, and while it catches up."""

    before_mib: list[float]
    away_mib: list[float]
    after_mib: list[float]
    per_s: float
    lost: int


class Site:
    """The agents and the sink, in a namespace that has nothing but loopback."""

    def __init__(self, server: PostgresServer, folder: Path, namespace: Namespace) -> None:
        self._server = server
        self._folder = folder
        self._namespace = namespace
        self._shelf = postgres_shelf(server)
        self._names = load.codifiers(SENSORS)
        counting.install(folder / "packages")
        (folder / "jph.yaml").write_text(yaml.safe_dump(self._document()), "utf-8")
        self._sink = self._start(SINK)
        for first in range(AGENTS):
            self._start(*self._names[first::AGENTS])

    def taken(self) -> int:
        """Return how many readings the drivers gave."""
        return sum(counting.count(self._folder, name) for name in self._names)

    def stored(self) -> int:
        """Return how many of them are in the database."""
        ((count,),) = self._server.execute(_COUNT, self._shelf.options["database"])
        return int(count)

    def memory_mib(self, going_on: Callable[[], bool]) -> list[float]:
        """Look at the sink's memory for as long as something goes on."""
        found = []
        while going_on():
            if self._sink.poll() is not None:
                raise CannotMeasureError(f"the sink ended with {self._sink.returncode}")
            found.append(processes.rss_mib(self._sink.pid))
            time.sleep(LOOK_EVERY_S)
        return found

    def stop_taking(self) -> None:
        """Let the drivers give nothing more."""
        counting.stop(self._folder)

    def _document(self) -> dict[str, Any]:
        counts = {"driver": counting.NAME, "options": {"folder": str(self._folder)}}
        sink = {"driver": "postgres", "options": dict(self._shelf.options), "interval": "24h"}
        return {
            "network": {"interface": "lo", "ttl": 0},
            "defaults": {"interval": INTERVAL, "keepalive": "5s"},
            "nodes": {**dict.fromkeys(self._names, counts), SINK: sink},
        }

    def _start(self, *codifiers: str) -> Any:
        place = ("--config", str(self._folder / "jph.yaml"), "--state", str(self._folder / "state"))
        path = f"PYTHONPATH={self._folder / 'packages'}:{CHECKOUT}"
        command = f'exec "$0" "$@" 2>>{self._folder}/log'
        return self._namespace.start("env", path, "sh", "-c", command, PYTHON, "-m", "agent.main", *place, *codifiers)


def measure(away_s: float) -> Samples:
    """Return the samples of FIGURES."""
    course = observe(away_s)
    halfway_mib = max(course.away_mib[: len(course.away_mib) // 2])
    return {
        "per_s": [course.per_s],
        "before_mib": [max(course.before_mib)],
        "halfway_mib": [halfway_mib],
        "most_mib": [max(*course.away_mib, *course.after_mib)],
        "grown_mib": [max(course.away_mib) - halfway_mib],
        "caught_up_s": [len(course.after_mib) * LOOK_EVERY_S],
        "lost": [course.lost],
    }


def observe(away_s: float) -> Course:
    """Take PostgreSQL away for a while, and wait until everything is stored or no more comes."""
    with _site() as (site, server):
        _wait_until(lambda: site.stored() > SENSORS)
        before_mib = site.memory_mib(_for_seconds(SETTLED_S))
        server.stop()
        begin, begin_s = site.taken(), time.monotonic()
        away_mib = site.memory_mib(_for_seconds(away_s))
        per_s = (site.taken() - begin) / (time.monotonic() - begin_s)
        server.start()
        site.stop_taking()
        after_mib = site.memory_mib(_until_stored(site, processes.PATIENCE_S + away_s))
        return Course(before_mib, away_mib, after_mib, per_s, site.taken() - site.stored())


@contextmanager
def _site() -> Iterator[tuple[Site, PostgresServer]]:
    if reason := missing():
        raise CannotMeasureError(reason)
    try:
        server = PostgresServer()
    except FileNotFoundError as error:
        raise CannotMeasureError(str(error)) from error
    with closing(server), TemporaryDirectory() as folder, closing(Namespace("away")) as namespace:
        yield Site(server, Path(folder), namespace), server


def _for_seconds(seconds: float) -> Callable[[], bool]:
    until_s = time.monotonic() + seconds
    return lambda: time.monotonic() < until_s


def _until_stored(site: Site, patience_s: float) -> Callable[[], bool]:
    """Return what tells that something is still to be stored; it gives up when nothing was stored for so long."""
    stored, last_s = -1, time.monotonic()

    def going_on() -> bool:
        nonlocal stored, last_s
        before, stored = stored, site.stored()
        if stored > before:
            last_s = time.monotonic()
        return stored < site.taken() and time.monotonic() < last_s + patience_s

    return going_on


def _wait_until(condition: Callable[[], bool]) -> None:
    until_s = time.monotonic() + processes.PATIENCE_S
    while not condition():
        if time.monotonic() > until_s:
            raise CannotMeasureError("the sink stores nothing")
        time.sleep(LOOK_EVERY_S)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the memory over time, a line for each twentieth of it, and what was lost."""
    parser = argparse.ArgumentParser(prog="python -m bench.away", description="A sink whose PostgreSQL is away.")
    parser.add_argument("--seconds", type=float, default=60.0, help="for how long; by default 60")
    course = observe(parser.parse_args(arguments).seconds)
    print(f"{course.per_s:.0f} readings/s, {course.lost} lost")
    for name, samples in (("before", course.before_mib), ("away", course.away_mib), ("after", course.after_mib)):
        step = max(1, len(samples) // 20)
        print(f"{name:>7}: {' '.join(f'{mib:.1f}' for mib in samples[::step])} MiB, every {step * LOOK_EVERY_S:g} s")
    return 0 if course.lost == 0 else 1


MEASUREMENT: Final = Measurement(
    "away",
    "A sink whose PostgreSQL is away for ten minutes",
    FIGURES,
    partial(measure, 600.0),
    partial(measure, 2.0),
)

if __name__ == "__main__":
    sys.exit(main())
