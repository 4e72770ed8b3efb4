"""What every test must leave as it found it, and what no test may do inside the event loop."""

import asyncio
import gc
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, Final, SupportsIndex

import pytest

THREAD_PATIENCE_S: Final = 3.0
"""A thread that was told to end may take so long on a busy machine; only one that does not end waits for it."""

PLACE_FRAMES: Final = 6

BLOCKING: Final = {
    "socket.getaddrinfo": "name resolution",
    "socket.gethostbyname": "name resolution",
    "socket.gethostbyaddr": "name resolution",
    "urllib.Request": "a web request",
    "os.system": "os.system",
}
"""Audit events of what waits for the world. To time callbacks instead would depend on how fast the machine is."""


def threads() -> set[threading.Thread]:
    """Return the threads of this process."""
    return set(threading.enumerate())


def open_files() -> dict[int, str]:
    """Return what the file descriptors of this process are open on: files, sockets, pipes."""
    found = {}
    for file in Path("/proc/self/fd").iterdir():
        try:
            found[int(file.name)] = str(file.readlink())
        except FileNotFoundError:
            continue  # the listing's own
    return found


def fail_if_left(threads_before: set[threading.Thread], files_before: dict[int, str]) -> None:
    """Fail the test when a thread still runs or a file is still open that was not so before."""
    for thread in threads() - threads_before:
        thread.join(THREAD_PATIENCE_S)
    left = [f"thread {thread.name}" for thread in threads() - threads_before]
    if open_files().items() - files_before.items():
        gc.collect()  # what nobody holds is closed now, with a ResourceWarning that fails the test by itself
    left += [f"file {number} ({name})" for number, name in sorted(open_files().items() - files_before.items())]
    if left:
        pytest.fail(f"left behind: {', '.join(left)}", pytrace=False)


class LoopWatch:
    """Sees what goes wrong in an event loop without failing the test by itself."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._errors: list[str] = []
        loop.set_exception_handler(self._note)

    def _note(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        trace = "".join(traceback.format_exception(error)) if error else ""
        self._errors.append(f"{context['message']}\n{trace}")

    def fail_if_wrong(self) -> None:
        """Fail the test for tasks that still run, and for errors that nobody caught."""
        running = asyncio.all_tasks(self._loop) - {asyncio.current_task(self._loop)}
        wrong = [f"task left running: {task!r}" for task in running]
        wrong += [f"nobody caught: {error}" for error in self._errors]
        if wrong:
            pytest.fail("\n".join(wrong), pytrace=False)


class BlockingWatch:
    """Notes, with the place, what blocks an event loop. An audit hook stays for good, so there is one for all tests."""

    def __init__(self) -> None:
        self._seen: list[str] = []
        self._sleep = time.sleep
        time.sleep = self._watched_sleep  # it has an audit event from Python 3.13 on
        sys.addaudithook(self._hear)

    def forget(self) -> None:
        """Start anew."""
        self._seen.clear()

    def fail_if_blocked(self) -> None:
        """Fail the test when something blocked the loop since `forget`."""
        if self._seen:
            pytest.fail("\n".join(self._seen), pytrace=False)

    def _hear(self, event: str, _arguments: tuple[object, ...]) -> None:
        if event in BLOCKING:
            self._note(BLOCKING[event])

    def _watched_sleep(self, seconds: float | SupportsIndex, /) -> None:
        self._note("time.sleep")
        self._sleep(seconds)

    def _note(self, what: str) -> None:
        if _in_event_loop():
            place = "".join(traceback.format_stack(sys._getframe(2), limit=PLACE_FRAMES))
            self._seen.append(f"{what} blocks the event loop:\n{place}")


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
