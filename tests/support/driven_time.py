"""Time that a test decides: a clock, and an event loop whose timers run only when the test lets time pass."""

import asyncio
import heapq
import selectors
from collections.abc import Callable
from contextvars import Context
from itertools import count
from typing import Final, TypeVarTuple

from protocol.instants import Instant

Arguments = TypeVarTuple("Arguments")

START_S: Final = 1_000.0
START_MS: Final = 1_700_000_000_000.0


class ManualClock:
    """A clock (`agent.clock.Clock`) that stands still until it is told otherwise."""

    def __init__(self, monotonic_s: float = START_S, wall_ms: float = START_MS) -> None:
        self.monotonic_s = monotonic_s
        self.wall_ms = wall_ms

    def now(self) -> Instant:
        return Instant(self.monotonic_s, self.wall_ms)

    def monotonic(self) -> float:
        return self.monotonic_s

    def pass_time(self, seconds: float) -> None:
        """Let both clocks go on."""
        self.monotonic_s += seconds
        self.wall_ms += seconds * 1_000

    def step_wall(self, by_s: float) -> None:
        """Set the wall clock forward or back; no time passes."""
        self.wall_ms += by_s * 1_000


class DrivenLoop(asyncio.SelectorEventLoop):
    """An event loop with real sockets, pipes and threads, whose time is `clock`.

    `asyncio.sleep`, `call_later` and all time limits wait for `advance`. What waits for the outside world, such as a
    process or a thread, takes the real time that it takes.
    """

    def __init__(self) -> None:
        self.clock = ManualClock()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = count()
        self._settled: list[asyncio.Future[None]] = []
        super().__init__(_Selector(self._tell_settled))

    def time(self) -> float:
        return self.clock.monotonic_s

    def call_at(
        self, when: float, callback: Callable[[*Arguments], object], *args: *Arguments, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = super().call_at(when, callback, *args, context=context)
        heapq.heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    async def settle(self) -> None:
        """Wait until nothing is left to do at this moment: no callback is ready, nothing has arrived."""
        settled = self.create_future()
        self._settled.append(settled)
        await settled

    async def advance(self, seconds: float) -> None:
        """Let time pass, timer by timer in their order, each with all that follows from it."""
        until_s = self.clock.monotonic_s + seconds
        await self.settle()
        while (due_s := self._next_timer_s()) <= until_s:
            self.clock.pass_time(due_s - self.clock.monotonic_s)
            await self.settle()
        self.clock.pass_time(until_s - self.clock.monotonic_s)
        await self.settle()

    def is_due_within(self, seconds: float) -> bool:
        """Tell whether a timer waits for no more time than this."""
        return self._next_timer_s() <= self.clock.monotonic_s + seconds

    def _next_timer_s(self) -> float:
        while self._timers and (self._timers[0][0] <= self.clock.monotonic_s or self._timers[0][2].cancelled()):
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else float("inf")

    def _tell_settled(self) -> bool:
        waiting, self._settled = self._settled, []
        for settled in waiting:
            if not settled.done():
                settled.set_result(None)
        return bool(waiting)


class _Selector(selectors.DefaultSelector):
    """Reports when the loop would wait: that is when it has settled."""

    def __init__(self, tell_settled: Callable[[], bool]) -> None:
        super().__init__()
        self._tell_settled = tell_settled

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0) or self._tell_settled():
            return events
        return super().select(timeout)
