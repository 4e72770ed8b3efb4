"""Blocking calls run in threads that may be lost to a device that hangs."""

import asyncio
import threading
from functools import partial

import pytest

from agent.threads import DaemonThreads


async def test_a_call_returns_its_result() -> None:
    threads = DaemonThreads("test")
    assert await threads.call(lambda: 21) == 21
    threads.close()


async def test_a_call_runs_outside_the_loops_thread() -> None:
    threads = DaemonThreads("test")
    assert await threads.call(threading.get_ident) != threading.get_ident()
    threads.close()


async def test_what_a_call_raises_reaches_the_caller() -> None:
    threads = DaemonThreads("test")
    with pytest.raises(ZeroDivisionError):
        await threads.call(lambda: 1 // 0)
    threads.close()


async def test_calls_one_after_the_other_share_one_thread() -> None:
    threads = DaemonThreads("test")
    idents = {await threads.call(threading.get_ident) for _ in range(20)}
    assert (len(idents), threads.count) == (1, 1)
    threads.close()


async def test_a_call_that_hangs_keeps_its_thread_and_no_other() -> None:
    threads, release = DaemonThreads("test"), threading.Event()
    hanging = threads.call(release.wait)
    for number in range(5):
        assert await threads.call(partial(abs, number)) == number
    assert threads.count == 2
    release.set()
    assert await hanging
    threads.close()


async def test_a_pool_of_one_keeps_the_order_and_the_thread() -> None:
    threads, order = DaemonThreads("test", limit=1), list[int]()
    await asyncio.gather(*(threads.call(partial(order.append, number)) for number in range(10)))
    assert (order, threads.count) == (list(range(10)), 1)
    threads.close()


async def test_a_result_that_nobody_waits_for_any_more_is_dropped() -> None:
    threads, release = DaemonThreads("test"), threading.Event()
    abandoned = threads.call(release.wait)
    abandoned.cancel()
    release.set()
    assert await threads.call(lambda: "still works") == "still works"
    threads.close()


async def test_an_error_that_no_future_takes_arrives_as_another() -> None:
    threads = DaemonThreads("test")
    with pytest.raises(RuntimeError, match="StopIteration"):
        await threads.call(lambda: next(iter([])))
    threads.close()
