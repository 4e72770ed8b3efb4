"""What became of every reading, per sensor and hour (docs/protocol.md, "Accounts")."""

from enum import StrEnum
from typing import Final, NamedTuple

HOUR_MS: Final = 3_600_000
MAX_UNTAKEN_HOURS: Final = 48  # per sensor, while nobody takes the accounts; then the oldest is added to the next


class Lost(StrEnum):
    """Why readings can never be had: the field of the account in which they are booked."""

    NOT_KEPT = "not_kept"  # the sensor's agent said so
    RENUMBERED = "renumbered"  # the sensor began a numbering that does not continue the one they belong to
    TOO_MANY_HOLES = "too_many_holes"  # the receiver had no room to remember that they are missing


class Account(NamedTuple):
    """Counts of one sensor in one hour: a total, or what is to be added to one.

    `hour_ms` is the start of the hour on the receiver's clock (ms since 1970-01-01 UTC) in which the readings
    became known. Two sums hold whatever the network does:

        sent = heard + repaired + not_kept + renumbered + too_many_holes + pending
        heard + repaired = stored + duplicate + bad + rejected + conflict + waiting

    `doubled` counts arrivals of what had arrived before, `restarts` numberings that could not be joined to the
    one before: both stand outside the sums.
    """

    codifier: str
    hour_ms: int
    sent: int = 0
    heard: int = 0
    repaired: int = 0
    stored: int = 0
    duplicate: int = 0
    bad: int = 0
    rejected: int = 0
    conflict: int = 0
    not_kept: int = 0
    renumbered: int = 0
    too_many_holes: int = 0
    doubled: int = 0
    restarts: int = 0

    @property
    def arrived(self) -> int:
        """How many readings came, whichever way."""
        return self.heard + self.repaired

    @property
    def unavailable(self) -> int:
        """How many readings can never be had."""
        return self.not_kept + self.renumbered + self.too_many_holes

    @property
    def pending(self) -> int:
        """How many readings are missing and may still come."""
        return self.sent - self.arrived - self.unavailable

    @property
    def waiting(self) -> int:
        """How many readings came and were not given to a store yet."""
        return self.arrived - self.stored - self.duplicate - self.bad - self.rejected - self.conflict

    def plus(self, other: "Account") -> "Account":
        """Add what happened since to a total of the same sensor and hour."""
        return Account(self.codifier, self.hour_ms, *map(sum, zip(self[2:], other[2:], strict=True)))


def hour_of(wall_ms: float) -> int:
    """Return the start of the hour in which a moment lies, both in ms since 1970-01-01 UTC."""
    return int(wall_ms // HOUR_MS) * HOUR_MS


class Ledger:
    """What is to be added to the accounts of all sensors since it was last taken."""

    __slots__ = ("_pages",)

    def __init__(self) -> None:
        self._pages: dict[str, dict[int, dict[str, int]]] = {}

    def book(self, codifier: str, hour_ms: int, **counts: int) -> None:
        """Add to fields of an account; what turns out to have been booked wrongly is taken back by a negative count."""
        hours = self._pages.get(codifier)
        page = None if hours is None else hours.get(hour_ms)
        if page is None:
            page = self._open(codifier, hour_ms)
        for name, count in counts.items():
            page[name] = page.get(name, 0) + count

    def take(self) -> list[Account]:
        """Return what is to be added, one account for each sensor and hour, and begin anew."""
        pages, self._pages = self._pages, {}
        return [
            Account(codifier, hour_ms, **page) for codifier, hours in pages.items() for hour_ms, page in hours.items()
        ]

    def _open(self, codifier: str, hour_ms: int) -> dict[str, int]:
        hours = self._pages.setdefault(codifier, {})
        if len(hours) >= MAX_UNTAKEN_HOURS:
            _join_oldest(hours)
        page = hours[hour_ms] = {}
        return page


def _join_oldest(hours: dict[int, dict[str, int]]) -> None:
    """Add the oldest hour to the next one: the sums hold for both together."""
    oldest, following = sorted(hours)[:2]
    for name, count in hours.pop(oldest).items():
        hours[following][name] = hours[following].get(name, 0) + count
