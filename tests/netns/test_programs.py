"""Programs of the library on one host, a sink on another, and a network between them that loses."""

import asyncio
import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from protocol.accounts import Account
from storage.sqlite import open_for_reading
from storage.store import StoreError
from tests.netns.hosts import INTERFACE, Host, Lan

PATIENCE_S: Final = 40.0  # a test fails that waits for so long; nothing else depends on it
POLL_S: Final = 0.1
READINGS: Final = 150
LOSS: Final = 20

# Each publishes the numbers from 0 on, and stays until its input ends.
TODAY: Final = f"""
import asyncio, sys, jph

async def main():
    async with jph.Node("T1", config="jph.yaml") as node:
        for number in range({READINGS}):
            await node.publish(number)
            await asyncio.sleep(0.005)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""
ORIGINAL: Final = f"""
import select, sys, jph

channel = jph.jph("jph.yaml", "T2")
numbers = iter(range({READINGS}))

def measure(timestamp):
    number = next(numbers, None)
    if number is not None:
        channel.sendData(number, timestamp=timestamp)
    elif select.select([sys.stdin], [], [], 0)[0]:
        sys.exit()

channel.run(timeCallback=measure)
"""
WITHOUT_RUN: Final = f"""
import select, sys, time, jph

channel = jph.jph("jph.yaml", "T3")
for number in range({READINGS}):
    channel.sendData(number)
    time.sleep(0.005)
while not select.select([sys.stdin], [], [], 0.1)[0]:
    channel.sendData({READINGS})
"""
# Goes through all readings from the first one that it hears, and says how many are missing, came twice and were lost.
READER: Final = f"""
import asyncio, collections, sys, jph

def missing(seen):
    return {READINGS} - min(seen, default=0) - len(seen)

async def main():
    seen = collections.defaultdict(collections.Counter)
    async with jph.Node("T4", config="jph.yaml") as node:
        readings = node.readings("T1", "T2", repaired=True)
        print("ready", flush=True)
        while any(missing(seen[codifier]) for codifier in ("T1", "T2")):
            reading = await anext(readings)
            seen[reading.codifier][reading.value] += 1
    twice = sum(count > 1 for counted in seen.values() for count in counted.values())
    print(sum(map(missing, seen.values())), twice, readings.lost)

asyncio.run(main())
"""
PROGRAMS: Final = {"T1": TODAY, "T2": ORIGINAL, "T3": WITHOUT_RUN}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the configuration of all hosts."""
    (tmp_path / "jph.yaml").write_text(f"""
        network: {{interface: {INTERFACE}}}
        defaults: {{interval: 10ms, keepalive: 1s}}
        nodes:
          T1: {{driver: console}}
          T2: {{driver: console}}
          T3: {{driver: console}}
          T4: {{driver: console}}
          Q1: {{driver: sqlite, options: {{path: {tmp_path}/history.db}}, interval: 1h}}
    """)
    return tmp_path


def start(host: Host, folder: Path, *command: str) -> subprocess.Popen[str]:
    """Start a Python program in the folder."""
    return host.start("env", "-C", str(folder), f"PYTHONPATH={Path(__file__).parents[2]}", sys.executable, *command)


def stored(folder: Path, codifier: str) -> list[object]:
    with contextlib.suppress(StoreError), contextlib.closing(open_for_reading(folder / "history.db")) as history:
        return [reading.value for reading in history.history(codifier, 0, 2**62, 1_000_000)]
    return []  # not made yet


def accounts(folder: Path) -> list[Account]:
    with contextlib.closing(open_for_reading(folder / "history.db")) as history:
        return list(history.accounts(0, 2**62))


async def test_a_network_that_loses_costs_the_programs_no_reading(lan: Lan, folder: Path) -> None:
    pi, server = lan.host("pi"), lan.host("server")
    start(server, folder, "-m", "agent.main", "Q1", "--state", "state")
    for host in (pi, server):
        host.lose(LOSS)
    reader = start(server, folder, "-c", READER)
    assert reader.stdout is not None
    assert await asyncio.to_thread(reader.stdout.readline) == "ready\n"
    programs = [start(pi, folder, "-c", program) for program in PROGRAMS.values()]
    async with asyncio.timeout(PATIENCE_S):
        while any(set(range(READINGS)) - set(stored(folder, codifier)) for codifier in PROGRAMS):  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(POLL_S)
    assert await asyncio.to_thread(reader.communicate) == ("0 0 0\n", "")
    for program in programs:
        assert program.communicate("\n")[1] == ""
    counted = {codifier: [value for value in stored(folder, codifier) if value != READINGS] for codifier in PROGRAMS}
    assert counted == {codifier: list(range(READINGS)) for codifier in PROGRAMS}
    assert server.lost() > 0
    for codifier in PROGRAMS:
        assert sum(account.repaired for account in accounts(folder) if account.codifier == codifier) > 0
        assert sum(account.unavailable for account in accounts(folder) if account.codifier == codifier) == 0
