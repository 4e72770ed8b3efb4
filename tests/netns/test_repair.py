"""No reading is lost: real agents and sinks on several hosts, and a network that loses, is cut, and kills.

The scenarios that take a minute and more run beside the others, in processes of their own and from the beginning.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.netns import scenarios
from tests.netns.hosts import Lan, missing
from tests.netns.plant import CHECKOUT, Plant, kill
from tests.netns.scenarios import IN_CI, SCENARIOS
from tests.netns.shelves import sqlite_shelf
from tests.storage import redis_server

LONG: Final = ("cut", "sink-killed", "postgres-stopped", "all")
SHORT: Final = tuple(name for name in SCENARIOS if name not in LONG)
PATIENCE_S: Final = IN_CI.patience_s

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing() or "there can be hosts here"),
    pytest.mark.timeout(2 * PATIENCE_S),
]


@pytest.fixture(scope="module", autouse=True)
def beside(request: pytest.FixtureRequest) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Run the long scenarios of this session."""
    wanted = {item.callspec.params.get("long") for item in request.session.items if hasattr(item, "callspec")}
    running = {name: _start(name) for name in LONG if name in wanted and not _why_not(name)}
    yield running
    for process in running.values():
        if process.poll() is None:
            process.terminate()
        process.communicate()


def _why_not(name: str) -> str | None:
    return missing() or (redis_server.why_not() if "redis" in SCENARIOS[name].stores else None)


def _start(name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", scenarios.__name__, name]
    return subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def plant(lan: Lan, tmp_path: Path) -> Iterator[Plant]:
    """Give a host with sensors and one with a sink."""
    with contextlib.closing(Plant(lan, tmp_path, [sqlite_shelf(tmp_path / "history.db")])) as plant:
        yield plant


@pytest.fixture
def spooled(lan: Lan, tmp_path: Path) -> Iterator[Plant]:
    """Give the same, where the sensors have a spool."""
    with contextlib.closing(Plant(lan, tmp_path, [sqlite_shelf(tmp_path / "history.db")], spooled=True)) as plant:
        yield plant


@pytest.mark.parametrize("short", SHORT)
def test_nothing_is_lost_with(short: str, tmp_path: Path) -> None:
    cost = scenarios.run(short, tmp_path, IN_CI)
    assert (cost.repaired > 0) == (short != "loss-0")


async def test_a_killed_agent_begins_a_numbering_without_a_spool(plant: Plant) -> None:
    plant.start_sink()
    agent = plant.start_agent()
    await plant.until_stored(10)
    plant.kill_agent(agent)
    plant.start_agent()
    await plant.run(IN_CI.run_s)
    await plant.end(PATIENCE_S)
    assert plant.is_whole()
    assert [account.restarts for account in plant.accounts(plant.shelves[0])] == [1, 1, 1]


async def test_a_killed_agent_numbers_on_with_a_spool_and_what_was_heard_is_not_lost(spooled: Plant) -> None:
    spooled.start_sink()
    for times in range(3):
        agent = spooled.start_agent()
        await spooled.until_stored(10 * (times + 1))
        spooled.kill_agent(agent)
    spooled.start_agent()
    await spooled.run(IN_CI.run_s)
    await spooled.end(PATIENCE_S)
    assert spooled.is_whole()
    assert not any(spooled.missing(spooled.shelves[0]).values())
    assert [account.restarts for account in spooled.accounts(spooled.shelves[0])] == [0, 0, 0]


async def test_with_a_spool_what_was_lost_before_a_restart_is_had_after_it(spooled: Plant) -> None:
    sink = spooled.start_sink()
    agent = spooled.start_agent()
    await spooled.until_stored(1)
    kill(sink)
    await spooled.run(IN_CI.run_s)
    spooled.stop_agent(agent)
    spooled.start_sink()
    spooled.start_agent()
    await spooled.end(PATIENCE_S)
    assert spooled.is_whole()
    assert not any(spooled.missing(spooled.shelves[0]).values())
    assert [account.unavailable for account in spooled.accounts(spooled.shelves[0])] == [0, 0, 0]


async def test_a_sink_that_was_down_while_the_agent_was_restarted_has_all_that_is_kept(plant: Plant) -> None:
    sink = plant.start_sink()
    agent = plant.start_agent()
    await plant.until_stored(10)
    kill(sink)
    plant.stop_agent(agent)
    plant.start_agent()
    await plant.run(2 * IN_CI.run_s)
    plant.start_sink()
    await plant.end(PATIENCE_S)
    assert plant.is_whole()
    assert [account.restarts for account in plant.accounts(plant.shelves[0])] == [1, 1, 1]


@pytest.mark.parametrize("long", LONG)
def test_nothing_is_lost_for_a_minute_with(long: str, beside: dict[str, subprocess.Popen[str]]) -> None:
    if reason := _why_not(long):
        pytest.skip(reason)
    _, complaints = beside[long].communicate(timeout=PATIENCE_S)
    assert beside[long].returncode == 0, complaints
