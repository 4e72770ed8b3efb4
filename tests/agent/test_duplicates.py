"""Two instances of one node: who stays and what is said; in time that the test drives."""

import re

import pytest

from agent.agent import Ending
from tests.agent.devices import BOTH, SENSOR, Devices
from tests.agent.devices import devices as devices  # noqa: PLC0414 - a fixture
from tests.agent.hosts import Lan, messages
from tests.agent.hosts import lan as lan  # noqa: PLC0414 - a fixture
from tests.support.driven_time import DrivenLoop

pytestmark = pytest.mark.usefixtures("devices")


async def test_the_newcomer_gives_way_and_names_the_incumbent(lan: Lan, caplog: pytest.LogCaptureFixture) -> None:
    incumbent = await lan.host(SENSOR)
    newcomer = lan.start(SENSOR)
    assert await newcomer.ended() is Ending.GAVE_WAY
    address = incumbent.agent.bus.address
    assert address is not None
    (said,) = [text for text in messages(caplog) if text.startswith("C1 is already running")]
    assert said == (
        f"C1 is already running at 127.0.0.1 (port {address[1]}): this one stops; "
        "`jph-agent --takeover` starts all the same"
    )


async def test_only_the_node_that_is_there_already_gives_way(lan: Lan, driven_time: DrivenLoop) -> None:
    await lan.host(SENSOR)
    newcomer = lan.start(BOTH)
    await newcomer.begin()
    await driven_time.settle()
    assert sorted(newcomer.agent.stations) == ["FK"]
    assert await newcomer.stop() is Ending.STOPPED


async def test_when_all_give_way_at_once_the_agent_ends(lan: Lan) -> None:
    await lan.host(BOTH)
    newcomer = lan.start(BOTH)
    assert await newcomer.ended() is Ending.GAVE_WAY


async def test_the_incumbent_goes_on_and_reports(
    lan: Lan, devices: Devices, driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture
) -> None:
    operator = await lan.operator()
    await lan.host(SENSOR)
    await operator.hears("f", "C1")
    await lan.start(SENSOR).ended()
    await driven_time.advance(1.0)
    await operator.hears("f", "C1")
    assert any(re.match(r"another C1 is running at 127\.0\.0\.1 \(port \d+\)", text) for text in messages(caplog))
    assert len(devices) == 1


async def test_a_takeover_stays_beside_the_incumbent(lan: Lan) -> None:
    incumbent = await lan.host(SENSOR)
    newcomer = await lan.host(SENSOR, takeover=True)
    assert [list(host.agent.stations) for host in (incumbent, newcomer)] == [["C1"], ["C1"]]
