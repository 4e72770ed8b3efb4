"""Scripts of the original system in an agent: what they hear, send and command; on real sockets."""

from pathlib import Path
from textwrap import dedent

import pytest

from protocol.frames import DataFrame
from tests.agent.devices import Devices, until
from tests.agent.devices import devices as devices  # noqa: PLC0414 - a fixture
from tests.agent.hosts import Lan, Operator
from tests.agent.hosts import lan as lan  # noqa: PLC0414 - a fixture
from tests.support.driven_time import DrivenLoop

pytestmark = pytest.mark.usefixtures("devices")

SENSORS = """
A4: {driver: device, interval: 1s, options: {value: 48.312}}
FJ: {driver: control, interval: 1s, options: {default: 35}}
FK: {driver: fan-device, interval: 1h, control: true}
"""

SCRIPT = """
    fj = {{ FJ|config|Sensor }}['Default']
    if ({{ A4 }} != None):
        channel.sendData(data={{ A4 }} - float(fj), Codifier="PB")
        channel.sendCtrl(to="FK", flag="A", timeComponent=60)
        channel.sendData(data="20", Codifier="PC")
    if ({{ PC }} != None):
        channel.sendData(data={{ PC }}, Codifier="PD")
"""


def node(path: Path, script: str) -> str:
    file = path / "mix.py"
    file.write_text(dedent(script))
    proxies = ", ".join(f"{name}: {{}}" for name in ("PB", "PC", "PD"))
    return f"PA: {{driver: python, interval: 1s, options: {{file: {file}}}, proxies: {{{proxies}}}}}"


async def turn(operator: Operator, loop: DrivenLoop, *codifiers: str) -> None:
    """Let an interval pass, and wait until these sensors were read: threads and processes take the time they take."""
    before = {codifier: heard(operator, codifier) for codifier in codifiers}
    await loop.advance(1.0)
    await until(lambda: all(heard(operator, codifier) > before[codifier] for codifier in codifiers))


def heard(operator: Operator, codifier: str) -> int:
    """Return how many readings of a sensor were heard."""
    record = operator.roster.sensors.get(codifier)
    return 0 if record is None else record.tracker.received


async def test_a_script_hears_sends_and_commands(
    lan: Lan, devices: Devices, driven_time: DrivenLoop, tmp_path: Path
) -> None:
    operator = await lan.operator(f"{node(tmp_path, SCRIPT)}{SENSORS}CC: {{driver: console}}")
    await lan.host(f"{node(tmp_path, SCRIPT)}{SENSORS}")
    for _ in range(4):
        await turn(operator, driven_time, "PA", "A4", "FJ")
    values = {codifier: operator.roster.sensors[codifier].value for codifier in ("PB", "PC", "PD")}
    # The text of the run before is a number in the program.
    assert values == {"PB": pytest.approx(13.3120002746582), "PC": "20", "PD": 20}
    await until(lambda: "set 60" in devices["FK"].calls)
    assert isinstance(operator.roster.sensors["PA"].value, int)


async def test_a_script_that_fails_sends_no_value_of_its_own(
    lan: Lan, driven_time: DrivenLoop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    operator = await lan.operator()
    await lan.host(node(tmp_path, 'channel.sendData(1, Codifier="PB")\n1/0\n'))
    frame = await operator.hears("i", "PB")
    assert isinstance(frame, DataFrame)
    await until(lambda: "mix.py line 2: ZeroDivisionError: division by zero (failing)" in caplog.text)
    assert "PA" not in operator.roster.sensors or operator.roster.sensors["PA"].value is None


async def test_a_script_that_hangs_stops_no_other_node(lan: Lan, driven_time: DrivenLoop, tmp_path: Path) -> None:
    operator = await lan.operator()
    hanging = node(tmp_path, 'channel.sendData(1, Codifier="PB")\nwhile True: pass\n')
    host = await lan.host(f"{hanging}{SENSORS}")
    await operator.hears("i", "PB")
    for _ in range(4):
        await turn(operator, driven_time, "A4")
    await host.stop(hanging=True)


async def test_expressions_are_calculated_from_what_is_heard(lan: Lan, driven_time: DrivenLoop) -> None:
    operator = await lan.operator()
    await lan.host(f"PA: {{driver: python, interval: 1s, options: {{expressions: {{value: A4 * 2}}}}}}{SENSORS}")
    while not heard(operator, "PA"):  # before the first value of A4 there is nothing to calculate
        await turn(operator, driven_time, "A4")
    assert operator.roster.sensors["PA"].value == 96.624
