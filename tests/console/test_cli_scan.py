"""`jph drivers scan`: nodes for what is attached, with codifiers that are free, as a configuration that loads."""

import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.console.calling import Ended, Shell
from tests.console.hostile import HOSTILE
from tests.drivers.devices import attached
from tests.drivers.devices.i2c import EmulatedBus, Registers
from tests.drivers.devices.i2c_dev import mounted
from tests.support.fuse import why_not


@pytest.fixture
def root(shell: Shell) -> Path:
    """Give the root of a computer to which something of everything is attached."""
    root = shell.home / "root"
    attached.attach_everything(root)
    return root


def scan(shell: Shell, root: Path, *arguments: str) -> Ended:
    ended = shell.jph("drivers", "scan", "--root", str(root), *arguments)
    assert ended.code == 0
    return ended


def nodes(ended: Ended) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(ended.out)["nodes"]
    return found


def codifiers(found: dict[str, Any]) -> list[str]:
    return [one for codifier, node in found.items() for one in (codifier, *node.get("proxies", {}))]


def test_what_is_printed_is_a_configuration_without_a_problem(shell: Shell, root: Path) -> None:
    (shell.home / "found.yaml").write_text(scan(shell, root).out, "utf-8")
    checked = shell.jph("config", "check", "found.yaml")
    assert (checked.code, checked.out) == (0, "")
    assert "9 nodes, 12 sensors, 0 warnings" in checked.err


def test_nodes_have_names_units_options_and_this_host(shell: Shell, root: Path) -> None:
    found = nodes(scan(shell, root))
    [node] = [node for node in found.values() if node["options"] == {"id": "10-000802824e58"}]
    host = socket.gethostname()
    assert node == {
        "name": "DS18S20 10-000802824e58",
        "host": host,
        "driver": "w1",
        "options": {"id": "10-000802824e58"},
        "unit": "°C",
    }


def test_codifiers_tell_the_unit_and_none_is_given_twice(shell: Shell, root: Path) -> None:
    given = codifiers(nodes(scan(shell, root)))
    assert len(set(given)) == len(given) == 12
    assert {"T1", "T2", "H1", "P1"} <= set(given)


def test_codifiers_of_the_configuration_are_not_given(shell: Shell, root: Path) -> None:
    (shell.home / "jph.yaml").write_text(
        "nodes:\n  T1: {driver: control, options: {default: 1}, proxies: {H1: {channel: value}}}\n", "ascii"
    )
    assert {"T1", "H1"} & set(codifiers(nodes(scan(shell, root)))) == set()


def test_what_the_configuration_reads_already_is_left_out(shell: Shell, root: Path) -> None:
    (shell.home / "jph.yaml").write_text("nodes:\n  F1: {driver: dht, options: {pin: 21}}\n", "ascii")
    ended = scan(shell, root)
    assert "dht" not in {node["driver"] for node in nodes(ended).values()}
    assert "jph: F1 reads it already: dht, temperature" in ended.err


def test_what_another_host_reads_is_not_left_out(shell: Shell, root: Path) -> None:
    (shell.home / "jph.yaml").write_text("nodes:\n  F1: {driver: dht, host: other, options: {pin: 21}}\n", "ascii")
    assert "dht" in {node["driver"] for node in nodes(scan(shell, root)).values()}


def test_a_configuration_that_cannot_be_loaded_is_told_and_hinders_nothing(shell: Shell, root: Path) -> None:
    (shell.home / "jph.yaml").write_text("nodes: {T1: {}}\n", "ascii")
    ended = scan(shell, root)
    assert nodes(ended)
    assert "so codifiers may be taken already" in ended.err


def test_one_that_is_named_must_load(shell: Shell, root: Path) -> None:
    ended = shell.jph("drivers", "scan", "--root", str(root), "--config", "no.yaml")
    assert (ended.code, ended.out) == (1, "")


def test_where_nothing_is_attached_the_configuration_is_empty_and_loads(shell: Shell) -> None:
    ended = scan(shell, shell.home / "nowhere")
    assert nodes(ended) == {}
    assert "there is no 1-Wire bus; write dtoverlay=w1-gpio,gpiopin=4 into config.txt" in ended.err
    assert "nothing was found. Looked at were 1-Wire, hwmon," in ended.err
    (shell.home / "found.yaml").write_text(ended.out, "utf-8")
    assert shell.jph("config", "check", "found.yaml").code == 0


def test_where_something_is_attached_nobody_is_told_that_nothing_was_found(shell: Shell, root: Path) -> None:
    assert "nothing was found" not in scan(shell, root).err


def test_quiet_tells_only_what_was_found(shell: Shell, root: Path) -> None:
    assert scan(shell, root, "--quiet").err == ""


def test_names_that_a_device_gives_itself_do_no_harm(shell: Shell, tmp_path: Path) -> None:
    root = tmp_path / "hostile"
    attached.attach_hwmon(root, 0, HOSTILE.replace("\0", ""), "x", {"temp1_input": "1"})
    attached.write(root / "dev/serial/by-id" / "usb\nQ1: {driver: sqlite}\x1b[2J", "")
    ended = scan(shell, root)
    assert "\nQ1" not in ended.out
    assert all(line.isprintable() for line in (ended.out + ended.err).splitlines())
    (shell.home / "found.yaml").write_text(ended.out, "utf-8")
    assert shell.jph("config", "check", "found.yaml").code == 0


@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
def test_chips_on_a_bus_stand_in_comments(shell: Shell, tmp_path: Path) -> None:
    root = tmp_path / "with a bus"
    with mounted({1: EmulatedBus({0x76: Registers()})}, root / "dev"):
        ended = scan(shell, root)
    assert nodes(ended) == {}
    assert "\n# /dev/i2c-1: 0x76 answers; it may be:\n#   BME280 " in ended.out


@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
def test_an_adc_pi_that_seems_to_be_there_is_a_node_in_comments_with_codifiers_that_are_free(
    shell: Shell, tmp_path: Path
) -> None:
    root = tmp_path / "with a bus"
    chips = {0x68: Registers(), 0x69: Registers()}
    with mounted({1: EmulatedBus(chips)}, root / "dev"):
        ended = scan(shell, root)
        [hint] = [one for one in scan(shell, root, "--json").documents if one["codifier"]]
    assert nodes(ended) == {}
    comment = ended.out.partition("as the converters of an ADC Pi do; if it is one:\n")[2].partition("\n\n")[0]
    node = yaml.safe_load("".join(f"{line.removeprefix('#   ')}\n" for line in comment.splitlines()))
    assert node == {hint["codifier"]: hint["node"]}
    (shell.home / "found.yaml").write_text(yaml.safe_dump({"nodes": node}), "utf-8")
    checked = shell.jph("config", "check", "found.yaml")
    assert (checked.code, checked.out) == (0, "")
    assert "1 nodes, 8 sensors" in checked.err.replace("1 node,", "1 nodes,")
