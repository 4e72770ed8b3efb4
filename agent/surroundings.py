import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from agent.clock import Clock, SystemClock
from agent.threads import DaemonThreads


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the nodes of one process share.

    `state_directory` keeps what survives a restart; `takeover` starts nodes although another instance answers;
    `random_number(n)` returns an integer in 0..n-1.
    """

    state_directory: Path
    takeover: bool = False
    clock: Clock = field(default_factory=SystemClock)
    random_number: Callable[[int], int] = random.randrange
    threads: DaemonThreads = field(default_factory=lambda: DaemonThreads("driver"))

    def monotonic(self) -> float:
        """Return the monotonic time in seconds."""
        return self.clock.now().monotonic_s
