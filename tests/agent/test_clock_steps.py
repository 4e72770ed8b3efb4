"""A wall clock that is set an hour back or forward changes timestamps and nothing else."""

import pytest

from agent.sensing import FIRST_READINGS_WITHIN_S
from protocol.commands import Code
from protocol.frames import ControlFrame, DataFrame, Flag
from protocol.members import Status
from tests.agent.devices import Devices
from tests.agent.devices import devices as devices  # noqa: PLC0414 - a fixture
from tests.agent.hosts import Lan
from tests.agent.hosts import lan as lan  # noqa: PLC0414 - a fixture
from tests.support.driven_time import DrivenLoop

pytestmark = pytest.mark.parametrize("step_s", [-3_600, 3_600], ids=["back", "forward"])

SENSOR = "C1: {driver: device, interval: 1s, keepalive: 10s, timeout: 5s}"


async def test_readings_go_on_with_the_new_time(
    lan: Lan, devices: Devices, driven_time: DrivenLoop, step_s: float
) -> None:
    operator = await lan.operator(f"{SENSOR}\nCC: {{driver: console}}")
    await lan.host(SENSOR)
    before = await operator.hears("f", "C1")
    driven_time.clock.step_wall(step_s)
    await driven_time.advance(1.0)
    after = await operator.hears("f", "C1")
    assert isinstance(before, DataFrame)
    assert after.sequence - before.sequence == 1
    assert after.timestamp_ms - before.timestamp_ms == pytest.approx(
        (step_s + 1) * 1_000, abs=FIRST_READINGS_WITHIN_S * 1_000
    )


async def test_ages_and_statuses_do_not_jump(
    lan: Lan, devices: Devices, driven_time: DrivenLoop, step_s: float
) -> None:
    operator = await lan.operator(f"{SENSOR}\nCC: {{driver: console}}")
    await lan.host(SENSOR)
    await operator.hears("f", "C1")
    now_s = driven_time.clock.monotonic_s
    age_s = operator.roster.sensors["C1"].age_s(now_s)
    driven_time.clock.step_wall(step_s)
    assert operator.roster.sensors["C1"].age_s(now_s) == age_s
    assert operator.roster.status("C1", now_s) is Status.OK
    assert not operator.roster.nodes["C1"].is_gone(now_s)


async def test_a_reading_of_the_new_time_is_the_last_value(
    lan: Lan, devices: Devices, driven_time: DrivenLoop, step_s: float
) -> None:
    operator = await lan.operator(f"{SENSOR}\nCC: {{driver: console}}")
    await lan.host(SENSOR)
    await operator.hears("f", "C1")
    driven_time.clock.step_wall(step_s)
    for value in range(22, 30):  # a value with an earlier timestamp counts at the latest when the shown one is stale
        devices["C1"].values = {"value": value}
        await driven_time.advance(1.0)
        await operator.hears("i", "C1")
    assert operator.roster.sensors["C1"].value == 29
    assert operator.roster.status("C1", driven_time.clock.monotonic_s) is Status.OK


async def test_keep_alives_keep_their_interval(
    lan: Lan, devices: Devices, driven_time: DrivenLoop, step_s: float
) -> None:
    operator = await lan.operator()
    await lan.host(SENSOR)
    await operator.hears("f", "C1")  # so that no read is under way, which would hang for as long as the time jumps
    await operator.command(Flag.HALT, "C1")
    await operator.hears("I", "C1")
    operator.said("C1")
    driven_time.clock.step_wall(step_s)
    await driven_time.advance(9.0)
    assert operator.said("C1") == ""
    await driven_time.advance(1.0)
    alive = await operator.hears("I", "C1")
    assert isinstance(alive, ControlFrame)
    assert not alive.active


async def test_a_round_trip_is_no_hour_long(lan: Lan, devices: Devices, driven_time: DrivenLoop, step_s: float) -> None:
    operator = await lan.operator()
    await lan.host(SENSOR)
    operator.ping("C1")
    driven_time.clock.step_wall(step_s)
    await operator.hears("T", "C1")
    summary = operator.roster.nodes["C1"].round_trips.summary()
    assert (summary.received, summary.max) == (1, 0.0)


async def test_commands_are_confirmed_and_their_time_is_measured(
    lan: Lan, devices: Devices, driven_time: DrivenLoop, step_s: float
) -> None:
    operator = await lan.operator()
    await lan.host(SENSOR)
    command = driven_time.create_task(operator.command(Flag.HALT, "C1"))
    driven_time.clock.step_wall(step_s)
    answer = await command
    assert (answer.code, answer.elapsed_ms, answer.attempts) == (Code.TAKEN, 0.0, 1)


async def test_a_node_that_starts_with_a_clock_that_is_wrong_takes_commands(
    lan: Lan, devices: Devices, driven_time: DrivenLoop, step_s: float
) -> None:
    driven_time.clock.step_wall(step_s)
    operator = await lan.operator()
    await lan.host(SENSOR)
    driven_time.clock.step_wall(-step_s)
    assert (await operator.command(Flag.HALT, "C1")).ok
