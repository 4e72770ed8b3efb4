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
