"""What became of readings, summed up: the accounts of many hours and sensors as figures that add up (docs/protocol.md).

sent = stored + duplicate + bad + rejected + conflict + not_kept + renumbered + too_many_holes + pending + waiting
"""

from collections.abc import Iterable
from typing import Final

from protocol.accounts import Account

PARTS: Final = (
    "stored",
    "duplicate",
    "bad",
    "rejected",
    "conflict",
    "not_kept",
    "renumbered",
    "too_many_holes",
    "pending",
    "waiting",
)
"""What sent readings became: fields and properties of an account whose sum is `sent`."""

NOT_LOST: Final = frozenset({"stored", "duplicate", "pending", "waiting"})
"""Of these what is in the store, or may still come there; all others are losses with a name."""


def per_sensor(accounts: Iterable[Account]) -> dict[str, Account]:
    """Add up the hours of each sensor; the sum bears the first of its hours."""
    totals: dict[str, Account] = {}
    for account in accounts:
        known = totals.get(account.codifier)
        totals[account.codifier] = account if known is None else known.plus(account)
    return totals


def total_of(accounts: Iterable[Account]) -> Account:
    """Add up all accounts: an account of nobody (`codifier` is empty) and of no hour."""
    total = Account("", 0)
    for account in accounts:
        total = total.plus(account)
    return total


def parts_of(account: Account) -> dict[str, int]:
    """Return how many of the readings that were sent became what."""
    return {name: getattr(account, name) for name in PARTS}


def wrong_sums(account: Account) -> list[str]:
    """Say which of the two sums of an account does not hold: more came than was sent, or more was booked than came."""
    sums = (
        ("sent", account.sent, "heard + repaired + unavailable", account.arrived + account.unavailable),
        ("heard + repaired", account.arrived, "what became of them", account.arrived - account.waiting),
    )
    return [
        f"{whole} is {count}, and {parts} {accounted}" for whole, count, parts, accounted in sums if accounted > count
    ]
