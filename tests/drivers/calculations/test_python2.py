"""What a program of Python 2 gives here: the values are those that its language reference promises."""

import math
from typing import Any

import pytest

from drivers.calculations.python2 import NAMES
from drivers.calculations.python2_library import MATH
from drivers.calculations.python2_syntax import RUNNING, respelled, translated


def run(program: str) -> dict[str, Any]:
    names: dict[str, Any] = {**NAMES, **RUNNING, "math": MATH}
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
        ("'a'.decode('utf-8'), b'a'.decode('utf-8')", ("a", "a")),
        ("'abc'.encode('hex'), b'abc'.encode('hex'), '616263'.decode('hex')", ("616263", "616263", "abc")),
        ("'abc'.encode('base64')", "YWJj\n"),
        ("type('a') is unicode, type('a') is not unicode", (True, False)),
        ("'{:>16}|{:<16}|{:016}'.format(1/3, 0.1, 2.5)", "  0.333333333333|0.1             |00000000000002.5"),
        ("'{a[b]} {a[b].real} {c!s}'.format(a={'b': 1/3}, c=1/7)", "0.333333333333 0.333333333333 0.142857142857"),
        ("'{:>6}|{:3}|'.format(None, [1])", "  None|[1]|"),
        ("'{{}} {:{w}.{p}f}'.format(1/3, w=6, p=2)", "{}   0.33"),
        ("format(1/3), format(1/3, '.2f')", ("0.333333333333", "0.33")),
        ("'%x %X' % (255.5, 10.0)", "ff A"),
        ("oct(8), oct(0), oct(-8)", ("010", "0", "-010")),
        ("type('a') == unicode, type('a') == str, type(5) == long, type(5) == str", (True, True, True, False)),
        ("'%s' % (1/3)", "0.333333333333"),
        ("'%s %d' % (0.1 + 0.2, 7)", "0.3 7"),
        ("'%(a)s' % {'a': 1/3}", "0.333333333333"),
        ("'{} {:.1f}'.format(1/3, 1/3)", "0.333333333333 0.3"),
        ("isinstance('a', basestring), isinstance('a', unicode), isinstance('a', str)", (True, True, True)),
        ("isinstance(5, (int, long))", True),
        ("int('08'), float(' 1.5 '), int('ff', 16), map(int, ['1'])", (8, 1.5, 255, [1])),
        ("(-8) ** 2, 2 ** -1, pow(2, 3, 5), (-2.0) ** 3", (64, 0.5, 3, -8.0)),
        ("long(5)", 5),
        ("str('a') + unicode(5)", "a5"),
        ("17 % 5", 2),
        # spellings
        ("010 + 0x1FL + 10L", 49),
        ("1e010", 1e10),
        ("1 <> 2", True),
        ("sorted({'a': 2, 'b': 1}.items(), key=lambda (k, v): v)", [("b", 1), ("a", 2)]),
        ("map(lambda(a, b): a - b, [(3, 1)])", [2]),
        ("map(lambda a, (b, c): a + b * c, [1], [(2, 3)])", [7]),
        ("map(lambda (a): a, [1])", [1]),
        ("`1/3` + `'a b'.split() == ['a', 'b']`", "0.3333333333333333True"),
        ("ur'a\\d'", "a\\d"),
        ("apply(max, (1, 2)), coerce(1, 2.5)", (2, (1.0, 2.5))),
        ("list({1: 2}.viewkeys())", [1]),
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


@pytest.mark.parametrize(
    ("program", "value"),
    [
        ("x = 10\ny = [x * 2 for x in (1, 2)]", 2),
        ("y = [a for a in [x for x in (1, 2)]]", 2),
        ("y = [[x for x in range(n)] for n in (2, 3)]", 2),
        ("y = [b for a in (1, 2) for b in (a, 10)]\nx = (a, b)", (2, 10)),
        ("y = [k for k, x in [(1, 2)] if x > 5]\nx = (k, x)", (1, 2)),
        ("def f():\n    y = [v for v in (1, 2)]\n    return v\nx = f()", 2),
        ("x = 5\ny = [x for x in []]", 5),
        ("x = 5\ny = sum(x for x in (1, 2)), {x for x in (1, 2)}, {x: 1 for x in (1, 2)}", 5),
        ("class A:\n    y = [q for q in (1, 2)]\nx = A.y", [1, 2]),
        ("x = sum(len([c for c in w]) for w in ('a', 'bc'))", 3),
        ("x = [0]\ny = [1 for x[0] in (1, 2)]", [2]),
    ],
)
def test_a_list_comprehension_leaves_its_names_behind(program: str, value: object) -> None:
    assert run(program)["x"] == value


@pytest.mark.parametrize(
    ("program", "value"),
    [
        ("x = eval('010 + 1L'), eval(\"'%s' % (1/3)\"), eval(' None < 3')", (9, "0.333333333333", True)),
        ("def f(n):\n    return eval('n < m', {'n': n, 'm': None}), eval('n > None')\nx = f(5)", (False, True)),
        ("exec('try: 1/0\\nexcept Exception, x: pass')\nx = str(x)", "division by zero"),
        ("exec('x = [n for n in (1, 2)], n', globals())", ([1, 2], 2)),
        ("exec(compile('x = 5', 'a', 'exec'))", 5),
    ],
)
def test_text_that_it_runs_is_a_program_of_python_2_too(program: str, value: object) -> None:
    assert run(program)["x"] == value


def test_an_error_that_was_caught_keeps_its_name() -> None:
    assert str(run("try:\n    int('a')\nexcept ValueError, x:\n    pass\n")["x"]).startswith("invalid literal")
    assert run("try:\n    raise IOError(2, 'no')\nexcept IOError, (n, x):\n    pass\n")["x"] == "no"


def test_a_parameter_may_be_a_tuple() -> None:
    assert run("def f(a, (b, c), d=4):\n    return a + b * c + d\nx = f(1, (2, 3))")["x"] == 11
    assert run("def f(a=(1, 2)):\n    return a\nx = f()")["x"] == (1, 2)


def test_a_class_has_the_methods_that_it_had() -> None:
    version = (
        "class V:\n    def __init__(s, v):\n        s.v = v\n    def __cmp__(s, o):\n        return cmp(s.v, o.v)\n"
    )
    compared = "V(1) < V(2), V(2) < V(1), V(1) == V(1), V(1) != V(1), V(1) >= V(2), max([V(1), V(3)]).v"
    assert run(f"{version}x = {compared}")["x"] == (True, False, True, False, False, 3)
    assert run("class V:\n    def __nonzero__(s):\n        return False\nclass W(V): pass\nx = bool(W())")["x"] is False
    counter = "class C:\n    n = 0\n    def __iter__(s):\n        return s\n    def next(s):\n        s.n += 1\n"
    stops = "        if s.n > 2: raise StopIteration\n        return s.n\nx = list(C()), C().next()"
    assert run(counter + stops)["x"] == ([1, 2], 1)


def test_what_a_program_gives_a_name_has_it() -> None:
    assert run("int = lambda n: 42\nx = int('1_0')")["x"] == 42
    assert run("class D(dict):\n    def keys(s):\n        return ['own']\nx = D(a=1).keys(), D(a=1).values()")["x"] == (
        ["own"],
        [1],
    )


def test_a_power_that_is_no_real_number_is_an_error() -> None:
    for power in ("(20 - 25) ** 0.8", "pow(-8, 1/3)"):
        with pytest.raises(ValueError, match="negative number cannot be raised to a fractional power"):
            run(f"x = {power}")
    with pytest.raises(ValueError, match="negative number"):
        run("x = -3\nx **= 0.5")


@pytest.mark.parametrize("expression", ["int('1_000')", "map(float, ['1_0'])", "long('1_0')"])
def test_a_number_has_no_underscores(expression: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        value_of(expression)


@pytest.mark.parametrize("expression", ["{1: 2} < {1: 3}", "b'a' < 'b'"])
def test_what_has_no_order_here_is_an_error(expression: str) -> None:
    with pytest.raises(TypeError):
        value_of(expression)


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
    assert run("d = {'a': ['%s']}\nd['a'][0] %= 1/3\nx = d['a'][0]")["x"] == "0.333333333333"


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
