"""Time that a test drives."""

import asyncio
import socket

import pytest

from tests.support.driven_time import START_MS, START_S, DrivenLoop, ManualClock


def test_a_manual_clock_stands_still() -> None:
    clock = ManualClock()
    assert clock.now() == clock.now() == (START_S, START_MS)


def test_time_passes_on_both_clocks() -> None:
    clock = ManualClock()
    clock.pass_time(1.5)
    assert clock.now() == (START_S + 1.5, START_MS + 1_500)
    assert clock.monotonic() == START_S + 1.5


def test_only_the_wall_clock_steps() -> None:
    clock = ManualClock()
    clock.step_wall(by_s=-3_600)
    assert clock.now() == (START_S, START_MS - 3_600_000)


async def test_no_timer_runs_before_its_time(driven_time: DrivenLoop) -> None:
    ran: list[str] = []
    driven_time.call_later(10, ran.append, "timer")
    await driven_time.advance(9.999)
    assert ran == []
    await driven_time.advance(0.001)
    assert ran == ["timer"]


async def test_timers_run_in_order_each_at_its_own_time(driven_time: DrivenLoop) -> None:
    ran: list[tuple[str, float]] = []
    start_s = driven_time.time()

    def note(name: str) -> None:
        ran.append((name, driven_time.time() - start_s))

    for name, delay_s in (("late", 7), ("early", 2), ("never", 9)):
        driven_time.call_later(delay_s, note, name)
    await driven_time.advance(8)
    assert ran == [("early", 2), ("late", 7)]


async def test_a_timer_that_sets_another_is_followed(driven_time: DrivenLoop) -> None:
    ticks: list[float] = []

    async def tick_each_second() -> None:
        while True:
            await asyncio.sleep(1)
            ticks.append(driven_time.time() - START_S)

    task = asyncio.create_task(tick_each_second())
    await driven_time.advance(3.5)
    task.cancel()
    assert ticks == [1, 2, 3]


async def test_a_cancelled_timer_does_not_run(driven_time: DrivenLoop) -> None:
    ran: list[str] = []
    driven_time.call_later(1, ran.append, "timer").cancel()
    await driven_time.advance(10)
    assert ran == []


async def test_a_time_limit_is_one_of_the_clock(driven_time: DrivenLoop) -> None:
    waiting = asyncio.create_task(asyncio.wait_for(asyncio.Event().wait(), timeout=3_600))
    await driven_time.advance(3_599)
    assert not waiting.done()
    await driven_time.advance(1)
    with pytest.raises(TimeoutError):
        await waiting


async def test_to_settle_is_to_do_all_that_follows_now(driven_time: DrivenLoop) -> None:
    done: list[int] = []

    def follow(depth: int) -> None:
        done.append(depth)
        if depth < 100:
            driven_time.call_soon(follow, depth + 1)

    driven_time.call_soon(follow, 0)
    await driven_time.settle()
    assert done == list(range(101))


async def test_what_has_arrived_at_a_socket_is_read_before_time_passes(driven_time: DrivenLoop) -> None:
    near, far = socket.socketpair()
    heard: list[tuple[bytes, float]] = []
    with near, far:
        driven_time.add_reader(near, lambda: heard.append((near.recv(1), driven_time.time())))
        far.send(b"ab")
        await driven_time.advance(5)
        driven_time.remove_reader(near)
    assert heard == [(b"a", START_S), (b"b", START_S)]


async def test_what_comes_from_outside_is_waited_for(driven_time: DrivenLoop) -> None:
    process = await asyncio.create_subprocess_exec("echo", "reading", stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert output == b"reading\n"
    assert driven_time.time() == START_S


async def test_an_ordinary_test_has_ordinary_time() -> None:
    assert not isinstance(asyncio.get_running_loop(), DrivenLoop)
