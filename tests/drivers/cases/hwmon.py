from tests.drivers.devices.sysfs import failing_now_and_then, put_hwmon, sysfs_of
from tests.drivers.soaking import Errors, Soak
from tests.drivers.trying import Bench, Case, Wrong


def put_chip(bench: Bench) -> None:
    put_hwmon(sysfs_of(bench), 1, "ina219", {"in1_input": "5016", "curr1_input": "124", "curr1_label": "battery"})


def take_away(bench: Bench) -> None:
    sysfs_of(bench).remove("/sys")


def with_errors(errors: Errors) -> Case:
    def put_failing_chip(bench: Bench) -> None:
        put_chip(bench)
        failing_now_and_then(sysfs_of(bench), errors)

    return Case({"chip": "ina219", "source": "in1"}, put_failing_chip)


CASES = [
    Case({"chip": "ina219", "source": "in1"}, put_chip, take_away),
    Case({"chip": "ina219", "parent": "1-0048", "source": "battery"}, put_chip, take_away),
    Case({"chip": "ina219", "sources": {"value": "in1", "current": "curr1"}}, put_chip, take_away),
]

SOAKS = [Soak(with_errors, interval_s=2.0, attempts=3, pause_s=0.1)]

WRONG = [
    Wrong({}, "'chip'"),
    Wrong({"chip": ""}, "options.chip"),
    Wrong({"chip": "x", "source": "temp1", "sources": {"a": "temp2"}}, "`source` and `sources`"),
    Wrong({"chip": "x", "source": " "}, "`source` is empty: name an input such as temp1, or a label"),
    Wrong({"chip": "x", "sources": {"a": ""}}, "`sources.a` is empty"),
    Wrong({"chip": "x", "colour": "red"}, "'colour'"),
]
