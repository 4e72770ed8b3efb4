"""Results for people: a table in the terminal, and `bench/results/README.md`."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from bench.machine import this_machine
from bench.processes import CHECKOUT
from bench.runs import RESULTS, Measured, Result, Run, newest, save

MET: Final = {True: "yes", False: "**no**", None: ""}

INTRODUCTION: Final = """\
# What was measured

Made by `make bench` and `make soak` from the newest file beside this one; do not edit. Each figure is the median of its
rounds, beside the smallest and the largest. What is compared was measured in turn, A B A B. Other programs ran on the
machine: the figures of different days cannot be compared, the ratios can.

[../README.md](../README.md) says how it was measured, and why a budget is missed.

- processor: {cpu}, {cores} cores
- kernel: {kernel}
- Python: {python}

Budgets that are missed: {missed}.
"""


def markdown(run: Run) -> str:
    """Return the page of a run; measurements named `GROUP.NAME` share one table."""
    missed = ", ".join(_missed(run)) or "none"
    machine = run.machine
    head = INTRODUCTION.format(
        cpu=machine.cpu, cores=machine.cores, kernel=machine.kernel, python=machine.python, missed=missed
    )
    alone = [measured for name, measured in run.measurements.items() if "." not in name]
    together = [measured for name, measured in run.measurements.items() if "." in name]
    return "\n".join([head, *map(_section, alone), *([_matrix(together)] if together else [])])


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


def _matrix(measured: Collection[Measured]) -> str:
    header, *rows = _cells(measured)
    return "\n".join(
        [
            "## No reading is lost",
            "",
            _row(header),
            _row(["---", *["---:"] * (len(header) - 1)]),
            *map(_row, rows),
            "",
        ]
    )


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(measured: Collection[Measured]) -> Iterator[list[str]]:
    """Yield a heading, and for each measurement its title and its figures."""
    meanings = _meanings(measured)
    yield ["", *meanings.values()]
    for one in measured:
        yield [one.title, *(_quantity(one.figures[key]) if key in one.figures else "" for key in meanings)]


def _meanings(measured: Iterable[Measured]) -> dict[str, str]:
    """Return the keys of all figures with their meanings, in the order of the measurement that has the most."""
    fullest_first = sorted(measured, key=lambda one: len(one.figures), reverse=True)
    return {key: result.meaning for one in fullest_first for key, result in one.figures.items()}


def matrix_lines(measured: Collection[Measured]) -> Iterator[str]:
    """Yield the lines of one table for a terminal: a row for each measurement, a column for each key of its figures."""
    keys = list(_meanings(measured))
    titles = max((len(one.title) for one in measured), default=0)
    yield "  ".join([" " * titles, *(f"{key:>8}" for key in keys)])
    for one in measured:
        values = (number(one.figures[key].value) if key in one.figures else "" for key in keys)
        yield "  ".join(
            [
                f"{one.title:{titles}}",
                *(f"{value:>{max(8, len(key))}}" for key, value in zip(keys, values, strict=True)),
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


def write_down(measured: Mapping[str, Measured]) -> None:
    """Add measurements to the results of this day, write the page anew, and say where."""
    path = save(this_machine(), measured, datetime.now(UTC))
    run = newest()
    if run is not None:
        (RESULTS / "README.md").write_text(markdown(run), "utf-8")
    print(f"written to {path.relative_to(CHECKOUT)} and README.md beside it")
