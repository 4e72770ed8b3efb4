"""What became of every reading, per sensor and hour (docs/protocol.md, "Accounts")."""

from typing import Final, NamedTuple

HOUR_MS: Final = 3_600_000


class Account(NamedTuple):
    """Counts of one sensor in one hour: a total, or in a batch what is to be added.

    `hour_ms` is the start of the hour on the receiver's clock (ms since 1970-01-01 UTC) in which the readings
    became known. Two sums hold whatever the network does, `pending` being what is missing now:

        sent = heard + repaired + not_kept + renumbered + too_many_holes + pending
        heard + repaired = stored + duplicate + bad + rejected + conflict

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
