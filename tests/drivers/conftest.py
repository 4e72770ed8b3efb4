from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.driver import Place
from tests.support.driven_time import ManualClock
from tests.support.fake_sysfs import FakeSysfs, mounted


@pytest.fixture
def clock() -> ManualClock:
    """Give a clock that stands still until the test lets time pass."""
    return ManualClock()


@pytest.fixture
def place(tmp_path: Path, clock: ManualClock) -> Place:
    """Give the place of the codifier FK, with a state directory of its own and the test's clock."""
    return Place("FK", tmp_path / "state", clock.monotonic)


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
