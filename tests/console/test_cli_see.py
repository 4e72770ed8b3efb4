"""`jph get`, `sensors`, `nodes` and `ping` against an agent that runs."""

import signal
from pathlib import Path
from typing import Final

import pytest
import yaml

from console import demo_agent
from console.commands.nodes import told
from console.output import Column, Span
from protocol.troubles import Said, Trouble
from tests.console.calling import Shell, Site, errors, network_section, output
from tests.console.conftest import RED
from tests.support.loopback import LoopbackNetworks

SENDING: Final = {"C1", "F1", "F2", "T1", "L1", "H1", "FK", "FL", "FM", "FN", "Q1"}


def test_get_prints_what_a_sensor_says(shell: Shell, site: Site) -> None:
    ended = shell.jph("get", "C1", "--json", site.config)
    [got] = ended.documents
    assert ended.code == 0
    assert list(got) == ["codifier", "name", "value", "unit", "timestamp_ms", "age_s", "status"]
    assert (got["codifier"], got["name"], got["value"], got["unit"], got["status"]) == ("C1", "cpu", 21.5, "°C", "ok")


def test_get_prints_the_sensors_in_the_order_in_which_they_were_asked_for(shell: Shell, site: Site) -> None:
    ended = shell.jph("get", "F2", "C1", "F1", site.config)
    heading, *rows = [line.split()[:2] for line in ended.out.splitlines()]
    assert heading == ["codifier", "value"]
    assert rows == [["F2", "61"], ["C1", "21.5"], ["F1", "20.5"]]


def test_get_tells_alarms(shell: Shell, site: Site) -> None:
    [got] = shell.jph("get", "F1", "--json", site.config).documents
    assert got["status"] == "warning"


@pytest.mark.parametrize("command", ["get", "sensors"])
def test_an_alarm_of_several_hits_is_judged_by_the_one_reading_that_was_heard(
    shell: Shell, site: Site, command: str
) -> None:
    arguments = ["get", "L1"] if command == "get" else ["sensors", "--seconds", "500ms"]
    documents = shell.jph(*arguments, "--json", site.config).documents
    assert [document["status"] for document in documents if document["codifier"] == "L1"] == ["critical"]


def test_get_tells_a_sensor_that_cannot_be_read_from_a_node_that_is_not_there(shell: Shell, site: Site) -> None:
    ended = shell.jph("get", "E1", "ZZ", "--timeout", "1s", site.config_with_absent)
    assert ended.code == 1
    assert "no reading within 1.0 s: E1; the node is there" in ended.err
    assert "not heard within 1.0 s: ZZ" in ended.err


def test_who_is_named_twice_is_printed_once(shell: Shell, site: Site) -> None:
    assert len(shell.jph("get", "C1", "C1", "--json", site.config).documents) == 1


def test_get_fails_when_a_sensor_was_not_heard_in_time(shell: Shell, site: Site) -> None:
    ended = shell.jph("get", "C1", "ZZ", "--json", "--timeout", "3s", site.config_with_absent)
    present, absent = ended.documents
    assert ended.code == 1
    assert present["value"] == 21.5
    assert (absent["value"], absent["timestamp_ms"], absent["age_s"], absent["status"]) == (None, None, None, "unheard")
    assert "not heard within 3.0 s: ZZ" in ended.err


def test_get_does_not_wait_for_a_sensor_that_is_halted(shell: Shell, site: Site) -> None:
    ended = shell.jph("get", "S1", "--json", "--timeout", "1h", site.config)
    assert ended.code == 1
    assert ended.documents[0]["status"] == "halted"
    assert "halted, `jph start` lets them send: S1" in ended.err


def test_get_without_codifiers_asks_for_all_that_can_be_read(shell: Shell, site: Site) -> None:
    ended = shell.jph("get", "--json", site.config)
    assert {got["codifier"] for got in ended.documents if got["value"] is not None} == SENDING
    assert {got["codifier"] for got in ended.documents} == SENDING | {"S1"}


def test_text_from_the_network_cannot_touch_the_terminal(shell: Shell, site: Site) -> None:
    ended = shell.jph("get", "T1", site.config)
    assert r"\x1b[31mred\x1b[0m\n[bold]bold[/bold]\u202e" in ended.out
    assert ended.out.replace("\n", "").isprintable()


def test_text_from_the_network_survives_in_json(shell: Shell, site: Site) -> None:
    ended = shell.jph("get", "T1", "--json", site.config)
    assert ended.documents[0]["value"] == RED
    assert ended.out.rstrip("\n").isprintable()


def test_sensors_tell_what_their_numbers_show(shell: Shell, site: Site) -> None:
    ended = shell.jph("sensors", "--json", site.config)
    by_codifier = {document["codifier"]: document for document in ended.documents}
    proxy = by_codifier["F2"]
    assert ended.code == 0
    assert (proxy["node"], proxy["value"], proxy["missing"], proxy["loss"], proxy["bad"]) == ("F1", 61, 0, 0.0, 0)
    assert proxy["received"] >= 1
    assert by_codifier["S1"]["received"] == 0
    assert "CA" not in by_codifier


def test_sensors_tell_that_a_node_without_readings_is_there(
    shell: Shell, loopback_networks: LoopbackNetworks, tmp_path: Path
) -> None:
    announced = {"CF": {"driver": "web", "name": "web"}, "ZF": {"driver": "web", "active": False}}
    nodes = {**announced, "Q2": {"driver": "rollup"}}
    path = tmp_path / "jph.yaml"
    document = {"network": network_section(loopback_networks.new()), "nodes": nodes}
    path.write_text(yaml.safe_dump(document), "utf-8")
    with demo_agent.running(("--config", str(path), "CF", "ZF"), tmp_path / "log", shell.environment):
        ended = shell.jph("sensors", "--seconds", "500ms", "--json", f"--config={path}")
    told = [(one["codifier"], one["name"], one["status"], one["value"]) for one in ended.documents]
    assert told == [("CF", "web", "alive", None), ("ZF", "", "halted", None)]


def test_sensors_say_what_got_lost_on_this_computer(shell: Shell, site: Site) -> None:
    ended = shell.jph("sensors", "--seconds", "100ms", site.config)
    assert "0 dropped by this computer's kernel, 0 bad" in ended.err


def test_nodes_tell_their_state(shell: Shell, site: Site) -> None:
    ended = shell.jph("nodes", "--json", site.config_with_absent)
    nodes = {document["codifier"]: document for document in ended.documents}
    states = {codifier: node["state"] for codifier, node in nodes.items()}
    assert ended.code == 0
    assert (states["C1"], states["S1"], states["ZZ"]) == ("alive", "halted", "unheard")
    assert nodes["F1"]["sensors"] == 2
    assert nodes["F1"]["rtt_ms"] > 0


def test_nodes_tell_what_is_wrong_with_them(shell: Shell, site: Site) -> None:
    nodes = {document["codifier"]: document for document in shell.jph("nodes", "--json", site.config).documents}
    [trouble] = nodes["E1"]["troubles"]
    assert trouble["code"] in {Trouble.DRIVER_FAILING, Trouble.DRIVER_QUARANTINED}
    assert trouble["text"] == Said(trouble["code"], trouble["amount"]).text
    assert (nodes["C1"]["troubles"], nodes["C1"]["spool_bytes_per_day"]) == ([], None)


def test_the_table_of_nodes_has_a_column_for_what_is_wrong(shell: Shell, site: Site) -> None:
    heading, *rows = shell.jph("nodes", site.config).out.splitlines()
    assert heading.split()[:3] == ["codifier", "state", "trouble"]
    [row] = [row for row in rows if row.startswith("E1")]
    assert row.split()[:3] == ["E1", "alive", "driver"]


def test_nodes_leave_out_operators_who_are_not_there(shell: Shell, site: Site) -> None:
    ended = shell.jph("nodes", "--json", site.config)
    assert not {"CA", "CK"} & {document["codifier"] for document in ended.documents}


def test_a_table_is_as_wide_as_it_needs_to_be_when_it_is_no_terminal(shell: Shell, site: Site) -> None:
    ended = shell.jph("nodes", "--seconds", "100ms", site.config, COLUMNS="20")
    assert ended.out.splitlines()[0].split()[-3:] == ["sensors", "loss", "from"]


def test_what_nodes_say_seldom_has_a_column_when_one_says_it() -> None:
    columns = (Column("codifier"), Column("started"), Column("rivals"))
    rows: list[list[Span]] = [["C1", "-", "0"], ["F1", "12:31:07.481", "0"]]
    assert told(columns, rows) == ([columns[0], columns[1]], [["C1", "-"], ["F1", "12:31:07.481"]])
    assert told(columns, rows[:1]) == ([columns[0]], [["C1"]])


def test_ping_measures_round_trips(shell: Shell, site: Site) -> None:
    ended = shell.jph("ping", "C1", "-c", "3", "--interval", "20ms", "--json", site.config)
    [figures] = ended.documents
    assert ended.code == 0
    assert (figures["codifier"], figures["sent"], figures["received"]) == ("C1", 3, 3)
    assert 0 < figures["rtt_ms"]["min"] <= figures["rtt_ms"]["median"] <= figures["rtt_ms"]["p99"]
    assert figures["rtt_ms"]["p99"] == figures["rtt_ms"]["max"]


def test_ping_prints_each_answer_and_then_the_figures(shell: Shell, site: Site) -> None:
    ended = shell.jph("ping", "C1", "-c", "2", "--interval", "20ms", site.config)
    first, second, heading, figures = ended.out.splitlines()
    assert first.startswith("C1  1 of 1  ")
    assert second.startswith("C1  2 of 2  ")
    assert heading.split() == ["codifier", "sent", "received", "loss", "min", "median", "p99", "max", "clock"]
    assert figures.split()[:5] == ["C1", "2", "2", "0", "%"]


def test_ping_fails_when_nothing_comes_back(shell: Shell, site: Site) -> None:
    ended = shell.jph("ping", "C1", "ZZ", "-c", "1", "--timeout", "300ms", "--json", site.config_with_absent)
    _, absent = ended.documents
    assert ended.code == 1
    assert (absent["received"], absent["rtt_ms"]["min"], absent["offset_ms"]) == (0, None, None)
    assert "nothing came back from ZZ" in ended.err


def test_ping_reaches_a_node_that_no_configuration_names(shell: Shell, site: Site) -> None:
    ended = shell.jph("ping", "C1", "-c", "1", "--json", f"--config={_without_nodes(shell, site)}")
    assert (ended.code, ended.documents[0]["received"]) == (0, 1)


def test_ping_all_finds_everybody_and_succeeds_when_somebody_answers(shell: Shell, site: Site) -> None:
    ended = shell.jph("ping", "--all", "-c", "1", "--json", site.config_with_absent)
    received = {document["codifier"]: document["received"] for document in ended.documents}
    assert ended.code == 0
    assert (received["C1"], received["Q1"], received["ZZ"]) == (1, 1, 0)
    assert "CA" not in received


def test_ping_of_a_proxy_names_its_node_at_once(shell: Shell, site: Site) -> None:
    ended = shell.jph("ping", "F2", "-c", "1000", site.config)
    assert (ended.code, ended.out, ended.err) == (1, "", "jph: F2 is sent by node F1: `jph ping F1`\n")


def test_who_is_named_twice_is_pinged_once(shell: Shell, site: Site) -> None:
    ended = shell.jph("ping", "C1", "C1", "-c", "1", "--json", site.config)
    assert [(one["codifier"], one["sent"]) for one in ended.documents] == [("C1", 1)]


def test_an_interrupted_ping_still_tells_its_figures(shell: Shell, site: Site) -> None:
    with shell.start("ping", "C1", "-c", "1000", "--interval", "1h", site.config) as ping:
        assert output(ping).readline().startswith("C1  1 of 1")
        ping.send_signal(signal.SIGINT)
        rest = output(ping).read()
        assert ping.wait() == 0
        errors(ping).read()
    assert rest.splitlines()[-1].split()[:3] == ["C1", "1", "1"]


def test_without_configured_nodes_get_prints_whatever_it_hears(shell: Shell, site: Site) -> None:
    ended = shell.jph("get", "--json", "--timeout", "3s", f"--config={_without_nodes(shell, site)}")
    assert ended.code == 0
    assert {got["codifier"] for got in ended.documents} >= {"C1", "F1", "F2"}


@pytest.mark.parametrize("command", ["nodes", "sensors", "get"])
def test_where_nobody_is_the_commands_that_look_fail(shell: Shell, command: str) -> None:
    config = shell.home / "alone.yaml"
    groups = "control: 239.192.255.1:32001, data: 239.192.255.2:32002"
    config.write_text(f"network: {{{groups}, interface: lo, ttl: 0}}\n", "ascii")
    limit = "--timeout" if command == "get" else "--seconds"
    ended = shell.jph(command, limit, "100ms", f"--config={config}")
    assert ended.code == 1
    assert "an agent runs" in ended.err


def _without_nodes(shell: Shell, site: Site) -> str:
    path = shell.home / "network.yaml"
    path.write_text(yaml.safe_dump({"network": network_section(site.network)}), "utf-8")
    return str(path)
