import errno
import shutil

from tests.drivers.devices.sysfs import sysfs_of
from tests.drivers.devices.system import Computer
from tests.drivers.soaking import Errors, Soak
from tests.drivers.trying import Bench, Case, Wrong

FILES = ("load1", "memory", "swap", "received", "sent", "signal", "uptime", "temperature", "under_voltage")


def make(bench: Bench) -> None:
    Computer(bench.place.root)


def remove(bench: Bench) -> None:
    for name in ("proc", "sys"):
        shutil.rmtree(bench.place.root / name)


CASES = [
    Case({"value": "load1"}, make, remove),
    Case({"value": "memory", "measure": FILES}, make, remove),
    Case({"value": "disk", "measure": ["disk_free:/proc", "processes"]}, make),
    Case({"measure": ["load5", "received_rate"]}, make, remove, gives=frozenset({"load5"})),
]


def with_errors(errors: Errors) -> Case:
    def put_failing(bench: Bench) -> None:
        files = sysfs_of(bench)
        files.put("/proc/loadavg", "0.52 0.58 0.59 1/467 1234\n")
        files.trouble = lambda path: errno.EIO if path == "/proc/loadavg" and errors() else 0

    return Case({"value": "load1"}, put_failing)


SOAKS = [Soak(with_errors)]

WRONG = [
    Wrong({"value": "heat"}, "`value`: there is no quantity 'heat'; known are cpu, load1,"),
    Wrong({"measure": ["cpu", "heat"]}, "`measure`: there is no quantity 'heat'"),
    Wrong({"value": "load1:x"}, "behind the colon stands nothing with this quantity"),
    Wrong({"value": "disk:"}, "behind the colon stands a path on the file system"),
    Wrong({"value": "disk:home"}, "`value` is 'disk:home': begin the path with / or ~/"),
    Wrong({"value": "cpu:first"}, "behind the colon stands the number of a core"),
    Wrong({"measure": "cpu"}, "options.measure"),
    Wrong({"colour": "red"}, "'colour'"),
]
