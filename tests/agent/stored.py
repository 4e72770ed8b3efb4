"""What a sink stored in a file of SQLite."""

from contextlib import closing
from pathlib import Path

from protocol.accounts import Account
from protocol.readings import Reading
from storage.sqlite import open_for_reading

FOR_EVER_MS = 2**62


def readings(path: Path, codifier: str = "C1") -> list[Reading]:
    """Return all readings of a sensor, in their order."""
    with closing(open_for_reading(path)) as history:
        return history.history(codifier, 0, FOR_EVER_MS, 1_000_000)


def numbers(path: Path, codifier: str = "C1") -> list[int]:
    """Return their sequences."""
    return [reading.sequence for reading in readings(path, codifier)]


def account(path: Path, codifier: str = "C1") -> Account:
    """Return what became of all readings of a sensor."""
    total = Account(codifier, 0)
    with closing(open_for_reading(path)) as history:
        for one in history.accounts(0, FOR_EVER_MS):
            total = total.plus(one) if one.codifier == codifier else total
    return total
