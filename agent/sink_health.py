"""How a sink is: in its log, and told to everybody on the bus."""

import logging
from typing import Final

from agent.presence import Presence
from protocol.printable import visible
from protocol.troubles import Area, Trouble
from storage.store import Aside, StoreError, Written

log: Final = logging.getLogger("jph.sink")

ASIDE_TOLD_S: Final = 3_600.0  # so long it is told that readings were set aside
MOST_SHOWN: Final = 200  # characters of a reading in the log


class SinkHealth:
    """What is the matter with the store of one sink, and which of its readings were set aside.

    `trouble` is what the store said last, empty while it works. `is_aside_news` tells that readings were set aside of
    which the log has said nothing yet.
    """

    def __init__(self, codifier: str, presence: Presence) -> None:
        self.trouble = ""
        self.is_aside_news = False
        self._codifier = codifier
        self._presence = presence
        self._aside = {Trouble.CONFLICTS: 0, Trouble.REJECTED: 0}  # since the start
        self._told_until_s: dict[Trouble, float] = {}

    def failed(self, error: StoreError, waiting: int) -> None:
        """Take note that the store failed, while so many readings wait."""
        if str(error) != self.trouble:
            log.error("%s: %s; %d readings wait", self._codifier, error, waiting)
        self.trouble = str(error)
        self._presence.diagnose(Area.STORE, {error.trouble: waiting})

    def recovered(self, left: int) -> None:
        """Take note that the store works, and that so many readings found no room meanwhile."""
        if self.trouble:
            log.warning("%s: stores again; %d readings are asked for", self._codifier, left)
        self.trouble = ""
        self._presence.diagnose(Area.STORE, {})

    def wrote(self, written: Written, now_s: float) -> None:
        """Take what became of a batch."""
        for code, count in ((Trouble.CONFLICTS, written.conflicts), (Trouble.REJECTED, written.rejected)):
            if count:
                self.is_aside_news |= code not in self._told_until_s
                self._aside[code] += count
                self._told_until_s[code] = now_s + ASIDE_TOLD_S

    def look_at_aside(self, newest: list[Aside], now_s: float) -> None:
        """Tell what was set aside lately; `newest` is the last of it, when there is news."""
        for aside in newest:
            reading = visible(aside.reading[:MOST_SHOWN])
            log.warning("%s: a reading was set aside: %s: %s", self._codifier, visible(aside.reason), reading)
            self.is_aside_news = False
        self._told_until_s = {code: until_s for code, until_s in self._told_until_s.items() if until_s > now_s}
        self._presence.diagnose(Area.ASIDE, {code: self._aside[code] for code in self._told_until_s})
