"""What nodes say is wrong with them, on real sockets, and what an operator knows of it."""

from pathlib import Path

import msgspec
import pytest

from config.model import SpoolPlace
from drivers.driver import DriverError
from protocol.frames import Bus, ControlFrame, Flag
from protocol.troubles import Said, Trouble
from tests.agent.devices import Devices, until
from tests.agent.devices import devices as devices  # noqa: PLC0414 - a fixture
from tests.agent.hosts import Host, Lan, Operator
from tests.agent.hosts import lan as lan  # noqa: PLC0414 - a fixture
from tests.agent.peer import Peer
from tests.agent.peer import peer as peer  # noqa: PLC0414 - a fixture
from tests.agent.taking import pass_time, pass_time_until
from tests.support.driven_time import DrivenLoop

pytestmark = pytest.mark.usefixtures("devices")

TWO = "C1: {driver: device, interval: 1s}\nC2: {driver: device, interval: 1s}"


def troubles(operator: Operator, codifier: str) -> tuple[Said, ...]:
    """Return what an operator knows is wrong with a node."""
    node = operator.roster.nodes.get(codifier)
    return node.diagnosed.troubles(operator.clock.now().monotonic_s) if node else ()


async def pass_until_said(operator: Operator, codifier: str, code: Trouble) -> None:
    """Let time pass until a node says this."""
    while code not in {said.code for said in troubles(operator, codifier)}:
        await operator.hears(Flag.DIAGNOSIS, codifier)


async def break_down(lan: Lan, host: Host, devices: Devices) -> None:
    """Let the driver of C1 fail until it is in quarantine."""
    devices["C1"].trouble = DriverError("no such device")
    await pass_time_until(lan, lambda: devices["C1"].calls == ["close"])
    assert host.agent.stations["C1"].presence.active


async def test_who_has_just_come_learns_by_a_ping_what_is_wrong(lan: Lan, devices: Devices) -> None:
    host = await lan.host(TWO)
    await until(lambda: len(devices) == 2)
    await break_down(lan, host, devices)
    await pass_time(lan, 2.0)
    operator = await lan.operator()
    operator.ping()
    await pass_until_said(operator, "C1", Trouble.DRIVER_QUARANTINED)
    await operator.hears(Flag.PONG, "C2")
    assert troubles(operator, "C2") == ()


async def test_a_diagnosis_of_another_agent_is_not_even_decoded(lan: Lan, peer: Peer) -> None:
    host = await lan.host("C1: {driver: device}")
    peer.say(ControlFrame(1, 0, Flag.DIAGNOSIS, "ZZ", "@@", Said(Trouble.STORE_AWAY, 1).packed(), active=True))
    await until(lambda: host.agent.bus.counters.unwanted == 1)
    assert host.agent.bus.counters.received[Bus.CONTROL] >= 1


@pytest.fixture
def spool_that_cannot_be(tmp_path: Path) -> SpoolPlace:
    """Put a file where the folder of the spool is to be: even root can make none there."""
    (tmp_path / "spool").write_text("in the way")
    return SpoolPlace(path=str(tmp_path / "spool"), interval_s=1.0)


async def test_the_first_node_of_an_agent_speaks_of_the_spool_of_all(
    lan: Lan, devices: Devices, driven_time: DrivenLoop, spool_that_cannot_be: SpoolPlace
) -> None:
    operator = await lan.operator()
    spooled = msgspec.structs.replace(lan.configured(TWO), spool=spool_that_cannot_be)
    host = Host(driven_time, spooled, lan.path, takeover=False)
    lan.hosts.append(host)
    await host.begin()
    await until(lambda: len(devices) == 2)
    await pass_until_said(operator, "C1", Trouble.SPOOL_UNUSABLE)
    assert troubles(operator, "C2") == ()
    host.codifiers = ["C2"]
    host.agent.reload_soon()
    await pass_time_until(lan, lambda: bool(troubles(operator, "C2")))
    assert [said.code for said in troubles(operator, "C2")] == [Trouble.SPOOL_UNUSABLE]


async def test_what_a_spool_writes_is_measured_and_no_trouble(
    lan: Lan, devices: Devices, driven_time: DrivenLoop, tmp_path: Path
) -> None:
    operator = await lan.operator()
    place = SpoolPlace(path=str(tmp_path / "spool"), interval_s=1.0)
    host = Host(driven_time, msgspec.structs.replace(lan.configured(TWO), spool=place), lan.path, takeover=False)
    lan.hosts.append(host)
    await host.begin()
    await until(lambda: len(devices) == 2)
    while (kib := operator.roster.nodes["C1"].diagnosed.measured(Trouble.SPOOL_WRITES)) is None:
        await pass_time(lan, 0.1)
        operator.ping("C1")
    assert kib > 0
    assert troubles(operator, "C1") == ()
