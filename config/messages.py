"""The words in which a wrong configuration is described."""

from collections.abc import Collection
from typing import Final

from config.document import Array, Entry, Scalar, Table, Tree
from config.report import Report

LONGEST_SHOWN: Final = 60
"""Characters of a wrong value that a message repeats."""


def at(path: str, message: str) -> str:
    """Begin a message with the path that it is about."""
    return f"{path}: {message}" if path else message


def join(path: str, name: str) -> str:
    """Return the path of an entry: `nodes.C1`."""
    return f"{path}.{name}" if path else name


def shown(tree: Tree) -> str:
    """Name what the document has in a place: a value as it is written, or what else is there."""
    if isinstance(tree, Table):
        return "a mapping"
    if isinstance(tree, Array):
        return "a list"
    return "nothing" if is_nothing(tree) else repr(_shortened(tree.text))


def is_nothing(tree: Tree) -> bool:
    """Tell whether a key stands there without a value, or with `null`."""
    return isinstance(tree, Scalar) and tree.value is None


def suggestion(word: str, known: Collection[str]) -> str:
    """Return the advice for a word that is not known: the one that was probably meant, or all that there are."""
    from difflib import get_close_matches  # noqa: PLC0415 -- only a wrong configuration needs it

    spelled = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), spelled, n=1)
    if close:
        return f"did you mean {spelled[close[0]]!r}?"
    if len(known) == 1:
        return f"only {next(iter(known))!r} is known"
    return f"known are {', '.join(known)}" if known else "there are none here: leave it out"


def refuse_section(entry: Entry, known: Collection[str], report: Report) -> None:
    """Note that a section is not known: to pass it over could be dangerous, when it is about security."""
    message = f"unknown section {entry.name!r}: this version would not do what it says"
    report.error(entry.line, message, suggestion(entry.name, known))


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
