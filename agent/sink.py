"""A node that stores what it hears, in batches and from one thread, and asks for what it did not hear."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final, TypeVar

from agent.asking import Asking
from agent.intake import Intake
from agent.presence import Presence
from agent.sink_health import SinkHealth
from agent.supervisor import NotAnActuatorError
from agent.surroundings import Surroundings
from agent.threads import DaemonThreads
from config.model import Configuration, Node
from protocol.frames import Frame
from protocol.instants import Instant
from protocol.repair import Progress
from storage.registry import STORES, store_class
from storage.store import Aside, Batch, Description, Store, StoreError, Written

T = TypeVar("T")

log: Final = logging.getLogger("jph.sink")

FLUSH_S: Final = 1.0  # a reading waits at most so long in a healthy sink
LONGEST_BACK_OFF_S: Final = 30.0
STORING_LAST_S: Final = 10.0  # for the last batches at the end
CLOSING_S: Final = 2.0  # for the store to close: one that hangs does not keep the process from ending
TIDY_S: Final = 60.0  # between two times that the store tidies up
ROLLED_UP: Final = 64  # hours of a sensor whose roll-ups are computed between two batches
RANDOM: Final = 2**20


class Sink:
    """Stores every reading of the data bus; its own reading is how many were stored in the last minute.

    What it missed, also while it was down, it asks the agents for; while its store is away readings wait, and those
    for which there is no room are left to the agents. `stored` counts readings that were new to the store. A halted
    sink neither stores nor asks, and makes up for it later. `resting` tells that it waits between two batches.
    """

    def __init__(self, node: Node, presence: Presence, surroundings: Surroundings) -> None:
        self.node = node
        self.stored = 0
        self.resting = True
        self.intake = Intake(lambda: surroundings.random_number(RANDOM) / RANDOM, hears=STORES[node.driver].hears)
        self._presence = presence
        self._surroundings = surroundings
        self._health = SinkHealth(node.codifier, presence)
        self._described: list[Description] | None = None  # what the store is to be told, None when it knows
        self._thread = DaemonThreads(f"sink {node.codifier}", limit=1)
        self._store: Store | None = None  # belongs to the thread
        self._minute: deque[tuple[float, int]] = deque()  # (when, how many) of the last minute's batches
        self._asking = Asking(self.intake, presence.say, surroundings.clock, lambda: presence.active)
        self._tidy_s = 0.0
        self._writing: asyncio.Future[Written] | None = None

    @property
    def waiting(self) -> int:
        """How many frames wait for the store."""
        return self.intake.waiting

    def hear(self, frame: Frame, now: Instant) -> None:
        """Take a frame of one of the buses, unless the sink is halted."""
        if self._presence.active:
            self.intake.hear(frame, now)

    def hear_answer(self, frame: Frame, now: Instant) -> None:
        """Take a frame that came to this process alone."""
        if self._presence.active:
            self.intake.hear(frame, now, asked=True)

    def heard(self) -> None:
        """Ask for what is missing, now or when it is time."""
        self._asking.look()

    def configured(self, configuration: Configuration) -> None:
        """Let the store know what the configuration calls its sensors."""
        sensors = [sensor for node, sensor in configuration.sensors() if node.has_readings]
        self._described = [Description(sensor.codifier, sensor.name, sensor.unit) for sensor in sensors]

    async def run(self) -> None:
        """Store and report until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._store_for_ever(), name=f"{self.node.codifier} stores")
            tasks.create_task(self._report_for_ever(), name=f"{self.node.codifier} reports")

    async def publish_now(self) -> None:
        """Publish how many readings were stored in the last minute, unless the sink is halted."""
        self._forget_before(self._surroundings.monotonic() - 60)
        if self._presence.active:
            self._presence.publish(self.node.codifier, sum(count for _, count in self._minute))

    async def set(self, value: float) -> None:
        """Refuse: a sink has no value that could be set."""
        raise NotAnActuatorError(f"{self.node.codifier} is a sink, {value:g} cannot be set")

    async def step(self, by: float) -> None:
        """Refuse, as `set` does."""
        await self.set(by)

    async def close(self) -> None:
        """After `run`: store what waits, as far as the store lets it, and close the store.

        A sink that never came to run, because another instance was there first, leaves its readings to that one.
        """
        self._asking.close()
        if self._presence.settled.is_set():
            await self._store_the_last()
        closing = self._thread.call(self._close_store)
        await asyncio.wait([closing], timeout=CLOSING_S)
        if not closing.done():
            log.error("%s: the store does not close within %g s", self.node.codifier, CLOSING_S)
        elif error := closing.exception():
            log.error("%s: the store was not closed in order: %s", self.node.codifier, error)
        self._thread.close()

    async def _store_the_last(self) -> None:
        try:
            async with asyncio.timeout(STORING_LAST_S):
                await self._store_all()
        except (StoreError, TimeoutError) as error:
            if self._writing is not None:
                self._writing.cancel()
            cause = str(error) or f"the store needs more than {STORING_LAST_S:g} s"
            waiting = "%s: %d readings could not be stored, and will be asked for again: %s"
            log.error(waiting, self.node.codifier, self.waiting, cause)

    async def _store_for_ever(self) -> None:
        pause_s = 0.0
        while True:
            self.resting = True
            await asyncio.sleep(pause_s)
            self.resting = False
            try:
                await self._store_all()
                await self._tidy_up()
                self._health.recovered(self.intake.left)
                self.intake.left = 0
                pause_s = FLUSH_S
            except StoreError as error:
                pause_s = min(max(pause_s, FLUSH_S) * 2, LONGEST_BACK_OFF_S)
                self._health.failed(error, self.waiting)

    async def _store_all(self) -> None:
        if not self.intake.resumed:
            self.intake.resume(await self._thread.call(self._progress))
        await self._store_sealed()
        self.intake.seal()
        await self._store_sealed()
        self.heard()  # there is room again

    async def _store_sealed(self) -> None:
        while (batch := self.intake.batch()) is not None:
            await self._store_batch(batch)

    async def _store_batch(self, batch: Batch) -> None:
        """Store a batch; when that fails, the same one is next. What is under way goes on though this is cancelled."""
        if self._writing is None:
            self._writing = self._thread.call(lambda: self._write(batch))
        try:
            written = await asyncio.shield(self._writing)
        finally:
            if self._writing.done():
                self._writing = None
        self.intake.stored()
        self.stored += written.stored
        now_s = self._surroundings.monotonic()
        self._minute.append((now_s, written.stored))
        self._forget_before(now_s - 60)
        self._health.wrote(written, now_s)

    def _forget_before(self, moment_s: float) -> None:
        while self._minute and self._minute[0][0] < moment_s:
            self._minute.popleft()

    async def _tidy_up(self) -> None:
        now = self._surroundings.clock.now()
        is_time = now.monotonic_s >= self._tidy_s
        if is_time:
            self._tidy_s = now.monotonic_s + TIDY_S
        await self._describe()
        aside = 1 if self._health.is_aside_news else 0
        newest = await self._thread.call(lambda: self._tidy(int(now.wall_ms), maintain=is_time, aside=aside))
        self._health.look_at_aside(newest, now.monotonic_s)

    async def _describe(self) -> None:
        sensors = self._described
        if sensors is not None:
            await self._thread.call(lambda: self._guarded(lambda store: store.describe(sensors)))
            if self._described is sensors:  # else the configuration was read again meanwhile
                self._described = None

    # In the thread

    def _progress(self) -> list[Progress]:
        return self._guarded(lambda store: list(store.progress().values()))

    def _write(self, batch: Batch) -> Written:
        now_ms = int(self._surroundings.clock.now().wall_ms)
        return self._guarded(lambda store: store.write(batch, now_ms))

    def _tidy(self, now_ms: int, *, maintain: bool, aside: int) -> list[Aside]:
        self._guarded(lambda store: store.refresh(ROLLED_UP, now_ms))
        if maintain:
            self._guarded(lambda store: store.maintain(now_ms))
        return self._guarded(lambda store: store.aside(aside)) if aside else []

    def _guarded(self, use: Callable[[Store], T]) -> T:
        """Use the store, opened if it is not; whatever goes wrong is a StoreError."""
        try:
            if self._store is None:
                self._store = store_class(self.node.driver)(self.node.options)
            return use(self._store)
        except StoreError:
            raise
        except Exception as error:  # a fault in one store stops neither the other nodes of this process nor the bus
            log.exception("%s", self.node.codifier)
            raise StoreError(f"{type(error).__name__}: {error}") from error

    def _close_store(self) -> None:
        """Close the store, after everything else."""
        if self._store is not None:
            self._store.close()
            self._store = None

    # In the loop

    async def _report_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self.node.interval_s)
            await self.publish_now()
