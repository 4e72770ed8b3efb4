"""The one door: sections, what belongs together, and what one gets for a configuration that is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.loading import load, loads
from config.model import ConfigError, Configuration, Group, Network, NoConfigurationError, Problem
from protocol.errors import JphError
from tests.config.kinds import KINDS, errors, loaded

DESIGN = """
network:
  control: 239.192.71.1:7001
  data: 239.192.71.1:7002
  interface: eth0
defaults: {interval: 5s, keepalive: 60s, timeout: 20s}
nodes:
  C1:
    name: kastpi CPU
    host: kastpi
    driver: pipe
    options: {path: /sys/class/thermal/thermal_zone0/temp, scale: 0.001}
    unit: °C
    alarms: {warning: "> 70", critical: "> 80", hysteresis: 2, hits: 3}
    filters: [{median: 3}, {clamp: {min: -20, max: 120}}]
  F1:
    host: pimon.example.org
    driver: dht
    options: {pin: 21}
    unit: °C
    proxies:
      F2: {name: humidity, unit: "%", channel: humidity}
  Q1: {host: Kastpi, driver: sqlite, options: {path: ~/.local/share/jph/history.db}}
"""


def test_a_network_is_loaded_from_one_file(tmp_path: Path) -> None:
    file = tmp_path / "jph.yaml"
    file.write_text(DESIGN, encoding="utf-8")
    configuration = load(str(file), KINDS.get)
    assert configuration.source == str(file)
    assert configuration.network == Network(interface="eth0")
    assert list(configuration.nodes) == ["C1", "F1", "Q1"]
    assert [sensor.codifier for _, sensor in configuration.sensors()] == ["C1", "F1", "F2", "Q1"]


def test_a_sensor_and_its_node_are_found_by_the_sensor_s_codifier() -> None:
    configuration = loaded(DESIGN)
    sensor, owner = configuration.sensor("F2"), configuration.owner("F2")
    assert sensor is not None
    assert owner is not None
    assert (sensor.name, sensor.channel, owner.codifier) == ("humidity", "humidity", "F1")
    assert (configuration.sensor("ZZ"), configuration.owner("ZZ")) == (None, None)


@pytest.mark.parametrize(
    ("host", "codifiers"),
    [
        ("kastpi", ["C1", "Q1"]),
        ("KASTPI.local", ["C1", "Q1"]),
        ("pimon", ["F1"]),
        ("pimon.example.org", ["F1"]),
        ("pimon.example.com", []),
        ("kast", []),
        ("", []),
    ],
)
def test_a_host_is_known_by_its_short_and_its_long_name(host: str, codifiers: list[str]) -> None:
    assert [node.codifier for node in loaded(DESIGN).on_host(host)] == codifiers


def test_two_configurations_are_equal_when_they_say_the_same() -> None:
    one, other = loaded(DESIGN), loads(b"# the same\n" + DESIGN.encode(), "other.yaml", KINDS.get)
    assert one == other
    assert hash(one) == hash(other)
    assert one != loaded(DESIGN.replace("5s", "6s"))
    assert one != DESIGN


def test_the_order_of_nodes_is_a_part_of_what_is_said() -> None:
    assert loaded("nodes: {C1: {driver: console}, C2: {driver: console}}") != loaded(
        "nodes: {C2: {driver: console}, C1: {driver: console}}"
    )


@pytest.mark.parametrize(
    "text", ["nodes:", "nodes: {}", "network:\nnodes:\ndefaults:\nlogging:", "x-note: nothing yet"]
)
def test_sections_may_be_empty(text: str) -> None:
    assert loaded(text) == Configuration()


def test_sections_that_begin_with_x_are_a_place_for_what_is_shared() -> None:
    text = "x-common: &common {driver: console, host: kastpi}\nnodes: {C1: {<<: *common}, C2: {<<: *common, host: b}}"
    assert [node.host for node in loaded(text).nodes.values()] == ["kastpi", "b"]


@pytest.mark.parametrize("section", ["secrecy", "Nodes", "sensors", "Spool"])
def test_a_section_that_would_be_ignored_is_refused(section: str) -> None:
    [error] = errors(f"nodes: {{}}\n{section}: {{mode: require}}")
    assert error.startswith(f"jph.yaml:2: unknown section {section!r}: this version would not do what it says; ")


@pytest.mark.parametrize(
    ("text", "group"),
    [("239.1.2.3:5", Group("239.1.2.3", 5)), ('"[ff15::7]:5"', Group("ff15::7", 5))],
)
def test_groups_are_of_either_ip_version(text: str, group: Group) -> None:
    assert loaded(f"network: {{data: {text}}}").network.data == group


@pytest.mark.parametrize(
    "wanted",
    ["eth0", "eth0.7", "wlan0:1", "enx00e04c680001", "192.168.1.9", "192.168.1.0/24", "fd00::7", "fd00::/8", "7"],
)
def test_an_interface_is_a_name_an_address_or_a_network(wanted: str) -> None:
    assert loaded(f'network: {{interface: "{wanted}"}}').network.interface == wanted


@pytest.mark.parametrize(
    ("network", "error"),
    [
        ("control: 192.168.0.1:7001", "network.control: 192.168.0.1 is no multicast address; "),
        ("data: 224.0.0.5:7001", "network.data: 224.0.0.5 is in 224.0.0.0/24, which belongs to "),
        ("data: 239.1.1.1:0", "network.data: '0' is no UDP port; "),
        ("data: [239.1.1.1, 7002]", "network.data: one value is expected here, not a list"),
        ("ttl: 256", "network.ttl: '256' must be at most 255"),
        ("ttl: -1", "network.ttl: '-1' must be at least 0"),
        ("interface: [eth0]", "network.interface: text is expected here, not a list"),
        ("interface: 10.0.0.300", "network.interface: '10.0.0.300' is no address; write eth0, "),
        ("interface: 192.168.1/24", "network.interface: '192.168.1/24' is no address; "),
        ("port: 7001", "network: unknown option 'port'; "),
        ("control: 239.192.71.1:7002", "network: control and data are the same group, 239.192.71.1:7002; "),
        (
            "control: 239.1.1.1:9, data: 239.1.1.2:9",
            "network: control and data share the port 9, and a program bound to it would hear both; ",
        ),
    ],
)
def test_a_network_that_cannot_work_is_refused(network: str, error: str) -> None:
    [found] = errors(f"network: {{{network}}}")
    assert found.startswith(f"jph.yaml:1: {error}")


@pytest.mark.parametrize("key", ["interval", "keepalive", "timeout"])
def test_defaults_are_durations(key: str) -> None:
    assert errors(f"defaults:\n  {key}: 0s") == [
        f"jph.yaml:2: defaults.{key}: '0s' is no time at all; write 5s, 10m or 24h"
    ]


@pytest.mark.parametrize("section", ["network", "defaults", "nodes", "logging"])
@pytest.mark.parametrize("content", ["3", "[a, b]"])
def test_a_section_is_a_mapping(section: str, content: str) -> None:
    [error] = errors(f"{section}: {content}")
    assert error.startswith(f"jph.yaml:1: {section}: a mapping is expected here, not ")


@pytest.mark.parametrize("text", ["3", "[a]", "just text", "~"])
def test_a_document_without_sections_is_no_configuration(text: str) -> None:
    [error] = errors(text)
    assert "is no configuration; it has sections, such as nodes:" in error


def test_errors_of_all_sections_are_told_at_once_in_the_order_of_the_file() -> None:
    text = "logging: {version: 2}\nnodes: {C1: {driver: [a]}}\nsecrecy: {}\ndefaults: {interval: x}\nnetwork: {ttl: x}"
    assert [int(error.split(":")[1]) for error in errors(text)] == [1, 2, 3, 4, 5]


def test_what_is_wrong_throughout_is_told_in_bounds() -> None:
    text = "nodes: {" + ", ".join(f"C{n:04}: {{driver: 3x}}" for n in range(1000)) + "}"
    assert len(errors(text)) == 200


def test_a_config_error_holds_its_problems_for_programs() -> None:
    with pytest.raises(ConfigError) as refused:
        loads(b"nodes:\n  C1: {driver: pipe, interval: abc, options: {path: /x}}", "jph.yaml", KINDS.get)
    assert refused.value.problems == (
        Problem("jph.yaml", 2, "nodes.C1.interval: 'abc' is no duration", "write 5s, 10m or 24h"),
    )
    assert isinstance(refused.value, JphError)
    assert str(refused.value) == "jph.yaml:2: nodes.C1.interval: 'abc' is no duration; write 5s, 10m or 24h"


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("f", 3, "wrong"), "f:3: wrong"),
        (Problem("f", 0, "wrong", "mend it"), "f: wrong; mend it"),
        (Problem("", 0, "wrong"), "wrong"),
    ],
)
def test_a_problem_is_one_line(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_nothing_named_and_nothing_found_is_an_error_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoConfigurationError, match="no configuration found"):
        load(environ={"HOME": str(tmp_path)})


def test_the_environment_of_the_process_is_asked_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("nodes: {C1: {driver: console}}")
    monkeypatch.setenv("JPH_CONFIG", str(file))
    assert list(load().nodes) == ["C1"]


def test_a_thousand_nodes_are_loaded_whole() -> None:
    codifiers = [chr(first) + chr(second) for first in range(0x61, 0x7B) for second in range(0x41, 0x7B)][:1000]
    lines = [
        f'  "{codifier}": {{driver: pipe, options: {{path: /{number}}}}}' for number, codifier in enumerate(codifiers)
    ]
    configuration = loaded("nodes:\n" + "\n".join(line.replace("\\", "\\\\") for line in lines))
    assert list(configuration.nodes) == codifiers


def test_loading_a_file_imports_neither_requests_nor_a_screen(tmp_path: Path) -> None:
    file = tmp_path / "jph.yaml"
    file.write_text("nodes: {C1: {driver: console}}")
    program = (
        "import sys; from config.loading import load; load(sys.argv[1]);"
        "heavy = ('requests', 'urllib3', 'ssl', 'hashlib', 'difflib', 'textual', 'rich');"
        "print([name for name in heavy if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(file)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ran.stdout.strip() == "[]"
