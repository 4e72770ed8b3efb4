"""Results for people: a table in the terminal, and `bench/results/README.md`."""

from collections.abc import Iterator
from typing import Final

from bench.runs import Measured, Result, Run

MET: Final = {True: "yes", False: "**no**", None: ""}

INTRODUCTION: Final = """\
# What was measured

Made by `make bench` from the newest file beside this one; do not edit. Each figure is the median of its rounds, beside
the smallest and the largest. What is compared was measured in turn, A B A B. Other programs ran on the machine: the
figures of different days cannot be compared, the ratios can.

[../README.md](../README.md) says how it was measured, and why a budget is missed.

- processor: {cpu}, {cores} cores
- kernel: {kernel}
- Python: {python}

Budgets that are missed: {missed}.
"""


def markdown(run: Run) -> str:
    """Return the page of a run."""
    missed = ", ".join(_missed(run)) or "none"
    machine = run.machine
    head = INTRODUCTION.format(
        cpu=machine.cpu, cores=machine.cores, kernel=machine.kernel, python=machine.python, missed=missed
    )
    return "\n".join([head, *map(_section, run.measurements.values())])


def _missed(run: Run) -> Iterator[str]:
    for name, measured in run.measurements.items():
        for key, result in measured.figures.items():
            if result.met is False:
                yield f"`{name}.{key}` ({number(result.value)}, budget {result.budget})"


def _section(measured: Measured) -> str:
    rows = [
        f"| {result.meaning} | {_quantity(result)} | {_range(result)} | {result.budget or ''} | {MET[result.met]} |"
        for result in measured.figures.values()
    ]
    return "\n".join(
        [
            f"## {measured.title}",
            "",
            f"{measured.at}, {measured.seconds:.0f} s, load average {measured.load_average:.1f}",
            "",
            "| what | median | range | budget | met |",
            "|---|---:|---:|---|---|",
            *rows,
            "",
        ]
    )


def lines(measured: Measured) -> Iterator[str]:
    """Yield the lines that tell the figures in a terminal."""
    yield f"{measured.title} ({measured.seconds:.0f} s)"
    for result in measured.figures.values():
        verdict = "" if result.met is None else f"  {result.budget}: {'met' if result.met else 'MISSED'}"
        yield f"  {_quantity(result):>22}  {_range(result):<20} {result.meaning}{verdict}"


def _quantity(result: Result) -> str:
    return f"{number(result.value)} {result.unit}".rstrip()


def _range(result: Result) -> str:
    return "" if result.rounds == 1 else f"{number(result.minimum)} to {number(result.maximum)}"


def number(value: float) -> str:
    """Write a number as a person reads it: four digits, and thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
