"""`jph-agent` as a process: what it runs, what it says, and how it ends."""

import contextlib
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocol.frames import Flag
from storage.sqlite import open_for_reading
from tests.agent.peer import Peer
from tests.agent.peer import peer as peer  # noqa: PLC0414 - a fixture
from tests.agent.processes import Machine
from tests.agent.processes import machine as machine  # noqa: PLC0414 - a fixture

SENSOR = "C1: {name: load, driver: pipe, options: {path: /proc/loadavg, field: 1}, interval: 100ms}"
LOGGING = """
logging:
  version: 1
  formatters: {brief: {format: "<%(codifier)s> %(message)s"}}
  handlers: {err: {class: logging.StreamHandler, formatter: brief}}
  root: {level: INFO, handlers: [err]}
"""
FAN = "FK: {driver: control, options: {default: 50, safe: 30, min: 0, max: 100}, interval: 100ms}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_in_order(machine: Machine, peer: Peer, number: signal.Signals) -> None:
    history = machine.path / "history.db"
    machine.configure(f"{SENSOR}\nQ1: {{driver: sqlite, options: {{path: {history}}}, interval: 1h}}")
    agent = machine.start("C1", "Q1")
    last = peer.hears_data("C1")
    while last.flag == "n":
        last = peer.hears_data("C1")
    agent.signal(number)
    code, said = agent.ends()
    while (frame := peer.hears_data("C1")).flag != "n":
        last = frame
    assert frame.sequence == last.sequence
    while peer.hears_control("I", "C1").active:
        pass
    assert not peer.hears_control("I", "Q1").active
    with contextlib.closing(open_for_reading(history)) as stored:
        assert stored.history("C1", 0, 2**62, 10_000)[-1].sequence == last.sequence
    assert (code, f"{number.name}: stops" in said, "Traceback" in said) == (0, True, False)


VALVE = """
from pathlib import Path
from threading import Event
from typing import ClassVar
from drivers.driver import DriverOptions

class ValveOptions(DriverOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    file: str

class Valve:
    Options: ClassVar = ValveOptions

    def __init__(self, options, place):
        self.file = Path(options.file)
        self.reads = 0

    def read(self):
        self.reads += 1
        if self.reads > 1:
            open(f"{self.file}.hangs", "wb").close()
            Event().wait()
        return {"value": 0}

    def set(self, value):
        self.file.write_text(f"open {value:g}")

    def step(self, by):
        pass

    def close(self):
        self.file.write_text("closed")
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Give the directory of another package, with a driver `valve` whose second read never ends."""
    directory = tmp_path / "packages"
    information = directory / "valve-1.0.dist-info"
    information.mkdir(parents=True)
    (directory / "valve.py").write_text(VALVE)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: valve\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[jph.drivers]\nvalve = valve:Valve\n")
    return directory


@pytest.mark.parametrize("interval", ["1h", "100ms"], ids=["at rest", "while a read hangs"])
def test_an_actuator_of_another_package_is_safe_at_the_end(
    machine: Machine, peer: Peer, package: Path, interval: str
) -> None:
    position, hangs = machine.path / "position", machine.path / "position.hangs"
    os.mkfifo(hangs)
    machine.configure(f"V1: {{driver: valve, options: {{file: {position}}}, interval: {interval}}}")
    agent = machine.start("V1", PYTHONPATH=str(package))
    agent.says("V1 (valve) is on the bus")
    if interval == "1h":
        peer.hears_data("V1")
        peer.control(Flag.SET, "V1", 80.0)
        peer.hears_control("K", "V1")
        assert position.read_text() == "open 80"
    else:
        assert hangs.read_bytes() == b""
    code, said = agent.stop()
    assert (code, position.read_text(), "Traceback" in said) == (0, "closed", False)


def test_a_set_value_survives_a_restart(machine: Machine, peer: Peer) -> None:
    machine.configure(FAN.replace("100ms", "1h"))
    agent = machine.start("FK")
    agent.says("FK (control) is on the bus")
    assert [peer.hears_data("FK").value for _ in range(2)][1] == 50
    peer.control(Flag.SET, "FK", 80.0)
    assert peer.hears_data("FK").value == 80
    agent.stop()
    peer.hears_data("FK")  # the number of its last reading
    machine.start("FK")
    assert [peer.hears_data("FK").value for _ in range(2)][1] == 80


def test_without_names_it_runs_the_nodes_of_this_host(machine: Machine) -> None:
    here = SENSOR.replace("C1: {", f"C1: {{host: {socket.gethostname()}, ")
    machine.configure(f"{here}\nC2: {{host: elsewhere, driver: control, options: {{default: 1}}}}")
    agent = machine.start()
    agent.says("C1 (load) is on the bus")
    assert "C2" not in agent.stop()[1]


def test_or_those_of_another_host(machine: Machine) -> None:
    machine.configure("C2: {host: elsewhere.example.org, driver: control, options: {default: 1}}")
    agent = machine.start("--host", "elsewhere")
    agent.says("C2 (control) is on the bus")


def test_the_environment_names_configuration_and_node(machine: Machine) -> None:
    machine.configure(f"{SENSOR}\n{FAN}")
    agent = machine.start(JPH_CONFIG=str(machine.file), JPH_SENSOR="C1")
    agent.says("C1 (load) is on the bus")
    assert "FK" not in agent.stop()[1]


@pytest.mark.parametrize(("arguments", "environment"), [(["--debug"], {}), ([], {"JPH_DEBUG": "1"})], ids=str)
def test_debug_says_everything(machine: Machine, arguments: list[str], environment: dict[str, str]) -> None:
    machine.configure(SENSOR, "logging: {version: 1, root: {level: CRITICAL}}\n")
    machine.start("C1", *arguments, **environment).says("C1 (load) is on the bus")


def test_the_configuration_s_logging_is_used(machine: Machine) -> None:
    machine.configure(SENSOR, LOGGING)
    assert machine.start("C1").says("is on the bus") == "<C1> C1 (load) is on the bus"


def test_a_second_instance_ends_with_code_3_and_names_the_host(machine: Machine) -> None:
    machine.configure(SENSOR)
    first = machine.start("C1")
    first.says("C1 (load) is on the bus")
    code, said = machine.start("C1").ends()
    assert (code, "C1 is already running at 127.0.0.1 (port " in said, "--takeover" in said) == (3, True, True)
    first.says("another C1 is running at 127.0.0.1")
    assert first.stop()[0] == 0


def test_a_takeover_runs_beside_it(machine: Machine) -> None:
    machine.configure(SENSOR)
    machine.start("C1").says("C1 (load) is on the bus")
    machine.start("C1", "--takeover").says("C1 (load) is on the bus")


def test_sighup_reads_the_configuration_again(machine: Machine) -> None:
    machine.configure(f"{SENSOR}\n{FAN}")
    agent = machine.start("C1", "FK")
    agent.says("FK (control) is on the bus")
    machine.configure(f"{SENSOR}\n{FAN.replace('100ms', '50ms')}")
    agent.signal(signal.SIGHUP)
    assert agent.says("read again").endswith("of 2 nodes 1 ended, 1 started")
    agent.says("FK (control) is on the bus")
    assert agent.stop()[0] == 0


def test_a_bad_one_is_refused_and_named(machine: Machine) -> None:
    machine.configure(SENSOR)
    agent = machine.start("C1")
    agent.says("C1 (load) is on the bus")
    machine.file.write_text("nodes: {C1: {driver: piep}}")
    agent.signal(signal.SIGHUP)
    agent.says("the configuration was not taken, the old one is kept:")
    agent.says("'piep' is no driver")
    assert agent.stop()[0] == 0


def test_its_logging_is_followed(machine: Machine) -> None:
    machine.configure(SENSOR)
    agent = machine.start("C1")
    agent.says("C1 (load) is on the bus")
    machine.configure(SENSOR, LOGGING.replace("<%(codifier)s>", "now"))
    agent.signal(signal.SIGHUP)
    assert agent.says("read again").startswith("now the configuration was read again")


def test_a_command_that_runs_for_ever_ends_with_the_agent(machine: Machine) -> None:
    pipe = machine.path / "pipe"
    os.mkfifo(pipe)
    machine.configure(f"C1: {{driver: pipe, options: {{command: sh -c 'exec sleep 3600 > {pipe}', timeout: 1h}}}}")
    agent = machine.start("C1")
    with pipe.open("rb") as reader:  # opened as soon as the command writes to it
        assert agent.stop()[0] == 0
        assert reader.read() == b""  # and at its end when the command is gone


@pytest.fixture
def occupier(machine: Machine) -> Iterator[socket.socket]:
    """Occupy the port of the control bus as a program does that shares it with nobody."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as occupier:
        occupier.bind(("0.0.0.0", machine.network.control.port))  # noqa: S104 - what such a program does
        yield occupier


def test_a_port_that_is_taken_is_said_once_and_waited_for(machine: Machine, occupier: socket.socket) -> None:
    machine.configure(SENSOR)
    agent = machine.start("C1")
    port = machine.network.control.port
    assert agent.says("the buses do not work").endswith(
        f"UDP port {port} is taken by another program that does not share it; find it with: ss -ulpn 'sport = :{port}'"
    )
    occupier.close()
    agent.says("the buses work")
    code, said = agent.stop()
    assert (code, "do not work" in said) == (0, False)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(15.0)
        yield manager


def test_it_is_told_of_start_progress_and_stop(machine: Machine, manager: socket.socket) -> None:
    machine.configure(SENSOR)
    agent = machine.start("C1", NOTIFY_SOCKET=manager.getsockname(), WATCHDOG_USEC="200000")
    told = [manager.recv(1024) for _ in range(4)]
    agent.stop()
    while told[-1] != b"STOPPING=1":
        told.append(manager.recv(1024))
    assert set(told) == {b"READY=1\nSTATUS=runs C1", b"WATCHDOG=1", b"STOPPING=1"}
