"""What systemd is told, over real sockets; the watchdog in time that the test drives."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.notify import Notifier
from tests.support.driven_time import DrivenLoop


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """Give the socket of a service manager."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        yield manager


def told(manager: socket.socket) -> list[str]:
    """Return what the manager was told so far."""
    messages = []
    try:
        while True:
            messages.append(manager.recv(1024).decode())
    except BlockingIOError:
        return messages


def test_a_state_reaches_the_manager(manager: socket.socket) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": manager.getsockname()})
    notifier.tell("READY=1\nSTATUS=runs C1, FK")
    notifier.tell("STOPPING=1")
    assert told(manager) == ["READY=1\nSTATUS=runs C1, FK", "STOPPING=1"]


def test_an_abstract_address_begins_with_an_at() -> None:
    name = f"jph-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        manager.setblocking(False)
        Notifier({"NOTIFY_SOCKET": f"@{name}"}).tell("READY=1")
        assert told(manager) == ["READY=1"]


def test_without_a_manager_nothing_is_told() -> None:
    Notifier({}).tell("READY=1")


def test_a_manager_that_went_away_is_no_reason_to_stop(tmp_path: Path) -> None:
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).tell("READY=1")


def test_a_manager_that_does_not_read_keeps_nobody_waiting(manager: socket.socket) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": manager.getsockname()})
    for _ in range(10_000):
        notifier.tell("WATCHDOG=1")
    assert 0 < len(told(manager)) < 10_000


async def test_the_watchdog_is_told_twice_in_its_interval(manager: socket.socket, driven_time: DrivenLoop) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "30000000"})
    watchdog = driven_time.create_task(notifier.keep_watchdog())
    await driven_time.advance(60.0)
    assert told(manager) == ["WATCHDOG=1"] * 5
    watchdog.cancel()


async def test_a_loop_that_does_not_turn_tells_nothing(manager: socket.socket, driven_time: DrivenLoop) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "30000000"})
    watchdog = driven_time.create_task(notifier.keep_watchdog())
    await driven_time.settle()
    told(manager)
    driven_time.clock.pass_time(3_600.0)  # as when something blocks the loop for an hour
    assert told(manager) == []
    await driven_time.settle()
    assert told(manager) == ["WATCHDOG=1"]
    watchdog.cancel()


async def test_without_a_watchdog_there_is_nothing_to_keep(manager: socket.socket) -> None:
    await Notifier({"NOTIFY_SOCKET": manager.getsockname()}).keep_watchdog()
    assert told(manager) == []


async def test_the_watchdog_of_another_process_is_not_kept(manager: socket.socket) -> None:
    environment = {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}
    await Notifier(environment).keep_watchdog()
    assert told(manager) == []


async def test_its_own_watchdog_is(manager: socket.socket, driven_time: DrivenLoop) -> None:
    environment = {
        "NOTIFY_SOCKET": manager.getsockname(),
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(os.getpid()),
    }
    watchdog = driven_time.create_task(Notifier(environment).keep_watchdog())
    await driven_time.settle()
    assert told(manager) == ["WATCHDOG=1"]
    watchdog.cancel()
