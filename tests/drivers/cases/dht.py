import errno

from tests.drivers.devices.sysfs import TRANSACTION_S, KernelDht22, sysfs_of
from tests.drivers.soaking import Errors, Soak
from tests.drivers.trying import Bench, Case, Wrong


def wire(bench: Bench) -> None:
    bench.made["dht"] = KernelDht22(sysfs_of(bench), bench.clock, "dht11@15")


def let_fail(bench: Bench) -> None:
    bench.made["dht"].outcome = lambda: errno.ETIMEDOUT


def with_errors(errors: Errors) -> Case:
    def wire_failing(bench: Bench) -> None:
        wire(bench)
        bench.made["dht"].outcome = lambda: errno.EIO if errors() else 0

    return Case({"pin": 21}, wire_failing)


CASES = [
    Case({"pin": 21, "backend": "iio"}, wire, let_fail),
    Case({"pin": 21, "model": "dht11"}, wire, let_fail),
    Case({"pin": 21, "patience": 20}, wire, let_fail),
]

SOAKS = [Soak(with_errors, attempts=2, pause_s=2.1, waits_s=(TRANSACTION_S,))]

WRONG = [
    Wrong({}, "'pin'"),
    Wrong({"pin": "GPIO21"}, "options.pin"),
    Wrong({"pin": 99}, "options.pin"),
    Wrong({"pin": 21, "backend": "pigpio"}, "options.backend"),
    Wrong({"pin": 21, "model": "sht31"}, "options.model"),
    Wrong({"pin": 21, "patience": 0}, "options.patience"),
    Wrong({"pin": 21, "colour": "red"}, "'colour'"),
]
