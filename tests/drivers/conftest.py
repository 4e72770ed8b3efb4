from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from drivers.driver import Place
from tests.drivers.devices.nest import Google
from tests.support.driven_time import ManualClock
from tests.support.fake_sysfs import FakeSysfs, mounted

CLOCK_MODULE: Final = """'''The time.'''

from drivers.driver import DriverOptions

class Clock:
    Options = DriverOptions
    def __init__(self, options, place): pass
    def read(self): return {"value": 12}
    def close(self): pass
"""

MODULES: Final = {
    "clockwork": CLOCK_MODULE,
    "sundial": "import the_library_of_the_sun",
    "hourglass": "raise RuntimeError('no sand')",
    "candle": "class Candle: Options = dict",
}

ENTRY_POINTS: Final = """\
[jph.drivers]
clock = clockwork:Clock
pipe = clockwork:Clock
shadow = clockwork:Shadow
sundial = sundial:Sundial
hourglass = hourglass:Hourglass
candle = candle:Candle
"""


@pytest.fixture
def other_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package with the driver `clock`, which works, one called as ours, and several that do not load."""
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text, "ascii")
    metadata = tmp_path / "clockwork-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: clockwork\nVersion: 1.0\n", "ascii")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS, "ascii")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.fixture
def clock() -> ManualClock:
    """Give a clock that stands still until the test lets time pass."""
    return ManualClock()


@pytest.fixture
def place(tmp_path: Path, clock: ManualClock) -> Place:
    """Give the place of the codifier FK, with a state directory of its own and the test's clock."""
    return Place("FK", tmp_path / "state", clock.monotonic)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Give what ends with the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def google(stack: ExitStack, clock: ManualClock) -> Google:
    """Give a Google with one thermostat, whose time is the test's."""
    return stack.enter_context(Google(clock.monotonic).serving())


@pytest.fixture
def sys_root(tmp_path: Path) -> Path:
    """Give the directory that stands for the file system's root where /sys is made up."""
    root = tmp_path / "root"
    root.mkdir()
    return root


@pytest.fixture
def sysfs(sys_root: Path) -> Iterator[FakeSysfs]:
    """Give a made-up /sys whose files the test puts, at `sys_root`."""
    with mounted(sys_root) as files:
        yield files


@pytest.fixture
def sys_place(tmp_path: Path, sys_root: Path, clock: ManualClock) -> Place:
    """Give the place of FK where /sys is made up; sleeping lets the test's clock go on."""
    return Place("FK", tmp_path / "state", clock.monotonic, sys_root, clock.pass_time)
