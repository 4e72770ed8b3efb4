"""What is put into a program stays data, whoever sent it."""

import ast
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.calculations.placeholders import PlaceholderError, Wanted, rendered, shape, wanted
from drivers.calculations.python2_syntax import respelled


def put(program: str, value: object) -> str:
    return rendered(program, lambda _: value)


def value_of(program: str, value: object) -> Any:
    """Render an expression and calculate it."""
    return eval(respelled(put(program, value)))  # noqa: S307 - what it may do is the matter here


@pytest.mark.parametrize(
    ("placeholder", "asked"),
    [
        ("{{ A4 }}", Wanted("A4", "redis", "Value")),
        ("{{A4|Value}}", Wanted("A4", "redis", "Value")),
        ("{{ A4 | redis | DTimestamp }}", Wanted("A4", "redis", "DTimestamp")),
        ("{{ FJ|config|Sensor }}", Wanted("FJ", "config", "Sensor")),
        ("{{ FJ|file|Sensor }}", Wanted("FJ", "", "")),
        ("{{ a|b|c|d }}", Wanted("a", "", "")),
        ("{{ +- }}", Wanted("+-", "redis", "Value")),
    ],
)
def test_a_placeholder_names_codifier_location_and_field(placeholder: str, asked: Wanted) -> None:
    assert list(wanted(placeholder)) == [asked]


@pytest.mark.parametrize(
    ("program", "text", "expected"),
    [
        ("{{X}}", "21.5", "21.5"),
        ("2*{{X}}**2", "-3", "2*-3**2"),
        ("{{X}}", "1e-07", "1e-07"),
        ("{{X}}", "hello", " 'hello'"),
        ("{{X}}", " 20\n", "20"),
        ("{{X}}", "010", "010"),
        ("{{X}}", "0x1f", "0x1f"),
        ("{{X}}", "08", " '08'"),
        ("{{X}}", "0x", " '0x'"),
        ("{{X}}", "10 20", " '10 20'"),
        ("{{X}}", "nan", " 'nan'"),
        ("{{X}}", "", " ''"),
        ("{{X}}", "1; import os", " '1; import os'"),
        ("{{X}}", "None", " None"),
        ("{{X}}", "True", " True"),
        ("'{{X}}'", " 20", "' 20'"),
        ("[{{ X|\n Value }}]", "5", "[5\\\n]"),
        ("{{X}}", None, "None"),
        ("{{X}}['a']", {"a": [1, "b"]}, "{'a': [1, 'b']}['a']"),
        ("{{X}}", True, "True"),
        ("x # {{X}}", "a\nb", r"x # 'a\nb'"),
        ('"0{{X}}"', "1", '"01"'),
        ('"0{{X}}"', None, '"0None"'),
    ],
)
def test_what_is_put_in(program: str, text: object, expected: str) -> None:
    assert put(program, text) == expected


def test_text_with_braces_hides_nothing_of_the_program() -> None:
    program = rendered("({{A4}} <> 5, 010, {{A5}})", lambda one: {"A4": "\\{{", "A5": "}}"}[one.codifier])
    assert eval(respelled(program)) == (True, 8, "}}")  # noqa: S307 - what it may do is the matter here


def test_a_truth_value_is_one_where_the_field_is_one() -> None:
    assert rendered("f'{ {{A4|IsActive}} }'", lambda _: "True") == "f'{ True }'"
    with pytest.raises(PlaceholderError):
        put("f'{ {{A4}} }'", "True")


def test_lines_stay_where_they_are() -> None:
    assert put("a\n{{X}}\n'''\n{{X}}'''\nb", "x\ny").count("\n") == 4


texts = (
    st.text()
    | st.sampled_from(["None", "True", " 20", "007", "0x1F", "-.5e3", "+0"])
    | st.text("\"'\\{}\n#rbfux0123")
    | st.just("'+__import__('os').system('true')+'")
)


@pytest.mark.parametrize("opening", ["'", '"', "'''", '"""', "r'", 'R"""', "u'", 'r"'])
@given(text=texts)
def test_a_literal_has_the_characters_that_were_put_in(opening: str, text: str) -> None:
    quote = opening.lstrip("rRu")
    assert value_of(f"{opening}a{{{{X}}}}b{quote}", text) == f"a{text}b"


@pytest.mark.parametrize("opening", ["b'", 'br"', "Rb'''"])
@given(text=texts.filter(lambda text: "\ud800" not in text))
def test_bytes_have_those_of_the_text(opening: str, text: str) -> None:
    quote = opening.lstrip("rRb")
    assert value_of(f"{opening}a{{{{X}}}}b{quote}", text) == b"a" + text.encode() + b"b"


@pytest.mark.parametrize("opening", ["'", "r'"])
@given(text=texts)
def test_a_backslash_before_it_stays_one(opening: str, text: str) -> None:
    assert value_of(opening + "a\\{{X}}b'", text) == f"a\\{text}b"


@given(text=texts)
def test_text_in_the_program_is_a_literal_of_its_own(text: str) -> None:
    value = value_of("({{X}}, 1)", text)[0]
    assert value == text or value == ast.literal_eval(respelled(text.strip()))


PARTS = [
    *("{{ X }}", "{{X|DTimestamp}}", "a", " ", "'", '"', "'''", '"""', "r'", 'b"', "f'", 'f"{', "}", "\\", "\n", "#"),
    *("x = ", "(", ")", "1", "+", "if x:\n ", "rf'", "'{{ X }}'", '"""{{ X }}"""', "r'{{ X }}'", "u", "{", ", "),
    *("`", "ur'", "<>"),
]


@settings(max_examples=600, deadline=None)
@given(parts=st.lists(st.sampled_from(PARTS), max_size=12), text=texts)
def test_no_text_makes_another_program_of_one(parts: list[str], text: str) -> None:
    program = "".join(parts)
    try:
        plain, found = put(program, "x"), put(program, text)
        same = shape(plain) == shape(found)
    except (PlaceholderError, SyntaxError, ValueError):
        return
    assert same or _is_value(text)


def _is_value(text: str) -> bool:
    """Tell whether a text is that of a number, None, True or False, which is put in as it is."""
    try:
        return isinstance(ast.literal_eval(respelled(text.strip())), int | float | None)
    except (SyntaxError, ValueError):
        return False


@pytest.mark.parametrize("value", ["text", {"a": 1}])
def test_a_formatted_literal_takes_numbers_alone(value: object) -> None:
    assert put("f'{ {{X}} }'", "5") == "f'{ 5 }'"
    with pytest.raises(PlaceholderError, match=r"line 2: \{\{X\}\}: "):
        put("\nf'{ {{X}} }'", value)
