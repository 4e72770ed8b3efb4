"""The original system's JSON: its real configuration, unchanged, and what can be wrong in one."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from config.legacy import TYPES
from config.loading import load, loads
from config.model import ConfigError, Configuration, Group, Node, Sensor
from config.options import BUILT_IN
from drivers import registry
from drivers.adcpi import AdcpiOptions, PinOptions
from drivers.dht import DhtOptions
from drivers.fan import FanOptions
from drivers.fans.gpio import GpioOutputOptions
from drivers.json import JsonOptions
from drivers.nest import NestOptions
from drivers.pool import PoolOptions
from drivers.zwave import OriginalOptions, ZwaveOptions
from tests.config.kinds import KINDS, ConsoleOptions, ControlOptions, DatabaseOptions, PipeOptions, ScriptOptions

FILE: Final = Path(__file__).with_name("original.json")
DOCUMENT: Final[dict[str, Any]] = json.loads(FILE.read_text(encoding="utf-8"))
MULTICAST: Final = DOCUMENT["Multicast"]


@pytest.fixture(scope="module")
def original() -> Configuration:
    return load(str(FILE), KINDS.get)


def entry(codifier: str, type_: str, **more: Any) -> dict[str, Any]:
    return {"Codifier": codifier, "ShortName": f"sensor {codifier}", "Type": type_, **more}


def proxy(codifier: str, owner: str, **more: Any) -> dict[str, Any]:
    return entry(codifier, "Proxy", Sensor={"Codifier": owner}, **more)


def text_of(*sensors: dict[str, Any], **sections: Any) -> bytes:
    lines = ",\n".join(json.dumps(sensor) for sensor in sensors)
    more = "".join(f', "{name}": {json.dumps(section)}' for name, section in sections.items())
    return f'{{"Sensors": [\n{lines}\n]{more}}}'.encode()


def loaded(*sensors: dict[str, Any], **sections: Any) -> Configuration:
    return loads(text_of(*sensors, **sections), "config.json", KINDS.get)


def errors(*sensors: dict[str, Any], **sections: Any) -> list[str]:
    try:
        loaded(*sensors, **sections)
    except ConfigError as error:
        return [line.removeprefix("config.json:") for line in str(error).splitlines()]
    return []


def warnings(*sensors: dict[str, Any]) -> list[str]:
    return [str(warning).removeprefix("config.json:") for warning in loaded(*sensors).warnings]


def test_all_76_sensors_of_the_real_configuration_load(original: Configuration) -> None:
    codifiers = [sensor.codifier for _, sensor in original.sensors()]
    assert sorted(codifiers) == sorted(sensor["Codifier"] for sensor in DOCUMENT["Sensors"])
    assert len(codifiers) == 76


def test_its_groups_and_its_logging_are_taken_over(original: Configuration) -> None:
    assert original.network.control == Group("226.0.0.221", 7001)
    assert original.network.data == Group("226.0.0.222", 7002)
    assert original.logging == DOCUMENT["Logging"]


def test_the_document_itself_is_kept_for_programs_that_ask_for_it(original: Configuration) -> None:
    assert original.original == DOCUMENT


def test_nothing_says_which_host_runs_what(original: Configuration) -> None:
    assert {node.host for node in original.nodes.values()} == {None}


@pytest.mark.parametrize("type_", sorted({sensor["Type"] for sensor in DOCUMENT["Sensors"]}))
def test_every_type_of_the_real_configuration_is_known(type_: str) -> None:
    assert type_ in TYPES


def test_every_type_becomes_a_driver_or_a_store(original: Configuration) -> None:
    drivers = {node.driver for node in original.nodes.values()}
    assert drivers <= {*BUILT_IN}


@pytest.mark.parametrize(
    ("codifier", "driver"),
    [
        ("C1", "pipe"),
        ("FG", "control"),
        ("CC", "console"),
        ("Q1", "postgres"),
        ("Q2", "rollup"),
        ("ZH", "rollup"),
        ("R1", "redis"),
        ("CF", "web"),
        ("X1", "json"),
        ("A1", "adcpi"),
        ("F1", "dht"),
        ("PA", "python"),
        ("M1", "pool"),
        ("N1", "nest"),
        ("W1", "zwave"),
        ("FK", "fan"),
    ],
)
def test_a_type_has_its_driver(original: Configuration, codifier: str, driver: str) -> None:
    assert original.nodes[codifier].driver == driver


def test_a_sensor_keeps_its_names_its_unit_and_its_rhythm(original: Configuration) -> None:
    assert original.nodes["C1"] == Node(
        sensor=Sensor(
            codifier="C1",
            name="kastpi Temp",
            description="Raspberry Pi (kastpi) CPU Temperature",
            unit="°C",
            timeout_s=10.0,
        ),
        driver="pipe",
        options=PipeOptions(path="/sys/class/thermal/thermal_zone0/temp", scale=0.001),
        interval_s=5.0,
        keepalive_s=10.0,
    )


def test_a_script_keeps_its_file(original: Configuration) -> None:
    assert original.nodes["PA"].options == ScriptOptions(file="pytemplates/mixtemp.py")
    assert original.nodes["FL"].options == ScriptOptions(file="pytemplates/fancontrol.py")


def test_a_sensor_that_was_inactive_still_is(original: Configuration) -> None:
    assert [node.codifier for node in original.nodes.values() if not node.active][:3] == ["C3", "M1", "M3"]


def test_a_control_sensor_takes_commands_and_its_default_becomes_a_number(original: Configuration) -> None:
    found = original.nodes["FH"]
    assert (found.control, found.options) == (True, ControlOptions(default=80.0))


def test_a_fan_is_at_the_pins_that_the_original_has_in_its_code(original: Configuration) -> None:
    pins = GpioOutputOptions(pin=25, frequency=10_000, low=24)
    assert original.nodes["FK"].options == FanOptions(gpio=pins, clamp=True, kick_start=False)


def test_what_is_controlled_takes_commands(original: Configuration) -> None:
    assert [node.codifier for node in original.nodes.values() if node.control] == ["FG", "FH", "FI", "FJ", "FK"]


def test_an_operator_s_program_has_no_options(original: Configuration) -> None:
    assert original.nodes["CC"].options == ConsoleOptions()


def test_options_of_a_later_driver_stay_as_they_are_and_numbers_in_quotes_stay_text() -> None:
    sensor = entry("C1", "MyReader", Sensor={"Pin": "2", "Proxy": [{"Codifier": "C2", "Pin": "3"}]})
    configuration = loaded(sensor, proxy("C2", "C1"))
    assert configuration.nodes["C1"].options == {"Pin": "2", "channels": {"C2": {"Pin": "3"}}}


def test_a_converter_keeps_its_pins_and_measures_as_it_did(original: Configuration) -> None:
    assert original.nodes["A1"].options == AdcpiOptions(
        pin=2, named={"A2": PinOptions(pin=1)}, bits=12, curve="phobya", divider=2.471
    )
    assert original.nodes["A3"].options == AdcpiOptions(
        pin=2, named={"A4": PinOptions(pin=3), "A5": PinOptions(pin=4)}, bits=12, curve="phobya", divider=2.471
    )


@pytest.mark.parametrize("codifier", ["CF", "Q2", "ZF", "ZH"])
def test_what_only_announces_itself_here_needs_no_options(original: Configuration, codifier: str) -> None:
    assert original.nodes[codifier].options == ConsoleOptions()


def test_the_database_of_the_original_is_that_of_the_store(original: Configuration) -> None:
    assert original.nodes["Q1"].options == DatabaseOptions(
        database="sensors",
        user="jphadmin",
        password_file="~/.sqlpassword",  # noqa: S106 - where it is
        host="127.0.0.1",
    )


def test_what_the_owner_says_of_a_proxy_is_found_under_the_proxy_s_channel(original: Configuration) -> None:
    owner = original.owner("W4")
    assert owner is not None
    assert isinstance(owner.options, ZwaveOptions)
    [channel] = [sensor.channel for sensor in owner.proxies if sensor.codifier == "W4"]
    assert owner.options.named[str(channel)] == OriginalOptions(node=3, index=4, instance=1)
    assert (owner.options.node, owner.options.index, owner.options.instance) == (2, 4, 1)


@pytest.mark.parametrize(("codifier", "pin"), [("F1", 21), ("F6", 20)])
def test_a_sensor_of_air_keeps_its_pin_which_becomes_a_number(original: Configuration, codifier: str, pin: int) -> None:
    assert original.nodes[codifier].options == DhtOptions(pin=pin)


@pytest.mark.parametrize(("codifier", "channel"), [("F2", "humidity"), ("F7", "humidity"), ("M2", "calculated")])
def test_the_one_proxy_of_some_drivers_has_a_channel_of_that_driver(
    original: Configuration, codifier: str, channel: str
) -> None:
    sensor = original.sensor(codifier)
    assert sensor is not None
    assert sensor.channel == channel


def test_proxies_that_their_owner_does_not_list_are_its_proxies_all_the_same(original: Configuration) -> None:
    assert [sensor.codifier for sensor in original.nodes["PA"].proxies] == [f"P{letter}" for letter in "BCDEFGHIJKL"]


def options_of(*sensors: dict[str, Any]) -> Any:
    return loads(text_of(*sensors), "config.json", registry.options_of).nodes[sensors[0]["Codifier"]].options


def test_what_read_json_still_does_so() -> None:
    configuration = load(str(FILE), registry.options_of)
    assert configuration.nodes["X1"].options == JsonOptions(
        url="http://192.168.0.8/X",
        field="FlowPerSecond",
        fields={"X2": "LitersPerSecond", "X3": "Power", "X4": "Mode"},
        infinite=0,
        content_type="application/json",
        connect_timeout=2,
        read_timeout=10,
        timeout=12,
    )
    assert [sensor.channel for sensor in configuration.nodes["X1"].proxies] == ["X2", "X3", "X4"]
    assert not [warning for warning in configuration.warnings if "'json'" in warning.message]


def test_what_asked_nest_asks_google_and_its_fields_are_channels() -> None:
    configuration = load(str(FILE), registry.options_of)
    node = configuration.nodes["N1"]
    assert node.options == NestOptions(credentials="~/.nestpassword", outside=True)
    assert {sensor.codifier: sensor.channel for sensor in node.sensors} == {
        "N1": "value",
        "N2": "temperature",
        "N3": "humidity",
        "N4": "target",
        "N5": "outside_temperature",
        "N6": "outside_humidity",
    }
    assert not [warning for warning in configuration.warnings if "'nest'" in warning.message or "N1" in warning.message]


def test_the_weather_has_time_to_come_unless_the_configuration_says_how_much(original: Configuration) -> None:
    timeouts = {sensor.codifier: sensor.timeout_s for sensor in original.nodes["N1"].sensors}
    assert timeouts == {"N1": 60, "N2": 60, "N3": 60, "N4": 60, "N5": 2100, "N6": 2100}
    listed = {"Field": "nestTemp", "Proxy": [{"Codifier": "N2", "Field": "nestTempOutside"}]}
    said = text_of(entry("N1", "NestReader", Sensor=listed), {**proxy("N2", "N1"), "TimeoutWarning": 1200})
    [outside] = loads(said, "config.json", registry.options_of).nodes["N1"].proxies
    assert outside.timeout_s == 1200


def test_a_field_of_nest_that_nobody_knows_is_an_error_that_names_it() -> None:
    listed = {"Field": "nestTemp", "Proxy": [{"Codifier": "N2", "Field": "nestMood"}]}
    with pytest.raises(ConfigError, match="the driver gives no channel 'nestMood'"):
        loads(text_of(entry("N1", "NestReader", Sensor=listed), proxy("N2", "N1")), "config.json", registry.options_of)


def test_a_proxy_of_nest_that_is_not_listed_has_no_channel() -> None:
    with pytest.raises(ConfigError, match="the driver gives no channel 'N2'"):
        loads(text_of(entry("N1", "NestReader"), proxy("N2", "N1")), "config.json", registry.options_of)


def test_what_asked_the_pool_still_does_so() -> None:
    configuration = load(str(FILE), registry.options_of)
    for codifier, worker, calculated in (("M1", "AQUA", "M2"), ("M3", "MAD", "M4")):
        node = configuration.nodes[codifier]
        url = "http://dwarfpool.com/eth/api?wallet=0x03145c9fsdfsdfsdfswsdf&email=xxxxxxxx@gmail.com"
        assert node.options == PoolOptions(url=url, format="dwarfpool", worker=worker)
        assert [(proxy.codifier, proxy.channel) for proxy in node.proxies] == [(calculated, "calculated")]
    assert not [warning for warning in configuration.warnings if "'pool'" in warning.message]


def test_a_worker_may_be_called_by_a_number() -> None:
    told = {"URL": "http://h/", "Server": "007"}
    assert options_of(entry("M1", "DwarfpoolReader", Sensor=told)).worker == "007"


def test_the_name_of_a_field_is_no_more_than_a_name_whatever_is_in_it() -> None:
    told = {"URL": "http://h/", "Field": "a.b-c", "Proxy": [{"Codifier": "X2", "Field": "1"}]}
    options = options_of(entry("X1", "failsafeReader", Sensor=told), proxy("X2", "X1"))
    assert (options.field, options.fields) == ('"a.b-c"', {"X2": '"1"'})


def test_what_a_proxy_is_told_beside_its_field_is_not_lost() -> None:
    told = {"URL": "http://h/", "Proxy": [{"Codifier": "X2", "Field": "a", "Pin": 3}]}
    with pytest.raises(ConfigError, match="unknown option 'Proxy'"):
        options_of(entry("X1", "failsafeReader", Sensor=told), proxy("X2", "X1"))


def test_what_cannot_run_here_is_told_once_for_each_driver(original: Configuration) -> None:
    told = [warning.message for warning in original.warnings if "is not in this version" in warning.message]
    assert told[0] == "the driver 'json' is not in this version: X1, Y1 cannot run here"
    assert len(told) == len({node.driver for node in original.nodes.values()} - KINDS.keys())


def test_what_only_announces_itself_is_told_with_the_reason(original: Configuration) -> None:
    told = [str(warning) for warning in original.warnings if "only announces" in warning.message]
    assert told == [
        f"{FILE}:77: the driver 'web' only announces CF, ZF; there is no web server in this version",
        f"{FILE}:137: the driver 'rollup' only announces Q2, ZH; every store computes its roll-ups by itself",
    ]


def test_a_proxy_that_has_its_own_way_is_told_that_it_follows_its_owner(original: Configuration) -> None:
    told = [str(warning) for warning in original.warnings if "the driver" not in warning.message]
    assert told == [f"{FILE}:572: Sensors.PA.Proxy.PL: Active of a proxy has no effect; it follows PA"]


def test_without_types_the_real_configuration_loads_without_a_word_about_drivers() -> None:
    configuration = load(str(FILE))
    assert configuration.nodes["C1"].options == {"path": "/sys/class/thermal/thermal_zone0/temp", "scale": 0.001}
    assert [warning.line for warning in configuration.warnings] == [572]


def test_a_sensor_without_a_short_name_is_called_by_its_name() -> None:
    found = loaded({"Codifier": "C1", "Name": "long", "Type": "ControlProgram"}).nodes["C1"].sensor
    assert (found.name, found.description) == ("long", "")


def test_proxies_stand_in_the_order_of_the_owner_s_list() -> None:
    owner = entry("A1", "ControlProgram", Sensor={"Proxy": [{"Codifier": "A3"}, {"Codifier": "A2"}]})
    configuration = loaded(proxy("A2", "A1"), proxy("A4", "A1"), proxy("A3", "A1"), owner)
    assert [sensor.codifier for sensor in configuration.nodes["A1"].proxies] == ["A3", "A2", "A4"]


def test_a_proxy_may_have_a_timeout_of_its_own() -> None:
    owner = entry("A1", "ControlProgram", TimeoutWarning=9)
    configuration = loaded(owner, proxy("A2", "A1", TimeoutWarning=30), proxy("A3", "A1"))
    assert [sensor.timeout_s for sensor in configuration.nodes["A1"].sensors] == [9.0, 30.0, 9.0]


def test_the_network_may_be_left_to_the_defaults() -> None:
    assert loaded(entry("C1", "ControlProgram")).network == Configuration().network


def test_a_network_may_have_ipv6_groups() -> None:
    channels = {"Control-Channel": {"Address": "ff15::1", "Port": 1}, "Data-Channel": {"Address": "ff15::2", "Port": 2}}
    network = loaded(Multicast=channels).network
    assert (network.control, network.data) == (Group("ff15::1", 1), Group("ff15::2", 2))


def test_comments_are_passed_over() -> None:
    sensor = entry("C1", "TempLinux", __comment="a", Sensor={"__comment": "b", "Pipe": "/p"})
    configuration = loaded(sensor, __comment="c", Multicast={**MULTICAST, "__comment": "d"})
    assert configuration.nodes["C1"].options == PipeOptions(path="/p", scale=0.001)
    assert configuration.warnings == ()


def test_a_type_that_nobody_knows_is_a_warning() -> None:
    [warning] = warnings(entry("C1", "MyReader", Sensor={"Pin": "3"}))
    assert warning.startswith("2: the driver 'MyReader' is not in this version: C1 cannot run here")


def test_a_type_may_be_the_name_of_a_driver() -> None:
    assert loaded(entry("C1", "pipe", Sensor={"path": "/x"})).nodes["C1"].options == PipeOptions(path="/x")


def test_a_key_that_nobody_knows_is_a_warning() -> None:
    assert warnings(entry("C1", "ControlProgram", Colour="red")) == [
        "2: Sensors.C1: Colour is not known and has no effect"
    ]


def test_a_proxy_that_is_listed_but_not_described_is_left_out_with_a_warning() -> None:
    owner = entry("A1", "ControlProgram", Sensor={"Proxy": [{"Codifier": "A2"}]})
    assert loaded(owner).nodes["A1"].proxies == ()
    assert warnings(owner) == [
        "2: Sensors.A1: lists the proxy A2, which is not described: left out; add a sensor A2 of the Type Proxy"
    ]


@pytest.mark.parametrize(
    ("sensors", "error"),
    [
        (
            [entry("C1", "ControlProgram"), entry("C1", "ControlProgram")],
            "3: Sensors: there are two sensors C1; the first is in line 2",
        ),
        (
            [entry("C1", "ControlProgram"), proxy("C1", "C1")],
            "3: Sensors: there are two sensors C1; the first is in line 2",
        ),
        (
            [proxy("A2", "A1")],
            "2: Sensors.A2: a proxy of 'A1', which is not there; name a sensor as its owner",
        ),
        (
            [entry("A2", "Proxy")],
            '2: Sensors.A2: a proxy of nobody; name its owner: "Sensor": {"Codifier": "F1"}',
        ),
        (
            [entry("A1", "ControlProgram"), proxy("A2", "A1"), proxy("A3", "A2")],
            "4: Sensors.A3: a proxy of A2, which is a proxy itself; name the owner of A2",
        ),
        (
            [entry("A1", "ControlProgram", Sensor={"Proxy": [{"Codifier": "A2"}]}), entry("A2", "ControlProgram")],
            '2: Sensors.A1: lists A2, which is no proxy of it; A2 needs "Type": "Proxy", "Sensor": {"Codifier": "A1"}',
        ),
        (
            [entry("ABC", "ControlProgram")],
            "2: Sensors.ABC: 'ABC' is no codifier; a codifier is two printable ASCII characters",
        ),
        ([entry("@@", "ControlProgram")], "2: Sensors.@@: '@@' is no codifier; it means everybody on the network"),
        ([{"Type": "Flask"}], "2: Sensors[0]: 'Codifier' is missing"),
        ([{"Codifier": "C1"}], "2: Sensors[0] C1: 'Type' is missing"),
        ([entry("C1", "ControlProgram", Active=3)], "2: Sensors.C1.Active: '3' is not true or false"),
        (
            [entry("C1", "ControlProgram", SensorInterval="often")],
            "2: Sensors.C1.SensorInterval: 'often' is no duration; write 5s, 10m or 24h",
        ),
        (
            [entry("C1", "controlSensor", Sensor={"Default": "high"})],
            "2: Sensors.C1.Sensor.Default: 'high' is not a number",
        ),
        (
            [entry("C1", "TempLinux", Sensor={"Pipe": "/x", "Pin": 3})],
            "2: Sensors.C1.Sensor: unknown option 'Pin'; known are path, command, scale",
        ),
    ],
)
def test_what_is_wrong_is_told_in_the_original_s_own_words(sensors: list[dict[str, Any]], error: str) -> None:
    assert error in errors(*sensors)


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ({"Address": "226.0.0.221"}, "Multicast.Control-Channel: 'Port' is missing"),
        ({"Port": 7001}, "Multicast.Control-Channel: 'Address' is missing"),
        ({"Address": "10.0.0.1", "Port": 7001}, "Multicast.Control-Channel: 10.0.0.1 is no multicast address; "),
        ({"Address": "226.0.0.221", "Port": 0}, "Multicast.Control-Channel: '0' is no UDP port; "),
        ({"Address": ["226.0.0.221"], "Port": 1}, "Multicast.Control-Channel.Address: one value is expected here, "),
        (3, "Multicast.Control-Channel: 'Address' is missing"),
        (
            {"Address": "226.0.0.221", "Port": 7002},
            "Multicast: control and data share the port 7002, and a program bound to it would hear both; ",
        ),
    ],
)
def test_a_wrong_group_is_told(channel: Any, error: str) -> None:
    found = errors(Multicast={**MULTICAST, "Control-Channel": channel})
    assert any(one.startswith(f"3: {error}") for one in found), found


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ('{"Sensors": 3}', "1: Sensors: a list is expected here, not '3'"),
        ('{"Sensors": [3]}', "1: Sensors[0]: 'Codifier' is missing"),
        ('{"Sensors": [], "Multicast": 3}', "1: Multicast: a mapping is expected here, not '3'"),
        ('{"Sensors": [], "Logging": 3}', "1: Logging: a mapping is expected here, not '3'"),
        ('{"Sensors": [], "Security": {}}', "1: unknown section 'Security': this version would not do what it says; "),
    ],
)
def test_wrong_sections_are_told(document: str, error: str) -> None:
    with pytest.raises(ConfigError) as refused:
        loads(document.encode(), "config.json", KINDS.get)
    assert error in str(refused.value)


def test_names_of_this_system_s_sections_do_not_mix_with_the_original_s() -> None:
    with pytest.raises(ConfigError, match="unknown section 'nodes'"):
        loads(b'{"Sensors": [], "nodes": {"C1": {"driver": "console"}}}', "config.json", KINDS.get)
