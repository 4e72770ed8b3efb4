"""The filters that a sensor's readings pass, as the configuration writes them: `[{median: 3}, {round: 1}]`."""

from typing import Annotated, Any, Final

import msgspec

from config.check import reader
from config.document import Array, Entry, Table, Tree
from config.durations import Seconds
from config.messages import at, join, shown, suggestion
from config.model import Clamp, Delta, FilterStep
from config.report import Report
from config.scalars import WRONG

WIDEST_WINDOW: Final = 1_000
"""Readings that a median or an average may hold: 32 KB for each sensor."""

_Digits = Annotated[int, msgspec.Meta(ge=0, le=15)]
_Window = Annotated[int, msgspec.Meta(ge=1, le=WIDEST_WINDOW)]
_Count = Annotated[int, msgspec.Meta(ge=0)]

ARGUMENTS: Final[dict[str, Any]] = {
    "scale": float,
    "offset": float,
    "round": _Digits,
    "clamp": Clamp,
    "median": _Window,
    "moving_average": _Window,
    "delta": Delta,
    "throttle": Seconds,
    "skip_initial": _Count,
}
"""The kinds of filters, and the type of each one's argument."""

_READERS: Final = {kind: reader(type_) for kind, type_ in ARGUMENTS.items()}


def build_filters(tree: Tree | None, path: str, report: Report) -> tuple[FilterStep, ...]:
    """Read a list of filters in the order in which readings pass them; errors are noted in the report."""
    steps = tree.items if isinstance(tree, Array) else ()
    built = (_build_step(step, f"{path}[{number}]", report) for number, step in enumerate(steps))
    return tuple(step for step in built if step is not None)


def _build_step(step: Tree, path: str, report: Report) -> FilterStep | None:
    if not isinstance(step, Table) or len(step.entries) != 1:
        report.error(
            step.line, at(path, f"{shown(step)} is no filter"), "write a list such as [{median: 3}, {round: 1}]"
        )
        return None
    [(kind, entry)] = step.entries.items()
    if kind not in _READERS:
        report.error(entry.line, at(path, f"unknown filter {kind!r}"), suggestion(kind, ARGUMENTS))
        return None
    argument = _READERS[kind](_with_short_delta(kind, entry), join(path, kind), report)
    return None if argument is WRONG else FilterStep(kind, argument)


def _with_short_delta(kind: str, entry: Entry) -> Tree:
    """Read `{delta: 0.5}` as `{delta: {by: 0.5}}`."""
    if kind != "delta" or isinstance(entry.tree, Table):
        return entry.tree
    return Table({"by": Entry("by", entry.line, entry.tree)}, entry.line)
