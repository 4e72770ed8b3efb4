"""`python -m bench [NAME...]`: measure what the budgets promise, and write down what was found."""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from bench import (
    agent,
    away,
    cli,
    codec,
    drivers,
    floods,
    mqtt,
    postgres,
    receive,
    redis,
    runs,
    screen,
    sqlite,
    table,
    thousand,
)
from bench.figures import CannotMeasureError, Measurement
from bench.machine import load_average
from bench.runs import Measured

MEASUREMENTS: Final = {
    module.MEASUREMENT.name: module.MEASUREMENT
    for module in (receive, mqtt, agent, drivers, cli, screen, sqlite, postgres, redis, away, thousand, codec, floods)
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and unless it was quick write bench/results/; 1 when something could not be measured."""
    wanted = _parser().parse_args(arguments)
    unknown = sorted(set(wanted.names) - set(MEASUREMENTS))
    if unknown:
        print(f"there is no measurement {', '.join(unknown)}; there are: {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 2
    chosen = [MEASUREMENTS[name] for name in wanted.names or MEASUREMENTS]
    measured = dict(_made(chosen, quick=wanted.quick))
    if measured and not wanted.quick:
        table.write_down(measured)
    return 0 if len(measured) == len(chosen) else 1


def measure(measurement: Measurement, *, quick: bool) -> Measured:
    """Make one measurement; raises CannotMeasureError."""
    at, before, begin_s = datetime.now(UTC), load_average(), time.monotonic()
    samples = measurement.quick() if quick else measurement.full()
    return runs.sum_up(measurement, samples, at, time.monotonic() - begin_s, before)


def _made(chosen: Iterable[Measurement], *, quick: bool) -> Iterator[tuple[str, Measured]]:
    for measurement in chosen:
        try:
            measured = measure(measurement, quick=quick)
        except CannotMeasureError as error:
            print(f"{measurement.title}: {error}", file=sys.stderr)
        else:
            print("\n".join([*table.lines(measured), ""]), flush=True)
            yield measurement.name, measured


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure what the budgets promise.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of {', '.join(MEASUREMENTS)}; else all")
    parser.add_argument("--quick", action="store_true", help="only see that everything runs: nothing is written")
    return parser


if __name__ == "__main__":
    sys.exit(main())
