"""A node that reads a driver: driver -> filters -> numbered readings, every interval."""

import asyncio
import contextlib
import logging
import math
from typing import TYPE_CHECKING, Final

from agent.filters import FilterChain
from agent.listening import Reach
from agent.presence import Presence
from agent.supervisor import Supervisor
from agent.surroundings import Surroundings
from config.inputs import inputs_of
from config.model import Configuration, Node, Sensor
from drivers.driver import OWN_CHANNEL, Driver, DriverError, Measured, Measurements, NoNetwork, Place
from drivers.registry import driver_class
from protocol.errors import JphError
from protocol.frames import Frame
from protocol.instants import Instant
from protocol.readings import Value
from protocol.troubles import Area, Trouble

if TYPE_CHECKING:
    from agent.network import NodeNetwork

log: Final = logging.getLogger("jph.node")

FIRST_READINGS_WITHIN_S: Final = 0.25  # the nodes of one process do not all read at the same moment


class Sensing:
    """Reads the driver of one node every interval and publishes what passes the filters."""

    def __init__(self, node: Node, presence: Presence, surroundings: Surroundings, reach: Reach) -> None:
        self.node = node
        self._presence = presence
        self._surroundings = surroundings
        self._supervisor = Supervisor(node.codifier, self._make_driver, surroundings.threads, surroundings.monotonic)
        self._filters = {sensor.codifier: FilterChain(sensor.filters) for sensor in node.sensors}
        self._troubles: dict[str, str] = {}  # sensors that gave what cannot be sent, and what that was
        self._reading = asyncio.Lock()  # a driver is asked one thing at a time
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self._network = self._join(reach) if inputs_of(node) else None

    async def run(self) -> None:
        """Read and publish every interval, and when the driver asks for it.

        A reading that takes longer than its interval delays the next.
        """
        due_s = self._surroundings.monotonic() + self._surroundings.random_number(1000) / 1000 * min(
            FIRST_READINGS_WITHIN_S, self.node.interval_s
        )
        while True:
            is_early = await self._is_woken_before(due_s)
            await self.publish_now()
            if not is_early:
                due_s = max(due_s + self.node.interval_s, self._surroundings.monotonic())

    async def publish_now(self) -> None:
        """Read the driver and publish what it has, unless the node is halted, or was meanwhile.

        What moves something is read all the same: a lease ends, and a curve is followed, also while nobody is told.
        """
        if not (self._presence.active or self._supervisor.is_moving):
            return
        async with self._reading:
            measurements = await self._supervisor.read(self.node.interval_s)
        if self._presence.active:
            for sensor in self.node.sensors:
                self._publish(sensor, measurements)
        valueless = {Trouble.NO_VALUE: len(self._troubles)} if self._troubles else {}
        self._presence.diagnose(Area.DRIVER, self._supervisor.troubles | valueless)

    async def set(self, value: float) -> None:
        """Set the actuator; raises DriverError."""
        async with self._reading:
            await self._supervisor.set(value)

    async def step(self, by: float) -> None:
        """Step the actuator; raises DriverError."""
        async with self._reading:
            await self._supervisor.step(by)

    def hear(self, frame: Frame, now: Instant) -> None:
        """Ignore what others say."""

    def hear_answer(self, frame: Frame, now: Instant) -> None:
        """Ignore it: a driver asks nobody."""

    def heard(self) -> None:
        """Do nothing."""

    def configured(self, configuration: Configuration) -> None:
        """Hand the configuration on to a driver that uses other sensors."""
        if self._network is not None:
            self._network.configured(configuration)

    async def close(self) -> None:
        """Let go of the device; an actuator returns to its safe value."""
        await self._supervisor.close()
        if self._network is not None:
            self._network.close()

    def _join(self, reach: Reach) -> "NodeNetwork":
        from agent.network import NodeNetwork  # noqa: PLC0415 - most drivers know of no other sensors

        return NodeNetwork(self._presence, reach, self._surroundings.clock, self._publish_beside)

    def _publish_beside(self, codifier: str, value: Value, timestamp_ms: int | None) -> None:
        """Publish what a driver sends beside its reads; raises DriverError."""
        sensor = next((sensor for sensor in self.node.sensors if sensor.codifier == codifier), None)
        if sensor is None:
            raise DriverError(f"{codifier} is no sensor of {self.node.codifier}", "add it to the node's `proxies:`")
        if self._presence.active:
            measured = Measured(_checked(value), timestamp_ms=timestamp_ms)
            self._publish(sensor, {sensor.channel or OWN_CHANNEL: measured})

    async def _is_woken_before(self, due_s: float) -> bool:
        try:
            async with asyncio.timeout(due_s - self._surroundings.monotonic()):
                await self._woken.wait()
        except TimeoutError:
            return False
        self._woken.clear()
        return True

    def _make_driver(self) -> Driver:
        surroundings = self._surroundings
        place = Place(
            self.node.codifier,
            surroundings.state_directory,
            surroundings.monotonic,
            surroundings.root,
            surroundings.sleep,
            self._wake,
            self._network or NoNetwork(),
        )
        return driver_class(self.node.driver)(self.node.options, place)

    def _wake(self) -> None:
        """Have the driver read at once; called from any thread."""
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it whoever would read
            self._loop.call_soon_threadsafe(self._woken.set)

    def _publish(self, sensor: Sensor, measurements: Measurements) -> None:
        measured = measurements.get(sensor.channel or OWN_CHANNEL)
        if measured is None:
            return
        if isinstance(measured, DriverError):
            self._note_trouble(sensor.codifier, str(measured))
            return
        value, attributes, timestamp_ms = measured if isinstance(measured, Measured) else Measured(measured)
        try:
            passed = self._filters[sensor.codifier].apply(_checked(value), self._surroundings.monotonic())
            if passed is not None:
                self._presence.publish(sensor.codifier, passed, attributes, timestamp_ms)
        except (JphError, ArithmeticError, ValueError) as error:  # the latter two: a filter's sum has no such number
            self._note_trouble(sensor.codifier, str(error))
        else:
            self._troubles.pop(sensor.codifier, None)

    def _note_trouble(self, codifier: str, trouble: str) -> None:
        if self._troubles.get(codifier) != trouble:
            log.warning("%s: no reading: %s", codifier, trouble)
        self._troubles[codifier] = trouble


def _checked(value: object) -> Value:
    """Return a value that can be filtered: drivers are other people's code as well; raises DriverError."""
    if isinstance(value, (int, str)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise DriverError(f"{value!r} is neither a finite number nor text")
