"""Each attack of the table is tried against agents that run: it becomes of it what docs/security.md says."""

import logging

import pytest

from protocol.senders import Sender
from tests.agent.attacks import ATTACKS, PAGE, RIVAL, STALE, Attack, Scene, render, table_of
from tests.agent.devices import Devices
from tests.agent.devices import devices as devices  # noqa: PLC0414 - a fixture
from tests.agent.hosts import lan as lan  # noqa: PLC0414 - a fixture
from tests.agent.secured import SecuredLan
from tests.agent.secured import secured as secured  # noqa: PLC0414 - a fixture
from tests.support.driven_time import DrivenLoop


@pytest.fixture
async def scene(secured: SecuredLan, devices: Devices, driven_time: DrivenLoop) -> Scene:
    scene = Scene(secured, devices, driven_time)
    await scene.begin()
    return scene


def is_told(caplog: pytest.LogCaptureFixture, sender: Sender) -> bool:
    """Tell whether a warning names the address that something came from."""
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    return any(f"{sender[0]} " in text and f"port {sender[1]}" in text for text in told)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.name}: {attack.tried}")
async def test_it_becomes_of_an_attack_what_the_table_says(
    scene: Scene, attack: Attack, caplog: pytest.LogCaptureFixture
) -> None:
    await attack.play(scene)
    await scene.loop.settle()
    assert scene.counted() == attack.counted
    assert scene.codes() == attack.codes
    assert not attack.counted or is_told(caplog, scene.stranger.address)
    if not attack.harm:
        assert scene.fan_is_as_it_was()
        await scene.is_unharmed()


def test_the_page_has_the_table() -> None:
    assert table_of(PAGE.read_text("utf-8")) == render(), "run: python -m tests.agent.attacks"


def test_what_is_counted_is_shown_under_a_name_of_its_own() -> None:
    assert {STALE, RIVAL} <= {kind for attack in ATTACKS for kind in attack.counted}
