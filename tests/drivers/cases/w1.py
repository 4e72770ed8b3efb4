from tests.drivers.devices.sysfs import CONVERSION_S, SCRATCHPAD_S, OneWireBus, sysfs_of
from tests.drivers.soaking import Errors, Soak
from tests.drivers.trying import Bench, Case, Wrong

A, B = "28-0316a2795dff", "28-0416b3795dfe"


def plug_in_one(bench: Bench) -> None:
    bus = bench.made["bus"] = OneWireBus(sysfs_of(bench), bench.clock)
    bus.add(A, 20)


def plug_in_two(bench: Bench) -> None:
    plug_in_one(bench)
    bench.made["bus"].add(B, 21)


def let_fail(bench: Bench) -> None:
    bench.made["bus"].fails = lambda: True


def with_errors(errors: Errors) -> Case:
    def plug_in_failing(bench: Bench) -> None:
        plug_in_one(bench)
        bench.made["bus"].fails = errors

    return Case({"id": A, "patience": 2}, plug_in_failing)


CASES = [
    Case({}, plug_in_one, let_fail),
    Case({"id": A, "resolution": 10}, plug_in_one, let_fail),
    Case({"ids": {"value": A, "outside": B}, "patience": 2}, plug_in_two, let_fail),
]

# Two conversions of 0.75 s and the pause between them take less than the 2 s of its patience, three do not.
SOAKS = [Soak(with_errors, interval_s=3.0, attempts=2, pause_s=0.1, waits_s=(CONVERSION_S[12] + SCRATCHPAD_S,))]

WRONG = [
    Wrong({"id": "28-0316A2795DFF"}, "`id` is '28-0316A2795DFF': it is a family, a dash and twelve of 0-9 and a-f"),
    Wrong({"id": "29-000000000001"}, "families are 10 (DS18S20), 22 (DS1822), 28 (DS18B20), 3b (DS1825), 42"),
    Wrong({"ids": {"a": "28"}}, "`ids.a` is '28'"),
    Wrong({"id": A, "ids": {"a": B}}, "`id` and `ids` cannot be used together"),
    Wrong({"resolution": 13}, "options.resolution"),
    Wrong({"patience": "soon"}, "options.patience"),
    Wrong({"colour": "red"}, "'colour'"),
]
