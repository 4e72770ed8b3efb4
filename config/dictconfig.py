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
    known = {
        "formatter": built.formatters,
        "filters": built.filters,
        "handlers": built.handlers,
    }
    for where, member in _members(tree, path):
        _check_names(member, known, where, report)
    for name, handler in built.handlers.items():
        if not {"class", "()"} & handler.keys():
            where = join(join(path, "handlers"), name)
            report.error(tree.line, at(where, "'class' is missing"), "such as class: logging.StreamHandler")


def _members(tree: Tree, path: str) -> Iterator[tuple[str, Table]]:
    """Go through what names formatters, filters and handlers: the handlers, the loggers and the root."""
    for part in ("handlers", "loggers"):
        for name, entry in _entries(tree, part):
            yield join(join(path, part), name), entry
    yield from ((join(path, name), entry) for name, entry in _entries(tree) if name == "root")


def _entries(tree: Tree, part: str | None = None) -> Iterator[tuple[str, Table]]:
    """Go through the tables in a table, or in one part of it."""
    for key, entry in tree.entries.items() if isinstance(tree, Table) else ():
        if part is None and isinstance(entry.tree, Table):
            yield key, entry.tree
        elif key == part:
            yield from _entries(entry.tree)


def _check_names(member: Table, known: Mapping[str, Collection[str]], path: str, report: Report) -> None:
    for key, names in known.items():
        entry = member.entries.get(key)
        for scalar in () if entry is None else entry.tree.items if isinstance(entry.tree, Array) else (entry.tree,):
            if isinstance(scalar, Scalar) and scalar.value is not None and scalar.text not in names:
                message = at(join(path, key), f"there is no {scalar.text!r}")
                report.error(scalar.line, message, suggestion(scalar.text, names))
