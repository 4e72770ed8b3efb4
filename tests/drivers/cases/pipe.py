import math
import os

from tests.drivers.devices.sysfs import failing_now_and_then, sysfs_of
from tests.drivers.soaking import Errors, Soak
from tests.drivers.trying import Bench, Case, Wrong, hold_open, nothing, remove, write


def make_fifo(bench: Bench) -> None:
    os.mkfifo(bench.path)
    # What is written stays as long as somebody has the FIFO open.
    os.write(hold_open(bench, os.open(bench.path, os.O_RDWR)), b"21.5\n")


CASES = [
    Case({"path": "/source"}, write("21.5\n"), remove),
    Case({"path": "/source", "scale": 0.001, "offset": 1}, write("21500\n"), write("")),
    Case({"path": "/source", "field": 2}, write("a 2"), write("a")),
    Case({"path": "/source", "pattern": r"t=(\d+)"}, write("t=21"), write("t=x")),
    Case({"path": "/source", "fields": {"value": 1, "two": 2}}, write("1 2"), write("1 nan")),
    Case({"path": "/source", "patterns": {"a": r"a=(\S+)", "b": r"b=(\S+)"}}, write("a=1 b=2"), write("a=1")),
    Case({"path": "/source", "timeout": 5}, make_fifo, nothing),
    Case({"command": "cat FILE"}, write("21.5\n"), remove),
]


def with_errors(errors: Errors) -> Case:
    def put_failing(bench: Bench) -> None:
        sysfs_of(bench).put("/source_raw", "21.5\n")
        failing_now_and_then(sysfs_of(bench), errors)

    return Case({"path": "/source_raw"}, put_failing)


SOAKS = [Soak(with_errors)]

WRONG = [
    Wrong({}, "`path` or `command`"),
    Wrong({"path": "/x", "command": "true"}, "`path` or `command`"),
    Wrong({"path": "temperature"}, "`path` is 'temperature'"),
    Wrong({"command": ""}, "`command` is empty"),
    Wrong({"command": "echo '"}, "`command`: No closing quotation"),
    Wrong({"path": "/x", "field": 0}, "options.field"),
    Wrong({"path": "/x", "fields": {"a": 0}}, "options.fields.a"),
    Wrong({"path": "/x", "field": 1, "pattern": "(.)"}, "`field` and `pattern` cannot be used together"),
    Wrong({"path": "/x", "pattern": "("}, "`pattern` is '('"),
    Wrong({"path": "/x", "pattern": "x"}, "`pattern` is 'x', without a group"),
    Wrong({"path": "/x", "patterns": {"a": "x"}}, "`patterns.a` is 'x', without a group"),
    Wrong({"path": "/x", "scale": "much"}, "options.scale"),
    Wrong({"path": "/x", "scale": math.inf}, "scale"),
    Wrong({"path": "/x", "timeout": "5 parsecs"}, "options.timeout"),
    Wrong({"path": "/x", "colour": "red"}, "'colour'"),
]
