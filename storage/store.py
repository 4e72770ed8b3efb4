"""What a store is: batches in, history, roll-ups, cursors and accounts out (docs/configuration.md, "Sinks").

A sink hands its store batches: readings, how far it has got with each sensor, and what became of them. A batch is
kept as a whole or not at all, so that after a crash the store is exactly as of the last batch, and a sink that asks
again for everything after its cursor ends with every reading exactly once.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar, Final, NamedTuple, Protocol, TypeAlias

import msgspec

from protocol.accounts import Account
from protocol.frames import ControlFrame, DataFrame
from protocol.readings import Reading
from protocol.repair import Missing, Progress
from protocol.troubles import Trouble
from storage.errors import StoreError

__all__ = [
    "CONFLICT",
    "MAX_ASIDE",
    "SAME_SEQUENCE_MS",
    "Ability",
    "Account",
    "Aside",
    "Batch",
    "Bucket",
    "Description",
    "Heard",
    "History",
    "Missing",
    "Progress",
    "Span",
    "Store",
    "StoreClass",
    "StoreError",
    "Trouble",
    "Written",
]

SAME_SEQUENCE_MS: Final = 86_400_000
"""Within a day a sequence stands for one reading of its sensor; one with another value is a conflict."""

MAX_ASIDE: Final = 10_000
"""Conflicts, and rejected readings, that a store keeps of each, about 2 MiB: whoever invents readings fills no disk."""

CONFLICT: Final = "says other than the first reading with its sequence"
"""The reason of a conflict."""

Heard: TypeAlias = ControlFrame | DataFrame
"""A frame that is no reading: of the control bus, or an `n` of the data bus."""


class Ability(StrEnum):
    """What a store can do beside keeping progress, accounts, conflicts and what it had to set aside."""

    HISTORY = "history"  # gives readings back
    ROLLUPS = "rollups"
    HEARD = "heard"  # wants `Batch.heard`, and keeps the last state of each codifier from it


class Span(StrEnum):
    """How much time the readings of a roll-up cover."""

    TEN_MINUTES = "10min"
    HOUR = "hour"

    @property
    def length_ms(self) -> int:
        """The span in milliseconds."""
        return _LENGTHS_MS[self]

    def end_ms(self, timestamp_ms: int) -> int:
        """Return the end of the bucket (start, end] in which a moment lies; buckets begin with 1970-01-01 UTC."""
        length_ms = _LENGTHS_MS[self]
        return -(-timestamp_ms // length_ms) * length_ms


_LENGTHS_MS: Final = {Span.TEN_MINUTES: 600_000, Span.HOUR: 3_600_000}


class Batch(NamedTuple):
    """What is written in one transaction.

    `readings` in order of arrival. `progress` replaces what the store has of the same sensors. `accounts` is added to
    what the store has of the same sensors and hours. `heard` are the other frames in order of arrival, for stores
    with the ability HEARD: these count and keep them, others ignore them. `hours_ms`, when it is not empty, is the
    hour in which each of `readings` was booked as arrived, so that its outcome is booked there too.

    `is_import` says that the readings come from a file or another store and not from the bus: what becomes of them is
    booked in no account, because nobody knows of them that they were sent (docs/protocol.md, "Accounts"), and they
    are nobody's last state.
    """

    readings: Sequence[Reading] = ()
    progress: Sequence[Progress] = ()
    accounts: Sequence[Account] = ()
    heard: Sequence[Heard] = ()
    hours_ms: Sequence[int] = ()
    is_import: bool = False


class Written(NamedTuple):
    """What became of a batch's readings; the sum is how many there were."""

    stored: int = 0
    duplicates: int = 0
    conflicts: int = 0
    rejected: int = 0


class Bucket(NamedTuple):
    """The numbers of one sensor in one span of time, (end - span, end]; text does not count.

    `mode` is the value that came most often, None when several did. `stdev` is that of the population.
    """

    codifier: str
    end_ms: int
    mean: float
    mode: float | None
    median: float
    max: float
    min: float
    stdev: float
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs of a bucket


class Aside(NamedTuple):
    """A reading that was kept apart, as JSON, when, and why: CONFLICT, or the reason for which it was rejected."""

    found_ms: int
    reason: str
    reading: str


class Description(NamedTuple):
    """What the configuration calls a sensor."""

    codifier: str
    name: str
    unit: str


class History(Protocol):
    """What can be read from a store, also by another process while a sink writes to it.

    All methods block and raise StoreError; one thread at a time may be inside.
    """

    def history(self, codifier: str, since_ms: int, until_ms: int, limit: int) -> list[Reading]:
        """Return the newest `limit` readings of one sensor, oldest first, within both bounds inclusive.

        What was written is given back exactly: an int is an int, a float the same float, text text.
        Readings of one millisecond are in the order of their sequences.
        """

    def walk(self, codifier: str, since_ms: int, until_ms: int) -> Iterator[Reading]:
        """Go through all readings of one sensor in the order of `history`, within both bounds inclusive.

        However many there are, few are in memory at a time. A writer may go on meanwhile: what is there from the first
        step to the last comes exactly once, what is stored at places already passed does not come.
        """

    def rollups(self, codifier: str, span: Span, since_ms: int, until_ms: int) -> list[Bucket]:
        """Return one sensor's roll-ups whose end lies within both bounds inclusive, oldest first.

        They tell of all readings that were written, also of those that `refresh` has not come to yet.
        """

    def accounts(self, since_ms: int, until_ms: int) -> list[Account]:
        """Return the totals of every sensor and hour that begins within both bounds, sorted by hour and sensor."""

    def aside(self, limit: int) -> list[Aside]:
        """Return the newest `limit` readings that were kept apart, the newest first."""

    def codifiers(self) -> list[str]:
        """Return every sensor that has readings, sorted."""

    def close(self) -> None:
        """Let go of files and connections; a second time does nothing."""


class Store(History, Protocol):
    """A place that keeps readings. Built from its `Options`: `Sqlite(options)`; raises StoreError.

    `abilities` tells which parts of the contract it fulfils. Without HISTORY `history` raises StoreError, without
    ROLLUPS `rollups` does, and `refresh` has never anything to do.
    """

    Options: ClassVar[type[msgspec.Struct]]
    abilities: frozenset[Ability]

    def write(self, batch: Batch, now_ms: int) -> Written:
        """Keep a whole batch in one transaction, and book what became of its readings.

        A reading is the same as another when codifier, timestamp and sequence are: the one that came first stays, so
        that writing twice and writing in any order end in the same store. With equal value and attributes it is a
        `duplicate`; else, and when a reading with the same sequence and another value lies within SAME_SEQUENCE_MS,
        a `conflict`, kept apart in full. What no store can take (`storage.judging.refusal`), and what this one
        refuses whatever is done, is `rejected`: kept apart as JSON with the reason, never a reason to fail.

        Each outcome is booked per sensor and hour as `storage.booking.booked` says, unless the batch is an import;
        `now_ms` is the receiver's wall clock. After a StoreError nothing of the batch was kept, except that the answer
        to the commit may have been lost. So write the same batch again, not a longer one: the store finds out whether
        it has it already, and then returns what became of it the first time.
        """

    def describe(self, sensors: Sequence[Description]) -> None:
        """Note what the configuration calls its sensors; one that was described before and is not now is unknown."""

    def progress(self) -> Mapping[str, Progress]:
        """Return how far each sensor had been followed at the last batch, by codifier."""

    def refresh(self, limit: int, ended_by_ms: int = 2**63 - 1) -> int:
        """Compute again the roll-ups that readings touched since they were computed; return of how many hours.

        At most `limit` hours of a sensor at a time, the oldest first, and only buckets that ended by `ended_by_ms`: one
        that still fills would be computed for every batch. 0 when nothing is left to do.
        """

    def maintain(self, now_ms: int) -> None:
        """Drop what is older than the options say, and tidy up: a bounded piece of work, to be called once a minute."""


class StoreClass(Protocol):
    """The class of a store."""

    Options: ClassVar[type[msgspec.Struct]]

    def __call__(self, options: Any) -> Store:
        """Open the store that its options name; raises StoreError."""
