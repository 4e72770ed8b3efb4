"""When a node says what is wrong with it (docs/protocol.md, "Diagnosis")."""

import math
from collections.abc import Mapping
from typing import Final

from protocol.rates import RateLimit
from protocol.troubles import MEASUREMENTS, Area, Said, Trouble

REPORTS_PER_S: Final = 1.0
REPORTS_AT_ONCE: Final = 4.0  # two who look at the same moment both see it
TIMES_OVER: Final = 3  # how often it is said that a trouble is over: once may get lost


class Diagnosis:
    """What a node has to say of itself, and when; `due_s` is the monotonic time at which it should.

    A trouble that begins or ends is said at once, all of them whenever the node shows that it is alive, and at least
    every `repeat_s` seconds. A report names each once: as many frames as there are members of `Trouble` at most.
    """

    def __init__(self, repeat_s: float) -> None:
        self.due_s = math.inf
        self._repeat_s = repeat_s
        self._found: dict[Area, dict[Trouble, int]] = {}
        self._over: dict[Trouble, int] = {}  # how often that is still to be said
        self._pace = RateLimit(REPORTS_PER_S, REPORTS_AT_ONCE)

    def note(self, area: Area, found: Mapping[Trouble, int], now_s: float) -> bool:
        """Take what is the matter in one area now, with its amounts; return True when that is worth saying at once."""
        before, self._found[area] = self._found.get(area, {}), dict(found)
        if before.keys() == found.keys():
            return False
        for code in found:
            self._over.pop(code, None)
        self._over |= dict.fromkeys(sorted(before.keys() - found.keys()), TIMES_OVER)
        is_news = not (before.keys() ^ found.keys()) <= MEASUREMENTS
        self.due_s = now_s if is_news else min(self.due_s, now_s + self._repeat_s)
        return is_news

    def report(self, now_s: float) -> list[Said]:
        """Return all that there is to say now; nothing when all is well, or it was said a moment ago."""
        if not self._has_something():
            self.due_s = math.inf
            return []
        if not self._pace.allows(now_s):
            self.due_s = now_s + 1 / REPORTS_PER_S
            return []
        said = [Said(Trouble.OVER, code) for code in self._over]
        said += [Said(code, amount) for found in self._found.values() for code, amount in found.items()]
        self._over = {code: times - 1 for code, times in self._over.items() if times > 1}
        self.due_s = now_s + self._repeat_s if self._has_something() else math.inf
        return said

    def _has_something(self) -> bool:
        return bool(self._over) or any(self._found.values())
