"""What of a computer can be measured: on a computer whose files a test writes."""

from pathlib import Path

import pytest

from config.loading import loads
from console import machine
from console.demo_network import written
from drivers.driver import Place
from drivers.pipe import Pipe, PipeOptions
from tests.support.driven_time import ManualClock

LOADAVG = "0.52 0.58 0.59 1/467 12345\n"
MEMINFO = "MemTotal:        8000000 kB\nMemFree:          100000 kB\nMemAvailable:    2097152 kB\nBuffers: 1 kB\n"
UPTIME = "7200.50 14000.00\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give the files of a computer without a thermometer."""
    (tmp_path / "proc").mkdir()
    for name, text in (("loadavg", LOADAVG), ("meminfo", MEMINFO), ("uptime", UPTIME)):
        (tmp_path / "proc" / name).write_text(text, "ascii")
    return tmp_path


def zone(root: Path, place: str, text: str) -> Path:
    """Write a thermometer."""
    path = root / "sys/class" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "ascii")
    return path


def reading(root: Path, codifier: str) -> object:
    """Read a node of this machine as its agent would, before its filters."""
    node = loads(written({"nodes": machine.nodes("here", root)}).encode(), "", lambda _: PipeOptions).nodes[codifier]
    assert isinstance(node.options, PipeOptions)
    driver = Pipe(node.options, Place(codifier, root, ManualClock().monotonic, root))
    return driver.read()["value"]


def test_load_memory_and_uptime_are_read_everywhere(root: Path) -> None:
    assert set(machine.nodes("here", root)) == {"C1", "M1", "U1"}
    assert reading(root, "C1") == 0.52
    assert reading(root, "M1") == 2048
    assert reading(root, "U1") == pytest.approx(2.000139, abs=1e-6)


def test_the_temperature_is_read_where_there_is_one(root: Path) -> None:
    zone(root, "thermal/thermal_zone0/temp", "46200\n")
    assert machine.nodes("here", root)["T1"]["unit"] == "°C"
    assert reading(root, "T1") == 46.2


def test_a_zone_comes_before_a_chip(root: Path) -> None:
    zone(root, "hwmon/hwmon0/temp1_input", "30000\n")
    thermal = zone(root, "thermal/thermal_zone0/temp", "46200\n")
    assert machine.temperature_file(root) == thermal


@pytest.mark.parametrize("nonsense", ["", "soon\n", "-273000\n", "999999999\n"])
def test_a_thermometer_that_tells_nonsense_is_none(root: Path, nonsense: str) -> None:
    zone(root, "thermal/thermal_zone0/temp", nonsense)
    good = zone(root, "thermal/thermal_zone1/temp", "41000\n")
    assert machine.temperature_file(root) == good


def test_a_computer_without_a_thermometer_has_no_temperature(root: Path) -> None:
    assert machine.temperature_file(root) is None


def test_all_nodes_run_on_the_host(root: Path) -> None:
    assert {node["host"] for node in machine.nodes("kastpi", root).values()} == {"kastpi"}
