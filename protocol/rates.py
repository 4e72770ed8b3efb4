from collections.abc import Hashable
from typing import Final

MAX_SHARING: Final = 64  # senders whose share is known, about 300 bytes each; the one heard longest ago is forgotten


class RateLimit:
    """A token bucket: at most `burst` at once and `per_second` on average."""

    __slots__ = ("_at_s", "_tokens", "burst", "per_second", "refused")

    def __init__(self, per_second: float, burst: float) -> None:
        self.per_second = per_second
        self.burst = burst
        self.refused = 0
        self._tokens = burst
        self._at_s: float | None = None

    def allows(self, now_s: float) -> bool:
        """Take one token if there is one; count the refusal if not.

        `now_s` is monotonic; a clock that goes back all the same neither takes tokens away nor stops their flow.
        """
        elapsed_s = 0.0 if self._at_s is None else max(0.0, now_s - self._at_s)
        self._at_s = now_s
        self._tokens = min(self.burst, self._tokens + elapsed_s * self.per_second)
        if self._tokens < 1:
            self.refused += 1
            return False
        self._tokens -= 1
        return True


class FairLimit:
    """A RateLimit that many share: on average one sender gets at most half of it, so that none shuts the others out."""

    __slots__ = ("_all", "_each", "refused")

    def __init__(self, per_second: float) -> None:
        self.refused = 0
        self._all = RateLimit(per_second, per_second)
        self._each: dict[Hashable, RateLimit] = {}

    def allows(self, sender: Hashable, now_s: float) -> bool:
        """Take one token for a sender if there is one; count the refusal if not. `now_s` is monotonic."""
        allowed = self._of(sender).allows(now_s) and self._all.allows(now_s)
        self.refused += not allowed
        return allowed

    def _of(self, sender: Hashable) -> RateLimit:
        share = self._each.pop(sender, None) or RateLimit(self._all.per_second / 2, self._all.burst)
        self._each[sender] = share
        if len(self._each) > MAX_SHARING:
            del self._each[next(iter(self._each))]
        return share
