"""What a store's accounts say of the last day: looked up now and then, while somebody looks."""

import asyncio
import math
from typing import Final, NamedTuple

from console.screen.past import Past
from console.tallies import per_sensor
from protocol.accounts import HOUR_MS, Account
from protocol.instants import Instant

HOURS: Final = 24
EVERY_S: Final = 60.0
"""A thousand sensors have 24,000 accounts: nobody needs them anew with each frame."""


class Ledger(NamedTuple):
    """Whose accounts these are (`Q1 (sqlite)`, empty when nobody's), and those of the last day by codifier.

    `trouble` says why there are none although there are stores.
    """

    place: str = ""
    trouble: str = ""
    accounts: dict[str, Account] = {}  # noqa: RUF012 - nobody changes it


class Totals:
    """The accounts of the last 24 hours, as of the last minute; `follow` is called with each frame."""

    def __init__(self, past: Past) -> None:
        self.ledger = Ledger()
        self._past = past
        self._next_s = -math.inf
        self._looking: asyncio.Task[None] | None = None

    def follow(self, now: Instant) -> None:
        """Look again when it is time."""
        if now.monotonic_s >= self._next_s and self._looking is None:
            self._next_s = now.monotonic_s + EVERY_S
            self._looking = asyncio.create_task(self._look(now.wall_ms), name="totals")

    def close(self) -> None:
        """Wait for the store no more; closing twice is harmless."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look(self, now_ms: float) -> None:
        """Look up the present hour and those before it; when nobody tells, what is known is old and goes."""
        accounts = await self._past.accounts(now_ms - HOURS * HOUR_MS, now_ms)
        known = {} if accounts is None else per_sensor(accounts)
        self.ledger = Ledger(self._past.place, self._past.trouble, known)
        self._looking = None
