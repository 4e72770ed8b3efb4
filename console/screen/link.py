"""The buses in a thread of their own, and the only way to them from the screen.

Why a thread: a screen is slow at times (opening a dialog lays the whole screen out anew, 50 ms and more) and stands
still for ever when the terminal stops reading, as a cut SSH connection does. Datagrams would be lost meanwhile, other
nodes' pings left unanswered, and a round trip of 0.3 ms measured as 30. In its own thread the bus goes on whatever
the screen does. Nothing is shared: the screen asks with coroutines that run in the bus's loop, and gets copies.
"""

import asyncio
import contextlib
import sys
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar

from agent.orders import Answer
from agent.participant import Heard, Participant
from config.model import Configuration
from console.screen.observer import Batch, BusFacts, Observer
from console.screen.pings import PingRound
from console.screen.traces import MAX_CHARTED, Point
from protocol.errors import JphError
from protocol.frames import DataFrame, Flag
from protocol.instants import Instant

T = TypeVar("T")

SWITCH_S: Final = 0.001
"""How soon the interpreter turns from the screen's thread to the bus's, which then reads a datagram's arrival time."""

DATA_REST_S: Final = 0.025
"""Readings are taken in lots, 40 times a second: at 1,000 a second that saves two thirds of the processor time, and a
screen of four frames a second does not show the difference. Pings and commands travel on the other bus."""

PING_TICK_S: Final = 0.25

KEYS_AGAIN_S: Final = 60.0
"""How often the key files are read: a console that is open for weeks follows each change of the key."""


class Link(Protocol):
    """What the screen needs of the buses."""

    @property
    def codifier(self) -> str:
        """The codifier under which the console speaks."""
        ...

    async def take(self) -> Batch:
        """Return what has changed since the last call."""
        ...

    async def points(self, codifier: str, since_ms: float | None = None) -> list[Point]:
        """Return what is known of a sensor, and ask its agent for what it sent since `since_ms` (our wall clock)."""
        ...

    async def ping(self, codifier: str) -> None:
        """Ping a node, or every node with `@@`."""
        ...

    async def command(self, flag: Flag, codifier: str, number: float = 0.0) -> Answer:
        """Send a command until it is confirmed or 8 s have passed."""
        ...


class BusError(JphError):
    """The thread of the buses has ended although nobody asked it to."""


class BusThread:
    """A participant in its own thread as long as it is entered; entering raises what opening the bus raises.

    `ping_every_s` is how often each node is pinged, so that round trips, clock offsets and lost answers are always
    there to be seen; 0 pings nobody.
    """

    def __init__(self, configuration: Configuration, codifier: str, *, ping_every_s: float = 15.0) -> None:
        self.codifier = codifier
        self._configuration = configuration
        self._pings = PingRound(ping_every_s)
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._work, name="jph-bus", daemon=True)
        self._trouble: BaseException | None = None
        self._switch_before_s = sys.getswitchinterval()
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._participant: Participant
        self._observer: Observer

    def __enter__(self) -> Self:
        """Start the thread and wait until the bus is open."""
        sys.setswitchinterval(SWITCH_S)
        self._thread.start()
        self._ready.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bus and end the thread; closing twice is harmless."""
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        sys.setswitchinterval(self._switch_before_s)

    async def take(self) -> Batch:
        """Return what has changed since the last call."""
        return await self._in_bus(self._take())

    async def points(self, codifier: str, since_ms: float | None = None) -> list[Point]:
        """Return what is known of a sensor, and ask its agent for what it sent since `since_ms` (our wall clock)."""
        return await self._in_bus(self._points(codifier, since_ms))

    async def ping(self, codifier: str) -> None:
        """Ping a node, or every node with `@@`."""
        await self._in_bus(self._ping(codifier))

    async def command(self, flag: Flag, codifier: str, number: float = 0.0) -> Answer:
        """Send a command until it is confirmed or 8 s have passed."""
        return await self._in_bus(self._participant.command(flag, codifier, number))

    async def _in_bus(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the bus's loop and wait for it in the screen's; raises BusError when that has ended."""
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError as error:  # the loop is closed
            work.close()
            raise self._ended() from error
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            raise self._ended() from self._trouble  # the loop ended meanwhile, and cancelled what it had begun

    def _ended(self) -> BusError:
        return BusError(f"the buses have ended: {self._trouble or 'they were closed'}")

    def _work(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as error:  # noqa: BLE001 - told to whoever enters, or to whoever asks next
            self._trouble = error
            if not self._ready.done():
                self._ready.set_exception(error)

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._broke)
        self._stop = asyncio.Event()
        async with Participant(
            self._configuration, self.codifier, present=True, data_rest_s=DATA_REST_S, follow=True
        ) as participant:
            self._participant = participant
            self._observer = Observer(participant.roster, participant.clock.now(), self.codifier)
            participant.heard.append(self._heard)
            if participant.following is not None:
                participant.following.answered.append(self._answered)
            self._ready.set_result(None)
            async with asyncio.TaskGroup() as tasks:
                working = (
                    tasks.create_task(self._ping_round(), name="pings"),
                    tasks.create_task(self._follow_keys(), name="keys"),
                )
                await self._stop.wait()
                for task in working:
                    task.cancel()
        if self._trouble is not None:
            raise self._trouble

    def _broke(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """End at an error that nobody expected: a console that misses frames without a word would be worse."""
        self._trouble = context.get("exception") or RuntimeError(context["message"])
        self._stop.set()

    def _heard(self, heard: Heard) -> None:
        self._observer.heard(heard.frame, heard.now, heard.events)

    def _answered(self, frame: DataFrame, _: Instant) -> None:
        self._observer.answered(frame)

    async def _take(self) -> Batch:
        if self._participant.following is not None:
            self._observer.book(self._participant.following.repairs.accounts())
        return self._observer.take(self._participant.clock.now(), self._bus_facts())

    def _bus_facts(self) -> BusFacts:
        bus = self._participant.bus
        counters = bus.counters
        return BusFacts(
            description=bus.describe(),
            trouble=bus.state.reason,
            kernel_dropped=counters.kernel_dropped,
            send_errors=counters.send_errors,
            keys=self._participant.key_ids,
        )

    async def _points(self, codifier: str, since_ms: float | None) -> list[Point]:
        if since_ms is not None:
            self._look_back(codifier, since_ms)
        return self._observer.points(codifier)

    def _look_back(self, codifier: str, since_ms: float) -> None:
        lag_ms, following = self._observer.lag_ms(codifier), self._participant.following
        if lag_ms is not None and following is not None:
            self._observer.chart(codifier)
            following.look_back(codifier, since_ms - lag_ms, MAX_CHARTED)

    async def _ping(self, codifier: str) -> None:
        self._participant.ping(codifier)
        self._observer.pinged(codifier)

    async def _ping_round(self) -> None:
        while True:
            for codifier in self._pings.due(self._participant.clock.now().monotonic_s, self._pingable()):
                await self._ping(codifier)
            await asyncio.sleep(PING_TICK_S)

    async def _follow_keys(self) -> None:
        while True:
            await asyncio.sleep(KEYS_AGAIN_S)
            self._participant.read_keys_again()

    def _pingable(self) -> list[str]:
        """Name the nodes of which something was heard; those of operators come and go and need no watching."""
        return [
            codifier
            for codifier, node in self._participant.roster.nodes.items()
            if node.heard_s is not None and not node.operator and codifier != self.codifier
        ]


def _is_cancelled() -> bool:
    """Tell whether the task that asks was itself cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
