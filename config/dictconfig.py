"""The section `logging`: what `logging.config.dictConfig` takes, checked without opening a file or a socket.

dictConfig stops at its first error and knows no lines, and an agent must not lose its log because a name is spelled
wrong. The options of a handler's class are left to dictConfig.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

import msgspec

from config.check import build
from config.document import Array, Entry, Scalar, Table, Tree
from config.messages import at, join, suggestion
from config.report import Report


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
    if built is None or built.incremental:
        return
    for where, handler in _tables(tree, "handlers", path):
        if handler.entries.keys().isdisjoint({"class", "()"}):
            report.error(handler.line, at(where, "'class' is missing"), "such as class: logging.StreamHandler")
        _check_names(handler, {"formatter": built.formatters, "filters": built.filters}, where, report)
    for where, logger in (*_tables(tree, "loggers", path), *_root(tree, path)):
        _check_names(logger, {"handlers": built.handlers, "filters": built.filters}, where, report)


def _tables(tree: Tree, part: str, path: str) -> Iterator[tuple[str, Table]]:
    for key, entry in _entries(_entries(tree).get(part)).items():
        if isinstance(entry.tree, Table):
            yield join(join(path, part), key), entry.tree


def _root(tree: Tree, path: str) -> Iterator[tuple[str, Table]]:
    entry = _entries(tree).get("root")
    if entry is not None and isinstance(entry.tree, Table):
        yield join(path, "root"), entry.tree


def _entries(tree: Tree | Entry | None) -> Mapping[str, Entry]:
    tree = tree.tree if isinstance(tree, Entry) else tree
    return tree.entries if isinstance(tree, Table) else {}


def _check_names(member: Table, known: Mapping[str, Collection[str]], path: str, report: Report) -> None:
    """Check that what a handler or logger names is there."""
    for key, names in known.items():
        for scalar in _scalars(member.entries.get(key)):
            if scalar.text not in names:
                message = at(join(path, key), f"there is no {scalar.text!r}")
                report.error(scalar.line, message, suggestion(scalar.text, names))


def _scalars(entry: Entry | None) -> Iterator[Scalar]:
    """Go through the names that stand in a list, or alone."""
    trees = () if entry is None else entry.tree.items if isinstance(entry.tree, Array) else (entry.tree,)
    return (tree for tree in trees if isinstance(tree, Scalar) and tree.value is not None)
