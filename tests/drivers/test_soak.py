"""Ten simulated minutes of each driver, of whose transactions one in ten fails: what is counted is what is computed."""

from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest

from agent.threads import DaemonThreads
from drivers import registry
from tests.drivers.soaking import ERROR_SHARE, Errors, Site, Soak, expected, soaked
from tests.drivers.trying import module_of
from tests.support.driven_time import ManualClock

SOAKS: Final[list[tuple[str, Soak]]] = [
    (driver, soak) for driver in registry.DRIVERS for soak in getattr(import_module(module_of(driver)), "SOAKS", [])
]


@pytest.fixture
def threads() -> Iterator[DaemonThreads]:
    threads = DaemonThreads("soak")
    yield threads
    threads.close()


@pytest.mark.parametrize("driver", registry.DRIVERS)
def test_every_driver_is_soaked_or_says_why_it_is_not(driver: str) -> None:
    cases = import_module(module_of(driver))
    assert bool(getattr(cases, "SOAKS", [])) != bool(getattr(cases, "NOT_SOAKED", ""))


@pytest.mark.parametrize(("driver", "soak"), SOAKS, ids=[driver for driver, _ in SOAKS])
async def test_ten_minutes_with_errors_come_to_what_is_computed(
    driver: str, soak: Soak, tmp_path: Path, threads: DaemonThreads
) -> None:
    computed = expected(soak, Errors(ManualClock()))
    with ExitStack() as stack:
        site = Site(driver, soak, tmp_path, stack, threads)
        assert await soaked(site, soak.interval_s) == computed
    assert computed.quarantines
    assert 0.5 * ERROR_SHARE < site.errors.failed / site.errors.transactions < 2.5 * ERROR_SHARE
