"""What a running demo leaves for the other programs of the same user: where its configuration is."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from config.sources import state_directory
from config.whole_file import whole_file

TRACES: Final = "demo.json"


class Demo(NamedTuple):
    """A demo: its configuration's path, and the process that runs it.

    `started` is the process's start in the kernel's ticks since boot: a number that a later process with the same
    id does not have.
    """

    configuration: str
    pid: int
    started: int


def directory() -> Path:
    """Return the directory of this user's demo; it need not exist."""
    return state_directory(os.environ) / "demo"


@contextmanager
def left(place: Path, configuration: Path) -> Iterator[None]:
    """Let the other programs know, as long as this is entered, that this process runs a demo."""
    pid = os.getpid()
    demo = Demo(str(configuration), pid, process_started(pid) or 0)
    with whole_file(place / TRACES) as file:
        file.write(json.dumps(demo._asdict()).encode())
    try:
        yield
    finally:
        (place / TRACES).unlink(missing_ok=True)


def running(place: Path | None = None) -> Demo | None:
    """Return the demo that runs at this moment, or None; a demo that was killed leaves traces but runs no more."""
    try:
        demo = Demo(**json.loads(((place or directory()) / TRACES).read_text("utf-8")))
    except (OSError, ValueError, TypeError):  # none there, or one of another version
        return None
    return demo if process_started(demo.pid) == demo.started else None


def process_started(pid: int) -> int | None:
    """Return when a process started, in ticks since boot, or None when there is no such process (proc(5), stat)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    # The second field is the program's name in brackets, in which anything may stand; starttime is field 22.
    state, *fields = stat.rpartition(")")[2].split()
    return None if state == "Z" else int(fields[18])
