"""Options as they are typed after `jph drivers try`: what they mean, and how they are refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.document import plain
from console.typed_options import TypedOptionsError, as_table, typed_options
from drivers.pipe import PipeOptions


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["path=/proc/loadavg"], {"path": "/proc/loadavg"}),
        (["field=1", "scale=0.5", "flag=true"], {"field": 1, "scale": 0.5, "flag": True}),
        (["pattern=t=(\\d+)"], {"pattern": "t=(\\d+)"}),
        (["pattern=[a-z]+: (\\d+)"], {"pattern": "[a-z]+: (\\d+)"}),
        (["command=echo a: b # c"], {"command": "echo a: b # c"}),
        (["expression={{ A4 }}"], {"expression": "{{ A4 }}"}),
        (["fields={a: 1, b: 2}"], {"fields": {"a": 1, "b": 2}}),
        (["fields.a=1", "fields.b=2"], {"fields": {"a": 1, "b": 2}}),
        (["fields={a: 1}", "fields.b=2"], {"fields": {"a": 1, "b": 2}}),
        (["list=[1, two]"], {"list": [1, "two"]}),
        (["block=a: 1\nb: 2"], {"block": {"a": 1, "b": 2}}),
        (["number='1'", 'word="x\\n"'], {"number": "1", "word": "x\n"}),
        (["empty="], {"empty": None}),
        ([], {}),
    ],
)
def test_what_is_typed_means_what_it_would_in_a_configuration(words: list[str], meant: dict[str, object]) -> None:
    assert plain(as_table(words)) == meant


@pytest.mark.parametrize(
    "words", [["a=1", "a=2"], ["a=1", "a.b=2"], ["a.b=1", "a={}"], ["a={b: 1, b: 2}"], ["a"], ["=1"]]
)
def test_what_says_nothing_or_two_things_is_refused_with_what_to_do(words: list[str]) -> None:
    with pytest.raises(TypedOptionsError) as refused:
        as_table(words)
    assert refused.value.hint


def test_options_are_built() -> None:
    built = typed_options(PipeOptions, ["path=/x", "timeout=2m", "fields.a=2"])
    assert built == PipeOptions(path="/x", timeout=120.0, fields={"a": 2})


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(TypedOptionsError) as refused:
        typed_options(PipeOptions, ["pth=/x", "timeout=soon", "field=0"])
    unknown, timeout, field = refused.value.message.splitlines()
    assert unknown == "options: unknown option 'pth'; did you mean 'path'?"
    assert timeout.startswith("options.timeout: 'soon' is no duration; write")
    assert field.startswith("options.field: ")


def test_what_types_cannot_say_is_checked_too() -> None:
    with pytest.raises(TypedOptionsError, match="options: `path` or `command` must say where the text comes from"):
        typed_options(PipeOptions, [])


@given(st.lists(st.text()))
def test_whatever_is_typed_gives_options_or_the_one_error(words: list[str]) -> None:
    with suppress(TypedOptionsError):
        assert isinstance(typed_options(PipeOptions, words), PipeOptions)


@given(st.text())
def test_a_value_of_text_is_that_text_unless_it_means_something_else(text: str) -> None:
    value = plain(as_table([f"key={text}"]))["key"]
    assert value == text or not isinstance(value, str) or text.startswith(("'", '"')) or "\n" in text
