"""Fans behind /sys: a PWM chip and a fan controller, as the kernel shows them, with fans that turn, or are held."""

import errno
import os
from collections.abc import Callable
from typing import Final

from tests.drivers.devices.gpio import plug_in
from tests.drivers.trying import Bench
from tests.support.fake_sysfs import FakeSysfs, Trouble, mounted

PWM_CLASS: Final = "/sys/class/pwm"
HWMON_CLASS: Final = "/sys/class/hwmon"
FULL_RPM: Final = 3000
UDEV_S: Final = 0.1


def refuse(number: int) -> None:
    """Refuse a write with an errno."""
    raise OSError(number, os.strerror(number))


class PwmChannel:
    """One channel with the rules of drivers/pwm/core.c: no state without a period, no duty cycle beyond it."""

    def __init__(self) -> None:
        self.period_ns = self.duty_ns = 0
        self.polarity = "normal"
        self.enabled = 0
        self.history: list[float] = []  # percent that the fan got, each time that it changed

    @property
    def high_percent(self) -> float:
        """How much of the time the pin is high."""
        if not (self.enabled and self.period_ns):
            return 0.0
        percent = 100 * self.duty_ns / self.period_ns
        return percent if self.polarity == "normal" else 100 - percent

    def put(self, sysfs: FakeSysfs, path: str) -> None:
        """Show the files of the channel in a directory."""
        for name, show, store in (
            ("period", lambda: self.period_ns, self._store_period),
            ("duty_cycle", lambda: self.duty_ns, self._store_duty),
            ("polarity", lambda: self.polarity, self._store_polarity),
            ("enable", lambda: self.enabled, self._store_enable),
        ):
            sysfs.attribute(f"{path}/{name}", _line(show), store)

    def _store_period(self, text: str) -> None:
        if int(text) == 0 or int(text) < self.duty_ns:
            refuse(errno.EINVAL)
        self.period_ns = int(text)
        self._changed()

    def _store_duty(self, text: str) -> None:
        if self.period_ns == 0 or int(text) > self.period_ns:
            refuse(errno.EINVAL)
        self.duty_ns = int(text)
        self._changed()

    def _store_polarity(self, text: str) -> None:
        if text not in ("normal", "inversed") or self.period_ns == 0:
            refuse(errno.EINVAL)
        if self.enabled:
            refuse(errno.EBUSY)
        self.polarity = text
        self._changed()

    def _store_enable(self, text: str) -> None:
        if text not in ("0", "1") or self.period_ns == 0:
            refuse(errno.EINVAL)
        self.enabled = int(text)
        self._changed()

    def _changed(self) -> None:
        if not self.history or self.history[-1] != self.high_percent:
            self.history.append(self.high_percent)


class PwmChip:
    """A chip. An exported channel belongs to root until udev has handed it on. `fails` lets single accesses fail."""

    def __init__(
        self, sysfs: FakeSysfs, monotonic: Callable[[], float], name: str, device: str, channels: int = 2
    ) -> None:
        self.path = f"{PWM_CLASS}/{name}"
        self.channels = [PwmChannel() for _ in range(channels)]
        self.taken: set[int] = set()  # channels that a driver of the kernel has
        self.fails: Trouble = lambda _path: 0
        self._sysfs = sysfs
        self._monotonic = monotonic
        self._exported: dict[int, float] = {}  # when
        sysfs.trouble = self._trouble
        sysfs.link(f"{self.path}/device", f"../../../{device}")
        sysfs.put(f"{self.path}/npwm", f"{channels}\n")
        sysfs.attribute(f"{self.path}/export", None, self._export)

    def export(self, channel: int) -> PwmChannel:
        """Export a channel, as another program did before."""
        self._exported[channel] = self._monotonic() - 1
        self.channels[channel].put(self._sysfs, f"{self.path}/pwm{channel}")
        return self.channels[channel]

    def _export(self, text: str) -> None:
        channel = int(text)
        if channel >= len(self.channels):
            refuse(errno.ENODEV)
        if channel in self._exported or channel in self.taken:
            refuse(errno.EBUSY)
        self.export(channel)
        self._exported[channel] = self._monotonic()

    def _trouble(self, path: str) -> int:
        is_new = any(
            path.startswith(f"{self.path}/pwm{channel}/") and self._monotonic() - since_s < UDEV_S
            for channel, since_s in self._exported.items()
        )
        return errno.EACCES if is_new else self.fails(path)


class FanChip:
    """A fan controller with one fan: `pwm1`, `pwm1_enable`, where the chip has it, and `fan1_input`."""

    def __init__(self, sysfs: FakeSysfs, name: str = "emc2305", number: int = 0, mode: int | None = 2) -> None:
        self.path = f"{HWMON_CLASS}/hwmon{number}"
        self.mode = mode
        self.pwm = 80
        self.is_held = False
        self.history: list[int] = []  # what was written to pwm1
        sysfs.put(f"{self.path}/name", f"{name}\n")
        sysfs.attribute(f"{self.path}/pwm1", lambda: f"{self.pwm}\n", self._store_pwm)
        sysfs.attribute(f"{self.path}/fan1_input", lambda: f"{self.rpm}\n")
        if mode is not None:
            sysfs.attribute(f"{self.path}/pwm1_enable", lambda: f"{self.mode}\n", self._store_mode)

    @property
    def rpm(self) -> int:
        """How quickly the fan turns."""
        return 0 if self.is_held else round(FULL_RPM * self.pwm / 255)

    def _store_pwm(self, text: str) -> None:
        if not 0 <= int(text) <= 255 or self.mode not in (1, None):
            refuse(errno.EINVAL)
        self.pwm = int(text)
        self.history.append(self.pwm)

    def _store_mode(self, text: str) -> None:
        if int(text) not in (0, 1, 2):
            refuse(errno.EINVAL)
        self.mode = int(text)
        if self.mode == 0:
            self.pwm = 255


def with_pwm(bench: Bench) -> dict[str, str]:
    """Give the bench a PWM chip."""
    sysfs = bench.made["sysfs"] = bench.stack.enter_context(mounted(bench.place.root))
    bench.made["chip"] = PwmChip(sysfs, bench.clock.monotonic, "pwmchip0", "fe20c000.pwm")
    return {}


def with_hwmon(bench: Bench) -> dict[str, str]:
    """Give the bench a fan controller."""
    sysfs = bench.made["sysfs"] = bench.stack.enter_context(mounted(bench.place.root))
    bench.made["chip"] = FanChip(sysfs)
    return {}


def with_pwm_and_header(bench: Bench) -> dict[str, str]:
    """Give the bench a PWM chip, and a header whose pins count."""
    return {**with_pwm(bench), **plug_in(bench)}


def break_sys(bench: Bench) -> None:
    """Let every file of /sys fail."""
    bench.made["sysfs"].trouble = lambda _path: errno.EIO


def _line(show: Callable[[], object]) -> Callable[[], str]:
    return lambda: f"{show()}\n"
