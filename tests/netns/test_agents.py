"""Agents and an operator on different hosts: real processes, cables, cards that are taken out, second instances."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest

from agent.participant import Heard, Participant
from config.loading import load
from config.model import Configuration
from protocol.commands import Code
from protocol.frames import Flag
from protocol.members import Status
from tests.netns.hosts import INTERFACE, Host, Lan

CONFIGURATION: Final = f"""
network: {{interface: {INTERFACE}}}
defaults: {{interval: 100ms, keepalive: 60s}}
nodes:
  FK: {{driver: control, options: {{default: 25, min: 0, max: 100}}}}
  CC: {{driver: console}}
"""
AGENT: Final = (sys.executable, "-m", "agent.main", "FK")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the configuration that all hosts have."""
    path = tmp_path / "jph.yaml"
    path.write_text(CONFIGURATION)
    return path


@pytest.fixture
def configuration(file: Path) -> Configuration:
    """Return what that file says."""
    return load(str(file))


@pytest.fixture
def desk(lan: Lan) -> Iterator[Host]:
    """Be on the operator's host."""
    host = lan.host("desk")
    with host.entered():
        yield host


class Operator(Participant):
    """Waits for what it wants to hear."""

    async def hears(self, flag: Flag) -> Heard:
        """Return the next frame with this flag."""
        heard = asyncio.get_running_loop().create_future()

        def note(entry: Heard) -> None:
            if entry.frame.flag is flag and not heard.done():
                heard.set_result(entry)

        self.heard.append(note)
        entry: Heard = await heard
        self.heard.remove(note)
        return entry


@pytest.fixture
async def operator(desk: Host, configuration: Configuration) -> AsyncIterator[Operator]:
    """Give an operator at the desk."""
    async with Operator(configuration, "CC") as operator:
        yield operator


def start_agent(host: Host, file: Path, *options: str) -> subprocess.Popen[str]:
    """Run the node FK on a host."""
    return host.start(*AGENT, "--config", str(file), "--state", str(file.parent / host.name), *options)


async def test_readings_pings_and_commands_cross_the_network(lan: Lan, operator: Operator, file: Path) -> None:
    pi = lan.host("pi")
    start_agent(pi, file)
    reading = await operator.hears(Flag.INTEGER)
    assert (reading.frame.source, reading.sender[0]) == ("FK", pi.address)
    operator.ping("FK")
    await operator.hears(Flag.PONG)
    round_trips = operator.roster.nodes["FK"].round_trips.summary()
    assert (round_trips.sent, round_trips.received) == (1, 1)
    assert (await operator.command(Flag.SET, "FK", 80.0)).ok
    assert (await operator.command(Flag.SET, "FK", 180.0)).code is Code.OUT_OF_RANGE


async def test_a_halted_node_is_shown_as_halted_until_it_starts(lan: Lan, operator: Operator, file: Path) -> None:
    start_agent(lan.host("pi"), file)
    await operator.hears(Flag.INTEGER)
    for flag, status in ((Flag.HALT, Status.HALTED), (Flag.START, Status.OK)):
        told = asyncio.ensure_future(operator.hears(Flag.ALIVE))
        assert (await operator.command(flag, "FK")).ok
        await told
        assert operator.roster.status("FK", operator.clock.now().monotonic_s) is status


async def test_commands_are_taken_once_though_a_third_of_all_packets_is_lost(
    lan: Lan, operator: Operator, file: Path
) -> None:
    pi = lan.host("pi")
    start_agent(pi, file)
    await operator.hears(Flag.INTEGER)
    await operator.command(Flag.STEP, "FK", 0.0)
    pi.lose(30)
    answers = [await operator.command(Flag.STEP, "FK", 1.0) for _ in range(8)]
    taken = sum(answer.ok for answer in answers)
    pi.mend()
    await operator.command(Flag.START, "FK")
    await operator.hears(Flag.FLOAT)
    assert taken <= float(operator.roster.sensors["FK"].value or 0) - 25 <= len(answers)


async def test_an_agent_waits_for_an_interface_that_is_not_there(lan: Lan, operator: Operator, file: Path) -> None:
    pi = lan.host("pi", plugged=False)
    agent = start_agent(pi, file)
    assert agent.stderr is not None
    while INTERFACE not in (line := agent.stderr.readline()):
        assert line, "the agent ended instead of waiting"
    pi.add_interface()
    assert (await operator.hears(Flag.INTEGER)).sender[0] == pi.address


async def test_an_agent_goes_on_when_its_interface_comes_back(lan: Lan, operator: Operator, file: Path) -> None:
    pi = lan.host("pi")
    agent = start_agent(pi, file)
    first = await operator.hears(Flag.INTEGER)
    pi.remove_interface()
    pi.add_interface()
    again = await operator.hears(Flag.INTEGER)
    assert again.frame.source == first.frame.source
    assert agent.poll() is None
    assert (await operator.command(Flag.SET, "FK", 80.0)).ok


async def test_a_second_instance_on_another_host_gives_way_and_names_the_first(
    lan: Lan, operator: Operator, file: Path
) -> None:
    first, second = lan.host("first"), lan.host("second")
    incumbent = start_agent(first, file)
    await operator.hears(Flag.INTEGER)
    newcomer = start_agent(second, file)
    _, errors = await asyncio.to_thread(newcomer.communicate)
    assert (newcomer.returncode, incumbent.poll()) == (3, None)
    assert f"FK is already running at {first.address}" in errors


async def test_a_takeover_runs_beside_and_is_shown_as_a_duplicate(lan: Lan, operator: Operator, file: Path) -> None:
    first, second = lan.host("first"), lan.host("second")
    start_agent(first, file)
    await operator.hears(Flag.INTEGER)
    objection = asyncio.ensure_future(operator.hears(Flag.ALIVE))
    start_agent(second, file, "--takeover")
    assert (await objection).sender[0] == first.address
    assert operator.roster.nodes["FK"].rivals == 1
