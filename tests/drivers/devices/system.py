"""A computer to look at: its /proc and /sys in a directory, as the kernel of a Raspberry Pi writes them."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

_TICKS: Final = 100  # of the kernel's clock, in a second
_NET: Final = "Inter-|   Receive |  Transmit\n face |bytes packets errs drop fifo frame compressed multicast|bytes\n"
_WIRELESS: Final = "Inter-| sta-| Quality | Discarded\n face | tus | link level noise | nwid\n"


class Computer:
    """A computer with two cores.

    `fails` is asked each time that time passes whether /proc and /sys cannot be read then.
    """

    def __init__(self, root: Path, fails: Callable[[], bool] = lambda: False) -> None:
        self.root = root
        self.fails = fails
        self.busy_s = [100.0, 200.0]
        self.idle_s = [900.0, 800.0]
        self.bytes = {"lo": (5, 5), "eth0": (1_000, 500), "wlan0": (200, 100)}
        self.write("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 200 kB\nMemAvailable: 400 kB\nBuffers: 0 kB\n")
        self.add("proc/meminfo", "Cached: 0 kB\nSReclaimable: 0 kB\nShmem: 0 kB\nActive: 1 kB\nInactive: 1 kB\n")
        self.add("proc/meminfo", "SwapTotal: 500 kB\nSwapFree: 400 kB\n")
        self.write("proc/vmstat", "pswpin 0\npswpout 0\n")
        self.write("proc/loadavg", "0.52 0.58 0.59 1/467 1234\n")
        self.write("proc/uptime", "5400.12 10000.00\n")
        self.write("proc/net/wireless", f"{_WIRELESS} wlan0: 0000   58.  -52.  -256        0\n")
        for process in (1, 2, 300):
            self.write(f"proc/{process}/stat", "")
        self.write("sys/class/thermal/thermal_zone0/type", "cpu-thermal\n")
        self.write("sys/class/thermal/thermal_zone0/temp", "52312\n")
        self.write("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
        self.write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "0\n")
        self.show()

    def write(self, path: str, text: str) -> None:
        """Have a file say something."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def add(self, path: str, text: str) -> None:
        """Have a file say more."""
        self.write(path, (self.root / path).read_text() + text)

    def remove(self, path: str) -> None:
        """Have a file no more."""
        (self.root / path).unlink()

    def pass_time(self, seconds: float, *busy: float) -> None:
        """Let time pass, in which each core was busy for a share of it; or nothing can be read."""
        for core, share in enumerate(busy):
            self.busy_s[core] += seconds * share
            self.idle_s[core] += seconds * (1 - share)
        self.show()
        if self.fails():
            self.remove("proc/stat")

    def transfer(self, interface: str, received: int, sent: int) -> None:
        """Let an interface carry more bytes."""
        before = self.bytes[interface]
        self.bytes[interface] = before[0] + received, before[1] + sent
        self.show()

    def show(self) -> None:
        """Write what changes."""
        cores = [
            (round(busy * _TICKS), round(idle * _TICKS)) for busy, idle in zip(self.busy_s, self.idle_s, strict=True)
        ]
        whole = (sum(busy for busy, _ in cores), sum(idle for _, idle in cores))
        lines = [
            f"cpu{name} {busy} 0 0 {idle} 0 0 0 0 0 0"
            for name, (busy, idle) in zip((" ", 0, 1), (whole, *cores), strict=True)
        ]
        self.write("proc/stat", "\n".join([*lines, "btime 1700000000", ""]))
        rows = (f"{name}: {got} 0 0 0 0 0 0 0 {sent} 0 0 0 0 0 0 0\n" for name, (got, sent) in self.bytes.items())
        self.write("proc/net/dev", _NET + "".join(rows))
