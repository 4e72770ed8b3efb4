"""The units for systemd: understood by it, and with no more rights than the nodes need."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from agent.configuration import kinds
from agent.units import TEMPLATE, Unit, escaped, instances, quoted, units
from config.loading import loads
from config.model import Node

LARGEST_EXPOSURE = 2.5
NODES = """\
nodes:
  C1: {driver: pipe, options: {path: /proc/loadavg, field: 1}}
  "%$": {driver: control, options: {default: 1}}
  I1: {driver: pipe, options: {path: /dev/i2c-1}}
  Q1: {driver: sqlite, options: {path: /var/lib/jph/history.db}}
"""
NO_HARDWARE = "nodes: {C1: {driver: pipe, options: {path: /proc/loadavg, field: 1}}}"
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze (package systemd)")


def nodes(text: str) -> list[Node]:
    return list(loads(text.encode(), "jph.yaml", kinds).nodes.values())


def written(text: str, folder: Path) -> list[Unit]:
    """Write the units where systemd would have them, with a program that is there."""
    found = list(units(instances(nodes(text)), Path("/bin/true"), "/etc/jph/jph.yaml", user="root"))
    for unit in found:
        path = folder / unit.path
        path.parent.mkdir(exist_ok=True)
        path.write_text(unit.text, "utf-8")
    return found


def analysed(*arguments: str | Path) -> str:
    done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_sensors_share_a_process_and_each_sink_has_its_own() -> None:
    found = instances(nodes(NODES))
    assert [(one.name, [node.codifier for node in one.nodes]) for one in found] == [
        ("sensors", ["C1", "%$", "I1"]),
        ("Q1", ["Q1"]),
    ]


def test_a_host_without_sensors_has_no_process_for_them() -> None:
    assert [one.name for one in instances(nodes(NODES)[-1:])] == ["Q1"]


@needs_systemd
def test_systemd_understands_every_unit(tmp_path: Path) -> None:
    written(NODES, tmp_path)
    for name in ("sensors", "Q1"):
        instance = tmp_path / f"jph-agent@{name}.service"
        shutil.copyfile(tmp_path / TEMPLATE, instance)
        assert analysed("verify", "--man=no", instance, tmp_path / "jph.target") == ""


@needs_systemd
def test_a_node_without_hardware_is_hardly_exposed(tmp_path: Path) -> None:
    written(NO_HARDWARE, tmp_path)
    told = analysed("security", "--offline=true", tmp_path / TEMPLATE)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", told)
    assert found is not None, told
    assert float(found[1]) <= LARGEST_EXPOSURE


def test_only_the_devices_of_the_drivers_are_allowed(tmp_path: Path) -> None:
    texts = {unit.path: unit.text for unit in written(NODES, tmp_path)}
    sensors = texts["jph-agent@sensors.service.d/nodes.conf"].splitlines()
    assert sensors[-3:] == ["PrivateDevices=no", "DeviceAllow=/dev/i2c-1 rw", "SupplementaryGroups=i2c"]
    assert "Device" not in texts["jph-agent@Q1.service.d/nodes.conf"]


def test_only_a_driver_that_sets_something_in_sys_may_do_so(tmp_path: Path) -> None:
    fans = {"hwmon: {chip: emc2305}": True, "pwm: {}": True, "gpio: {pin: 25}": False}
    for options, is_allowed in fans.items():
        unit = written(f"nodes: {{FK: {{driver: fan, options: {{{options}}}}}}}", tmp_path)[-1]
        assert ("ProtectKernelTunables=no" in unit.text) == is_allowed


def test_codifiers_are_handed_on_as_they_are(tmp_path: Path) -> None:
    texts = {unit.path: unit.text for unit in written(NODES, tmp_path)}
    assert 'ExecStart=/bin/true C1 "%%$$" I1\n' in texts["jph-agent@sensors.service.d/nodes.conf"]


@pytest.mark.parametrize(("name", "text"), [("C1", "C1"), ("a/", r"a\x2f"), (".x", r"\x2ex"), ("%-", r"\x25\x2d")])
def test_any_codifier_can_be_a_part_of_a_units_name(name: str, text: str) -> None:
    assert escaped(name) == text


@pytest.mark.parametrize(("argument", "text"), [("C1", "C1"), ('"\\', r'"\"\\"'), ("%;", '"%%;"'), ("a b", '"a b"')])
def test_any_argument_is_quoted(argument: str, text: str) -> None:
    assert quoted(argument) == text
