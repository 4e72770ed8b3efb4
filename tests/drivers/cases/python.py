from tests.drivers.devices.sysfs import failing_now_and_then, sysfs_of
from tests.drivers.soaking import Errors, Soak
from tests.drivers.trying import Bench, Case, Wrong, remove, write

CASES = [
    Case({"expressions": {"value": "6 * 7", "half": {"expression": "sqrt(0.25)", "max_age": 5.0}}}),
    Case({"file": "/source"}, write("x = max([{{ A4 }}, 1])\n"), remove, gives=frozenset({"value"})),
    Case({"file": "/source", "timeout": 20}, write("x = 1\n"), write("x = 1 / 0\n"), gives=frozenset({"value"})),
]


def with_errors(errors: Errors) -> Case:
    """Run a script that reads a file beside it."""

    def put_failing(bench: Bench) -> None:
        sysfs_of(bench).put("/source", f"x = float(open('{bench.path}_raw').read())\n")
        sysfs_of(bench).put("/source_raw", "21.5\n")
        failing_now_and_then(sysfs_of(bench), errors)

    return Case({"file": "/source"}, put_failing)


SOAKS = [Soak(with_errors)]

WRONG = [
    Wrong({}, "`expressions` or `file`"),
    Wrong({"file": "/x", "expressions": {"value": "A4"}}, "`expressions` or `file`"),
    Wrong({"file": " "}, "`file` is empty"),
    Wrong({"file": "/x", "timeout": 0}, "options.timeout"),
    Wrong({"file": "/x", "timeout": "soon"}, "options.timeout"),
    Wrong({"expressions": {"value": "A4 +"}}, "`expressions.value`"),
    Wrong({"expressions": {"value": "A4 A5"}}, "goes on after its end"),
    Wrong({"expressions": {"value": "radiator"}}, "'radiator' is neither a codifier nor one of abs"),
    Wrong({"expressions": {"value": "value(A4)"}}, "value() takes one codifier in quotes"),
    Wrong({"expressions": {"value": "value('A')"}}, "'A' is neither a codifier"),
    Wrong({"expressions": {"value": "A4|upper"}}, "upper"),
    Wrong({"expressions": {"value": "(" * 900}}, "`expressions.value`"),
    Wrong({"expressions": {"value": "A4" + " + A4" * 300}}, "more than 1000 characters"),
    Wrong({"expressions": {"value": {"expression": "A4", "max_age": "old"}}}, "expressions.value"),
    Wrong({"expressions": {"value": "A4"}, "max_age": -1}, "options.max_age"),
    Wrong({"expressions": {"value": "A4"}, "colour": "red"}, "'colour'"),
]
