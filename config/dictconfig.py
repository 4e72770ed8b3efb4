"""The section `logging`: what `logging.config.dictConfig` takes, checked without opening a file or a socket.

dictConfig stops at its first error and knows no lines, and an agent must not lose its log because a name is spelled
wrong. The options of a handler's class are left to dictConfig.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

import msgspec

from config.check import build
from config.document import Array, Scalar, Table, Tree
from config.messages import at, join, suggestion
from config.report import Report
from config.spots import Spot


class _Logger(msgspec.Struct, frozen=True):
    level: int | Literal["NOTSET", "DEBUG", "INFO", "WARN", "WARNING", "ERROR", "CRITICAL", "FATAL"] | None = None
    handlers: list[str] = []
    filters: list[str] = []
    propagate: bool = True


class _Logging(msgspec.Struct, frozen=True):
    version: Literal[1]
    incremental: bool = False
    disable_existing_loggers: bool = True
    formatters: dict[str, dict[str, Any]] = {}
    filters: dict[str, dict[str, Any]] = {}
    handlers: dict[str, dict[str, Any]] = {}
    loggers: dict[str, _Logger] = {}
    root: _Logger | None = None


def check_logging(tree: Tree, path: str, report: Report) -> None:
    """Note in the report what `dictConfig` would refuse."""
    built = build(_Logging, tree, path, report)
    if built is None or built.incremental or not isinstance(tree, Table):
        return
    section = Spot(tree, path)
    for handler in _tables(section, "handlers"):
        if handler.table.entries.keys().isdisjoint({"class", "()"}):
            message = at(handler.path, "'class' is missing")
            report.error(handler.table.line, message, "such as class: logging.StreamHandler")
        _check_names(handler, {"formatter": built.formatters, "filters": built.filters}, report)
    for logger in (*_tables(section, "loggers"), *_root(section)):
        _check_names(logger, {"handlers": built.handlers, "filters": built.filters}, report)


def _tables(section: Spot, part: str) -> Iterator[Spot]:
    for key, entry in section.entries(part).items():
        if isinstance(entry.tree, Table):
            yield Spot(entry.tree, join(section.path_of(part), key))


def _root(section: Spot) -> Iterator[Spot]:
    root = section.part("root")
    if isinstance(root, Table):
        yield Spot(root, section.path_of("root"))


def _check_names(member: Spot, known: Mapping[str, Collection[str]], report: Report) -> None:
    """Check that what a handler or logger names is there."""
    for key, names in known.items():
        for scalar in _scalars(member.part(key)):
            if scalar.text not in names:
                message = at(member.path_of(key), f"there is no {scalar.text!r}")
                report.error(scalar.line, message, suggestion(scalar.text, names))


def _scalars(tree: Tree | None) -> Iterator[Scalar]:
    """Go through the names that stand in a list, or alone."""
    trees = tree.items if isinstance(tree, Array) else (tree,)
    return (one for one in trees if isinstance(one, Scalar) and one.value is not None)
