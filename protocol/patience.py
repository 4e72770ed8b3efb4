"""How long to wait for one sensor's agent, and how much to ask it for at once (docs/protocol.md, "Repair")."""

from collections.abc import Callable
from math import inf
from typing import Final

from protocol.holes import AT_ONCE_S

WAIT_S: Final = 0.05  # for readings that are only late
ANSWER_S: Final = 0.2  # for an answer, and for the next one of the same request
RETRY_AFTER_S: Final = (*(seconds for doubled in range(8) for seconds in (0.2 * 2**doubled,) * 4), 30.0)
"""The time from a request that was not answered to the next one, for each that failed in a row; then the last.

0.2 s to 25.6 s, each four times, and 30 s: where 40 % is lost two of three requests fail, and several in a row say
little of the agent.
"""

SILENT_S: Final = 10.0  # a sensor that is heard again after so long has its agent back: no use in waiting on
MAX_RANGES: Final = 16  # under way at once for one sensor, half as many after each failure, but one
MAX_UNDER_WAY: Final = 128  # readings at once for one sensor: a quarter of a second of an agent that answers only us


class Patience:
    """Counts what one sensor leaves unanswered, and puts requests to it off for longer and longer.

    `jitter` returns 0 to 1: waiting times are longer by up to half, so that receivers do not ask all at once. With
    `most` it gives up after so many failures in a row, and for good when nothing was ever answered.
    """

    __slots__ = ("_answered_s", "_failed_s", "_heard_s", "_jitter", "_most", "failures", "not_before_s")

    def __init__(self, jitter: Callable[[], float], most: float = inf) -> None:
        self.failures = 0
        self.not_before_s = AT_ONCE_S
        self._jitter = jitter
        self._most = most
        self._heard_s = AT_ONCE_S
        self._answered_s = AT_ONCE_S
        self._failed_s = AT_ONCE_S

    @property
    def is_over(self) -> bool:
        """Tell whether it gave up."""
        return self.failures >= self._most

    @property
    def ranges(self) -> int:
        """How many requests may be under way."""
        return max(1, MAX_RANGES >> self.failures)

    def late_until_s(self, now_s: float) -> float:
        """Return until when something that was overtaken now may only be late."""
        return now_s + self._jittered(WAIT_S)

    def heard(self, now_s: float) -> bool:
        """Take that the sensor spoke; returns True when that ends a silence during which requests failed."""
        may_be_back = self.failures > 0 and now_s - self._heard_s > SILENT_S
        is_back = may_be_back and not (self.is_over and self._answered_s == AT_ONCE_S)
        self._heard_s = now_s
        if is_back:
            self.begin_anew()
        return is_back

    def answered(self, now_s: float) -> None:
        """Take that an answer came."""
        self._answered_s = now_s
        self.begin_anew()

    def unanswered(self, asked_s: float, now_s: float) -> None:
        """Take that a request which awaits its answer since `asked_s` was in vain.

        It counts as a failure when nothing at all was answered since, and once for all that were under way together.
        """
        if self._answered_s >= asked_s or asked_s < self._failed_s:
            return
        retry_after_s = RETRY_AFTER_S[min(self.failures, len(RETRY_AFTER_S) - 1)]
        self.failures += 1
        self._failed_s = now_s
        self.not_before_s = asked_s + self._jittered(retry_after_s)

    def begin_anew(self) -> None:
        """Forget what failed."""
        self.failures = 0
        self.not_before_s = AT_ONCE_S

    def _jittered(self, seconds: float) -> float:
        return seconds * (1 + self._jitter() / 2)
