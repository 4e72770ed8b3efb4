"""What becomes of each reading of a batch: the same rules for all stores."""

import json
import math
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias

from protocol.codifiers import is_codifier
from protocol.frames import LATEST_TIMESTAMP_MS
from protocol.readings import Reading
from storage.store import SAME_SEQUENCE_MS

LARGEST_SEQUENCE: Final = 2**32 - 1  # of the wire's u32; senders stop at 2**31 - 1

_is_codifier = lru_cache(94 * 94)(is_codifier)  # as many as there can be

Known: TypeAlias = dict[tuple[str, int], list[Reading]]
"""Readings that are stored, by codifier and sequence."""


class Outcome(StrEnum):
    """What became of a reading: the field of the account in which it is booked."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    REJECTED = "rejected"


def judge(readings: Iterable[Reading], known: Known) -> list[Outcome]:
    """Say what becomes of each reading, in their order; what is to be stored is added to `known`.

    `known` must hold what the store has under the codifier and sequence of each reading.
    """
    return [_judge(reading, known) for reading in readings]


def refusal(reading: Reading) -> str | None:
    """Say why no store takes a reading, or None: frames bring none of these, but files and programs may."""
    codifier, timestamp_ms, sequence, value, _ = reading
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is not a finite number"
    if not 0 <= timestamp_ms <= LATEST_TIMESTAMP_MS:
        return f"the timestamp {timestamp_ms} lies before 1970 or after the year 9999"
    if not 0 <= sequence <= LARGEST_SEQUENCE:
        return f"the sequence {sequence} is none of 0 to {LARGEST_SEQUENCE}"
    return None if _is_codifier(codifier) else f"{codifier!r} is no codifier"


def to_json(reading: Reading) -> str:
    """Write a reading that is kept apart."""
    return json.dumps(reading._asdict(), default=dict)


def _judge(reading: Reading, known: Known) -> Outcome:
    if refusal(reading):
        return _REJECTED
    key = reading[0], reading[2]
    others = known.get(key)
    if others is None:
        known[key] = [reading]
        return _STORED
    return _compare(reading, others)


def _compare(reading: Reading, others: list[Reading]) -> Outcome:
    """Hold a reading against those of the same sensor and sequence."""
    for other in others:
        if other.timestamp_ms == reading.timestamp_ms:
            return _DUPLICATE if _says(other) == _says(reading) else _CONFLICT
    for other in others:
        is_near = abs(other.timestamp_ms - reading.timestamp_ms) < SAME_SEQUENCE_MS
        if is_near and other.value != reading.value:
            return _CONFLICT
    others.append(reading)
    return _STORED


def _says(reading: Reading) -> tuple[object, object]:
    return reading.value, reading.attributes or None


# A member of an enumeration is not quick to look up, and these are for every reading.
_STORED: Final = Outcome.STORED
_DUPLICATE: Final = Outcome.DUPLICATE
_CONFLICT: Final = Outcome.CONFLICT
_REJECTED: Final = Outcome.REJECTED
