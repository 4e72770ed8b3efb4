"""A node that stores what it hears: readings wait in memory and go to the store in batches, from one thread."""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Sequence
from typing import Final

from agent.presence import Presence
from agent.supervisor import NotAnActuatorError
from agent.surroundings import Surroundings
from agent.threads import DaemonThreads
from config.model import Node
from protocol.frames import DataFrame, Flag
from protocol.readings import Reading
from storage.registry import store_class
from storage.store import Store, StoreError

log: Final = logging.getLogger("jph.sink")

MAX_WAITING: Final = 100_000  # readings, about 25 MiB: 100 s of 1,000 sensors at 1 Hz while a store is away
BATCH: Final = 5_000  # readings in one transaction
FLUSH_S: Final = 1.0  # a reading waits at most so long in a healthy sink
LONGEST_BACK_OFF_S: Final = 30.0
STORING_LAST_S: Final = 10.0  # for the last batches at the end
CLOSING_S: Final = 2.0  # for the store to close: one that hangs does not keep the process from ending


class Sink:
    """Stores every reading of the data bus; its own reading is how many were stored in the last minute.

    `stored` counts readings that were new to the store, `lost` those that were given up: the oldest when too many
    wait, and what waits at the end when the store is away. A halted sink stores nothing.
    """

    def __init__(self, node: Node, presence: Presence, surroundings: Surroundings) -> None:
        self.node = node
        self.stored = 0
        self.lost = 0
        self.trouble = ""
        self._presence = presence
        self._surroundings = surroundings
        self._thread = DaemonThreads(f"sink {node.codifier}", limit=1)
        self._store: Store | None = None  # belongs to the thread
        self._waiting: deque[Reading] = deque()
        self._minute: deque[tuple[float, int]] = deque()  # (when, how many) of the last minute's batches

    @property
    def waiting(self) -> int:
        """How many readings wait for the store."""
        return len(self._waiting)

    def take(self, frame: DataFrame) -> None:
        """Keep a reading until the next batch, unless the sink is halted or the value is no finite number."""
        value = frame.value
        is_storable = not isinstance(value, float) or math.isfinite(value)
        if frame.flag is not Flag.NUMBERING and is_storable and self._presence.active:
            self._waiting.append(frame.reading())
            self._give_up_what_is_too_much()

    async def run(self) -> None:
        """Store and report until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._store_for_ever(), name=f"{self.node.codifier} stores")
            tasks.create_task(self._report_for_ever(), name=f"{self.node.codifier} reports")

    async def publish_now(self) -> None:
        """Publish how many readings were stored in the last minute, unless the sink is halted."""
        now_s = self._surroundings.monotonic()
        while self._minute and self._minute[0][0] < now_s - 60:
            self._minute.popleft()
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
            self.lost += len(self._waiting)
            cause = str(error) or f"the store needs more than {STORING_LAST_S:g} s"
            log.error("%s: %d readings could not be stored: %s", self.node.codifier, len(self._waiting), cause)

    async def _store_for_ever(self) -> None:
        pause_s = FLUSH_S
        while True:
            await asyncio.sleep(pause_s)
            try:
                await self._store_all()
                pause_s = FLUSH_S
                self._recovered()
            except StoreError as error:
                pause_s = min(pause_s * 2, LONGEST_BACK_OFF_S)
                self._failed(error)

    async def _store_all(self) -> None:
        while self._waiting:
            await self._store_batch()

    async def _store_batch(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
        try:
            new = await self._thread.call(lambda: self._write(batch))
        except BaseException:
            # It may be in the store when this was cancelled, but writing it once more changes nothing.
            self._waiting.extendleft(reversed(batch))
            self._give_up_what_is_too_much()
            raise
        self.stored += new
        self._minute.append((self._surroundings.monotonic(), new))

    def _give_up_what_is_too_much(self) -> None:
        while len(self._waiting) > MAX_WAITING:
            self._waiting.popleft()
            self.lost += 1

    def _write(self, batch: Sequence[Reading]) -> int:
        """In the thread: open the store if it is not, and write."""
        try:
            if self._store is None:
                self._store = store_class(self.node.driver)(self.node.options)
            return self._store.write(batch)
        except StoreError:
            raise
        except Exception as error:  # a fault in one store stops neither the other nodes of this process nor the bus
            log.exception("%s", self.node.codifier)
            raise StoreError(f"{type(error).__name__}: {error}") from error

    def _close_store(self) -> None:
        """In the thread, which is through with everything else then."""
        if self._store is not None:
            self._store.close()
            self._store = None

    async def _report_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self.node.interval_s)
            await self.publish_now()

    def _failed(self, error: StoreError) -> None:
        if str(error) != self.trouble:
            log.error("%s: %s; %d readings wait", self.node.codifier, error, len(self._waiting))
        self.trouble = str(error)

    def _recovered(self) -> None:
        if self.trouble:
            log.warning("%s: stores again; %d readings were given up", self.node.codifier, self.lost)
        self.trouble = ""
