"""The JSON of a reading: what is accepted, what is refused, and that nothing is written that would be refused."""

import json
import sys
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol import documents
from protocol.readings import Attributes, Value
from tests.protocol.strategies import ATTRIBUTES, VALUES


def nested(depth: int) -> str:
    """Write a document with so many objects and lists inside each other, itself included."""
    return '{"value": 1, "a": ' + "[" * (depth - 1) + "]" * (depth - 1) + "}"


def inside_calls(count: int, run: Callable[[], tuple[Value, Attributes]]) -> tuple[Value, Attributes]:
    """Call `run` with so much less recursion left."""
    return run() if count == 0 else inside_calls(count - 1, run)


@pytest.mark.parametrize(
    ("text", "value", "attributes"),
    [
        ('{"value": 21.5, "voltage": 3.2}', 21.5, {"voltage": 3.2}),
        ('{"voltage": 3.2, "value": 21.5}', 21.5, {"voltage": 3.2}),
        (' {\n"value" :1 }\t', 1, {}),
        ('{"value": "open"}', "open", {}),
        ('{"value": 21}', 21, {}),
        ('{"value": 21.0}', 21.0, {}),
        ('{"value": -0.0}', -0.0, {}),
        ('{"value": 1e-400}', 0.0, {}),
        ('{"value": 123456789012345678901234567890}', 123456789012345678901234567890, {}),
        ('{"value": true}', 1, {}),
        ('{"value": false, "a": true, "b": null}', 0, {"a": True, "b": None}),
        ('{"value": 1, "unit": "\\u00b0C"}', 1, {"unit": "°C"}),
        ('{"value": 1, "unit": "°C"}', 1, {"unit": "°C"}),
        ('{"value": "\\ud83d\\ude00"}', "😀", {}),
        ('{"value": 1, "a": {"value": 2}}', 1, {"a": {"value": 2}}),
        ('{"value": 1, "a": [1, {"b": []}]}', 1, {"a": [1, {"b": []}]}),
    ],
)
def test_accepted(text: str, value: Value, attributes: Attributes) -> None:
    assert repr(documents.read(text)) == repr((value, attributes))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("21.5", "no JSON object"),
        ("[21.5]", "no JSON object"),
        ("{}", "no value"),
        ('{"Value": 1}', "no value"),
        ('{"value": null}', "no value"),
        ('{"value": [1]}', "no value"),
        ('{"value": {"value": 1}}', "no value"),
        ('{"value": 1} {"value": 2}', "Extra data"),
        ('{"value": NaN}', "NaN is no JSON number"),
        ('{"value": Infinity}', "Infinity is no JSON number"),
        ('{"value": 1, "a": -Infinity}', "-Infinity is no JSON number"),
        ('{"value": 1e999}', "1e999 is too large"),
        ('{"value": 1, "a": [-1e999]}', "-1e999 is too large"),
        ('{"value": 1, "value": 2}', "a name occurs twice"),
        ('{"value": 1, "a": {"b": 1, "b": 1}}', "a name occurs twice"),
        ('{"value": "\\ud800"}', "surrogates not allowed"),
        ('{"value": 1, "\\udfff": 1}', "surrogates not allowed"),
        ('{"value": 1, "a": ["\\ud800\\ud800"]}', "surrogates not allowed"),
        ('{"value": 1, "a": "\n"}', "Invalid control character"),
        ('\ufeff{"value": 1}', "Expecting value"),
        (nested(documents.MAX_DEPTH + 1), "more than 16 objects and lists"),
        ("[" * 1100, "more than 16 objects and lists"),
        ('{"value":' * 120, "more than 16 objects and lists"),
        ('{"' + '\\"{' * 300, "Unterminated string"),
    ],
)
def test_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        documents.read(text)


def test_the_deepest_document_is_accepted() -> None:
    value, attributes = documents.read(nested(documents.MAX_DEPTH))
    assert value == 1
    assert str(attributes["a"]).count("[") == documents.MAX_DEPTH - 1


def test_brackets_in_text_and_beside_each_other_are_not_depth() -> None:
    attributes = {"text": '[{"\\' * 50, "lists": [[] for _ in range(50)]}
    assert documents.read(json.dumps({"value": 1, **attributes})) == (1, attributes)


def test_a_document_is_judged_alike_however_little_recursion_is_left() -> None:
    text = nested(documents.MAX_DEPTH)
    assert inside_calls(600, lambda: documents.read(text)) == documents.read(text)
    with pytest.raises(ValueError, match="inside each other"):
        inside_calls(600, lambda: documents.read("[" * 1100))


@pytest.mark.parametrize(
    ("value", "attributes", "text"),
    [
        (21.5, {"voltage": 3.2}, '{"value": 21.5, "voltage": 3.2}'),
        (-5, {}, '{"value": -5}'),
        (True, {"armed": True}, '{"value": 1, "armed": true}'),
        ("°C", {"a": (1, None)}, '{"value": "\\u00b0C", "a": [1, null]}'),
    ],
)
def test_written_as_the_original_system_writes(value: Value, attributes: Attributes, text: str) -> None:
    assert documents.write(value, attributes) == text


CIRCULAR: dict[str, object] = {}
CIRCULAR["self"] = CIRCULAR


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"value": 2}, "an attribute cannot be named 'value'"),
        ({"a": float("nan")}, "Out of range float values"),
        ({"a": [float("-inf")]}, "Out of range float values"),
        ({"a": b"bytes"}, "Object of type bytes is not JSON serializable"),
        ({"a": {1, 2}}, "Object of type set is not JSON serializable"),
        ({"a": "\ud800"}, "surrogates not allowed"),
        ({"a": {1: "x", "1": "y"}}, "a name occurs twice"),
        ({"a": json.loads("[" * 16 + "]" * 16)}, "more than 16 objects and lists"),
        ({"a": CIRCULAR}, "Circular reference"),
    ],
)
def test_nothing_is_written_that_would_be_refused(attributes: Attributes, reason: str) -> None:
    with pytest.raises((TypeError, ValueError), match=reason):
        documents.write(1, attributes)


@given(VALUES, ATTRIBUTES)
@example(sys.float_info.max, {})
@example(sys.float_info.min, {"smallest": 5e-324})
@example(-(10**1000), {"": 10**1000})
def test_whatever_is_written_is_read_again_as_it_was(value: Value, attributes: Attributes) -> None:
    assert repr(documents.read(documents.write(value, attributes))) == repr((value, attributes))


@given(st.text() | st.text(alphabet='{}[]",:\\u0d8value1e.- \n', max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        value, attributes = documents.read(text)
    except ValueError:
        return
    assert repr(documents.read(documents.write(value, attributes))) == repr((value, attributes))
