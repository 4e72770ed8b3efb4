"""The section `nodes`: from the file's words to nodes and sensors, and what is wrong with them."""

import msgspec
import pytest

from config.document import Table, parse
from config.loading import loads
from config.model import Clamp, FilterStep, Node, Sensor
from config.options import OptionsBuilder
from config.report import Report
from config.spots import Spot
from protocol.alarms import Alarms, Condition
from protocol.errors import JphError
from tests.config.kinds import (
    ConsoleOptions,
    ControlOptions,
    PipeOptions,
    StoreOptions,
    errors,
    loaded,
    warnings,
)

FULL = """
nodes:
  C1:
    name: kastpi CPU
    description: the processor of kastpi
    host: kastpi
    driver: pipe
    options: {path: /sys/class/thermal/thermal_zone0/temp, scale: 0.001}
    unit: °C
    interval: 1s
    keepalive: 30s
    timeout: 10s
    active: no
    alarms: {warning: "> 70", critical: "> 80", hysteresis: 2, hits: 3}
    filters: [{median: 3}, {clamp: {min: -20, max: 120}}]
    proxies:
      C2: {name: second, unit: "%", channel: humidity, timeout: 1m, alarms: {warning: "< 5"}, filters: [{round: 1}]}
"""


def node(text: str) -> Node:
    """Load the one node C1."""
    return loaded(f"nodes: {{C1: {{{text}}}}}").nodes["C1"]


def test_a_node_says_all_that_the_file_says() -> None:
    assert loaded(FULL).nodes["C1"] == Node(
        sensor=Sensor(
            codifier="C1",
            name="kastpi CPU",
            description="the processor of kastpi",
            unit="°C",
            timeout_s=10.0,
            alarms=Alarms(Condition(">", 70), Condition(">", 80), hysteresis=2.0, hits=3),
            filters=(FilterStep("median", 3), FilterStep("clamp", Clamp(min=-20.0, max=120.0))),
        ),
        driver="pipe",
        options=PipeOptions(path="/sys/class/thermal/thermal_zone0/temp", scale=0.001),
        host="kastpi",
        interval_s=1.0,
        keepalive_s=30.0,
        active=False,
        proxies=(
            Sensor(
                codifier="C2",
                name="second",
                unit="%",
                channel="humidity",
                timeout_s=60.0,
                alarms=Alarms(Condition("<", 5)),
                filters=(FilterStep("round", 1),),
            ),
        ),
    )


def test_a_node_needs_only_a_driver() -> None:
    assert node("driver: console") == Node(sensor=Sensor(codifier="C1"), driver="console", options=ConsoleOptions())


def test_nodes_are_in_the_order_of_the_file() -> None:
    text = "nodes: {Z1: {driver: console}, A1: {driver: console}, M1: {driver: console}}"
    assert list(loaded(text).nodes) == ["Z1", "A1", "M1"]


@pytest.mark.parametrize("codifier", ["10", "ON", "no", "1e", "~~", '"#1"', "C1", "'{}'", '"\\\\n"'])
def test_any_two_printable_characters_are_a_codifier(codifier: str) -> None:
    assert len(loaded(f"nodes: {{{codifier}: {{driver: console}}}}").nodes) == 1


@pytest.mark.parametrize("codifier", ["C", "C11", "°C", "''", "'a '", "'\u00a0x'"])
def test_what_cannot_be_sent_is_no_codifier(codifier: str) -> None:
    [error] = errors(f"nodes: {{{codifier}: {{driver: console}}}}")
    assert error.endswith("is no codifier; a codifier is two printable ASCII characters")


def test_everybody_is_no_node() -> None:
    assert errors('nodes: {"@@": {driver: console}}') == [
        "jph.yaml:1: nodes.@@: '@@' is no codifier; it means everybody on the network"
    ]


def test_a_proxy_has_a_codifier_like_any_sensor() -> None:
    assert errors('nodes: {C1: {driver: console, proxies: {"@@": , C22: }}}') == [
        "jph.yaml:1: nodes.C1.proxies.@@: '@@' is no codifier; it means everybody on the network",
        "jph.yaml:1: nodes.C1.proxies.C22: 'C22' is no codifier; a codifier is two printable ASCII characters",
    ]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (
            "nodes:\n  C1: {driver: console}\n  C1: {driver: console}",
            "jph.yaml:3: 'C1' is written twice; the first is in line 2",
        ),
        (
            "nodes:\n  C1: {driver: console}\n  C2: {driver: console, proxies: {C1: }}",
            "jph.yaml:3: nodes.C2.proxies.C1: there are two sensors C1; the first is in line 2",
        ),
        (
            "nodes:\n  C1: {driver: console, proxies: {C3: }}\n  C2: {driver: console, proxies: {C3: }}",
            "jph.yaml:3: nodes.C2.proxies.C3: there are two sensors C3; the first is in line 2",
        ),
        (
            "nodes:\n  C1:\n    driver: console\n    proxies: {C1: }",
            "jph.yaml:4: nodes.C1.proxies.C1: there are two sensors C1; the first is in line 2",
        ),
        (
            "nodes:\n  C1: {driver: console, proxies: {C2: }}\n  C2: {driver: console}",
            "jph.yaml:3: nodes.C2: there are two sensors C2; the first is in line 2",
        ),
    ],
)
def test_a_codifier_belongs_to_one_sensor(text: str, error: str) -> None:
    assert errors(text) == [error]


def test_a_proxy_may_say_nothing_and_takes_its_codifier_as_channel() -> None:
    assert node("driver: console, timeout: 1m, proxies: {F2: , F3: {}}").proxies == (
        Sensor(codifier="F2", channel="F2", timeout_s=60.0),
        Sensor(codifier="F3", channel="F3", timeout_s=60.0),
    )


def test_a_node_names_the_channel_of_its_own_sensor() -> None:
    assert node("driver: console, channel: temperature").sensor.channel == "temperature"


def test_proxies_are_a_mapping_by_codifier() -> None:
    assert errors("nodes: {C1: {driver: console, proxies: [F2]}}") == [
        "jph.yaml:1: nodes.C1.proxies: a mapping is expected here, not a list"
    ]


def test_a_proxy_does_not_have_what_only_nodes_have() -> None:
    [error] = errors("nodes: {C1: {driver: console, proxies: {F2: {interval: 5s}}}}")
    assert "nodes.C1.proxies.F2: unknown option 'interval'" in error


@pytest.mark.parametrize(
    ("text", "timeout_s"),
    [
        ("driver: console", 20.0),
        ("driver: console, interval: 1s", 20.0),
        ("driver: console, interval: 1m", 150.0),
        ("driver: console, interval: 1m, timeout: 1m", 60.0),
        ("driver: console, timeout: 7s", 7.0),
    ],
)
def test_a_slow_sensor_is_not_stale_before_it_missed_a_reading(text: str, timeout_s: float) -> None:
    assert node(text).sensor.timeout_s == timeout_s


def test_the_defaults_of_the_file_hold_for_nodes_that_say_nothing() -> None:
    text = "defaults: {interval: 2s, keepalive: 3s, timeout: 4s}\nnodes: {C1: {driver: console}}"
    found = loaded(text).nodes["C1"]
    assert (found.interval_s, found.keepalive_s, found.sensor.timeout_s) == (2.0, 3.0, 5.0)


def test_a_timeout_shorter_than_the_interval_is_worth_a_warning() -> None:
    assert warnings("nodes:\n  C1:\n    driver: console\n    interval: 1m\n    timeout: 20s") == [
        "jph.yaml:5: nodes.C1: stale before its next reading; timeout must exceed interval"
    ]


@pytest.mark.parametrize(
    ("text", "control"),
    [
        ("driver: control", True),
        ("driver: console", False),
        ("driver: control, control: false", False),
        ("driver: console, control: yes", True),
    ],
)
def test_a_driver_that_can_be_commanded_is_unless_the_file_says_otherwise(text: str, *, control: bool) -> None:
    assert node(text).control is control


def test_options_are_built_by_the_driver_s_type() -> None:
    assert node("driver: control, options: {default: 6, lease: 90s}").options == ControlOptions(default=6.0, lease=90.0)
    assert node("driver: sqlite, options: {path: /x, cache: 8MiB}").options == StoreOptions(path="/x", cache=2**23)


@pytest.mark.parametrize("options", ["", ", options: ", ", options: {}"])
def test_missing_options_of_a_driver_are_told_in_the_node_s_line(options: str) -> None:
    assert errors(f"nodes:\n  Q1: {{driver: sqlite{options}}}") == ["jph.yaml:2: nodes.Q1.options: 'path' is missing"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ("{paht: /x}", "nodes.C1.options: unknown option 'paht'; did you mean 'path'?"),
        ("{path: /x, scale: a}", "nodes.C1.options.scale: 'a' is not a number"),
        ("{path: /x, command: y}", "nodes.C1.options: needs either path or command"),
        ("[path]", "nodes.C1.options: a mapping is expected here, not a list"),
    ],
)
def test_wrong_options_are_told_by_the_driver_s_type(options: str, error: str) -> None:
    assert f"jph.yaml:1: {error}" in errors(f"nodes: {{C1: {{driver: pipe, options: {options}}}}}")


def test_a_misspelt_driver_is_an_error_with_the_one_that_was_meant() -> None:
    assert errors("nodes:\n  C1:\n    driver: sqlit") == [
        "jph.yaml:3: nodes.C1.driver: 'sqlit' is no driver and no store; did you mean 'sqlite'?"
    ]


def test_a_node_without_a_driver_is_told_what_to_write() -> None:
    assert errors("nodes:\n  C1: {name: x}") == [
        "jph.yaml:2: nodes.C1: 'driver' is missing; name what reads it, such as driver: pipe"
    ]


def test_without_types_options_are_handed_on_and_nothing_is_said_of_drivers() -> None:
    configuration = loads(b"nodes: {C1: {driver: sqlit, options: {a: 1}}}")
    assert configuration.nodes["C1"].options == {"a": 1}
    assert configuration.warnings == ()


def test_a_driver_that_cannot_be_loaded_is_an_error_with_its_hint() -> None:
    def kinds(name: str) -> type[msgspec.Struct] | None:
        raise JphError(f"{name} cannot be loaded", 'pip install "jph[x]"')

    report = Report("f")
    tree = parse(b"C1:\n  driver: mine", report)
    assert isinstance(tree, Table)
    node = tree.entries["C1"].tree
    assert isinstance(node, Table)
    assert OptionsBuilder(kinds, report, lenient=False).build("C1", "mine", Spot(node, "nodes.C1")) is None
    assert [str(error) for error in report.errors] == [
        'f:2: nodes.C1.driver: mine cannot be loaded; pip install "jph[x]"'
    ]


@pytest.mark.parametrize(
    ("alarms", "error"),
    [
        ("{}", "alarms: needs warning, critical or both"),
        ("{hits: 2}", "alarms: needs warning, critical or both"),
        ("{warning: 70}", 'alarms.warning: \'70\' is no condition; write "> 70" or "<= 5", in quotes'),
        ("{warning: '> 7', hits: 0}", "alarms.hits: '0' must be at least 1"),
        ("{warning: '> 7', hysteresis: -1}", "alarms.hysteresis: '-1' must be at least 0"),
        ("{warnign: '> 7'}", "alarms: unknown option 'warnign'; did you mean 'warning'?"),
        ("'> 70'", "alarms: a mapping is expected here, not '> 70'"),
    ],
)
def test_wrong_alarms_are_told(alarms: str, error: str) -> None:
    assert errors(f"nodes: {{C1: {{driver: console, alarms: {alarms}}}}}") == [f"jph.yaml:1: nodes.C1.{error}"]


@pytest.mark.parametrize("alarms", ['{warning: "> 70", critical: "> 60"}', '{warning: "< 5", critical: "<= 9"}'])
def test_a_critical_alarm_before_the_warning_is_worth_a_warning(alarms: str) -> None:
    [warning] = warnings(f"nodes:\n  C1:\n    driver: console\n    alarms: {alarms}")
    assert warning.startswith("jph.yaml:4: nodes.C1.alarms: critical ")


@pytest.mark.parametrize("alarms", ['{warning: "> 70", critical: "> 80"}', '{warning: "> 5", critical: "< 1"}'])
def test_alarms_in_their_order_are_worth_no_warning(alarms: str) -> None:
    assert warnings(f"nodes: {{C1: {{driver: console, alarms: {alarms}}}}}") == []


def test_one_error_in_a_node_does_not_hide_the_others() -> None:
    text = """
nodes:
  C1:
    driver: pipe
    interval: abc
    options: {path: /x, scal: 1}
    filters: [{medain: 3}]
    proxies:
      C2: {unit: [1], filters: [{round: x}]}
      C11: {}
  C3: {filters: 3, driver: sqlit}
  C4: {filters: [{scale: x}]}
"""
    assert [error.removeprefix("jph.yaml:") for error in errors(text)] == [
        "5: nodes.C1.interval: 'abc' is no duration; write 5s, 10m or 24h",
        "6: nodes.C1.options: unknown option 'scal'; did you mean 'scale'?",
        "7: nodes.C1.filters[0]: unknown filter 'medain'; did you mean 'median'?",
        "9: nodes.C1.proxies.C2.unit: one value is expected here, not a list",
        "9: nodes.C1.proxies.C2.filters[0].round: 'x' is not a whole number",
        "10: nodes.C1.proxies.C11: 'C11' is no codifier; a codifier is two printable ASCII characters",
        "11: nodes.C3.filters: a list is expected here, not '3'",
        "11: nodes.C3.driver: 'sqlit' is no driver and no store; did you mean 'sqlite'?",
        "12: nodes.C4: 'driver' is missing; name what reads it, such as driver: pipe",
        "12: nodes.C4.filters[0].scale: 'x' is not a number",
    ]


@pytest.mark.parametrize("node", ["3", "[a]", ""])
def test_a_node_is_a_mapping(node: str) -> None:
    [error] = errors(f"nodes:\n  C1: {node}")
    assert error.startswith("jph.yaml:2: nodes.C1: a mapping is expected here, not ")


def test_a_name_cannot_command_the_operator_s_terminal() -> None:
    [error] = errors('nodes: {C1: {driver: console, name: "\\e[2J"}}')
    assert "has a line break or a control character" in error
    assert "\x1b" not in error


@pytest.mark.parametrize(
    "node",
    [
        "driver: climate",
        "driver: climate, channel: humidity",
        "driver: climate, proxies: {C2: {channel: humidity}}",
        "driver: climate, options: {given: [a, C2]}, proxies: {C2: , C3: {channel: a}}",
        "driver: climate, options: {given: []}, channel: x, proxies: {C2: }",
        "driver: console, channel: x, proxies: {C2: }",
    ],
)
def test_a_channel_is_one_that_the_driver_gives_or_that_nobody_knows_yet(node: str) -> None:
    assert errors(f"nodes: {{C1: {{{node}}}}}") == []


@pytest.mark.parametrize(
    ("node", "error"),
    [
        ("channel: humdity", "3: nodes.C1: the driver gives no channel 'humdity'; did you mean 'humidity'?"),
        ("proxies: {C2: }", "3: nodes.C1.proxies.C2: the driver gives no channel 'C2'; known are humidity, value"),
        ("options: {given: [a, b]}", "2: nodes.C1: the driver gives no channel 'value'; known are a, b"),
    ],
)
def test_a_sensor_that_its_driver_never_reads_is_an_error(node: str, error: str) -> None:
    assert errors(f"nodes:\n  C1: {{driver: climate,\n    {node}}}") == [f"jph.yaml:{error}"]


def test_an_error_elsewhere_in_a_node_does_not_make_its_channels_wrong() -> None:
    node = "driver: climate, channel: humidity, interval: abc, proxies: {C2: {channel: value, timeout: abc}}"
    assert len(errors(f"nodes: {{C1: {{{node}}}}}")) == 2
