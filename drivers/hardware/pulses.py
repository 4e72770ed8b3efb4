"""Pulses of a flow meter, a rain gauge or a fan: counted in a thread of their own, looked at in another."""

from collections.abc import Callable
from typing import Final, NamedTuple

SHORTEST_WINDOW_S: Final = 1.0  # a fan of 600 rpm gives 20 pulses in it: one more or less is 5 %


class Window(NamedTuple):
    """How many pulses came, and in how many seconds."""

    pulses: int
    seconds: float

    def rate(self, per_s: float) -> float:
        """Return how many come in so many seconds."""
        return self.pulses / self.seconds * per_s


class Pulses:
    """Counts from `total` on. One thread notes, another asks: a number of Python is never half written."""

    def __init__(self, monotonic: Callable[[], float], total: int = 0) -> None:
        self.total = total
        self._monotonic = monotonic
        self.begin()

    def begin(self) -> None:
        """Let a window begin: what came before is in the total only."""
        self._seen = self.total
        self._since_s = self._monotonic()

    def note(self) -> None:
        """Count a pulse."""
        self.total += 1

    def take(self) -> Window | None:
        """Return what came since the window began, and begin the next; None while it is too short to tell a rate."""
        now_s = self._monotonic()
        if now_s - self._since_s < SHORTEST_WINDOW_S:
            return None
        total = self.total
        window = Window(total - self._seen, now_s - self._since_s)
        self._seen, self._since_s = total, now_s
        return window
