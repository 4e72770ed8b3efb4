"""Options of a driver as they are typed: `path=/proc/loadavg fields.load5=2`."""

from collections.abc import Iterable
from typing import Final, TypeVar

import msgspec

from config.check import build
from config.document import Entry, Scalar, Table, Tree, meaning, parse
from config.model import ConfigError
from config.report import Report
from protocol.errors import JphError

S = TypeVar("S", bound=msgspec.Struct)

WHERE: Final = "the command line"

_IS_NOT_PLAIN: Final = ("{", "[", '"', "'")


class TypedOptionsError(JphError):
    """Options that were typed cannot be used; each line of the message names one and what would be right."""


def typed_options(kind: type[S], words: Iterable[str]) -> S:
    """Build options from `key=value` words, checked as those of a configuration are; raises TypedOptionsError.

    A value is what it would be in a configuration; `a.b=1` is the same as `a={b: 1}`. What is no good YAML is text.
    """
    report = Report(WHERE)
    options = build(kind, as_table(words), "options", report)
    if options is None:
        raise TypedOptionsError("\n".join("; ".join(filter(None, (one.message, one.advice))) for one in report.errors))
    return options


def as_table(words: Iterable[str]) -> Table:
    """Return the table that words say; raises TypedOptionsError."""
    table = Table({}, 0)
    for word in words:
        path, equals, text = word.partition("=")
        if not (path and equals):
            raise TypedOptionsError(f"{word!r} is no option", "write KEY=VALUE, such as path=/proc/loadavg")
        _put(table, path, _tree(text))
    return table


def _put(table: Table, path: str, tree: Tree) -> None:
    *outer, key = path.split(".")
    for name in outer:
        inner = table.entries.setdefault(name, Entry(name, 0, Table({}, 0))).tree
        if not isinstance(inner, Table):
            raise TypedOptionsError(f"{path!r}: {name!r} has a value already", "give each option once")
        table = inner
    if key in table.entries:
        raise TypedOptionsError(f"{path!r} is given twice", "give each option once")
    table.entries[key] = Entry(key, 0, tree)


def _tree(text: str) -> Tree:
    """Read a value: YAML where it begins as a table, a list or quoted text, or has several lines; else one scalar."""
    if text.startswith(_IS_NOT_PLAIN) or "\n" in text:
        report = Report(WHERE)
        try:
            tree = parse(text.encode(), report)
        except (ConfigError, UnicodeEncodeError):  # `{{ A4 }}`, `[a-z]+(\d+)`
            return Scalar(text, text, 0)
        if report.errors:
            raise TypedOptionsError(f"{text}: {report.errors[0].message}", "write it as in a configuration")
        return tree
    return Scalar(text, meaning(text), 0)
