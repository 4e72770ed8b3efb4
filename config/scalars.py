"""Reading single values: msgspec knows whether one fits its type, this module what to say when it does not."""

import enum
import re
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args, get_origin

import msgspec

from config.document import Scalar, Tree, meaning
from config.durations import NotReadableError
from config.messages import at, is_nothing, shown, suggestion
from config.notations import Notation
from config.report import Report


class _Wrong(enum.Enum):
    WRONG = enum.auto()


WRONG: Final = _Wrong.WRONG
"""In place of a value for which an error was noted."""

Read: TypeAlias = Callable[[Tree, str, Report], Any]
"""Builds a value from the tree at a path, or notes errors in the report and returns WRONG."""

EXPECTED: Final[dict[Any, str]] = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
"""What the types of single values are called."""

_SWITCHES: Final = {"yes": True, "on": True, "no": False, "off": False}


def notation_reader(notation: Notation) -> Read:
    """Return the reader of values that are written as text of their own: durations, groups."""

    def read(tree: Tree, path: str, report: Report) -> Any:
        if not isinstance(tree, Scalar) or is_nothing(tree):
            return unexpected("one value", tree, path, report)
        try:
            return notation.read(tree.text)
        except NotReadableError as error:
            return wrong(tree, path, error.message, error.advice, report)

    return read


def value_reader(kind: Any) -> Read:
    """Return the reader of one value of a type: text, a number, a switch, or one of several words."""
    base = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    choices = _choices(base)

    def read(tree: Tree, path: str, report: Report) -> Any:
        if not isinstance(tree, Scalar) or is_nothing(tree):
            return unexpected(EXPECTED.get(base, "one value"), tree, path, report)
        try:
            return msgspec.convert(_meant(tree, base, choices), kind)
        except msgspec.ValidationError as error:
            return wrong(tree, path, *_complaint(tree, base, choices, error), report)

    return read


def unexpected(expected: str, tree: Tree, path: str, report: Report) -> _Wrong:
    """Note that something else is expected in a place."""
    return wrong(tree, path, f"{expected} is expected here, not {shown(tree)}", "", report)


def wrong(tree: Tree, path: str, message: str, advice: str, report: Report) -> _Wrong:
    """Note an error about a place."""
    report.error(tree.line, at(path, message), advice)
    return WRONG


def limit(error: msgspec.ValidationError) -> str:
    """Turn msgspec's "Expected `int` >= 1" into "must be at least 1"."""
    words = _LIMIT.sub("must be", str(error), count=1)
    return _COMPARISON.sub(lambda found: _IN_WORDS[found[0]], words, count=1).removesuffix(".0")


_LIMIT: Final = re.compile(r"Expected `[^`]*`")
_COMPARISON: Final = re.compile(r"[<>]=?")
_IN_WORDS: Final = {"<": "less than", "<=": "at most", ">": "more than", ">=": "at least"}


def _choices(base: Any) -> tuple[Any, ...]:
    if get_origin(base) is Literal:
        return get_args(base)
    if isinstance(base, type) and issubclass(base, enum.Enum):
        return tuple(member.value for member in base)
    return ()


def _meant(scalar: Scalar, base: Any, choices: tuple[Any, ...]) -> Any:
    """Return what a value says to its type: `name: 12` is text, `active: yes` is true, `mode: on` is a word."""
    if base is bool:
        return _SWITCHES.get(scalar.text.lower(), scalar.value)
    if base is str or (choices and scalar.value not in choices):
        return scalar.text
    return scalar.value


def _complaint(scalar: Scalar, base: Any, choices: tuple[Any, ...], error: msgspec.ValidationError) -> tuple[str, str]:
    if choices:
        known = [str(choice) for choice in choices]
        return f"{shown(scalar)} is none of the choices", suggestion(scalar.text, known)
    if ", got " not in str(error):
        return f"{shown(scalar)} {limit(error)}", ""
    quoted = isinstance(scalar.value, str) and not isinstance(meaning(scalar.text), str)
    message = f"{shown(scalar)} is not {EXPECTED.get(base, 'what is expected here')}"
    return (f"{message} but text", "take the quotes away") if quoted else (message, "")
