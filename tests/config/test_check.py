from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.check import build
from config.document import Array, Table, parse
from config.durations import Bytes, Seconds
from config.model import Group
from config.report import Report
from protocol.errors import JphError


class Mode(Enum):
    FAST = "fast"
    SLOW = "slow"


class Point(msgspec.Struct, frozen=True):
    x: float
    y: float = 0.0


class Everything(msgspec.Struct, frozen=True, kw_only=True):
    text: str = ""
    number: float = 0.0
    count: int = 0
    switch: bool = False
    positive: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    short: Annotated[str, msgspec.Meta(max_length=3)] = ""
    word: Literal["on", "off", "auto"] = "auto"
    mode: Mode = Mode.FAST
    level: int | Literal["low", "high"] = 0
    maybe: float | None = None
    any: Any = None
    text_or_number: float | str = ""
    text_or_point: str | Point = ""
    one_or_many: str | tuple[Annotated[str, msgspec.Meta(max_length=3)], ...] = ""
    lease: Seconds = 1.0
    cache: Bytes = 1
    group: Group | None = None
    point: Point | None = None
    points: list[Point] = []
    pair: tuple[int, str] = (0, "")
    many: tuple[int, ...] = ()
    sequence: Sequence[float] = ()
    unique: frozenset[str] = frozenset()
    few: Annotated[list[int], msgspec.Meta(max_length=2)] = []
    by_name: dict[str, Point] = {}
    delays: Mapping[str, Seconds] = {}
    table: Table | None = None
    array: Array | None = None
    renamed_s: Seconds = msgspec.field(default=1.0, name="renamed")


class Required(msgspec.Struct, frozen=True):
    path: Annotated[str, msgspec.Meta(description="name the file")]
    scale: float


class Picky(msgspec.Struct, frozen=True):
    low: float = 0.0
    high: float = 0.0

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")
        if self.low < 0:
            raise JphError("too low", "raise it")


def check(kind: type[msgspec.Struct], text: str) -> tuple[Any, list[str]]:
    report = Report("f")
    built = build(kind, parse(text.encode(), report), "top", report)
    return built, [str(error) for error in report.errors]


def good(text: str) -> Everything:
    built, errors = check(Everything, text)
    assert errors == []
    assert isinstance(built, Everything)
    return built


def wrong(text: str) -> str:
    """Return the one error of a document without its file and line."""
    built, errors = check(Everything, text)
    assert built is None
    [error] = errors
    return error.partition(": ")[2]


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("text: abc", "text", "abc"),
        ("text: 12", "text", "12"),
        ("text: 1.10", "text", "1.10"),
        ("text: yes", "text", "yes"),
        ("text: true", "text", "true"),
        ("text: ''", "text", ""),
        ("number: 5", "number", 5.0),
        ("number: 1e3", "number", 1000.0),
        ("count: 0x48", "count", 72),
        ("switch: true", "switch", True),
        ("switch: yes", "switch", True),
        ("switch: Off", "switch", False),
        ("positive: 0.5", "positive", 0.5),
        ("word: on", "word", "on"),
        ("mode: slow", "mode", Mode.SLOW),
        ("level: 3", "level", 3),
        ("level: high", "level", "high"),
        ("maybe: null", "maybe", None),
        ("maybe: 2", "maybe", 2.0),
        ("any: {a: [1, x, null]}", "any", {"a": [1, "x", None]}),
        ("text_or_number: 3", "text_or_number", 3.0),
        ("text_or_number: x3", "text_or_number", "x3"),
        ("lease: 1h", "lease", 3600.0),
        ("lease: 5", "lease", 5.0),
        ("lease: '5s'", "lease", 5.0),
        ("cache: 8MiB", "cache", 8 * 2**20),
        ("group: 239.1.2.3:4", "group", Group("239.1.2.3", 4)),
        ("point: {x: 1}", "point", Point(1.0)),
        ("points: [{x: 1, y: 2}, {x: 3}]", "points", [Point(1.0, 2.0), Point(3.0)]),
        ("pair: [1, b]", "pair", (1, "b")),
        ("many: [1, 2]", "many", (1, 2)),
        ("sequence: [1, 2]", "sequence", (1.0, 2.0)),
        ("unique: [a, b, a]", "unique", frozenset({"a", "b"})),
        ("few: [1, 2]", "few", [1, 2]),
        ("by_name: {10: {x: 1}}", "by_name", {"10": Point(1.0)}),
        ("delays: {a: 1m}", "delays", {"a": 60.0}),
        ("renamed: 2s", "renamed_s", 2.0),
    ],
)
def test_a_value_is_read_by_the_type_of_its_field(text: str, field: str, value: object) -> None:
    got = getattr(good(text), field)
    assert got == value
    assert type(got) is type(value)


def test_what_is_not_written_keeps_its_default() -> None:
    assert good("{}") == Everything()


@pytest.mark.parametrize("key", Everything.__struct_encode_fields__)
def test_a_key_without_a_value_keeps_its_default(key: str) -> None:
    assert good(f"{key}:") == Everything()


def test_a_part_of_the_document_can_be_asked_for_as_it_is() -> None:
    built = good("table: {a: 1}\narray: [b]")
    assert isinstance(built.table, Table)
    assert isinstance(built.array, Array)
    assert built.table.entries["a"].line == 1


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("number: abc", "top.number: 'abc' is not a number"),
        ("number: '5'", "top.number: '5' is not a number but text; take the quotes away"),
        ("number: true", "top.number: 'true' is not a number"),
        ("number: [1]", "top.number: a number is expected here, not a list"),
        ("count: 1.5", "top.count: '1.5' is not a whole number"),
        ("count: true", "top.count: 'true' is not a whole number"),
        ("switch: 1", "top.switch: '1' is not true or false"),
        ("switch: maybe", "top.switch: 'maybe' is not true or false"),
        ("text: {a: 1}", "top.text: text is expected here, not a mapping"),
        ("positive: 0", "top.positive: '0' must be more than 0"),
        ("short: abcd", "top.short: 'abcd' must be of length at most 3"),
        ("word: auto1", "top.word: 'auto1' is none of the choices; did you mean 'auto'?"),
        ("word: blue", "top.word: 'blue' is none of the choices; known are on, off, auto"),
        ("mode: Slow", "top.mode: 'Slow' is none of the choices; did you mean 'slow'?"),
        ("level: hi", "top.level: 'hi' is none of the choices; did you mean 'high'?"),
        ("maybe: x", "top.maybe: 'x' is not a number"),
        ("text_or_number: [1]", "top.text_or_number: text is expected here, not a list"),
        ("text_or_point: {y: 2}", "top.text_or_point: 'x' is missing"),
        ("text_or_point: {x: a}", "top.text_or_point.x: 'a' is not a number"),
        ("text_or_point: [1]", "top.text_or_point: text is expected here, not a list"),
        ("one_or_many: [a, abcd]", "top.one_or_many[1]: 'abcd' must be of length at most 3"),
        ("one_or_many: {a: 1}", "top.one_or_many: text is expected here, not a mapping"),
        ("lease: abc", "top.lease: 'abc' is no duration; write 5s, 10m or 24h"),
        ("lease: [5s]", "top.lease: one value is expected here, not a list"),
        ("cache: lots", "top.cache: 'lots' is no size; write 64KB or 8MiB"),
        ("point: 3", "top.point: a mapping is expected here, not '3'"),
        ("point: {y: 2}", "top.point: 'x' is missing"),
        ("point: {x: 1, z: 2}", "top.point: unknown option 'z'; known are x, y"),
        ("points: {x: 1}", "top.points: a list is expected here, not a mapping"),
        ("points: [{x: 1}, {x: a}]", "top.points[1].x: 'a' is not a number"),
        ("pair: [1]", "top.pair: a list of 2 values is expected here, not a list"),
        ("pair: [a, b]", "top.pair[0]: 'a' is not a whole number"),
        ("many: [1, x]", "top.many[1]: 'x' is not a whole number"),
        ("many: 1", "top.many: a list is expected here, not '1'"),
        ("few: [1, 2, 3]", "top.few: must be of length at most 2"),
        ("few: [1, x]", "top.few[1]: 'x' is not a whole number"),
        ("by_name: [1]", "top.by_name: a mapping is expected here, not a list"),
        ("by_name: {a: {x: b}}", "top.by_name.a.x: 'b' is not a number"),
        ("table: 3", "top.table: a mapping is expected here, not '3'"),
        ("array: 3", "top.array: a list is expected here, not '3'"),
        ("txet: a", "top: unknown option 'txet'; did you mean 'text'?"),
        ("number: " + "x" * 100, f"top.number: '{'x' * 59}…' is not a number"),
    ],
)
def test_a_wrong_value_is_told_with_its_path_and_advice(text: str, error: str) -> None:
    assert wrong(text) == error


def test_all_errors_are_found_each_with_its_line() -> None:
    text = "number: a\nswich: b\npoint:\n  x: c\n  z: 1\npoints:\n- {x: 1}\n- {}\n- 4\n"
    assert sorted(check(Everything, text)[1]) == [
        "f:1: top.number: 'a' is not a number",
        "f:2: top: unknown option 'swich'; did you mean 'switch'?",
        "f:4: top.point.x: 'c' is not a number",
        "f:5: top.point: unknown option 'z'; known are x, y",
        "f:8: top.points[1]: 'x' is missing",
        "f:9: top.points[2]: a mapping is expected here, not '4'",
    ]


def test_missing_options_are_told_with_what_the_option_is_for() -> None:
    built, errors = check(Required, "{}")
    assert built is None
    assert errors == ["f:1: top: 'path' is missing; name the file", "f:1: top: 'scale' is missing"]


def test_an_option_that_must_be_there_is_not_there_without_a_value() -> None:
    _, errors = check(Required, "path:\nscale: ~")
    assert errors == [
        "f:1: top.path: text is expected here, not nothing",
        "f:2: top.scale: a number is expected here, not nothing",
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [("{low: 2, high: 1}", "low is above high"), ("{low: -1}", "too low; raise it")],
)
def test_what_a_type_refuses_by_itself_is_an_error_of_the_table(text: str, error: str) -> None:
    assert check(Picky, text) == (None, [f"f:1: top: {error}"])


def test_a_type_is_not_built_from_what_is_wrong_already() -> None:
    assert check(Picky, "{low: 2, high: x}") == (None, ["f:1: top.high: 'x' is not a number"])


@pytest.mark.parametrize("text", ["3", "[a]", "abc"])
def test_a_struct_is_built_from_a_mapping_only(text: str) -> None:
    built, errors = check(Point, text)
    assert built is None
    assert "a mapping is expected here" in errors[0]


@given(st.dictionaries(st.sampled_from(Everything.__struct_encode_fields__), st.text("a1.-:[]{}, '", max_size=8)))
def test_any_document_is_built_or_told_what_is_wrong(entries: dict[str, str]) -> None:
    text = msgspec.json.encode(entries).decode()
    built, errors = check(Everything, text)
    assert (built is None) is bool(errors)
