"""The results of a run as JSON: `bench/results/2026-11-22-x86_64-2-cores.json`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from bench.figures import Figure, Measurement, Samples, spread
from bench.machine import Machine
from bench.processes import CHECKOUT

RESULTS: Final = CHECKOUT / "bench" / "results"
DIGITS: Final = 4  # more mean nothing on a machine that does other things as well


class Result(msgspec.Struct, frozen=True):
    """One figure of a run: the median of its rounds, and whether it is within its budget if it has one."""

    value: float
    minimum: float
    maximum: float
    rounds: int
    unit: str
    meaning: str
    budget: str | None = None
    met: bool | None = None


class Measured(msgspec.Struct, frozen=True):
    """One measurement: when it was made, how long it took, how busy the machine was before, and its figures."""

    title: str
    at: str
    seconds: float
    load_average: float
    figures: dict[str, Result]


class Run(msgspec.Struct, frozen=True):
    """All measurements that a file of results holds, and the machine they were made on."""

    machine: Machine
    measurements: dict[str, Measured]


def sum_up(measurement: Measurement, samples: Samples, at: datetime, seconds: float, load_average: float) -> Measured:
    """Put the samples of one measurement into words."""
    figures = {figure.key: _result(figure, samples[figure.key]) for figure in measurement.figures}
    return Measured(measurement.title, at.isoformat(timespec="seconds"), round(seconds, 1), load_average, figures)


def _result(figure: Figure, values: Sequence[float]) -> Result:
    found = spread(values)
    budget = figure.budget
    return Result(
        value=_rounded(found.median),
        minimum=_rounded(found.minimum),
        maximum=_rounded(found.maximum),
        rounds=found.rounds,
        unit=figure.unit,
        meaning=figure.meaning,
        budget=None if budget is None else str(budget),
        met=None if budget is None else budget.is_met(found.median),
    )


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def save(machine: Machine, measured: Mapping[str, Measured], on: datetime, directory: Path = RESULTS) -> Path:
    """Write a file of this day; measurements that were not made now are kept from the newest of the same machine."""
    former = newest(directory, machine)
    kept = {} if former is None else former.measurements
    directory.mkdir(exist_ok=True)
    path = directory / f"{on:%Y-%m-%d}-{machine.kind}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(Run(machine, {**kept, **measured}))) + b"\n")
    return path


def newest(directory: Path = RESULTS, machine: Machine | None = None) -> Run | None:
    """Return the newest results, of this very machine if one is given; None when there are none."""
    for path in sorted(directory.glob("*.json"), reverse=True):
        run = msgspec.json.decode(path.read_bytes(), type=Run)
        if machine is None or run.machine == machine:
            return run
    return None
