"""A shell to call `jph` in, and a network with a running agent to call it on."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from console import demo_agent
from tests.console.calling import CHECKOUT, Shell, Site, network_section
from tests.storage.conftest import postgres_server, redis_server
from tests.support.loopback import LoopbackNetworks

__all__ = ["postgres_server", "redis_server"]  # fixtures

HOST: Final = "here"

RED: Final = "\x1b[31mred\x1b[0m\n[bold]bold[/bold]\u202e"
"""Text that would colour, wrap, embolden and turn round what is printed after it."""


def nodes(directory: Path) -> dict[str, dict[str, Any]]:
    """Return the nodes of the site; what takes commands is for one test alone."""
    constant: dict[str, Any] = {"driver": "simulated", "interval": "100ms", "host": HOST}
    return {
        "C1": {**constant, "name": "cpu", "unit": "°C", "options": {"signal": "constant", "value": 21.5}},
        "F1": {
            "name": "air",
            "host": HOST,
            "driver": "pipe",
            "interval": "100ms",
            "options": {"path": str(directory / "air"), "fields": {"value": 1, "humidity": 2}},
            "unit": "°C",
            "alarms": {"warning": "> 20"},
            "proxies": {"F2": {"name": "温度 wide", "unit": "%", "channel": "humidity"}},
        },
        "T1": {**constant, "name": "text", "options": {"signal": "constant", "value": RED}},
        "L1": {
            **constant,
            "name": "loud",
            "options": {"signal": "constant", "value": 90},
            "alarms": {"critical": "> 80", "hits": 1000},
        },
        "E1": {
            "host": HOST,
            "driver": "pipe",
            "interval": "100ms",
            "options": {"path": str(directory / "missing")},
        },
        "S1": {**constant, "name": "asleep", "active": False, "options": {"signal": "constant", "value": 1}},
        "H1": {**constant, "name": "halted", "options": {"signal": "constant", "value": 2}},
        "FK": {**_control(), "name": "fan", "unit": "%"},
        "FL": {**_control(), "name": "light"},
        "FM": {**_control(), "name": "motor"},
        "FN": {**_control(), "name": "net"},
        "ZZ": {**constant, "name": "absent", "host": "elsewhere", "options": {"signal": "constant", "value": 3}},
        "CK": {"driver": "console", "host": "elsewhere"},
        "CA": {"driver": "console"},
        "Q1": {"driver": "sqlite", "host": HOST, "interval": "1s", "options": {"path": str(directory / "history.db")}},
    }


def _control() -> dict[str, Any]:
    return {"driver": "control", "host": HOST, "interval": "100ms", "options": {"default": 20, "min": 0, "max": 100}}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Give a shell in an empty home."""
    return Shell(tmp_path)


@pytest.fixture(scope="session")
def site(loopback_networks: LoopbackNetworks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Run an agent on loopback until all tests are over."""
    directory = tmp_path_factory.mktemp("site")
    (directory / "air").write_text("20.5 61\n", "ascii")
    network = loopback_networks.new()
    path, present = directory / "jph.yaml", directory / "present.yaml"
    document: dict[str, Any] = {"network": network_section(network), "nodes": nodes(directory)}
    path.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    for mute in ("ZZ", "E1"):
        del document["nodes"][mute]
    present.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    arguments = ("--config", str(path), "--host", HOST, "--state", str(directory / "state"))
    with demo_agent.running(arguments, directory / "agent.log", os.environ | {"PYTHONPATH": str(CHECKOUT)}):
        yield Site(path, present, network)
