"""Drivers off the loop: deadlines, back-off, quarantine; in time that the test drives."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from agent.supervisor import (
    CLOSING_S,
    QUARANTINE_AFTER,
    QUARANTINE_S,
    SHORTEST_DEADLINE_S,
    DriverState,
    NotAnActuatorError,
    Supervisor,
)
from agent.threads import DaemonThreads
from drivers.driver import DriverError, Place, RetryLaterError
from tests.agent.devices import until
from tests.support.driven_time import DrivenLoop


class Options(msgspec.Struct):
    """No options."""


class Thermometer:
    """A device that does what `trouble` says: an error to raise, or an event to wait for."""

    Options: ClassVar[type[msgspec.Struct]] = Options
    built: ClassVar[int] = 0

    def __init__(self, options: object, place: Place) -> None:
        del options, place
        self.trouble: BaseException | threading.Event | None = None
        self.reads = 0
        self.closed = 0

    def read(self) -> Mapping[str, float]:
        self.reads += 1
        if isinstance(self.trouble, threading.Event):
            self.trouble.wait()
        elif self.trouble is not None:
            raise self.trouble
        return {"value": 21.5}

    def close(self) -> None:
        self.closed += 1


class Fan(Thermometer):
    """A device that can be set."""

    def __init__(self, options: object, place: Place) -> None:
        super().__init__(options, place)
        self.value = 0.0

    def set(self, value: float) -> None:
        self.value = value

    def step(self, by: float) -> None:
        self.value += by


class Bench:
    """A supervisor, the devices that it built, and its threads."""

    def __init__(self, loop: DrivenLoop, kind: type[Thermometer], threads: DaemonThreads | None = None) -> None:
        self.devices: list[Thermometer] = []
        self.threads = threads or DaemonThreads("test")
        self._kind = kind
        self._place = Place("C1", Path("/nonexistent"), loop.clock.monotonic)
        self.supervisor = Supervisor("C1", self._build, self.threads, loop.clock.monotonic)

    def _build(self) -> Thermometer:
        self.devices.append(self._kind(Options(), self._place))
        return self.devices[-1]

    @property
    def device(self) -> Thermometer:
        """The device that was built last."""
        return self.devices[-1]


@pytest.fixture
def bench(driven_time: DrivenLoop) -> Iterator[Bench]:
    bench = Bench(driven_time, Thermometer)
    yield bench
    bench.threads.close()


@pytest.fixture
def fan(driven_time: DrivenLoop) -> Iterator[Bench]:
    bench = Bench(driven_time, Fan)
    yield bench
    bench.threads.close()


async def test_a_read_gives_the_channels(bench: Bench) -> None:
    assert await bench.supervisor.read(1.0) == {"value": 21.5}
    assert bench.supervisor.state is DriverState.WORKING


async def test_a_failed_read_gives_nothing_and_is_counted(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    await bench.supervisor.read(1.0)
    bench.device.trouble = DriverError("no such device")
    assert await bench.supervisor.read(1.0) == {}
    assert (bench.supervisor.state, bench.supervisor.failures) == (DriverState.FAILING, 1)
    assert [record.getMessage() for record in caplog.records] == ["C1: no such device (failing)"]


async def test_whatever_a_driver_raises_is_a_failed_read(bench: Bench) -> None:
    await bench.supervisor.read(1.0)
    bench.device.trouble = KeyError("temp")
    assert await bench.supervisor.read(1.0) == {}
    assert bench.supervisor.last_error == "KeyError: 'temp'"


async def when_tried(bench: Bench, driven_time: DrivenLoop, times: int, apart_s: float) -> list[int]:
    """Want a reading so many times, so far apart, and return at which of them the device was asked for it."""
    tried = []
    for number in range(times):
        before = bench.device.reads
        await bench.supervisor.read(1.0)
        tried += [number] if bench.device.reads > before else []
        await driven_time.advance(apart_s)
    return tried


async def test_failures_back_off_by_doubling(bench: Bench, driven_time: DrivenLoop) -> None:
    await bench.supervisor.read(1.0)
    bench.device.trouble = DriverError("no such device")
    assert await when_tried(bench, driven_time, 9, 1.0) == [0, 1, 3, 7]


async def test_a_source_that_asks_for_it_is_left_alone_for_so_long(bench: Bench, driven_time: DrivenLoop) -> None:
    await bench.supervisor.read(1.0)
    bench.device.trouble = RetryLaterError("too many requests", retry_after_s=QUARANTINE_S * 10)
    assert await when_tried(bench, driven_time, 21, QUARANTINE_S) == [0, 10, 20]


async def test_a_source_that_asks_for_less_than_the_back_off_gets_the_back_off(
    bench: Bench, driven_time: DrivenLoop
) -> None:
    await bench.supervisor.read(1.0)
    bench.device.trouble = RetryLaterError("busy", retry_after_s=0.1)
    assert await when_tried(bench, driven_time, 9, 1.0) == [0, 1, 3, 7]


async def test_a_driver_that_works_again_is_read_every_time(bench: Bench, driven_time: DrivenLoop) -> None:
    await bench.supervisor.read(1.0)
    bench.device.trouble = DriverError("no such device")
    await bench.supervisor.read(1.0)
    bench.device.trouble = None
    await driven_time.advance(1.0)
    assert await bench.supervisor.read(1.0) == {"value": 21.5}
    assert await bench.supervisor.read(1.0) == {"value": 21.5}
    assert bench.supervisor.state is DriverState.WORKING


async def fail_until_quarantined(bench: Bench, driven_time: DrivenLoop) -> None:
    await bench.supervisor.read(1.0)
    bench.device.trouble = DriverError("no such device")
    while bench.supervisor.failures < QUARANTINE_AFTER:
        await bench.supervisor.read(1.0)
        await driven_time.advance(1.0)


async def test_what_keeps_failing_is_closed_and_left_alone(bench: Bench, driven_time: DrivenLoop) -> None:
    await fail_until_quarantined(bench, driven_time)
    assert bench.supervisor.state is DriverState.QUARANTINED
    assert (bench.device.closed, len(bench.devices)) == (1, 1)
    await driven_time.advance(QUARANTINE_S / 2)
    assert await bench.supervisor.read(1.0) == {}
    assert len(bench.devices) == 1


async def test_a_failed_read_is_a_warning_and_a_quarantine_an_error(
    bench: Bench, driven_time: DrivenLoop, caplog: pytest.LogCaptureFixture
) -> None:
    await fail_until_quarantined(bench, driven_time)
    assert [(record.levelname, record.getMessage().partition(": ")[2]) for record in caplog.records] == [
        ("WARNING", "no such device (failing)"),
        ("ERROR", "no such device (quarantined)"),
    ]


async def test_after_the_quarantine_the_driver_is_built_anew(bench: Bench, driven_time: DrivenLoop) -> None:
    await fail_until_quarantined(bench, driven_time)
    await driven_time.advance(QUARANTINE_S)
    assert await bench.supervisor.read(1.0) == {"value": 21.5}
    assert (len(bench.devices), bench.supervisor.state) == (2, DriverState.WORKING)


async def test_a_driver_that_hangs_is_abandoned_at_its_deadline(bench: Bench, driven_time: DrivenLoop) -> None:
    await bench.supervisor.read(1.0)
    bench.device.trouble = release = threading.Event()
    read = driven_time.create_task(bench.supervisor.read(1.0))
    await driven_time.advance(SHORTEST_DEADLINE_S - 0.1)
    assert not read.done()
    await driven_time.advance(0.2)
    assert await read == {}
    assert bench.supervisor.state is DriverState.HANGING
    release.set()


async def test_a_driver_that_hangs_costs_one_thread_however_often_it_is_asked(
    bench: Bench, driven_time: DrivenLoop
) -> None:
    await bench.supervisor.read(1.0)
    bench.device.trouble = release = threading.Event()
    for _ in range(20):
        read = driven_time.create_task(bench.supervisor.read(1.0))
        await driven_time.advance(60.0)
        assert await read == {}
    release.set()
    await until(lambda: bench.device.reads == 2)
    assert bench.threads.count == 1


async def test_drivers_that_hang_cost_a_thread_each_and_stop_no_other(driven_time: DrivenLoop) -> None:
    threads, release = DaemonThreads("test"), threading.Event()
    hanging = [Bench(driven_time, Thermometer, threads) for _ in range(20)]
    working = Bench(driven_time, Thermometer, threads)
    for bench in (*hanging, working):
        assert await bench.supervisor.read(1.0) == {"value": 21.5}
    for bench in hanging:
        bench.device.trouble = release
    for _ in range(10):
        given_up = [driven_time.create_task(bench.supervisor.read(1.0)) for bench in hanging]
        assert await working.supervisor.read(1.0) == {"value": 21.5}
        await driven_time.advance(60.0)
        assert [await read for read in given_up] == [{}] * len(hanging)
    assert {bench.supervisor.state for bench in hanging} == {DriverState.HANGING}
    assert threads.count <= len(hanging) + 1
    release.set()
    await until(lambda: all(bench.device.reads == 2 for bench in hanging))
    threads.close()


async def test_set_and_step_reach_an_actuator(fan: Bench) -> None:
    await fan.supervisor.set(80.0)
    await fan.supervisor.step(-5.0)
    assert isinstance(fan.device, Fan)
    assert fan.device.value == 75.0


async def test_a_sensor_cannot_be_set(bench: Bench) -> None:
    with pytest.raises(NotAnActuatorError):
        await bench.supervisor.set(80.0)


async def test_closing_closes_the_driver_once(bench: Bench) -> None:
    await bench.supervisor.read(1.0)
    await bench.supervisor.close()
    await bench.supervisor.close()
    assert bench.device.closed == 1


class Modem(Thermometer):
    """Takes longer to build than one waits."""

    dialling: ClassVar[threading.Event]

    def __init__(self, options: object, place: Place) -> None:
        self.dialling.wait()
        super().__init__(options, place)


async def test_a_driver_that_took_too_long_to_build_is_there_for_a_later_read(driven_time: DrivenLoop) -> None:
    Modem.dialling = threading.Event()
    bench = Bench(driven_time, Modem)
    read = driven_time.create_task(bench.supervisor.read(1.0))
    await driven_time.advance(SHORTEST_DEADLINE_S)
    assert (await read, bench.supervisor.state) == ({}, DriverState.HANGING)
    Modem.dialling.set()
    while await bench.supervisor.read(1.0) == {}:
        await driven_time.advance(1.0)
    assert len(bench.devices) == 1
    await bench.supervisor.close()
    bench.threads.close()


class Radio(Thermometer):
    """Is asked in the event loop, and never has anything."""

    async def read(self) -> Mapping[str, float]:  # type: ignore[override] # a driver may be the one or the other
        self.reads += 1
        await asyncio.Event().wait()
        return {}


class Beacon(Modem):
    """Is asked in the event loop, and takes longer to build than one waits."""

    async def read(self) -> Mapping[str, float]:  # type: ignore[override] # the same
        return {}

    async def close(self) -> None:  # type: ignore[override] # the same
        asyncio.get_running_loop()
        super().close()


@pytest.mark.parametrize("kind", [Modem, Beacon])
async def test_a_driver_that_is_built_when_its_node_has_ended_is_closed_where_it_would_have_been_read(
    driven_time: DrivenLoop, kind: type[Modem]
) -> None:
    kind.dialling = threading.Event()
    bench = Bench(driven_time, kind)
    read = driven_time.create_task(bench.supervisor.read(1.0))
    await driven_time.advance(SHORTEST_DEADLINE_S)
    await read
    end = driven_time.create_task(bench.supervisor.close())
    await driven_time.advance(CLOSING_S)
    await end
    kind.dialling.set()
    await until(lambda: [device.closed for device in bench.devices] == [1])
    bench.threads.close()


async def test_however_long_a_driver_fails_it_is_tried_again(driven_time: DrivenLoop) -> None:
    bench = Bench(driven_time, Radio)
    for tries in range(1, 1100):
        read = driven_time.create_task(bench.supervisor.read(1.0))
        while not bench.devices or bench.device.reads < tries:
            await driven_time.settle()
        await driven_time.advance(60.0)
        assert await read == {}
    assert bench.supervisor.failures == 1099
    await bench.supervisor.close()
    bench.threads.close()


async def test_a_driver_that_cancels_itself_has_failed(driven_time: DrivenLoop) -> None:
    bench = Bench(driven_time, Thermometer)
    await bench.supervisor.read(1.0)
    bench.device.trouble = asyncio.CancelledError()
    assert await bench.supervisor.read(1.0) == {}
    assert bench.supervisor.failures == 1
    bench.threads.close()
