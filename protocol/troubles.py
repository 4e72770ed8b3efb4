"""What a node can say is wrong with it: the codes of the flag `D` (docs/protocol.md, "Diagnosis")."""

from enum import IntEnum
from typing import Final, NamedTuple

from protocol.commands import pack_pair, unpack_pair

MAX_CODE: Final = 2**21 - 1
MAX_AMOUNT: Final = 2**32 - 1


class Area(IntEnum):
    """The part of a node that a code speaks of: in each one thing can be wrong without the others."""

    NOTHING = 0
    STORE = 1
    ASIDE = 2
    DRIVER = 3
    SPOOL = 4
    MEASURED = 5


class Trouble(IntEnum):
    """What a node says. The code is 16 times its area, and a number within it."""

    OVER = 0
    STORE_AWAY = 16
    STORE_LOGIN = 17
    STORE_FULL = 18
    STORE_READ_ONLY = 19
    STORE_NEWER = 20
    STORE_MEMORY = 21
    STORE_BUSY = 22
    STORE_NOT_READY = 23
    STORE_FAILS = 24
    CONFLICTS = 32
    REJECTED = 33
    DRIVER_FAILING = 48
    DRIVER_QUARANTINED = 49
    DRIVER_HANGING = 50
    NO_VALUE = 51
    SPOOL_UNUSABLE = 64
    SPOOL_FULL = 65
    SPOOL_WRITES = 80

    @property
    def area(self) -> Area:
        """The part of the node that it speaks of."""
        return Area(self // 16)


class Words(NamedTuple):
    """What an operator reads: what is wrong, and what the amount counts, of one and of several."""

    name: str
    one: str = ""
    several: str = ""


_WAITING: Final = ("1 reading waits", "{} readings wait")
_IN_A_ROW: Final = ("1 failure", "{} failures in a row")
_SINCE_START: Final = ("1 reading since the start", "{} readings since the start")
_IN_MEMORY: Final = ("1 reading is in memory only", "{} readings are in memory only")

WORDS: Final = {
    Trouble.OVER: Words("over"),
    Trouble.STORE_AWAY: Words("store away", *_WAITING),
    Trouble.STORE_LOGIN: Words("store refuses login", *_WAITING),
    Trouble.STORE_FULL: Words("store's disk full", *_WAITING),
    Trouble.STORE_READ_ONLY: Words("store read-only", *_WAITING),
    Trouble.STORE_NEWER: Words("store of a newer jph", *_WAITING),
    Trouble.STORE_MEMORY: Words("store out of memory", *_WAITING),
    Trouble.STORE_BUSY: Words("store busy", *_WAITING),
    Trouble.STORE_NOT_READY: Words("store not set up", *_WAITING),
    Trouble.STORE_FAILS: Words("store fails", *_WAITING),
    Trouble.CONFLICTS: Words("conflicting readings", *_SINCE_START),
    Trouble.REJECTED: Words("rejected readings", *_SINCE_START),
    Trouble.DRIVER_FAILING: Words("driver failing", *_IN_A_ROW),
    Trouble.DRIVER_QUARANTINED: Words("driver quarantined", *_IN_A_ROW),
    Trouble.DRIVER_HANGING: Words("driver hanging", *_IN_A_ROW),
    Trouble.NO_VALUE: Words("no value", "of 1 sensor", "of {} sensors"),
    Trouble.SPOOL_UNUSABLE: Words("spool unusable", *_IN_MEMORY),
    Trouble.SPOOL_FULL: Words("spool's disk full", *_IN_MEMORY),
    Trouble.SPOOL_WRITES: Words("spool", "writes 1 KiB a day", "writes {} KiB a day"),
}

MEASUREMENTS: Final = frozenset({Trouble.SPOOL_WRITES})
"""What is said although nothing is wrong."""


class Said(NamedTuple):
    """One thing that a node says of itself: a code, of which a reader may not know the meaning, and its amount."""

    code: int
    amount: int = 0

    @property
    def name(self) -> str:
        """What is wrong, in two or three words."""
        return WORDS[Trouble(self.code)].name if self.code in WORDS else f"trouble {self.code}"

    @property
    def text(self) -> str:
        """What is wrong, and how much of it."""
        _, one, several = WORDS[Trouble(self.code)] if self.code in WORDS else _UNKNOWN
        counted = one if self.amount == 1 else several.format(self.amount)
        return f"{self.name}: {counted}" if counted and self.amount else self.name

    def packed(self) -> float:
        """Return the number of the frame that says it."""
        return pack_pair(min(max(0, self.amount), MAX_AMOUNT), self.code)


_UNKNOWN: Final = Words("", "1", "{}")


def unpack(number: float) -> Said | None:
    """Return what the number of a `D` says; None when it cannot be one."""
    pair = unpack_pair(number)
    return None if pair is None else Said(pair[1], pair[0])
