"""A driver that is read by hand: no configuration, no bus, and a deadline for whatever it does."""

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final, NamedTuple, TypeAlias

from agent.supervisor import begin, checked, outcome
from agent.threads import DaemonThreads
from drivers.driver import Driver, DriverError, Measured, Measurements, Place
from protocol.readings import Value

CLOSING_S: Final = 2.0  # for a driver to let go of its device


Given: TypeAlias = Value | Measured | DriverError
"""What a driver gave for a channel."""


class Course(NamedTuple):
    """How often a driver is read, and how far apart; each read may take `timeout_s`."""

    reads: int
    interval_s: float
    timeout_s: float


class Attempt(NamedTuple):
    """How one read went: what it gave, or why it gave nothing. The first one has the number 1."""

    number: int
    elapsed_s: float
    measurements: Measurements
    error: DriverError | None = None

    @property
    def went_well(self) -> bool:
        """Whether neither the read failed nor one of its channels."""
        return self.error is None and not any(isinstance(one, DriverError) for one in self.measurements.values())


class Trial:
    """A driver on trial. Its reads are shown as they come; one that hangs is the last."""

    def __init__(self, make: Callable[[Place], Driver], place: Place, show: Callable[[Attempt], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self._place = replace(place, wake=self._wake)
        self._make = make
        self._show = show
        self._threads = DaemonThreads("try")
        self._driver: Driver | None = None
        self._given_up: list[asyncio.Future[object]] = []

    async def run(self, course: Course) -> bool:
        """Read every interval, and when the driver asks for it; tell whether every read went well."""
        went_well = True
        try:
            for number in range(1, course.reads + 1):
                if number > 1:
                    await self._pause(course.interval_s)
                attempt = await self._attempt(number, course.timeout_s)
                went_well = went_well and attempt.went_well
                self._show(attempt)
                if self._hangs():
                    break
        finally:
            await self._close()
        return went_well

    async def _pause(self, interval_s: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), interval_s)
        self._woken.clear()

    async def _attempt(self, number: int, timeout_s: float) -> Attempt:
        started_s = time.monotonic()
        try:
            if self._driver is None:
                await self._outcome(self._threads.call(self._build), timeout_s)
            started_s = time.monotonic()
            given = checked(await self._use(lambda driver: driver.read(), timeout_s))
        except DriverError as error:
            return Attempt(number, time.monotonic() - started_s, {}, error)
        elapsed_s = time.monotonic() - started_s
        return Attempt(number, elapsed_s, {channel: _judged(one) for channel, one in given.items()})

    def _wake(self) -> None:
        """Have the driver read at once; called from any thread, also from one that outlives the trial."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._woken.set)

    def _build(self) -> None:
        self._driver = self._make(self._place)

    async def _use(self, use: Callable[[Driver], object], timeout_s: float) -> object:
        return await self._outcome(begin(self._driver, use, self._threads), timeout_s) if self._driver else None

    async def _outcome(self, call: "asyncio.Future[object]", timeout_s: float) -> object:
        try:
            return await outcome(call, timeout_s)
        finally:
            if not call.done():
                self._given_up.append(call)

    def _hangs(self) -> bool:
        return any(not call.done() for call in self._given_up)

    async def _close(self) -> None:
        """Let go of the device, also when a read hangs; what that says is of no use to who tries."""
        with suppress(DriverError):
            await self._use(lambda driver: driver.close(), CLOSING_S)
        for call in self._given_up:  # what it gives or raises while the loop ends is nobody's any more
            call.cancel()
        self._threads.close()


def _judged(given: Given) -> Given:
    """Return what can be sent, else the error that an agent would tell: drivers are other people's code as well."""
    value: object = given.value if isinstance(given, Measured) else given
    if isinstance(value, int | str | DriverError) or (isinstance(value, float) and math.isfinite(value)):
        return given
    return DriverError(f"{value!r} is neither a finite number nor text")
