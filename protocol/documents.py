"""The JSON of `j` frames (docs/protocol.md, "The flag j"): one object with a value and what belongs to it."""

import json
import math
import re
from typing import Any, Final, NoReturn

from protocol.readings import Attributes, Value

MAX_DEPTH: Final = 16
"""Objects and lists inside each other, so that nobody's recursion runs out on what the network sends."""

# Also a string without an end is one match, so that no text takes more than one pass.
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKET: Final = re.compile(r"[][{}]")


def write(value: Value, attributes: Attributes) -> str:
    """Write `{"value": value, **attributes}` in the form in which the original system writes its JSON.

    Raises ValueError, TypeError or RecursionError for what JSON cannot hold or `read` would refuse.
    """
    if "value" in attributes:
        raise ValueError("an attribute cannot be named 'value'")
    text = _ENCODER.encode({"value": int(value) if isinstance(value, bool) else value, **attributes})
    read(text)
    return text


def read(text: str) -> tuple[Value, Attributes]:
    """Return the value and the other members of a JSON object; raises ValueError for anything else."""
    document = parse(text)
    if "\\u" in text:
        _check_unicode(document)
    return _value(document.pop("value", None)), document


def parse(text: str, deepest: int = MAX_DEPTH) -> dict[str, Any]:
    """Return a JSON object with at most `deepest` objects and lists inside each other; raises ValueError.

    Its numbers are finite and its names are different.
    """
    if text.count("{") + text.count("[") > deepest:
        _check_depth(text, deepest)
    document = _DECODER.decode(text)
    if not isinstance(document, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 -- one kind of error for all that a text can lack
    return document


def _value(value: object) -> Value:
    if isinstance(value, bool):
        return int(value)
    if not isinstance(value, int | float | str):
        raise ValueError("no value that is a number or text")  # noqa: TRY004 -- the same
    return value


def _check_depth(text: str, deepest: int) -> None:
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > deepest:
            raise ValueError(f"more than {deepest} objects and lists inside each other")


def _check_unicode(document: dict[str, Any]) -> None:
    r"""Refuse half a surrogate pair (`\ud800`), which no UTF-8 can hold: no store and no screen could take it."""
    json.dumps(document, ensure_ascii=False).encode()


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(members)
    if len(document) < len(members):
        raise ValueError("a name occurs twice in one object")
    return document


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits} is too large")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


_ENCODER: Final = json.JSONEncoder(allow_nan=False)
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_float=_finite, parse_constant=_refuse_constant)
