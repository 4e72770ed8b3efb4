from tests.drivers.devices.sysfs import failing_now_and_then, sysfs_of
from tests.drivers.soaking import Errors, Soak
from tests.drivers.trying import Bench, Case, Wrong, remove, write

CASES = [
    Case({"command": "cat FILE"}, write("21.5\n"), remove),
    Case({"command": ["cat", "FILE"], "field": "a.b"}, write('{"a": {"b": 1}}'), write("{}")),
    Case({"command": "cat FILE", "fields": {"value": "a", "b": "b[0]"}}, write('{"a": 1, "b": [2]}'), write("no JSON")),
    Case({"command": "sh -c 'cat FILE; exit 1'", "exit_codes": [1]}, write("1"), write("")),
]


def with_errors(errors: Errors) -> Case:
    def put_failing(bench: Bench) -> None:
        sysfs_of(bench).put("/source_raw", "21.5\n")
        failing_now_and_then(sysfs_of(bench), errors)

    return Case({"command": "cat FILE_raw"}, put_failing)


SOAKS = [Soak(with_errors)]

WRONG = [
    Wrong({}, "'command'"),
    Wrong({"command": ""}, "`command` is empty"),
    Wrong({"command": []}, "`command` is empty"),
    Wrong({"command": [""]}, "`command` is empty"),
    Wrong({"command": ["echo", "a\0b"]}, "`command` has a zero byte"),
    Wrong({"command": "echo '"}, "`command`: No closing quotation"),
    Wrong({"command": "true", "field": ""}, "`field` is empty"),
    Wrong({"command": "true", "field": "a["}, "`field` is 'a['"),
    Wrong({"command": "true", "field": "a\x1b[31m"}, r"Bad jmespath expression: Unknown token \x1b"),
    Wrong({"command": "true", "fields": {"b": "a["}}, "`fields.b` is 'a['"),
    Wrong({"command": "true", "field": "a", "fields": {"value": "b"}}, "`field` and `fields.value`"),
    Wrong({"command": "true", "exit_codes": [256]}, "options.exit_codes"),
    Wrong({"command": "true", "timeout": "soon"}, "options.timeout"),
    Wrong({"command": "true", "colour": "red"}, "'colour'"),
]
