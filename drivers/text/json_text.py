"""JSON as small devices write it: an Arduino prints `inf`, `nan` and `ovf`, and commas after the last item."""

import json
import re
from typing import Any, Final

# What is looked at in a text, from left to right. A string is passed over as it is, so that nothing in it is changed:
# it always matches, also without an end, so that each character is looked at once.
#
#     "..."      a string
#     , ]        a comma with nothing behind it
#     inf        a number that is none, in any case, with a sign or without one
_PARTS: Final = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*+\\?(?:"|\Z))
      | (?P<comma>,(?=\s*+[\]}]))
      | (?P<number>(?<![\w.+-])[+-]?(?:inf(?:inity)?|nan|ovf)(?![\w.]))""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE | re.ASCII,
)
_NUMBERS: Final = {"nan": "NaN", "-": "-Infinity"}


def repaired(text: str) -> str:
    """Return a text without commas that end nothing, and with the words of JSON's readers for numbers that are none.

    Python reads NaN, Infinity and -Infinity though JSON has no such numbers. Strings are left as they are.
    """
    return _PARTS.sub(_replacement, text)


def parse(data: bytes, *, repair: bool) -> Any:
    """Read JSON, mended when it cannot be read otherwise and `repair` says so; raises ValueError."""
    text = data.decode("utf-8-sig", "replace" if repair else "strict")
    try:
        return _loaded(text)
    except json.JSONDecodeError:
        if not repair:
            raise
    return _loaded(repaired(text))


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _replacement(match: re.Match[str]) -> str:
    if match["number"] is None:
        return match["string"] or ""
    word = match["number"].lower()
    return _NUMBERS.get(word.lstrip("+-")) or _NUMBERS.get(word[0], "Infinity")
