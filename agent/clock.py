"""The clocks of this computer: the one place that reads them."""

import time
from typing import Protocol

from protocol.instants import Instant


class Clock(Protocol):
    """Whatever tells the time: the computer, or a test that decides it."""

    def now(self) -> Instant:
        """Return this moment on both clocks."""
        ...


class SystemClock:
    """The computer's clocks; the wall clock keeps its fractions of a millisecond, for round trips."""

    def now(self) -> Instant:
        """Return this moment; `monotonic_s` is the clock that asyncio's timers use."""
        return Instant(time.monotonic(), time.time_ns() / 1_000_000)
