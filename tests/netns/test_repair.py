"""No reading is lost: real agents and sinks on several hosts, and a network that loses, is cut, and kills.

Each sensor counts, and writes every number that it gives into a log of its own: the truth that the store is held
against. JPH_SOAK=60 stretches each scenario to so many seconds.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from protocol.accounts import Account
from storage.sqlite import open_for_reading
from storage.store import StoreError
from tests.netns.hosts import INTERFACE, Host, Lan

SCENARIO_S: Final = float(os.environ.get("JPH_SOAK", "4"))
PATIENCE_S: Final = 40 + 4 * SCENARIO_S  # a test fails that waits for so long; nothing else depends on it
POLL_S: Final = 0.1
SENSORS: Final = ("C1", "C2", "C3")
AGENT: Final = (sys.executable, "-m", "agent.main")

pytestmark = pytest.mark.timeout(60 + 10 * SCENARIO_S)

# Counts in one file and logs in the other; once there is a file `stop` it gives nothing any more.
COUNTER: Final = """#!/bin/sh
[ -e "$1/stop" ] && exit 0
number=$(($(cat "$1/$2.count" 2>/dev/null || echo 0) + 1))
echo $number >"$1/$2.count"
echo $number >>"$1/$2.log"
echo $number
"""


class Plant:
    """A host with the sensors, and one with the sink."""

    def __init__(self, lan: Lan, path: Path) -> None:
        self.path = path
        self.file = path / "jph.yaml"
        self.pi = lan.host("pi")
        self.server = lan.host("server")
        self.history = path / "history.db"
        self.unsent: Counter[str] = Counter()  # readings that were taken when an agent was killed
        counter = path / "counter"
        counter.write_text(COUNTER)
        counter.chmod(0o755)
        self.configure()

    def configure(self, more: str = "") -> None:
        """Write the configuration of all hosts."""
        nodes = "".join(
            f"  {codifier}: {{driver: pipe, options: {{command: {self.path}/counter {self.path} {codifier}}}}}\n"
            for codifier in SENSORS
        )
        self.file.write_text(
            f"network: {{interface: {INTERFACE}}}\ndefaults: {{interval: 100ms, keepalive: 1s}}\n{more}\n"
            f"nodes:\n{nodes}"
            f"  Q1: {{driver: sqlite, options: {{path: {self.history}}}, interval: 1h}}\n"
        )

    def start_agent(self) -> subprocess.Popen[str]:
        return self._start(self.pi, *SENSORS)

    def start_sink(self) -> subprocess.Popen[str]:
        return self._start(self.server, "Q1")

    def kill_agent(self, agent: subprocess.Popen[str]) -> None:
        """Kill the agent: what each driver was giving in this moment may never have been sent."""
        kill(agent)
        self.unsent.update(SENSORS)

    def stop_agent(self, agent: subprocess.Popen[str]) -> None:
        """End the agent in order: what a driver is asked for in this moment is not waited for."""
        agent.terminate()
        agent.communicate()
        self.unsent.update(SENSORS)

    async def run(self, seconds: float = SCENARIO_S) -> None:
        """Let the world go on."""
        await asyncio.sleep(seconds)

    async def until_stored(self, at_least: int) -> None:
        """Wait until so many readings of each sensor are stored."""
        while any(len(self.stored(codifier)) < at_least for codifier in SENSORS):  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(POLL_S)

    async def end(self) -> None:
        """Take no more readings, and wait until all that were taken are stored, or nothing is missing any more."""
        (self.path / "stop").touch()
        async with asyncio.timeout(PATIENCE_S):
            while self.lacking() or self.pending():  # noqa: ASYNC110 - the same
                await asyncio.sleep(POLL_S)

    def taken(self, codifier: str) -> list[int]:
        """Return what the driver gave."""
        return [int(line) for line in (self.path / f"{codifier}.log").read_text().splitlines()]

    def stored(self, codifier: str) -> list[object]:
        """Return what the store has."""
        try:
            with contextlib.closing(open_for_reading(self.history)) as history:
                return [reading.value for reading in history.history(codifier, 0, 2**62, 1_000_000)]
        except StoreError:
            return []  # not made yet

    def missing(self, codifier: str) -> set[int]:
        stored = set(self.stored(codifier))
        return {number for number in self.taken(codifier) if number not in stored}

    def lacking(self) -> bool:
        """Tell whether more is missing than was never sent."""
        return any(len(self.missing(codifier)) > self.unsent[codifier] for codifier in SENSORS)

    def account(self, codifier: str) -> Account:
        """Return what became of all readings of a sensor."""
        total = Account(codifier, 0)
        with contextlib.closing(open_for_reading(self.history)) as history:
            for account in history.accounts(0, 2**62):
                total = total.plus(account) if account.codifier == codifier else total
        return total

    def pending(self) -> bool:
        return any(self.account(codifier).pending for codifier in SENSORS)

    def is_whole(self) -> bool:
        """Check that every reading is stored once, and that the accounts say so."""
        for codifier in SENSORS:
            stored, account = self.stored(codifier), self.account(codifier)
            assert len(set(stored)) == len(stored), f"{codifier}: stored twice"
            assert len(self.missing(codifier)) <= self.unsent[codifier]
            assert set(stored) <= set(self.taken(codifier))
            assert account.stored == len(stored)
            assert (account.pending, account.waiting) == (0, 0)
            assert account.sent == account.stored + account.duplicate + account.unavailable
        return True

    def _start(self, host: Host, *codifiers: str) -> subprocess.Popen[str]:
        state = str(self.path / host.name)
        return host.start(*AGENT, "--config", str(self.file), "--state", state, *codifiers)


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a program, as when the memory is full."""
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.fixture
def plant(lan: Lan, tmp_path: Path) -> Plant:
    """Give a host with sensors and one with a sink."""
    return Plant(lan, tmp_path)


@pytest.mark.parametrize("percent", [0, 5, 20, 40])
async def test_random_loss_on_both_buses_loses_nothing(plant: Plant, percent: int) -> None:
    plant.start_sink()
    plant.start_agent()
    await plant.until_stored(1)
    for host in (plant.pi, plant.server):
        host.lose(percent)
    await plant.run()
    await plant.end()
    assert plant.is_whole()
    assert (plant.server.lost() > 0) == (percent > 0)


async def test_bursts_of_lost_packets_lose_nothing(plant: Plant) -> None:
    plant.start_sink()
    plant.start_agent()
    await plant.until_stored(1)
    plant.server.lose_bursts(30, 60)
    await plant.run()
    await plant.end()
    assert plant.is_whole()
    assert plant.server.lost() >= 30


async def test_a_cut_cable_loses_nothing(plant: Plant) -> None:
    plant.start_sink()
    plant.start_agent()
    await plant.until_stored(1)
    plant.pi.cut()
    await plant.run(2 * SCENARIO_S)
    plant.pi.mend()
    await plant.end()
    assert plant.is_whole()


async def test_a_sink_that_is_killed_again_and_again_loses_nothing(plant: Plant) -> None:
    plant.start_agent()
    for host in (plant.pi, plant.server):
        host.lose(20)
    for times in range(3):
        sink = plant.start_sink()
        await plant.until_stored(1 + 10 * times)
        await plant.run(SCENARIO_S / 4)
        kill(sink)
        await plant.run(SCENARIO_S / 4)
    plant.start_sink()
    await plant.end()
    assert plant.is_whole()


async def test_without_a_spool_what_a_killed_agent_takes_with_it_is_named(plant: Plant) -> None:
    plant.start_sink()
    agent = plant.start_agent()
    await plant.until_stored(10)
    plant.kill_agent(agent)
    plant.start_agent()
    await plant.run()
    await plant.end()
    assert plant.is_whole()
    assert [plant.account(codifier).restarts for codifier in SENSORS] == [1, 1, 1]


async def test_with_a_spool_a_killed_agent_numbers_on_and_nothing_is_lost(plant: Plant) -> None:
    plant.configure(f"spool: {{path: {plant.path}/spool, interval: 200ms}}")
    plant.start_sink()
    for times in range(3):
        agent = plant.start_agent()
        await plant.until_stored(10 * (times + 1))
        plant.kill_agent(agent)
    plant.start_agent()
    await plant.run()
    await plant.end()
    assert plant.is_whole()
    assert [plant.account(codifier).restarts for codifier in SENSORS] == [0, 0, 0]


async def test_with_a_spool_what_was_lost_before_a_restart_is_had_after_it(plant: Plant) -> None:
    plant.configure(f"spool: {plant.path}/spool")
    sink = plant.start_sink()
    agent = plant.start_agent()
    await plant.until_stored(1)
    kill(sink)
    await plant.run()
    plant.stop_agent(agent)
    plant.start_sink()
    plant.start_agent()
    await plant.end()
    assert plant.is_whole()
    assert [plant.account(codifier).unavailable for codifier in SENSORS] == [0, 0, 0]


async def test_a_sink_that_was_down_while_the_agent_was_restarted_has_all_that_is_kept(plant: Plant) -> None:
    sink = plant.start_sink()
    agent = plant.start_agent()
    await plant.until_stored(10)
    kill(sink)
    agent.terminate()
    agent.communicate()
    before = {codifier: plant.missing(codifier) for codifier in SENSORS}
    plant.start_agent()
    await plant.run(2 * SCENARIO_S)
    plant.start_sink()
    (plant.path / "stop").touch()
    async with asyncio.timeout(PATIENCE_S):
        while any(plant.missing(codifier) - before[codifier] for codifier in SENSORS):  # noqa: ASYNC110 - the same
            await asyncio.sleep(POLL_S)
    assert [plant.account(codifier).restarts for codifier in SENSORS] == [1, 1, 1]
