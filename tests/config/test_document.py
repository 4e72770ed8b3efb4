import codecs
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.document import (
    DEEPEST_NESTING,
    LARGEST_DOCUMENT_BYTES,
    MOST_VALUES,
    PARSER,
    Array,
    Table,
    Tree,
    parse,
    plain,
)
from config.model import ConfigError, Problem
from config.report import Report

PARSERS = pytest.mark.parametrize("parser", [PARSER, yaml.SafeLoader], ids=["libyaml", "python"])

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(
        st.characters(exclude_categories=["Cs", "Cc", "Cn", "Zl", "Zp"], exclude_characters="\ufeff"), max_size=20
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcéC1 :#-", max_size=8), inner, max_size=3),
    max_leaves=12,
)


def read(text: str | bytes, parser: Any = PARSER) -> Tree:
    report = Report("a.yaml")
    tree = parse(text.encode() if isinstance(text, str) else text, report, parser)
    assert report.errors == []
    return tree


def value(text: str) -> Any:
    return plain(read(text))


def problem(text: str | bytes, parser: Any = PARSER) -> Problem:
    """Return the one problem of a document."""
    report = Report("a.yaml")
    try:
        parse(text.encode() if isinstance(text, str) else text, report, parser)
    except ConfigError as error:
        return error.problems[-1]
    [noted] = report.errors
    return noted


@PARSERS
def test_every_key_and_every_value_knows_its_line(parser: Any) -> None:
    tree = read("a:\n  b: 1\n  c:\n  - x\n  - y: z\n", parser)
    assert isinstance(tree, Table)
    table = tree.entries["a"].tree
    assert isinstance(table, Table)
    assert (tree.entries["a"].line, table.line) == (1, 1)
    assert table.entries["b"].line == 2
    array = table.entries["c"].tree
    assert isinstance(array, Array)
    assert [item.line for item in array.items] == [4, 5]


def test_a_mapping_stands_in_the_line_of_its_key() -> None:
    tree = read("a:\n\n\n  b: 1\n")
    assert isinstance(tree, Table)
    assert tree.entries["a"].tree.line == 1


@PARSERS
@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("-12", -12),
        ("+3", 3),
        ("0x48", 0x48),
        ("0o17", 0o17),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("-1.5E-3", -0.0015),
    ],
)
def test_plain_values_mean_what_yaml_1_2_and_json_say(parser: Any, text: str, meaning: object) -> None:
    got = plain(read(f"[{text} , x]", parser))[0] if text else plain(read("a:\n", parser))["a"]
    assert got == meaning
    assert type(got) is type(meaning)


@pytest.mark.parametrize(
    "text", ["yes", "off", "NO", "1:30", "007", "0b11", "1_000", ".inf", ".nan", "1e999", "0x", "2024-01-01"]
)
def test_what_only_looks_like_a_value_stays_text(text: str) -> None:
    assert value(f"a: {text}") == {"a": text}


@PARSERS
@pytest.mark.parametrize("text", ['"5"', "'5'", "!!str 5", '"true"', "''", "|-\n 5"])
def test_what_is_in_quotes_is_text(parser: Any, text: str) -> None:
    assert isinstance(plain(read(f"a: {text}", parser))["a"], str)


def test_keys_are_text_so_that_they_can_be_codifiers() -> None:
    assert value("{10: a, ON: b, 1e: c, ~: d}") == {"10": "a", "ON": "b", "1e": "c", "~": "d"}


@PARSERS
def test_json_is_read_through_the_same_door(parser: Any) -> None:
    text = '{\n\t"Pin": "2",\n\t"list": [1, 2.5e1, true, null],\n\t"text": "a\\/b \\u00b0 \\"q\\""\n}'
    assert plain(read(text, parser)) == json.loads(text)


def test_json_may_write_characters_beyond_ffff_as_two_escapes() -> None:
    text = r'{"a": "\ud83c\udf21 and \\ud83c\\udf21"}'
    assert value(text) == json.loads(text)


@given(st.dictionaries(st.text("abc", max_size=3), JSON, max_size=4), st.booleans(), st.sampled_from([None, 2, "\t"]))
def test_every_json_document_means_what_json_says(
    document: dict[str, Any],
    ascii_only: bool,  # noqa: FBT001 -- hypothesis draws it
    indent: int | str | None,
) -> None:
    assert value(json.dumps(document, ensure_ascii=ascii_only, indent=indent)) == document


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_byte_order_mark_and_dos_line_ends_are_no_trouble(newline: str) -> None:
    assert plain(read(b"\xef\xbb\xbf" + f"a: 1{newline}b: 2{newline}".encode())) == {"a": 1, "b": 2}


@PARSERS
def test_an_anchor_stands_for_what_it_names(parser: Any) -> None:
    assert plain(read("a: &x {b: [1]}\nc: *x\n", parser)) == {"a": {"b": [1]}, "c": {"b": [1]}}


def test_a_merge_takes_in_what_is_not_written_here() -> None:
    assert value("x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz: {b: 9, <<: [*x, *y]}") == {
        "x": {"a": 1, "b": 2},
        "y": {"b": 3, "c": 4},
        "z": {"b": 9, "a": 1, "c": 4},
    }


def test_a_merge_key_in_quotes_is_a_key() -> None:
    assert value('{"<<": 1}') == {"<<": 1}


def test_only_mappings_can_be_merged() -> None:
    assert problem("a: {<<: 3}").message == "<< takes in a mapping, or a list of mappings"


@PARSERS
def test_a_doubled_key_names_both_lines(parser: Any) -> None:
    found = problem("nodes:\n  C1: 1\n  C2: 2\n  C1: 3\n", parser)
    assert str(found) == "a.yaml:4: 'C1' is written twice; the first is in line 2"


def test_all_doubled_keys_are_found_and_the_first_stays() -> None:
    report = Report("a.json")
    tree = parse(b'{"a": 1, "a": 2,\n "b": {"c": 1,\n "c": 2}}', report)
    assert plain(tree) == {"a": 1, "b": {"c": 1}}
    assert [error.line for error in report.errors] == [1, 3]


@PARSERS
@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "  "])
def test_an_empty_file_is_said_to_be_empty(parser: Any, text: str) -> None:
    found = problem(text, parser)
    assert (found.line, found.message) == (0, "the file is empty")
    assert "jph init" in found.advice


@pytest.mark.parametrize(
    ("text", "line", "column", "advice"),
    [
        ("a: 1\n\tb: 2\n", 2, 1, "tabs"),
        ("a:\n\t- 2\n", 2, 1, "tabs"),
        ("unit: %\n", 1, 7, "in quotes"),
        ("x: 1\nalarms: {warning: > 70}\n", 2, 19, "in quotes"),
        ("name: a: b\n", 1, 8, "quotes"),
        ("a: [1, 2\n", 2, 1, "comma is missing"),
        ('a: "x\n', 2, 1, "not closed"),
        ("a:\n  b: 1\n c: 2\n", 3, 2, "like its neighbours"),
        ('{"a": 1\n "b": 2}', 2, 5, "comma is missing"),
    ],
)
def test_a_slip_in_the_syntax_is_told_with_line_column_and_cause(
    text: str, line: int, column: int, advice: str
) -> None:
    found = problem(text)
    assert found.line == line
    assert found.message.startswith(f"column {column}: ")
    assert advice in found.advice


@pytest.mark.parametrize("text", ["a: 1\n\tb: 2\n", "a: [1, 2\n", 'a: "x\n', "name: a: b\n", "a: *x\n", "a: ]"])
def test_pyyaml_without_libyaml_finds_the_same_slips(text: str) -> None:
    assert problem(text, yaml.SafeLoader).line == problem(text, PARSER).line


@PARSERS
def test_an_alias_of_nothing_is_told(parser: Any) -> None:
    found = problem("a: 1\nb: *x\n", parser)
    assert (found.line, found.message) == (2, "nothing above is called 'x'")
    assert "quotes" in found.advice


@PARSERS
def test_an_alias_of_itself_is_an_alias_of_nothing(parser: Any) -> None:
    assert problem("a: &x [*x]", parser).message == "nothing above is called 'x'"


@PARSERS
def test_aliases_of_aliases_do_not_fill_the_memory(parser: Any) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)]
    found = problem("\n".join(lines), parser)
    assert found.message == f"more than {MOST_VALUES:,} values"
    assert "aliases" in found.advice


@PARSERS
@pytest.mark.parametrize("bracket", ["[", "{a: ", "- "])
def test_a_file_of_brackets_does_not_overflow_the_stack(parser: Any, bracket: str) -> None:
    assert problem(bracket * 100_000, parser).message == f"nested more than {DEEPEST_NESTING} deep"


def test_a_file_of_many_values_is_too_much() -> None:
    assert problem("[" + "1," * (MOST_VALUES + 1) + "]").message == f"more than {MOST_VALUES:,} values"


def test_a_file_of_five_megabytes_is_no_configuration() -> None:
    found = problem(b"# " + b"x" * 5_000_000)
    assert found.message == f"larger than {LARGEST_DOCUMENT_BYTES // 2**20} MiB"


@pytest.mark.parametrize("data", [b"\x7fELF\x02\x01\x01\x00", b"a: 1\x00", b"SQLite format 3\x00"])
def test_a_binary_file_is_said_to_be_binary(data: bytes) -> None:
    assert problem(data).message == "the file is binary"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_file_in_utf_16_is_said_to_be_so(encoding: str) -> None:
    found = problem("\ufeffa: 1\n".encode(encoding))
    assert (found.message, found.advice) == ("the file is UTF-16", "save it as UTF-8")


def test_a_byte_that_is_no_utf_8_is_told_with_its_line() -> None:
    found = problem("a: 1\nunit: °C\n".encode("latin-1"))
    assert (found.line, found.message) == (2, "the byte 0xb0 is no UTF-8")


def test_a_byte_that_is_no_utf8_is_named_also_behind_a_byte_order_mark() -> None:
    found = problem(codecs.BOM_UTF8 + b"a: 1\nb: 21 \xb0C\n")
    assert (found.line, found.message) == (2, "the byte 0xb0 is no UTF-8")


@pytest.mark.parametrize("character", ["\x01", "\x1b", "\x7f", "\x9b", "\ufffe"])
def test_a_control_character_is_told_with_its_line(character: str) -> None:
    found = problem(f"a: 1\nb: x{character}y\n")
    assert (found.line, found.message) == (2, f"the character U+{ord(character):04X} cannot be in a configuration")


@PARSERS
def test_a_second_document_is_refused_where_it_begins(parser: Any) -> None:
    found = problem("a: 1\n---\nb: 2\n", parser)
    assert (found.line, found.message) == (2, "a second document begins here")


@pytest.mark.parametrize("tag", ["!foo", "!!python/object:os.system", "!!int", "!!binary", "!!float"])
@pytest.mark.parametrize("content", ["3", "[3]", "{a: 3}"])
def test_tags_are_refused(tag: str, content: str) -> None:
    assert "is not known" in problem(f"a: {tag} {content}").message


@pytest.mark.parametrize("key", ["[a]", "{a: b}", "*x"])
def test_a_key_that_is_no_text_is_refused(key: str) -> None:
    found = problem(f"x: &x 1\n? {key}\n: 1")
    assert (found.line, found.advice) == (2, "keys are text")


def outcome(data: bytes, parser: Any) -> Tree | tuple[Problem, ...]:
    try:
        return parse(data, Report("a.yaml"), parser)
    except ConfigError as error:
        return error.problems


@PARSERS
@given(data=st.binary(max_size=200) | st.text("ab:-[]{}&*!|>'\"%@`#?,\n \t\x85°", max_size=60).map(str.encode))
def test_any_bytes_are_a_document_or_a_problem(parser: Any, data: bytes) -> None:
    assert len(outcome(data, parser)) > 0
