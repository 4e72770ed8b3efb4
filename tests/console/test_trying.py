"""A driver that is read by hand: its reads, its deadlines, and that it is closed whatever happens."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from console.trying import Attempt, Course, Trial
from drivers.driver import DriverError, DriverOptions, Measured, Place
from tests.agent.devices import until
from tests.support.driven_time import DrivenLoop

ONE: Course = Course(1, 1.0, 5.0)


class Device:
    """A device that does what `reads` says, one after the other: give, raise, or wait."""

    Options: ClassVar[type[msgspec.Struct]] = DriverOptions

    def __init__(self, place: Place, reads: list[object]) -> None:
        self.place = place
        self.reads = reads
        self.closed = 0

    def read(self) -> Mapping[str, float]:
        given = self.reads.pop(0)
        if isinstance(given, threading.Event):
            given.wait()
        if isinstance(given, Exception):
            raise given
        return given  # type: ignore[return-value] # also what no driver may give

    def close(self) -> None:
        self.closed += 1


class InTheLoop(Device):
    """A device whose methods run on the event loop."""

    async def read(self) -> Mapping[str, float]:  # type: ignore[override] # the other kind of driver
        return Device.read(self)


class Bench:
    """Trials of one device, and what they showed."""

    def __init__(self, kind: type[Device], reads: list[object]) -> None:
        self.devices: list[Device] = []
        self.shown: list[Attempt] = []
        self._kind, self._reads = kind, reads

    def make(self, place: Place) -> Device:
        self.devices.append(self._kind(place, self._reads))
        return self.devices[-1]

    async def run(self, course: Course, make: Callable[[Place], Device] | None = None) -> bool:
        place = Place("TT", Path("/nonexistent"), lambda: 0.0)
        return await Trial(make or self.make, place, self.shown.append).run(course)

    @property
    def errors(self) -> list[str | None]:
        return [None if attempt.error is None else str(attempt.error) for attempt in self.shown]


@pytest.mark.parametrize("kind", [Device, InTheLoop])
async def test_a_driver_is_built_read_and_closed(kind: type[Device]) -> None:
    bench = Bench(kind, [{"value": 1}])
    assert await bench.run(ONE)
    assert [(attempt.number, attempt.measurements) for attempt in bench.shown] == [(1, {"value": 1})]
    assert [device.closed for device in bench.devices] == [1]


@pytest.mark.parametrize("kind", [Device, InTheLoop])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (DriverError("no such device", "plug it in"), "no such device; plug it in"),
        (ZeroDivisionError("one by zero"), "ZeroDivisionError: one by zero"),
        (12, "the driver gave int, not a mapping of channels to values"),
    ],
)
async def test_a_read_that_fails_is_shown_with_its_error(kind: type[Device], given: object, said: str) -> None:
    bench = Bench(kind, [given])
    assert not await bench.run(ONE)
    assert bench.errors == [said]
    assert bench.devices[0].closed == 1


@pytest.mark.parametrize("given", [float("nan"), float("inf"), None, b"21", [21], Measured(float("nan"))])
async def test_what_no_agent_would_send_is_the_error_of_its_channel(given: object) -> None:
    bench = Bench(Device, [{"value": given, "other": 1}])
    assert not await bench.run(ONE)
    [attempt] = bench.shown
    assert attempt.measurements["other"] == 1
    assert str(attempt.measurements["value"]).endswith("is neither a finite number nor text")


async def test_one_that_cannot_be_built_is_shown_with_its_error() -> None:
    def make(_: Place) -> Device:
        raise DriverError("no such chip")

    bench = Bench(Device, [])
    assert not await bench.run(ONE, make)
    assert bench.errors == ["no such chip"]


async def test_reads_follow_each_other_by_the_interval(driven_time: DrivenLoop) -> None:
    bench = Bench(Device, [{"value": 1}, DriverError("a bad contact"), {"value": 3}])
    running = asyncio.ensure_future(bench.run(Course(3, 10.0, 5.0)))
    for shown in (1, 2):
        await until(lambda shown=shown: len(bench.shown) == shown)  # type: ignore[misc] # a lambda in a loop
        await driven_time.advance(9.0)
        assert len(bench.devices[0].reads) == 3 - shown
        await driven_time.advance(1.0)
    await until(running.done)
    assert not running.result()
    assert bench.errors == [None, "a bad contact", None]


async def test_a_device_that_speaks_is_read_at_once(driven_time: DrivenLoop) -> None:
    bench = Bench(Device, [{}, {"value": 2}])
    running = asyncio.ensure_future(bench.run(Course(2, 3600.0, 5.0)))
    await until(lambda: len(bench.shown) == 1)
    await asyncio.to_thread(bench.devices[0].place.wake)
    await until(running.done)
    assert [attempt.measurements for attempt in bench.shown] == [{}, {"value": 2}]
    assert not driven_time.is_due_within(0)
    bench.devices[0].place.wake()  # nobody is there any more


async def test_a_read_that_hangs_is_given_up_at_its_deadline_and_is_the_last(driven_time: DrivenLoop) -> None:
    hanging = threading.Event()
    bench = Bench(Device, [hanging, {"value": 2}])
    running = asyncio.ensure_future(bench.run(Course(2, 1.0, 5.0)))
    await until(lambda: len(bench.devices) == 1 and len(bench.devices[0].reads) == 1)
    await driven_time.advance(5.0)
    await until(running.done)
    hanging.set()
    assert not running.result()
    assert bench.errors == ["no answer within 5 s"]
    assert bench.devices[0].closed == 1
