"""Drivers off the event loop: each read has a deadline, failures back off, and what keeps failing is quarantined."""

import asyncio
import contextlib
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from functools import partial
from typing import Any, Final

from agent.threads import DaemonThreads
from drivers.driver import Actuator, Driver, DriverError, Measurements, RetryLaterError
from protocol.troubles import Trouble

log: Final = logging.getLogger("jph.driver")

SHORTEST_DEADLINE_S: Final = 5.0  # a DHT22 that repeats its transaction and a 1-Wire bus of 10 sensors stay below
QUARANTINE_AFTER: Final = 5  # failures in a row
TOLD_AFTER: Final = 2  # failures in a row: a read that fails now and then is to be expected
QUARANTINE_S: Final = 60.0  # between two tries of a driver in quarantine
LONGEST_BACK_OFF_S: Final = 30.0
MOST_DOUBLINGS: Final = 10  # of a back-off; a thousand would be more than a float holds
CLOSING_S: Final = 2.0  # for what a driver is busy with, and again for its `close`: the process wants to end


class NotAnActuatorError(DriverError):
    """The driver of this node has no value that could be set."""


class DriverState(StrEnum):
    """What the supervisor thinks of a driver."""

    WORKING = "working"
    FAILING = "failing"
    QUARANTINED = "quarantined"
    HANGING = "hanging"


# A read that fails now and then is to be expected. A sensor that falls silent is an error, which is also heard where
# the configuration's `logging` lets nothing less through.
_LEVELS: Final = {
    DriverState.FAILING: logging.WARNING,
    DriverState.QUARANTINED: logging.ERROR,
    DriverState.HANGING: logging.ERROR,
}

_TROUBLES: Final = {
    DriverState.FAILING: Trouble.DRIVER_FAILING,
    DriverState.QUARANTINED: Trouble.DRIVER_QUARANTINED,
    DriverState.HANGING: Trouble.DRIVER_HANGING,
}


class Supervisor:
    """Reads one driver, and keeps the node running whatever the driver does.

    `make` builds the driver; it is built anew after a quarantine, since a device that was unplugged is another
    one when it is back. `monotonic` returns seconds. `state` and `failures` are for the operator. The driver is asked
    one thing at a time, which whoever calls `read`, `set` and `step` sees to.
    """

    def __init__(
        self, codifier: str, make: Callable[[], Driver], threads: DaemonThreads, monotonic: Callable[[], float]
    ) -> None:
        self.codifier = codifier
        self.state = DriverState.WORKING
        self.failures = 0
        self.last_error = ""
        self._make = make
        self._threads = threads
        self._monotonic = monotonic
        self._driver: Driver | None = None
        self._under_way: asyncio.Future[Any] | None = None  # what the driver is busy with, also when given up
        self._closed = False
        self._failures_in_a_row = 0
        self._not_before_s = 0.0

    @property
    def troubles(self) -> dict[Trouble, int]:
        """What everybody is told of the driver, with the number of failures in a row."""
        is_once = self.state is DriverState.FAILING and self._failures_in_a_row < TOLD_AFTER
        return {} if is_once or self.state not in _TROUBLES else {_TROUBLES[self.state]: self._failures_in_a_row}

    @property
    def is_moving(self) -> bool:
        """Whether there is a driver that moves something, and has to see to it."""
        return isinstance(self._driver, Actuator)

    async def read(self, interval_s: float) -> Measurements:
        """Read all channels; empty when the driver has nothing, failed, hangs or is being left alone for a while."""
        if self._closed or self._monotonic() < self._not_before_s or self._is_busy():
            return {}
        try:
            measurements = checked(await self._ask(lambda driver: driver.read(), max(interval_s, SHORTEST_DEADLINE_S)))
        except DriverError as error:
            self._failed(str(error), interval_s)
            self._leave_alone(error)
            if self.state is DriverState.QUARANTINED:
                await self._let_go(SHORTEST_DEADLINE_S)
            return {}
        self._succeeded()
        return measurements

    async def set(self, value: float) -> None:
        """Give an actuator its value; raises DriverError when it was refused or failed."""
        await self._command(lambda actuator: actuator.set(value))

    async def step(self, by: float) -> None:
        """Change an actuator's value by so much; raises DriverError when it was refused or failed."""
        await self._command(lambda actuator: actuator.step(by))

    async def close(self) -> None:
        """Let go of the device for good; an actuator returns to its safe value.

        A driver that hangs is closed all the same: what it moves must not stay as it is, and what it started must not
        go on, because a read does not come back.
        """
        self._closed = True
        if self._under_way is not None and self._is_busy():
            if isinstance(self._under_way, asyncio.Task):
                self._under_way.cancel()
            await asyncio.wait([self._under_way], timeout=CLOSING_S)
        await self._let_go(CLOSING_S)

    async def _let_go(self, deadline_s: float) -> None:
        driver, self._driver = self._driver, None
        if driver is None:
            return
        try:
            await self._outcome(begin(driver, lambda driver: driver.close(), self._threads), deadline_s)
        except DriverError as error:
            log.warning("%s: closing the driver failed: %s", self.codifier, error)

    async def _command(self, command: Callable[[Actuator], object]) -> None:
        if self._closed:
            raise DriverError("the node is ending")
        if self._is_busy():
            raise DriverError("the driver hangs", "look at the device and its cable")

        def carry_out(driver: Driver) -> object:
            if not isinstance(driver, Actuator):
                raise NotAnActuatorError("the driver takes no commands")
            return command(driver)

        await self._ask(carry_out, SHORTEST_DEADLINE_S)

    async def _ask(self, use: Callable[[Driver], object], deadline_s: float) -> object:
        if self._driver is None:
            await self._outcome(self._threads.call(partial(self._build, asyncio.get_running_loop())), deadline_s)
        if self._driver is None:
            raise DriverError("the node is ending")
        return await self._outcome(begin(self._driver, use, self._threads), deadline_s)

    def _build(self, loop: asyncio.AbstractEventLoop) -> None:
        """Build the driver in a thread: also one that takes longer than its deadline is there for the next read.

        One that is there only when the node has ended is let go of: it may hold what a new node waits for.
        """
        driver = self._make()
        if not self._closed:
            self._driver = driver
            return
        with contextlib.suppress(RuntimeError):  # the loop has ended, and the process with it
            loop.call_soon_threadsafe(self._close_late, driver)

    def _close_late(self, driver: Driver) -> None:
        """Let go of a driver where it runs, and wait for nothing."""
        self._under_way = begin(driver, lambda driver: driver.close(), self._threads)
        self._under_way.add_done_callback(_take_note)

    async def _outcome(self, call: asyncio.Future[Any], deadline_s: float) -> object:
        self._under_way = call
        try:
            return await outcome(call, deadline_s)
        finally:
            self._is_busy()  # forgets it when it is done

    def _is_busy(self) -> bool:
        """Tell whether the driver still is at what it was given up for."""
        if self._under_way is not None and self._under_way.done():
            self._under_way = None
        return self._under_way is not None

    def _succeeded(self) -> None:
        if self.state is not DriverState.WORKING:
            log.info("%s: the driver works again", self.codifier)
        self.state = DriverState.WORKING
        self._failures_in_a_row = 0
        self._not_before_s = 0.0

    def _failed(self, message: str, interval_s: float) -> None:
        self.failures += 1
        self._failures_in_a_row += 1
        state = self._judge()
        if state is not self.state or message != self.last_error:
            log.log(_LEVELS[state], "%s: %s (%s)", self.codifier, message, state)
        self.state, self.last_error = state, message
        self._not_before_s = self._monotonic() + self._pause_s(interval_s)

    def _leave_alone(self, error: DriverError) -> None:
        """Try no earlier than the source asks: who asks again and again of a busy server is shut out."""
        if isinstance(error, RetryLaterError):
            self._not_before_s = max(self._not_before_s, self._monotonic() + error.retry_after_s)

    def _judge(self) -> DriverState:
        if self._under_way is not None:
            return DriverState.HANGING
        return DriverState.QUARANTINED if self._failures_in_a_row >= QUARANTINE_AFTER else DriverState.FAILING

    def _pause_s(self, interval_s: float) -> float:
        if self.state is DriverState.QUARANTINED:
            return QUARANTINE_S
        doublings = min(self._failures_in_a_row - 1, MOST_DOUBLINGS)
        back_off_s: float = min(interval_s * 2**doublings, LONGEST_BACK_OFF_S)
        return back_off_s - interval_s / 2  # so that the read at the end of the pause is not just too early


def begin(driver: Driver, use: Callable[[Driver], object], threads: DaemonThreads) -> asyncio.Future[Any]:
    """Start to use a driver where it runs: on the loop when its `read` is `async`, else in a thread."""
    if inspect.iscoroutinefunction(driver.read):
        return asyncio.ensure_future(_use_in_loop(driver, use))
    return threads.call(lambda: use(driver))


async def outcome(call: asyncio.Future[Any], deadline_s: float) -> object:
    """Wait for what `begin` started; raises DriverError whatever went wrong, also when nothing came in time."""
    call.add_done_callback(_take_note)
    await asyncio.wait([call], timeout=deadline_s)
    if not call.done():
        if isinstance(call, asyncio.Task):
            call.cancel()  # a thread cannot be interrupted: it is waited for
        raise DriverError(f"no answer within {deadline_s:g} s")
    if call.cancelled():
        raise DriverError("the driver gave up")
    error = call.exception()
    if error is None or isinstance(error, DriverError):
        return call.result()
    raise _unexpected(error) from error


async def _use_in_loop(driver: Driver, use: Callable[[Driver], object]) -> object:
    result = use(driver)
    return await result if isinstance(result, Awaitable) else result


def checked(measurements: object) -> Measurements:
    """Return what a read gave; raises DriverError when that are no measurements."""
    if not isinstance(measurements, Mapping):
        raise DriverError(f"the driver gave {type(measurements).__name__}, not a mapping of channels to values")
    return measurements


def _take_note(call: asyncio.Future[Any]) -> None:
    """See how a call ended, also one that was given up: else its error were logged as one that nobody caught."""
    if not call.cancelled():
        call.exception()


def _unexpected(error: BaseException) -> DriverError:
    """Drivers are other people's code as well: whatever they raise is a failed read, and named in the log."""
    return DriverError(f"{type(error).__name__}: {error}")
