"""In which account the outcomes of a batch are booked (docs/protocol.md, "Accounts")."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import repeat

from protocol.accounts import Account, hour_of
from protocol.codifiers import EVERYBODY, is_codifier
from storage.judging import Outcome
from storage.store import Batch, Written


def booked(batch: Batch, outcomes: Sequence[Outcome], now_ms: int) -> list[Account]:
    """Return what is to be added to the accounts: those of the batch, and the outcomes of its readings in their order.

    Sorted by sensor and hour, one of each. The outcome of a reading belongs to the hour that the batch gives it; else
    to the newest of its sensor's accounts in the batch; else to that of `now_ms`. What names no sensor is booked under
    `@@`. Of an import no outcome is booked.
    """
    sums: dict[tuple[str, int], Account] = {}
    for account in batch.accounts:
        key = account[:2]
        sums[key] = account if key not in sums else sums[key].plus(account)
    for (codifier, hour_ms, outcome), count in _counted(batch, outcomes, now_ms).items():
        account = sums.get((codifier, hour_ms)) or Account(codifier, hour_ms)
        sums[account[:2]] = account._replace(**{outcome: getattr(account, outcome) + count})
    return sorted(sums.values())


def written(outcomes: Iterable[Outcome]) -> Written:
    """Count the outcomes of a batch."""
    counts = Counter(outcomes)
    return Written(*(counts[outcome] for outcome in Outcome))


def _counted(batch: Batch, outcomes: Sequence[Outcome], now_ms: int) -> Counter[tuple[str, int, Outcome]]:
    if batch.is_import:
        return Counter()
    codifiers = [
        reading.codifier if outcome is not Outcome.REJECTED or is_codifier(reading.codifier) else EVERYBODY
        for reading, outcome in zip(batch.readings, outcomes, strict=True)
    ]
    if batch.hours_ms:
        return Counter(zip(codifiers, batch.hours_ms, outcomes, strict=True))
    newest_ms = {codifier: hour_ms for codifier, hour_ms, *_ in sorted(batch.accounts)}
    hours_ms = map(newest_ms.get, codifiers, repeat(hour_of(now_ms)))
    return Counter(zip(codifiers, hours_ms, outcomes, strict=True))
