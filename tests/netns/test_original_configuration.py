"""The configuration of the original system, unchanged, under one agent, with a device behind every driver."""

import json
import math
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from config.loading import load
from tests.netns.hosts import missing
from tests.netns.original_site import CONFIGURATION, VOLTS, OriginalSite
from tests.support.fuse import why_not
from tests.zwave.network import NotHereError, installed

LISTENING_S: Final = 66  # sinks tell once a minute how much they stored
PATIENCE_S: Final = 60
ASLEEP: Final = {"C3", "ZC", "ZF", "ZH", "ZQ", "ZR"}
"""What the configuration calls inactive, but for the mining pool, which is started."""
ANNOUNCED: Final = {"CC", "CF", "CK", "Q2"}
"""What has no readings: consoles, the web server, the statistics."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[OriginalSite]:
    """Give the house with all its devices."""
    for reason in (missing(), why_not()):
        if reason:
            pytest.skip(reason)
    try:
        installed()
    except NotHereError as error:
        pytest.skip(str(error))
    with ExitStack() as stack:
        yield OriginalSite(tmp_path, stack, time.monotonic)


def await_words(site: OriginalSite, program: str, words: str, process: "subprocess.Popen[str]") -> None:
    """Wait until a program has said something."""
    until_s = time.monotonic() + PATIENCE_S
    while words not in site.said(program):
        assert process.poll() is None, site.said(program)
        assert time.monotonic() < until_s, site.said(program)
        time.sleep(0.1)


def celsius(volts: float) -> float:
    """Return what a probe of the original has at a voltage, by the curve in its program."""
    kilohms = (5 - volts) / volts * 16.8
    return 0.0755 * kilohms**2 - 4.2327 * kilohms + 60.589


@pytest.mark.timeout(300)
def test_all_its_codifiers_are_alive_and_its_values_are_those_of_its_devices(site: OriginalSite) -> None:
    configuration = load(str(CONFIGURATION))
    looking = ["console.cli", "sensors", "--config", "config.json", "--as", "ZZ", "--json", "--seconds"]
    listener = site.start(*looking, str(LISTENING_S))
    await_words(site, "console.cli", "as ZZ", listener)
    agent = site.start("agent.main", "--config", "config.json", *configuration.nodes)
    await_words(site, "agent.main", "FL (Fan Control) is on the bus", agent)
    site.run("console.cli", "start", "M1", "M3", "--config", "config.json", "--as", "ZZ")
    assert listener.wait(2 * LISTENING_S) == 0, site.said("agent.main")
    said: list[dict[str, Any]] = [json.loads(line) for line in site.said("console.cli").splitlines() if line[:1] == "{"]
    status = {report["codifier"]: report["status"] for report in said}
    expected = {sensor.codifier: "ok" for _, sensor in configuration.sensors()}
    expected |= dict.fromkeys(ASLEEP, "halted") | dict.fromkeys(ANNOUNCED, "alive")
    assert len(expected) == 76
    assert status == expected, site.said("agent.main")
    check_values({report["codifier"]: report["value"] for report in said})


def check_values(value: dict[str, Any]) -> None:
    """See that readings are what the devices have, and that scripts calculated with them."""
    assert [value[codifier] for codifier in ("C1", "F1", "F2", "F6", "F7")] == [48.312, 21.5, 40.2, 25.1, 38.7]
    assert [value[codifier] for codifier in ("X1", "X2", "X3", "X4")] == [21.5, 0.12, 1, 1]
    assert [value[codifier] for codifier in ("W1", "W5", "W9")] == [150.3, 402, 1147.65]
    assert [value[codifier] for codifier in ("M1", "M2", "M3", "M4", "PL")] == [137.57, 781.0, 24.0, 23.5, 781.0]
    assert [value[codifier] for codifier in ("N1", "N2", "N3", "N4")] == [0, 20.5, 41, 21.0]
    assert [value[codifier] for codifier in ("N5", "N6")] == [2.4, 86]
    for codifier, pin in (("A2", 1), ("A1", 2), ("A3", 2), ("A4", 3), ("A5", 4)):
        assert value[codifier] == pytest.approx(celsius(VOLTS[pin - 1]), abs=0.03)  # a step of 12 bits is 2.5 mV
    near = pytest.approx
    assert value["PB"] == near((value["A4"] + value["A5"]) / 2, rel=1e-6)  # both loops flow alike
    assert value["PC"] == near(value["A4"] - value["A3"], rel=1e-5)
    assert value["PF"] == near(value["PC"] * 69.7 * 0.12, rel=1e-5)
    assert value["PG"] == near(value["W4"] - value["W1"], rel=1e-5)
    assert (value["FR"], value["FS"], value["FN"]) == (near(37.1), near(32.9), near(value["A5"]))
    assert value["FM"] == near(100 + 5 / 6 * (value["FN"] - 32.9), rel=1e-5)
    assert (value["FK"], value["FQ"], value["FT"]) == (100, "80", 2)  # the fan takes 100 for more
    gamma = math.log(0.41) + 17.625 * 20.5 / (243.04 + 20.5)
    assert value["FO"] == near(243.04 * gamma / (17.625 - gamma), rel=1e-5)
