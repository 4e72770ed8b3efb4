"""A receiver that repairs, on a network of the test's making: the test decides what arrives, how and when."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from protocol.accounts import Account
from protocol.commands import pack_pair
from protocol.frames import ControlFrame, DataFrame, Flag, reading_frame
from protocol.holes import NO_HOUR_MS
from protocol.instants import Instant
from protocol.readings import Reading, Value
from protocol.repair import SINK_RANGES, Progress, Repairs
from protocol.sequences import MODULUS

WALL_MS: Final = 1795334400000.0  # the beginning of an hour
LONG_S: Final = 60.0  # by then whatever is due is due
NOW: Final = Instant(100.0, WALL_MS)


def reading(sequence: int, codifier: str = "C1", *, value: Value = 21.5, timestamp_ms: int | None = None) -> DataFrame:
    """Return a reading that was taken a second after the one with the sequence before it."""
    measured_ms = 1_000_000_000_000 + sequence * 1000 if timestamp_ms is None else timestamp_ms
    return reading_frame(Reading(codifier, measured_ms, sequence % MODULUS, value))


def numbering(sequence: int, codifier: str = "C1", *, timestamp_ms: int | None = None) -> DataFrame:
    """Return an `n` that was sent together with the reading that follows."""
    sent_ms = 1_000_000_000_000 + (sequence + 1) * 1000 if timestamp_ms is None else timestamp_ms
    return DataFrame(sequence % MODULUS, sent_ms, Flag.NUMBERING, codifier, "@@", sequence % MODULUS)


def unavailable(first: int, count: int, codifier: str = "C1") -> ControlFrame:
    """Return a `U`."""
    number = pack_pair(first % MODULUS, count)
    return ControlFrame(7, int(WALL_MS), Flag.UNAVAILABLE, codifier, "Q1", number, active=True)


class Receiver:
    """What a program that stores readings does with them.

    `stored` are the sequences that it would store, `hours_ms` the hours in which they are booked.
    """

    def __init__(
        self, *, max_ranges: int = SINK_RANGES, backfill: int = 0, jitter: float = 0.0, now: Instant = NOW
    ) -> None:
        self.repairs = Repairs(max_ranges, lambda: jitter, backfill)
        self.now = now
        self.stored: defaultdict[str, list[int]] = defaultdict(list)
        self.hours_ms: list[int] = []
        self._totals: dict[tuple[str, int], Account] = {}

    def wait(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self.now = Instant(self.now.monotonic_s + seconds, self.now.wall_ms + seconds * 1000)

    def hears(self, *sequences: int, codifier: str = "C1") -> list[bool]:
        """Hear readings on the bus; returns which of them are to be stored."""
        return [self.takes(reading(sequence, codifier)) for sequence in sequences]

    def is_answered(self, *sequences: int, codifier: str = "C1") -> list[bool]:
        """Receive readings that came to this program alone."""
        return [self.takes(reading(sequence, codifier), asked=True) for sequence in sequences]

    def is_told(self, sequence: int, codifier: str = "C1", *, timestamp_ms: int | None = None) -> None:
        """Hear an `n`."""
        self.takes(numbering(sequence, codifier, timestamp_ms=timestamp_ms))

    def is_refused(self, first: int, count: int, codifier: str = "C1") -> None:
        """Receive a `U`."""
        self.repairs.unavailable(unavailable(first, count, codifier), self.now)

    def takes(self, frame: DataFrame, *, asked: bool = False) -> bool:
        hour_ms = self.repairs.hear(frame, self.now, asked=asked)
        if hour_ms is None:
            return False
        self.stored[frame.source].append(frame.sequence)
        self.hours_ms.append(hour_ms)
        return True

    def asks(self, *, after_s: float = 0.0, codifier: str | None = "C1") -> list[tuple[int, int]]:
        """Send what is due after some time; returns (first, count) of the requests to one sensor."""
        self.wait(after_s)
        requests = self.repairs.requests(self.now)
        return [(first, count) for source, first, count in requests if source == codifier]

    def asks_whom(self, *, after_s: float = 0.0) -> list[str]:
        """Send what is due after some time; returns to which sensors."""
        self.wait(after_s)
        return [request.codifier for request in self.repairs.requests(self.now)]

    def totals(self) -> dict[tuple[str, int], Account]:
        """Return the accounts by sensor and hour, all that was booked so far."""
        for account in self.repairs.accounts():
            known = self._totals.get(account[:2])
            self._totals[account[:2]] = account if known is None else known.plus(account)
        return self._totals

    def counts(self, *names: str, codifier: str = "C1") -> tuple[int, ...]:
        """Return counts of one sensor's accounts, all hours together."""
        hours = [account for key, account in self.totals().items() if key[0] == codifier]
        return tuple(sum(getattr(account, name) for account in hours) for name in names)

    def missing(self, codifier: str = "C1") -> list[int]:
        """Return the sequences that are missing."""
        return missing(progress for progress in [self._progress(codifier)] if progress is not None)

    def _progress(self, codifier: str) -> Progress | None:
        return self.repairs._sensors[codifier].progress()


def missing(progress: Iterable[Progress]) -> list[int]:
    """Return the sequences that are missing by a progress, without those that are only guessed."""
    holes = (hole for one in progress for hole in one.holes if hole.hour_ms != NO_HOUR_MS)
    return [(first + index) % MODULUS for first, count, _ in holes for index in range(count)]
