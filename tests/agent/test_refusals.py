"""What `jph-agent` cannot run ends at once, with one message and no traceback."""

from tests.agent.processes import Machine
from tests.agent.processes import machine as machine  # noqa: PLC0414 - a fixture

SENSOR = "C1: {driver: pipe, options: {path: /proc/loadavg, field: 1}}"
ADVICE = "name the codifiers to run, or set `host:` of some nodes to this host's name"


def test_a_codifier_that_does_not_exist_is_refused(machine: Machine) -> None:
    machine.configure(SENSOR)
    assert machine.start("ZZ").ends() == (
        1,
        f"jph-agent: {machine.file} has no node ZZ; `jph sensors` lists all\n",
    )


def test_a_proxy_is_refused(machine: Machine) -> None:
    machine.configure(SENSOR.replace("field: 1}", "fields: {value: 1, five: 2}}, proxies: {C2: {channel: five}}"))
    assert machine.start("C2").ends() == (
        1,
        f"jph-agent: {machine.file} has no node C2; its readings come from the node C1: run that\n",
    )


def test_a_host_without_nodes_is_refused(machine: Machine) -> None:
    machine.configure(SENSOR)
    code, said = machine.start("--host", "elsewhere").ends()
    assert (code, said) == (
        1,
        f"jph-agent: {machine.file} has no node for this host; {ADVICE}\n",
    )


def test_a_driver_of_a_later_version_is_refused(machine: Machine) -> None:
    machine.configure("F1: {driver: dht, options: {pin: 21}}")
    code, said = machine.start("F1").ends()
    assert (code, said.splitlines()[-1]) == (
        1,
        "jph-agent: F1: this version has no driver 'dht'; leave this node out",
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
