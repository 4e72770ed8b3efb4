from collections.abc import Sequence


class PingRound:
    """Which nodes are to be pinged now, so that each has its turn every `every_s` and never all at once.

    A ping to everybody would bring all answers in the same millisecond, and networks lose such bursts.
    """

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._last_s: float | None = None
        self._owed = 0.0
        self._after = ""

    def due(self, now_s: float, codifiers: Sequence[str]) -> list[str]:
        """Return the codifiers whose turn it is; `codifiers` are all that take part, in any order."""
        elapsed_s, self._last_s = (0.0 if self._last_s is None else now_s - self._last_s), now_s
        if self._every_s <= 0 or not codifiers:
            return []
        self._owed = min(self._owed + elapsed_s * len(codifiers) / self._every_s, float(len(codifiers)))
        count = int(self._owed)
        self._owed -= count
        return self._next(sorted(codifiers), count)

    def _next(self, ordered: list[str], count: int) -> list[str]:
        if not count:
            return []
        first = next((index for index, codifier in enumerate(ordered) if codifier > self._after), 0)
        turns = [ordered[(first + step) % len(ordered)] for step in range(count)]
        self._after = turns[-1]
        return turns
