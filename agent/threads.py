"""Blocking calls off the event loop, in threads that may be lost to a device that hangs."""

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

T = TypeVar("T")
_Job = tuple[asyncio.AbstractEventLoop, asyncio.Future[Any], Callable[[], Any]]
_STOP: Final = None


class DaemonThreads:
    """A pool of daemon threads that grows with the calls that are under way, up to `limit`.

    A call that never returns keeps its thread and no other, and does not keep the process from ending: what the
    standard executors cannot promise. Whoever calls has one call under way per device, which bounds the pool.
    """

    def __init__(self, name: str, limit: int | None = None) -> None:
        self._name = name
        self._limit = limit
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads = 0
        self._busy = 0

    @property
    def count(self) -> int:
        """How many threads there are, at work or idle."""
        return self._threads

    def call(self, function: Callable[[], T]) -> asyncio.Future[T]:
        """Start a blocking call; the future has its result. Cancelling the future abandons the call."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._busy += 1
        if self._busy > self._threads and (self._limit is None or self._threads < self._limit):
            self._start_thread()
        self._jobs.put((loop, future, function))
        return future

    def close(self) -> None:
        """Let the idle threads end; a thread that hangs ends with the process."""
        for _ in range(self._threads):
            self._jobs.put(_STOP)
        self._threads = 0

    def _start_thread(self) -> None:
        self._threads += 1
        threading.Thread(target=self._work, name=f"{self._name}-{self._threads}", daemon=True).start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not _STOP:
            loop, future, function = job
            try:
                outcome: tuple[Any, BaseException | None] = (function(), None)
            except StopIteration as error:  # a future takes none: it would end the coroutine that awaits it
                outcome = (None, RuntimeError(f"StopIteration: {error}" if str(error) else "StopIteration"))
            except BaseException as error:  # noqa: BLE001 - whoever awaits the future decides
                outcome = (None, error)
            try:
                loop.call_soon_threadsafe(self._finish, future, *outcome)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return

    def _finish(self, future: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
        self._busy -= 1
        if future.cancelled():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
