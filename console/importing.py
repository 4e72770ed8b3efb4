"""Readings into a store: in batches, each bad line told, and the same again changes nothing."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from agent.clock import Clock
from agent.intake import BATCH
from agent.sink import ROLLED_UP
from console import words
from console.formats.lines import BadLine, Found
from console.output import tell
from console.progress import Progress
from protocol.frames import LATEST_TIMESTAMP_MS
from protocol.readings import Reading
from storage.store import Batch, Store, Written

MOST_TOLD: Final = 20  # bad lines of one file that are told one by one: of more only how many there are


class Tally(NamedTuple):
    """What became of the readings of one source, and how many of its lines were none.

    `readings` is the sum of the four after it, which are None when nothing was to be stored.
    """

    source: str
    readings: int
    new: int | None
    known: int | None
    conflicts: int | None
    rejected: int | None
    bad: int

    @property
    def is_whole(self) -> bool:
        """Tell whether everything that the source holds is in the store now."""
        return not (self.bad or self.conflicts or self.rejected)

    def __str__(self) -> str:
        parts = [f"{self.source}: {words.counted(self.readings, 'reading')}"]
        if self.new is None:
            parts.append("nothing was stored")
        else:
            parts += [f"{self.new} new", f"{self.known} known"]
        troubles = {"in conflict": self.conflicts, "refused": self.rejected}
        parts += [f"{count} {name}" for name, count in troubles.items() if count]
        if self.bad:
            parts.append(words.counted(self.bad, "bad line"))
        return ", ".join(parts)


@dataclass(slots=True)
class _Lines:
    """Sorts out the lines that are no readings, and tells them."""

    source: str
    since_ms: int
    until_ms: int
    bad: int = 0
    readings: int = 0

    def good(self, found: Iterable[Found]) -> Iterator[Reading]:
        """Go through the readings."""
        for one in found:
            if isinstance(one, BadLine):
                self._note(one)
            elif self.since_ms <= one.timestamp_ms <= self.until_ms:
                self.readings += 1
                yield one

    def _note(self, line: BadLine) -> None:
        self.bad += 1
        if self.bad <= MOST_TOLD:
            tell(f"{self.source}:{line.number}: {line.reason}")

    def sum_up(self) -> None:
        """Tell how many there were that were not told."""
        if self.bad > MOST_TOLD:
            tell(f"{self.source}: {words.counted(self.bad - MOST_TOLD, 'more bad line')}")


@dataclass(slots=True)
class Importer:
    """Puts readings into a store, or only looks at them when there is none.

    Readings whose time is not within `bounds_ms`, both inclusive, are passed over.

    No cursor of a sink and no account is touched. `oldest_ms` is the time of the oldest reading so far, `new` how many
    were stored.
    """

    store: Store | None
    clock: Clock
    progress: Progress
    bounds_ms: tuple[int, int] = (0, LATEST_TIMESTAMP_MS)
    oldest_ms: int | None = None
    new: int = 0

    def take(self, source: str, found: Iterable[Found]) -> Tally:
        """Store all readings of a source; raises StoreError, and what was stored by then is stored."""
        lines = _Lines(source, *self.bounds_ms)
        total = Written()
        for batch in _batches(lines.good(found)):
            self._note_oldest(batch)
            if self.store is not None:
                written = self.store.write(Batch(batch, is_import=True), self._now_ms())
                total = Written(*map(sum, zip(total, written, strict=True)))
            self.progress.tell(f"{source}: {lines.readings} readings so far")
        lines.sum_up()
        self.new += total.stored
        new, known, conflicts, rejected = (None,) * 4 if self.store is None else total
        return Tally(source, lines.readings, new, known, conflicts, rejected, lines.bad)

    def roll_up(self) -> int:
        """Compute the roll-ups that the readings touched; return of how many hours. A sink may be doing the same."""
        now_ms, hours = self._now_ms(), 0
        while self.store is not None and (done := self.store.refresh(ROLLED_UP, now_ms)):
            hours += done
            self.progress.tell(f"roll-ups of {hours} hours so far")
        return hours

    def is_older_than(self, age_s: float) -> bool:
        """Tell whether there was a reading from longer ago."""
        return self.oldest_ms is not None and self.oldest_ms < self._now_ms() - age_s * 1000

    def _note_oldest(self, batch: Iterable[Reading]) -> None:
        oldest_ms = min(reading.timestamp_ms for reading in batch)
        self.oldest_ms = oldest_ms if self.oldest_ms is None else min(self.oldest_ms, oldest_ms)

    def _now_ms(self) -> int:
        return int(self.clock.now().wall_ms)


def _batches(readings: Iterator[Reading]) -> Iterator[list[Reading]]:
    while batch := list(islice(readings, BATCH)):
        yield batch
