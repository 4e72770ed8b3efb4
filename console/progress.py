"""How far something long has come, told to the operator now and then."""

from typing import Final

from agent.clock import Clock
from console.output import tell

EVERY_S: Final = 5.0  # nobody needs to hear of what is done within so long


class Progress:
    """Tells at most once in EVERY_S, and nothing when `is_quiet`."""

    def __init__(self, clock: Clock, *, is_quiet: bool = False) -> None:
        self._clock = clock
        self._is_quiet = is_quiet
        self._told_s = clock.now().monotonic_s

    def tell(self, message: str) -> None:
        """Tell how far it has come, if it is time."""
        now_s = self._clock.now().monotonic_s
        if not self._is_quiet and now_s >= self._told_s + EVERY_S:
            self._told_s = now_s
            tell(message)
