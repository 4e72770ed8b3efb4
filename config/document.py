"""Documents: YAML or JSON text as a tree in which every key and every value knows its line.

JSON is read by the same parser, since it is YAML. Plain scalars mean what YAML 1.2 and JSON say: `yes`, `on`,
`1:30` and `007` are text, `1e3` is a number. Keys are always text, so that `10` and `ON` can be codifiers.
The parser's events are put together here, and not by PyYAML's composer: that one calls itself for every
bracket and overflows the C stack on a file of brackets.
"""

import codecs
import math
import re
from collections.abc import Callable
from typing import Any, ClassVar, Final, NamedTuple, NoReturn, TypeAlias

import yaml
from yaml import events

from config.report import Report

LARGEST_DOCUMENT_BYTES: Final = 4 * 2**20
"""All 8,836 codifiers that can exist, with 450 bytes for each."""

MOST_VALUES: Final = 200_000
"""Values of one document after its aliases are followed, 20 for every codifier: about 30 MiB while it is loaded."""

DEEPEST_NESTING: Final = 32
"""Twice as deep as any section of a configuration."""

Plain: TypeAlias = bool | int | float | str | None


class Scalar(NamedTuple):
    """One value: its text as written, and what it means."""

    text: str
    value: Plain
    line: int


class Array(NamedTuple):
    """A list of values."""

    items: "tuple[Tree, ...]"
    line: int


class Table(NamedTuple):
    """A mapping, in the document's order. Its line is that of the key which it belongs to, else where it begins."""

    entries: "dict[str, Entry]"
    line: int


class Entry(NamedTuple):
    """One key of a table with its value. `name` is what messages call the key: as the document writes it."""

    name: str
    line: int
    tree: "Tree"


Tree: TypeAlias = Scalar | Array | Table


PARSER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""PyYAML's parser, in C where libyaml was there when PyYAML was built. Only its events are used."""


def parse(data: bytes, report: Report, parser: Any = PARSER) -> Tree:
    """Read a document; raises ConfigError for what is no YAML and no JSON. Doubled keys are noted in the report."""
    text = _text(data, report)
    loader = parser(text)
    try:
        return _Composer(loader, report).document()
    except yaml.MarkedYAMLError as error:
        _fail_with_syntax(error, text, report)
    except yaml.YAMLError as error:
        report.fail(0, f"no YAML: {error}")
    finally:
        loader.dispose()


def plain(tree: Tree) -> Any:
    """Return a tree as dictionaries, lists and values, without its lines."""
    if isinstance(tree, Scalar):
        return tree.value
    if isinstance(tree, Array):
        return [plain(item) for item in tree.items]
    return {key: plain(entry.tree) for key, entry in tree.entries.items()}


_WORDS: Final[dict[str, Plain]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,99})")  # more digits are no number that anybody means
_BASED: Final = re.compile(r"0x[0-9a-fA-F]{1,16}|0o[0-7]{1,21}")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


def meaning(text: str) -> Plain:
    """Tell what a scalar without quotes means."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _BASED.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


class _Composer:
    """Puts one document together from the parser's events."""

    def __init__(self, loader: Any, report: Report) -> None:
        self._loader = loader
        self._report = report
        self._values = 0
        self._anchors: dict[str, tuple[Tree, int]] = {}  # name -> its tree and how many values it has

    def document(self) -> Tree:
        """Read the one document of the stream."""
        self._next()  # the start of the stream
        if isinstance(self._next(), events.StreamEndEvent):
            self._report.fail(0, "the file is empty", "`jph init` writes one with comments")
        tree = self._tree(self._next(), 0)
        self._next()  # the end of the document
        after = self._next()
        if not isinstance(after, events.StreamEndEvent):
            self._report.fail(_line(after), "a second document begins here", "take the line --- away")
        return tree

    def _next(self) -> Any:
        return self._loader.get_event()

    def _tree(self, event: Any, depth: int) -> Tree:
        self._count(1, event)
        if depth > DEEPEST_NESTING:
            self._report.fail(_line(event), f"nested more than {DEEPEST_NESTING} deep")
        before = self._values
        tree = self._COMPOSERS[type(event)](self, event, depth)
        if event.anchor is not None and not isinstance(event, events.AliasEvent):
            self._anchors[event.anchor] = tree, self._values - before + 1
        return tree

    def _count(self, values: int, event: Any) -> None:
        self._values += values
        if self._values > MOST_VALUES:
            self._report.fail(_line(event), f"more than {MOST_VALUES:,} values", "too much, or aliases of aliases")

    def _scalar(self, event: Any, _depth: int) -> Scalar:
        self._refuse_tag(event)
        return Scalar(event.value, meaning(event.value) if _is_plain(event) else event.value, _line(event))

    def _array(self, event: Any, depth: int) -> Array:
        self._refuse_tag(event)
        items = []
        while not isinstance(item := self._next(), events.SequenceEndEvent):
            items.append(self._tree(item, depth + 1))
        return Array(tuple(items), _line(event))

    def _table(self, event: Any, depth: int) -> Table:
        self._refuse_tag(event)
        entries: dict[str, Entry] = {}
        merged: list[Tree] = []
        while not isinstance(key := self._next(), events.MappingEndEvent):
            entry = self._entry(key, depth)
            if entry.name == "<<" and _is_plain(key):
                merged.append(entry.tree)
            elif entry.name in entries:
                first = entries[entry.name].line
                self._report.error(entry.line, f"{entry.name!r} is written twice", f"the first is in line {first}")
            else:
                entries[entry.name] = entry
        for tree in merged:
            self._merge(entries, tree)
        return Table(entries, _line(event))

    def _entry(self, key: Any, depth: int) -> Entry:
        if not isinstance(key, events.ScalarEvent):
            self._report.fail(_line(key), "a key is a list, a mapping or an alias", "keys are text")
        self._count(1, key)
        tree = self._tree(self._next(), depth + 1)
        return Entry(key.value, _line(key), tree._replace(line=_line(key)) if isinstance(tree, Table) else tree)

    def _merge(self, entries: dict[str, Entry], tree: Tree) -> None:
        """Add what `<<` names, without taking the place of what is written here."""
        for table in tree.items if isinstance(tree, Array) else (tree,):
            if not isinstance(table, Table):
                self._report.error(tree.line, "<< takes in a mapping, or a list of mappings", "write <<: *name")
                continue
            for key, entry in table.entries.items():
                entries.setdefault(key, entry)

    def _alias(self, event: Any, _depth: int) -> Tree:
        if event.anchor not in self._anchors:
            advice = f"write &{event.anchor} above, or put text that begins with * in quotes"
            self._report.fail(_line(event), f"nothing above is called {event.anchor!r}", advice)
        tree, values = self._anchors[event.anchor]
        self._count(values, event)
        return tree

    def _refuse_tag(self, event: Any) -> None:
        if event.tag not in _NO_TAGS:
            self._report.error(
                _line(event), f"the tag {event.tag!r} is not known", "put text that begins with ! in quotes"
            )

    _COMPOSERS: ClassVar[dict[type, Callable[["_Composer", Any, int], Tree]]] = {
        events.ScalarEvent: _scalar,
        events.SequenceStartEvent: _array,
        events.MappingStartEvent: _table,
        events.AliasEvent: _alias,
    }


_NO_TAGS: Final = frozenset({None, "!", "tag:yaml.org,2002:str"})


def _is_plain(scalar: Any) -> bool:
    return bool(scalar.implicit[0])  # neither in quotes nor tagged


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


# What the parser says -> what most often is the cause.
_CAUSES: Final = {
    "tab character": "indent with spaces, not with tabs",
    "mapping values are not allowed": "a text with ': ' in it needs quotes; or this line is indented too far",
    "could not find expected ':'": "a key is followed by ': '",
    "expected <block end>": "indent this line like its neighbours",
    "did not find expected key": "indent this line like its neighbours",
    "unexpected end of stream": "a quote or bracket is not closed",
    "did not find expected ','": "a comma is missing, or a bracket is not closed",
    "expected ',' or": "a comma is missing, or a bracket is not closed",
}


def _fail_with_syntax(error: yaml.MarkedYAMLError, text: str, report: Report) -> NoReturn:
    mark = error.problem_mark or error.context_mark
    problem = str(error.problem or error.context)
    if mark is None:
        report.fail(0, problem)
    if "cannot start any token" in problem:
        advice = _about_first(text[mark.index : mark.index + 1])
    else:
        advice = next((advice for cause, advice in _CAUSES.items() if cause in problem), "")
    report.fail(mark.line + 1, f"column {mark.column + 1}: {problem}", advice)


def _about_first(character: str) -> str:
    if character == "\t":
        return "indent with spaces, not with tabs"
    return f"put text that begins with {character} in quotes"


# What neither YAML nor JSON has in its text, as UTF-8: control characters, and U+FFFE and U+FFFF. Over bytes, since a
# set of wide characters costs 64 KiB to compile.
_UNPRINTABLE: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x84\x86-\x9f]|\xef\xbf[\xbe\xbf]")
_PAIRS: Final = re.compile(r"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_WIDE_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _text(data: bytes, report: Report) -> str:
    if len(data) > LARGEST_DOCUMENT_BYTES:
        report.fail(0, f"larger than {LARGEST_DOCUMENT_BYTES // 2**20} MiB", "this is no configuration of jph")
    if data.startswith(_WIDE_MARKS):
        report.fail(0, "the file is UTF-16", "save it as UTF-8")
    if b"\0" in data:
        report.fail(0, "the file is binary", "a configuration is YAML or JSON, in UTF-8")
    text = _decoded(data, report)
    _refuse_unprintable(data, report)
    return _with_json_as_yaml(text) if text.lstrip().startswith("{") else text


def _decoded(data: bytes, report: Report) -> str:
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        report.fail(line, f"the byte 0x{data[error.start]:02x} is no UTF-8", "save the file as UTF-8")


def _refuse_unprintable(data: bytes, report: Report) -> None:
    found = _UNPRINTABLE.search(data)
    if found:
        line = data.count(b"\n", 0, found.start()) + 1
        report.fail(line, f"the character U+{ord(found[0].decode()):04X} cannot be in a configuration", "take it away")


def _with_json_as_yaml(text: str) -> str:
    """Write what JSON has and YAML has not as YAML: tabs for indents, and two escapes for a character beyond U+FFFF."""
    return _PAIRS.sub(_character, text.replace("\t", " "))


def _character(escapes: re.Match[str]) -> str:
    r"""Return the character for which `\ud83d\ude00` stands; a backslash that is escaped stays so."""
    if escapes[0] == r"\\":
        return escapes[0]
    return bytes.fromhex(escapes[0].replace(r"\u", "")).decode("utf-16-be")
