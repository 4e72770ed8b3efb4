import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from agent.clock import Clock, SystemClock
from agent.threads import DaemonThreads


def random_number(limit: int) -> int:
    """Return an integer in 0..limit-1; the module `random` would cost an agent 200 KiB for this."""
    return int.from_bytes(os.urandom(8)) % limit


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the nodes of one process share.

    `state_directory` keeps what survives a restart; `takeover` starts nodes although another instance answers;
    `random_number(limit)` returns an integer in 0..limit-1. `root` and `sleep` are what drivers know them as (Place).
    """

    state_directory: Path
    takeover: bool = False
    clock: Clock = field(default_factory=SystemClock)
    random_number: Callable[[int], int] = random_number
    root: Path = Path("/")
    sleep: Callable[[float], None] = time.sleep
    threads: DaemonThreads = field(default_factory=lambda: DaemonThreads("driver"))

    def monotonic(self) -> float:
        """Return the monotonic time in seconds."""
        return self.clock.now().monotonic_s
