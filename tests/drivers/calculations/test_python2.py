"""What a program of Python 2 gives here: the values are those that its language reference promises."""

import math
from typing import Any

import pytest

from drivers.calculations.python2 import NAMES, respelled, translated
from drivers.calculations.python2_library import MATH


def run(program: str) -> dict[str, Any]:
    names: dict[str, Any] = {**NAMES, "math": MATH}
    tree, _ = translated(program, "script")
    exec(compile(tree, "script", "exec"), names)  # noqa: S102 - that is what it is translated for
    return names


def value_of(expression: str) -> Any:
    return run(f"x = {expression}")["x"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        # None comes before everything, numbers before text
        ("None < 20", True),
        ("None < -1e300", True),
        ("None > 30", False),
        ("20 < None", False),
        ("None <= None", True),
        ("None < None", False),
        ("1e9 < 'a'", True),
        ("'20' > 5", True),
        ("min([None, 5])", None),
        ("max([None, 5])", 5),
        ("max(None, -5)", -5),
        ("min([3, 'a', None])", None),
        ("max([3, 'a', None])", "a"),
        ("sorted([3, None, 'a', 1.5])", [None, 1.5, 3, "a"]),
        ("[1, None] < [1, 2]", True),
        ("(1, 2) < (1, 2, None)", True),
        ("10 < 20 < None", False),
        ("None < 5 < 10", True),
        ("1 < 2 == 2", True),
        ("max([3, 1], key=lambda n: -n)", 1),
        ("sorted([1, 3, 2], reverse=True)", [3, 2, 1]),
        ("sorted([1, 3, 2], cmp=lambda a, b: b - a)", [3, 2, 1]),
        ("cmp(1, 2), cmp(2, 2), cmp(None, 0)", (-1, 0, -1)),
        # division is true, as the future import says
        ("1/6 * 5 * 3", 2.5),
        ("7 // 2", 3),
        # rounding
        ("round(2.5)", 3.0),
        ("round(-2.5)", -3.0),
        ("round(0.5)", 1.0),
        ("round(2.675, 2)", 2.67),
        ("round(1234.5, -2)", 1200.0),
        ("round(1e300)", 1e300),
        ("repr(math.floor(2.5)), repr(math.ceil(2)), repr(math.floor(-0.5))", ("2.0", "2.0", "-1.0")),
        ("math.floor(float('inf'))", math.inf),
        ("type(round(2)).__name__", "float"),
        # lists
        ("map(lambda n: n * 2, [1, 2])", [2, 4]),
        ("map(None, [1], [2, 3])", [(1, 2), (None, 3)]),
        ("filter(lambda n: n > 1, [1, 2])", [2]),
        ("filter(None, 'abc')", "abc"),
        ("zip([1, 2], [3, 4])", [(1, 3), (2, 4)]),
        ("range(3) + [9]", [0, 1, 2, 9]),
        ("list(xrange(3))", [0, 1, 2]),
        ("reduce(lambda a, b: a + b, [1, 2, 3])", 6),
        ("{'a': 1}.has_key('a')", True),
        ("{'a': 1}.keys()[0]", "a"),
        ("list({'a': 1}.iteritems())", [("a", 1)]),
        # text
        ("str(0.1 + 0.2)", "0.3"),
        ("str(1e22)", "1e+22"),
        ("str(20.0)", "20.0"),
        ("str(1e11), str(99999999999.0)", ("1e+11", "99999999999.0")),
        ("str(123456789012.5), str(-120000000000.0)", ("1.23456789012e+11", "-1.2e+11")),
        ("str('a'.encode('utf-8')) + '%s' % b'b'", "ab"),
        ("'a'.decode('utf-8')", "a"),
        ("type('a') == unicode, type('a') == str, type(5) == long, type(5) == str", (True, True, True, False)),
        ("'%s' % (1/3)", "0.333333333333"),
        ("'%s %d' % (0.1 + 0.2, 7)", "0.3 7"),
        ("'%(a)s' % {'a': 1/3}", "0.333333333333"),
        ("'{} {:.1f}'.format(1/3, 1/3)", "0.333333333333 0.3"),
        ("isinstance('a', basestring), isinstance('a', unicode), isinstance('a', str)", (True, True, True)),
        ("isinstance(5, (int, long))", True),
        ("long(5)", 5),
        ("str('a') + unicode(5)", "a5"),
        ("17 % 5", 2),
        # spellings
        ("010 + 0x1FL + 10L", 49),
        ("1e010", 1e10),
        ("1 <> 2", True),
        ("sorted({'a': 2, 'b': 1}.items(), key=lambda (k, v): v)", [("b", 1), ("a", 2)]),
        ("map(lambda(a, b): a - b, [(3, 1)])", [2]),
        ("(n for n in [5]).next()", 5),
        ("'010 <> 10L'", "010 <> 10L"),
    ],
)
def test_an_expression_has_the_value_that_it_had(expression: str, value: object) -> None:
    assert value_of(expression) == value


def test_an_error_that_is_caught_as_it_was_written_then() -> None:
    assert run("try:\n    1/0\nexcept (ValueError, ZeroDivisionError), e:\n    x = str(e)\n")["x"] == "division by zero"


@pytest.mark.parametrize(
    "raised", ["ValueError, 'no %d' % 5", "ValueError, ('no 5',)", "ValueError, ValueError('no 5')"]
)
def test_an_error_is_raised_as_it_was_written_then(raised: str) -> None:
    program = f"try:\n    raise {raised}\nexcept ValueError, e:\n    x = str(e), e.message\n"
    assert run(program)["x"] == ("no 5", "no 5")


def test_an_error_without_a_value_has_no_message() -> None:
    assert run("try:\n    raise KeyError, None\nexcept KeyError as e:\n    x = e.message\n")["x"] == ""


def test_the_text_of_a_number_is_not_rounded() -> None:
    with pytest.raises(TypeError):
        run("round('2.5')")


def test_modules_are_found_by_their_names_then_and_floor_gives_a_float() -> None:
    imports = "import math, Queue\nfrom math import ceil\nimport os.path\n"
    program = f"{imports}x = math.floor(1.5), ceil(1.5), Queue.Queue().empty()\n"
    assert [repr(value) for value in run(program)["x"]] == ["1.0", "2.0", "True"]
    assert isinstance(math.floor(1.5), int)  # for everybody else


def test_text_is_formatted_in_place() -> None:
    assert run("x = '%s'\nx %= 1/3\ny = 7\ny %= 4\n")["x"] == "0.333333333333"


def test_a_list_is_sorted_in_place() -> None:
    assert run("x = [3, None, 1]\nx.sort()")["x"] == [None, 1, 3]
    assert run("x = [1, 2]\nx.sort(lambda a, b: b - a)")["x"] == [2, 1]


def test_comparisons_are_evaluated_once_and_no_further_than_needed() -> None:
    program = "seen = []\ndef n(v):\n    seen.append(v)\n    return v\nx = n(1) < n(0) < n(5)\n"
    names = run(program)
    assert (names["x"], names["seen"]) == (False, [1, 0])


def test_numbers_that_have_no_order_still_have_none() -> None:
    with pytest.raises(TypeError):
        run("x = 1j < 2")


def test_a_tab_reaches_the_next_eighth_column() -> None:
    names = run('if 1:\n\tx = 1\n        y = """\n\t"""\n    \tz = 3\n')
    assert (names["x"], names["y"], names["z"]) == (1, "\n\t", 3)


def test_what_is_global_is_named() -> None:
    assert translated("if 1:\n    global a\na = 1\ndef f():\n    global b, c\n", "script")[1] == {"a", "b", "c"}


def test_lines_stay_where_they_are() -> None:
    program = "x = 1L # 2L\ny = '''\n3L'''\n"
    assert respelled(program) == "x = 1 # 2L\ny = '''\n3L'''\n"
