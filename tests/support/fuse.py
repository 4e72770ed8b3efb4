"""File systems that a test answers for, mounted by FUSE: who uses them goes through the kernel."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

STARTING_S: Final = 30.0  # for a machine that is busy
_SIGNALS: Final = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE)


def why_not() -> str | None:
    """Say why nothing can be mounted here, None when it can."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "needs /dev/fuse, and the right to use it"
    return None if shutil.which("fusermount3") else "needs fusermount3 (Debian: fuse3)"


@contextmanager
def served(operations: Any, directory: Path, **options: object) -> Iterator[None]:
    """Mount what mfusepy is told by `operations`; skips the test where that cannot be.

    Threads of this process answer, or one alone with `nothreads`.
    """
    if reason := why_not():
        pytest.skip(reason)
    began, errors, working_directory = threading.Event(), list[Exception](), Path.cwd()
    operations.init = lambda _path: began.set()
    call = (operations, directory, options, errors, began)
    server = threading.Thread(target=_serve, args=call, name=f"FUSE in {directory.name}", daemon=True)
    server.start()
    if not began.wait(STARTING_S):
        raise RuntimeError(f"FUSE did not begin in {directory}")
    os.chdir(working_directory)  # libfuse 3 goes to / when it begins
    if errors:
        server.join()
        pytest.skip(f"no file system can be mounted here: {errors[0]}")
    _handle_signals_as_before()
    try:
        yield
    finally:
        subprocess.run(["fusermount3", "-u", "-z", directory], check=True)
        server.join()
        _handle_signals_as_before()


def _handle_signals_as_before() -> None:
    """Undo what libfuse does to signals behind Python's back: at its end SIGPIPE would end the process."""
    for number in _SIGNALS:
        signal.signal(number, signal.getsignal(number))


def _serve(
    operations: Any, directory: Path, options: dict[str, object], errors: list[Exception], began: threading.Event
) -> None:
    """Serve until it is unmounted. An error without FUSE is told by `errors`."""
    try:
        from mfusepy import FUSE  # type: ignore[import-untyped]  # noqa: PLC0415 - fails where libfuse is missing

        FUSE(operations, str(directory), foreground=True, **options)
    except (OSError, RuntimeError, AttributeError, TypeError) as error:
        errors.append(error)
    finally:
        began.set()
