"""`python -m bench.soak [NAME...]`: the scenarios of tests/netns at full length, and what they cost.

Each ends with every reading stored exactly once, or its loss named; one that does not makes the run fail.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from bench import runs, table
from bench.figures import CannotMeasureError, Figure, Measurement, Samples
from bench.machine import load_average
from bench.runs import Measured
from tests.netns import scenarios
from tests.netns.hosts import missing
from tests.netns.scenarios import IN_CI, IN_FULL, SCENARIOS, Cost, Lengths

PREFIX: Final = "soak."

FIGURES: Final = (
    Figure("sent", "", "readings sent"),
    Figure("lost", "", "lost on the way, over all sinks"),
    Figure("repaired", "", "repaired"),
    Figure("gone", "", "gone for good, and named in the accounts"),
    Figure("p50_s", "s", "from sent until repaired, median"),
    Figure("p99_s", "s", "from sent until repaired, 99 of 100"),
    Figure("settled_s", "s", "from the last reading until all were stored"),
    Figure("requests_each", "", "`R` per lost reading"),
    Figure("extra_percent", "%", "`R`, `U` and answers, of the readings' own datagrams"),
    Figure("extra_bytes_percent", "%", "the same in bytes"),
    Figure("ring_bytes", "bytes", "of memory for a reading in the ring"),
)


class Kept(NamedTuple):
    """A scenario that was held, under its name in the results."""

    name: str
    measured: Measured


def main(arguments: Sequence[str] | None = None) -> int:
    """Let the scenarios happen one after the other, print a table, and write it down; 1 when one was not held."""
    wanted = _parser().parse_args(arguments)
    if unknown := sorted(set(wanted.names) - set(SCENARIOS)):
        print(f"there is no scenario {', '.join(unknown)}; there are: {', '.join(SCENARIOS)}", file=sys.stderr)
        return 2
    if reason := missing():
        print(f"there can be no hosts here: {reason}", file=sys.stderr)
        return 1
    names, lengths = wanted.names or list(SCENARIOS), IN_CI if wanted.short else IN_FULL
    held = list(_held(names, lengths))
    measured = {PREFIX + kept.name: kept.measured for kept in held}
    print("\n".join(table.matrix_lines(measured.values())))
    if measured and not wanted.short:
        table.write_down(measured)
    return 0 if len(held) == len(names) else 1


def samples(cost: Cost) -> Samples:
    """Return what a scenario cost by the keys of FIGURES, without what is unknown because nothing was lost."""
    values = {
        "sent": cost.sent,
        "lost": cost.lost,
        "repaired": cost.repaired,
        "gone": cost.gone,
        "p50_s": cost.repair_p50_s,
        "p99_s": cost.repair_p99_s,
        "settled_s": cost.settled_s,
        "requests_each": cost.requests_per_lost,
        "extra_percent": 100 * cost.extra_datagrams,
        "extra_bytes_percent": 100 * cost.extra_bytes,
        "ring_bytes": cost.ring_bytes,
    }
    return {key: [value] for key, value in values.items() if value is not None}


def _held(names: Iterable[str], lengths: Lengths) -> Iterator[Kept]:
    for name in names:
        try:
            yield Kept(name, _hold(name, lengths))
        except (AssertionError, CannotMeasureError) as error:
            print(f"{SCENARIOS[name].title}: NOT HELD: {error}", file=sys.stderr, flush=True)


def _hold(name: str, lengths: Lengths) -> Measured:
    at, before, begin_s, title = datetime.now(UTC), load_average(), time.monotonic(), SCENARIOS[name].title
    print(f"{title} ...", file=sys.stderr, flush=True)
    with TemporaryDirectory(prefix="jph-soak-") as folder:
        found = samples(_run(name, Path(folder), lengths))
    figures = tuple(figure for figure in FIGURES if figure.key in found)
    measurement = Measurement(PREFIX + name, title, figures, lambda: found, lambda: found)
    return runs.sum_up(measurement, found, at, time.monotonic() - begin_s, before)


def _run(name: str, folder: Path, lengths: Lengths) -> Cost:
    try:
        return scenarios.run(name, folder, lengths)
    except FileNotFoundError as error:
        raise CannotMeasureError(str(error)) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make soak", description="Hold jph to losing no reading, for half an hour.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(SCENARIOS)}; else all")
    parser.add_argument("--short", action="store_true", help="as long as in CI: nothing is written")
    return parser


if __name__ == "__main__":
    sys.exit(main())
