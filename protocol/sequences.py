"""Sequence numbers: how they follow each other, and how far apart two are (docs/protocol.md, "Sequences")."""

from typing import Final

MODULUS: Final = 2**31
RENUMBERED_BEYOND: Final = 100_000  # the longest ring that an agent keeps: a larger jump is a new numbering, no loss


def of_time(timestamp_ms: int) -> int:
    """Return the sequence of a reading that nobody numbered: the same each time that it is looked at."""
    return timestamp_ms % MODULUS


def after(sequence: int) -> int:
    """Return the sequence that follows."""
    return (sequence + 1) % MODULUS


def distance(later: int, earlier: int) -> int:
    """Count the steps from `earlier` to `later` the shorter way round; negative when `later` comes first."""
    return (later - earlier + MODULUS // 2) % MODULUS - MODULUS // 2
