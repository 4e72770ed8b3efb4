"""What a program of Python 2 gives here: the values are those that its language reference promises."""

from typing import Any

import pytest

from drivers.calculations.python2 import NAMES, respelled, translated


def run(program: str) -> dict[str, Any]:
    names: dict[str, Any] = dict(NAMES)
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
        ("'010 <> 10L'", "010 <> 10L"),
    ],
)
def test_an_expression_has_the_value_that_it_had(expression: str, value: object) -> None:
    assert value_of(expression) == value


def test_an_error_that_is_caught_as_it_was_written_then() -> None:
    assert run("try:\n    1/0\nexcept (ValueError, ZeroDivisionError), e:\n    x = str(e)\n")["x"] == "division by zero"


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


def test_what_is_global_outside_of_functions_is_named() -> None:
    assert translated("if 1:\n    global a\na = 1\ndef f():\n    global b\n", "script")[1] == {"a"}


def test_lines_stay_where_they_are() -> None:
    program = "x = 1L # 2L\ny = '''\n3L'''\n"
    assert respelled(program) == "x = 1 # 2L\ny = '''\n3L'''\n"
