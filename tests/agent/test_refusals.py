"""What `jph-agent` cannot run ends at once, with one message and no traceback."""

import json
import socket

from tests.agent.processes import Machine
from tests.agent.processes import machine as machine  # noqa: PLC0414 - a fixture

SENSOR = "C1: {driver: pipe, options: {path: /proc/loadavg, field: 1}}"
CONSOLE = "CC: {host: pi-hall, driver: console}"


def test_a_codifier_that_does_not_exist_is_refused(machine: Machine) -> None:
    machine.configure(SENSOR)
    assert machine.start("ZZ").ends() == (
        1,
        f"jph-agent: {machine.file} has no node ZZ; `jph config show` lists all\n",
    )


def test_a_proxy_is_refused(machine: Machine) -> None:
    machine.configure(SENSOR.replace("field: 1}", "fields: {value: 1, five: 2}}, proxies: {C2: {channel: five}}"))
    assert machine.start("C2").ends() == (
        1,
        f"jph-agent: {machine.file} has no node C2; its readings come from the node C1: run that\n",
    )


def test_a_host_that_no_node_names_is_refused(machine: Machine) -> None:
    nodes = (SENSOR.replace("C1: {", f"C{n}: {{host: {host}, ") for n, host in enumerate(["pi-shed", "pi-barn"]))
    machine.configure("\n".join([*nodes, CONSOLE]))
    advice = "it has nodes for pi-barn, pi-shed: --host runs those of another host"
    assert machine.start("--host", "elsewhere").ends() == (
        1,
        f"jph-agent: {machine.file} has no node for the host elsewhere; {advice}\n",
    )


def test_of_many_hosts_only_some_are_named(machine: Machine) -> None:
    machine.configure("\n".join(SENSOR.replace("C1: {", f"C{n}: {{host: pi{n}, ") for n in range(10)))
    code, said = machine.start("--host", "elsewhere").ends()
    assert (code, said.partition("; ")[2]) == (
        1,
        "it has nodes for pi0, pi1, pi2, pi3, pi4, pi5, pi6, pi7, ...: --host runs those of another host\n",
    )


def test_this_host_is_named_when_no_node_says_where_it_runs(machine: Machine) -> None:
    machine.configure(SENSOR)
    advice = "add `host: NAME` to the nodes of this host, or name the nodes to run, as in: jph-agent C1"
    assert machine.start().ends() == (
        1,
        f"jph-agent: {machine.file} has no node for the host {socket.gethostname()}; {advice}\n",
    )


def test_a_host_that_has_nothing_to_run_is_refused(machine: Machine) -> None:
    machine.configure(CONSOLE)
    code, said = machine.start("--host", "pi-hall").ends()
    assert (code, "has no node for the host pi-hall that can be run, only CC; " in said) == (1, True)


def test_a_type_of_the_original_that_nobody_knows_is_refused(machine: Machine) -> None:
    sensor = {"Codifier": "F1", "ShortName": "own", "Type": "MyReader", "SensorInterval": 5, "KeepAliveInterval": 60}
    machine.file.write_text(json.dumps({"Sensors": [sensor]}))
    code, said = machine.start("F1").ends()
    assert (code, said.splitlines()[-1]) == (
        1,
        "jph-agent: F1: this version has no driver 'MyReader'; leave this node out",
    )


def test_a_missing_file_is_refused(machine: Machine) -> None:
    code, said = machine.start().ends()
    assert (code, said.count("\n"), str(machine.file) in said) == (1, 1, True)


def test_a_configuration_that_cannot_be_read_is_refused(machine: Machine) -> None:
    machine.file.mkdir()
    code, said = machine.start().ends()
    assert (code, said.count("\n"), str(machine.file) in said) == (1, 1, True)


def test_a_configuration_that_is_no_yaml_is_refused(machine: Machine) -> None:
    machine.file.write_text("nodes: [")
    code, said = machine.start().ends()
    assert (code, said.startswith(f"jph-agent: {machine.file}:"), "Traceback" in said) == (1, True, False)


def test_all_errors_of_a_configuration_are_listed(machine: Machine) -> None:
    machine.configure("C1: {driver: pipe, options: {paht: /proc/loadavg}}\nC2: {driver: piep}")
    code, said = machine.start("C1").ends()
    assert (code, "paht" in said, "piep" in said) == (1, True, True)


def test_wrong_usage_is_refused(machine: Machine) -> None:
    machine.configure(SENSOR)
    assert machine.start("--tkeover").ends()[0] == 2
