"""Drivers off the event loop: each read has a deadline, failures back off, and what keeps failing is quarantined."""

import asyncio
import inspect
import logging
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

from agent.threads import DaemonThreads
from drivers.driver import Actuator, Driver, DriverError, Measurements

log: Final = logging.getLogger("jph.driver")

SHORTEST_DEADLINE_S: Final = 5.0  # a DHT22 that repeats its transaction and a 1-Wire bus of 10 sensors stay below
QUARANTINE_AFTER: Final = 5  # failures in a row
QUARANTINE_S: Final = 60.0  # between two tries of a driver in quarantine
LONGEST_BACK_OFF_S: Final = 30.0


class NotAnActuatorError(DriverError):
    """The driver of this node has no value that could be set."""


class DriverState(StrEnum):
    """What the supervisor thinks of a driver."""

    WORKING = "working"
    FAILING = "failing"
    QUARANTINED = "quarantined"
    HANGING = "hanging"


class Supervisor:
    """Reads one driver, and keeps the node running whatever the driver does.

    `make` builds the driver; it is built anew after a quarantine, since a device that was unplugged is another
    one when it is back. `monotonic` returns seconds. `state` and `failures` are for the operator.
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
        self._hanging: asyncio.Future[Any] | None = None
        self._failures_in_a_row = 0
        self._not_before_s = 0.0

    async def read(self, interval_s: float) -> Measurements:
        """Read all channels; empty when the driver has nothing, failed, hangs or is being left alone for a while."""
        if self._monotonic() < self._not_before_s or self._still_hangs():
            return {}
        try:
            measurements: Measurements = await self._call(
                lambda driver: driver.read(), max(interval_s, SHORTEST_DEADLINE_S)
            )
        except DriverError as error:
            self._failed(str(error), interval_s)
            if self.state is DriverState.QUARANTINED:
                await self.close()
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
        """Let go of the device; an actuator returns to its safe value. A driver that hangs is left to its fate."""
        driver, self._driver = self._driver, None
        if driver is None or self._still_hangs():
            return
        try:
            await self._within(self._threads.call(driver.close), SHORTEST_DEADLINE_S)
        except DriverError as error:
            log.warning("%s: closing the driver failed: %s", self.codifier, error)

    async def _command(self, command: Callable[[Actuator], object]) -> None:
        if self._still_hangs():
            raise DriverError("the driver hangs", "look at the device and its cable")

        def carry_out(driver: Driver) -> object:
            if not isinstance(driver, Actuator):
                raise NotAnActuatorError("the driver takes no commands")
            return command(driver)

        await self._call(carry_out, SHORTEST_DEADLINE_S)

    async def _call(self, use: Callable[[Driver], Any], deadline_s: float) -> Any:
        if self._driver is None:
            self._driver = await self._within(self._threads.call(self._make), deadline_s)
        driver = self._driver
        if inspect.iscoroutinefunction(driver.read):
            return await self._await(use(driver), deadline_s)
        return await self._within(self._threads.call(lambda: use(driver)), deadline_s)

    async def _await(self, result: Any, deadline_s: float) -> Any:
        if not inspect.isawaitable(result):
            return result
        try:
            async with asyncio.timeout(deadline_s):
                return await result
        except TimeoutError as error:
            raise DriverError(f"no answer within {deadline_s:g} s") from error
        except DriverError:
            raise
        except Exception as error:
            raise _unexpected(error) from error

    async def _within(self, call: asyncio.Future[Any], deadline_s: float) -> Any:
        done, _ = await asyncio.wait([call], timeout=deadline_s)
        if not done:
            self._hanging = call
            raise DriverError(f"no answer within {deadline_s:g} s")
        error = call.exception()
        if error is None or isinstance(error, DriverError):
            return call.result()
        raise _unexpected(error) from error

    def _still_hangs(self) -> bool:
        if self._hanging is None:
            return False
        if not self._hanging.done():
            return True
        self._hanging.exception()  # what a call says that was given up is of no interest any more
        self._hanging = None
        return False

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
            log.warning("%s: %s (%s)", self.codifier, message, state)
        self.state, self.last_error = state, message
        self._not_before_s = self._monotonic() + self._pause_s(interval_s)

    def _judge(self) -> DriverState:
        if self._hanging is not None:
            return DriverState.HANGING
        return DriverState.QUARANTINED if self._failures_in_a_row >= QUARANTINE_AFTER else DriverState.FAILING

    def _pause_s(self, interval_s: float) -> float:
        if self.state is DriverState.QUARANTINED:
            return QUARANTINE_S
        back_off_s: float = min(interval_s * 2 ** (self._failures_in_a_row - 1), LONGEST_BACK_OFF_S)
        return back_off_s - interval_s / 2  # so that the read at the end of the pause is not just too early


def _unexpected(error: BaseException) -> DriverError:
    """Drivers are other people's code as well: whatever they raise is a failed read, and named in the log."""
    return DriverError(f"{type(error).__name__}: {error}")
