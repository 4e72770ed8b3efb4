from tests.drivers.devices.gpio import plug_in, unplug
from tests.drivers.soaking import Errors, Soak
from tests.drivers.trying import Bench, Case, Wrong

CASES = [
    Case({"pin": 17}, fail=unplug, set_up=plug_in),
    Case({"pin": 17, "mode": "button"}, fail=unplug, set_up=plug_in),
    Case({"pin": 17, "mode": "counter"}, fail=unplug, set_up=plug_in, gives=frozenset({"total"})),
]


def with_errors(errors: Errors) -> Case:
    def set_up(bench: Bench) -> dict[str, str]:
        plug_in(bench)
        bench.made["header"].misreads = errors
        return {}

    return Case({"pin": 17}, set_up=set_up)


SOAKS = [Soak(with_errors)]

WRONG = [
    Wrong({}, "'pin' is missing"),
    Wrong({"pin": 54}, "options.pin"),
    Wrong({"pin": 17, "mode": "output"}, "options.mode"),
    Wrong({"pin": 17, "pull": "sideways"}, "options.pull"),
    Wrong({"pin": 17, "each": 2}, "`each` is for `mode: counter` only"),
    Wrong({"pin": 17, "mode": "counter", "each": 0}, "`each` is 0: it must be more than 0"),
    Wrong({"pin": 17, "mode": "counter", "each": 1, "per_unit": 2}, "`each` and `per_unit` cannot be used together"),
    Wrong({"pin": 17, "debounce": "1ms"}, "`debounce` is 0.001 s: at least 10ms"),
    Wrong({"pin": 17, "rate_per": "1h"}, "`rate_per` is for `mode: counter` only"),
    Wrong({"pin": 17, "colour": "red"}, "'colour'"),
]
