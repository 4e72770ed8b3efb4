"""Programs with placeholders, `{{ A4|DTimestamp }}`: where they stand, and what is put there.

What is put in is data and stays data, whoever sent it:

    in the program            what is a number, None, True or False as itself, also when it is the text of one; other
                              text as a literal of its own; None when there is nothing
    in a literal              the characters, so that none of them ends it or begins an escape
    in a formatted literal    a number, a truth value or None; for text there is no safe way: PlaceholderError
    in a comment              the characters, so that none of them ends it

Whatever this module may overlook, `shape` shows: a program that has another one when harmless text is put in is not to
be run.
"""

import ast
import re
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any, Final, NamedTuple

Lookup = Callable[["Wanted"], object]
"""Gives what is wanted: text from the bus, whatever JSON has from the configuration, None when there is nothing."""


class PlaceholderError(ValueError):
    """A placeholder stands where nothing can be put; the message names its line."""


class Wanted(NamedTuple):
    """What a placeholder asks for. `location` is `redis`, the last state of a codifier, or `config`, its entry."""

    codifier: str
    location: str
    field: str


class _Where(Enum):
    PROGRAM = "program"
    COMMENT = "comment"
    LITERAL = "literal"
    RAW = "raw literal"
    BYTES = "bytes"
    RAW_BYTES = "raw bytes"
    FORMATTED = "formatted literal"


class _Spot(NamedTuple):
    """A placeholder: its text, where it stands, the literal's opening, and whether a lone backslash is before it."""

    start: int
    end: int
    where: _Where
    opening: str = ""
    escaped: bool = False


_PLACEHOLDER: Final = re.compile(r"\{\{(.*?)\}\}")
_IN_PROGRAM: Final = re.compile(r"\{\{(.*?|[^{}]*)\}\}")  # there it may go over several lines
_OPENING: Final = re.compile(r"""(?<![A-Za-z0-9_])([A-Za-z]{0,2})('''|\"\"\"|'|")|('''|\"\"\"|'|")""")
_LONGEST_OPENING: Final = 5  # two letters and three quotes
_NUMBER: Final = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,399}|(?:0|[1-9][0-9]{0,99})?\.[0-9]{1,399}|[1-9][0-9]{0,99}\.)"
                            r"(?:[eE][+-]?[0-9]{1,4})?")  # fmt: skip
_HEX_OR_OCTAL: Final = re.compile(r"[+-]?0([xX][0-9a-fA-F]{1,400}|[0-7]{1,400})")  # as Python 2 reads them
_BLANKS: Final = " \t\r\n"
_PLAIN: Final = re.compile(r"[A-Za-z0-9 .,:;+\-_/=()<>|@#%&*!?~^$\[\]]*")
_BRACE: Final = r"\x7b"  # in a literal: braces in what was put in are no placeholder to who reads the program again
_TRUTHS: Final = frozenset({"True", "False"})
_NAMES_OF_VALUES: Final = frozenset({"None", *_TRUTHS})
_LOCATIONS: Final = frozenset({"redis", "config"})
TRUTH_FIELDS: Final = frozenset({"IsActive"})
"""The fields of a codifier that are True or False, and not text that says so."""


def wanted(program: str) -> Iterator[Wanted]:
    """Go through what the placeholders of a program ask for."""
    return (_parsed(program[spot.start : spot.end]) for spot in _spots(program))


def rendered(program: str, lookup: Lookup) -> str:
    """Put in what is looked up; raises PlaceholderError. Lines stay where they are."""
    pieces, after = [], 0
    for spot in _spots(program):
        found = _parsed(program[spot.start : spot.end])
        value = lookup(found)
        is_truth = found.location == "redis" and found.field in TRUTH_FIELDS and value in _TRUTHS
        try:
            put = str(value) if is_truth else _PUT[spot.where](value, spot)
        except PlaceholderError as error:
            line = program.count("\n", 0, spot.start) + 1
            raise PlaceholderError(f"line {line}: {program[spot.start : spot.end]}: {error}") from None
        lines = "\\\n" * program.count("\n", spot.start, spot.end)
        pieces += [program[after : spot.start - spot.escaped], put, lines]
        after = spot.end
    return "".join([*pieces, program[after:]])


def value_in(text: str) -> str | None:
    """Return how the value that a text is the text of stands in a program of Python 2; None when it is just text."""
    bare = text.strip(_BLANKS)
    if bare in _NAMES_OF_VALUES:
        return f" {bare}"
    return bare if _is_decimal(bare) or _HEX_OR_OCTAL.fullmatch(bare) else None


def shape(program: str) -> str:
    """Return what a program is, but for the text of its literals; raises SyntaxError for what is none."""
    tree = _parsed_quietly(program)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes):
            node.value = ""
    return ast.dump(tree)


_quiet: Final = threading.Lock()  # what warns is the same in all threads


def _parsed_quietly(program: str) -> ast.Module:
    with _quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # a program that is old runs as it always did
        return ast.parse(program)


def pieces_of_program(text: str) -> Iterator[tuple[str, bool]]:
    """Go through the pieces of a program in their order, each with whether it is neither in a literal nor a comment."""
    position = 0
    while position < len(text):
        end = _end_of_code(text, position)
        yield text[position:end], True
        position = end
        if position < len(text):
            *_, end = _scan_rest(text, position)
            yield text[position:end], False
            position = end


def _parsed(placeholder: str) -> Wanted:
    parts = [part.strip() for part in placeholder[2:-2].split("|")]
    match parts:
        case [codifier]:
            return Wanted(codifier, "redis", "Value")
        case [codifier, field]:
            return Wanted(codifier, "redis", field)
        case [codifier, location, field] if location in _LOCATIONS:
            return Wanted(codifier, location, field)
    return Wanted(parts[0], "", "")


def _spots(text: str) -> Iterator[_Spot]:
    """Find the placeholders, from the first to the last."""
    position = 0
    while position < len(text):
        end = _end_of_code(text, position)
        for match in _IN_PROGRAM.finditer(text, position, end):
            yield _Spot(match.start(), match.end(), _Where.PROGRAM)
        position = end
        if position < len(text):
            *spots, position = _scan_rest(text, position)
            yield from spots


def _end_of_code(text: str, position: int) -> int:
    """Return where the next comment or literal begins; what a placeholder names begins neither."""
    while position < len(text):
        placeholder = _IN_PROGRAM.match(text, position)
        if placeholder is not None:
            position = placeholder.end()
        elif text[position] == "#" or _OPENING.match(text, position):
            return position
        else:
            position += 1
    return position


def _scan_rest(text: str, position: int) -> Iterator[Any]:
    """Go through the placeholders of a comment or literal that begins here; at last gives its end."""
    if text[position] == "#":
        line_end = text.find("\n", position)
        end = len(text) if line_end < 0 else line_end
        for match in _PLACEHOLDER.finditer(text, position, end):
            yield _Spot(match.start(), match.end(), _Where.COMMENT)
        yield end
        return
    for opening in _OPENING.finditer(text, position, position + _LONGEST_OPENING):
        prefix, quote = (opening[1] or "").lower(), opening[2] or opening[3]
        yield from _scan_literal(text, opening.end(), opening[0], _kind(prefix), quote)
        return


def _kind(prefix: str) -> _Where:
    if "f" in prefix or "t" in prefix:
        return _Where.FORMATTED
    if "b" in prefix:
        return _Where.RAW_BYTES if "r" in prefix else _Where.BYTES
    return _Where.RAW if "r" in prefix else _Where.LITERAL


def _scan_literal(text: str, position: int, opening: str, where: _Where, quote: str) -> Iterator[Any]:
    escaped = False
    while position < len(text):
        placeholder = _PLACEHOLDER.match(text, position)
        if placeholder is not None:
            yield _Spot(position, placeholder.end(), where, opening, escaped)
            position, escaped = placeholder.end(), False
        elif not escaped and text.startswith(quote, position):
            yield position + len(quote)
            return
        elif text[position] == "\n" and len(quote) == 1 and not escaped:
            break  # a literal that is not closed: no program
        else:
            escaped = text[position] == "\\" and not escaped
            position += 1
    yield position


def _is_decimal(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _in_program(value: object, _: _Spot) -> str:
    if isinstance(value, str):
        return value_in(value) or " " + ascii(value).replace("{", _BRACE)
    return ascii(value)


def _in_literal(value: object, spot: _Spot) -> str:
    text = str(value)
    backslash = "\\\\" if spot.escaped else ""
    return backslash + (text if _PLAIN.fullmatch(text) else "".join(map(_escaped, text)))


def _in_bytes(value: object, spot: _Spot) -> str:
    backslash = "\\\\" if spot.escaped else ""
    return backslash + "".join(f"\\x{byte:02x}" for byte in str(value).encode(errors="replace"))


def _in_raw(value: object, spot: _Spot) -> str:
    """End the raw literal, in which nothing can be escaped, and begin it again after one in which it can."""
    if not spot.escaped and _PLAIN.fullmatch(str(value)):
        return str(value)
    quote = spot.opening.lstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    is_bytes = "b" in spot.opening.lower()
    inner = _in_bytes(value, spot) if is_bytes else _in_literal(value, spot)
    return f'{quote} {"b" if is_bytes else ""}"{inner}" {spot.opening}'


def _in_formatted(value: object, _: _Spot) -> str:
    if isinstance(value, str) and not _is_decimal(value):
        raise PlaceholderError("text cannot be put into a formatted literal: give it a name first")
    return str(value) if isinstance(value, str) else _simple(value)


def _simple(value: object) -> str:
    if value is None or isinstance(value, bool | int | float):
        return str(value)
    raise PlaceholderError("only one value can be put into a formatted literal")


def _in_comment(value: object, _: _Spot) -> str:
    return ascii(value)


def _escaped(character: str) -> str:
    if character.isalnum() and character.isascii():
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


_PUT: Final[Mapping[_Where, Callable[[object, _Spot], str]]] = {
    _Where.PROGRAM: _in_program,
    _Where.COMMENT: _in_comment,
    _Where.LITERAL: _in_literal,
    _Where.RAW: _in_raw,
    _Where.BYTES: _in_bytes,
    _Where.RAW_BYTES: _in_raw,
    _Where.FORMATTED: _in_formatted,
}
