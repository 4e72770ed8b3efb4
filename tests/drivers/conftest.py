from pathlib import Path

import pytest

from drivers.driver import Place
from tests.support.driven_time import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    """Give a clock that stands still until the test lets time pass."""
    return ManualClock()


@pytest.fixture
def place(tmp_path: Path, clock: ManualClock) -> Place:
    """Give the place of the codifier FK, with a state directory of its own and the test's clock."""
    return Place("FK", tmp_path / "state", clock.monotonic)
