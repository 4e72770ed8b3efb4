import errno

from tests.drivers.devices_sysfs import KernelDht22, sysfs_of
from tests.drivers.trying import Bench, Case, Wrong


def wire(bench: Bench) -> None:
    bench.made["dht"] = KernelDht22(sysfs_of(bench), bench.clock, "dht11@15")


def let_fail(bench: Bench) -> None:
    bench.made["dht"].outcome = lambda: errno.ETIMEDOUT


CASES = [
    Case({"pin": 21, "backend": "iio"}, wire, let_fail),
    Case({"pin": 21, "model": "dht11"}, wire, let_fail),
    Case({"pin": 21, "patience": 20}, wire, let_fail),
]

WRONG = [
    Wrong({}, "'pin'"),
    Wrong({"pin": "GPIO21"}, "options.pin"),
    Wrong({"pin": 99}, "options.pin"),
    Wrong({"pin": 21, "backend": "pigpio"}, "options.backend"),
    Wrong({"pin": 21, "model": "sht31"}, "options.model"),
    Wrong({"pin": 21, "patience": 0}, "options.patience"),
    Wrong({"pin": 21, "colour": "red"}, "'colour'"),
]
