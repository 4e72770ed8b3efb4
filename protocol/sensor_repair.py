"""What one sensor's numbering shows: which readings are new, and which are missing (docs/protocol.md, "Repair").

A position counts readings without wrap-around.
"""

from collections.abc import Callable
from math import inf
from typing import Final, NamedTuple

from protocol.accounts import Ledger, hour_of
from protocol.frames import DataFrame, Flag
from protocol.holes import NO_HOUR_MS, Hole, Missing
from protocol.instants import Instant
from protocol.recents import RECENT, Likeness, Recents
from protocol.sequences import MODULUS, RENUMBERED_BEYOND, after, distance
from protocol.wanted import Wanted

CONTINUED_WITHIN: Final = 10_000_000
"""A numbering that jumps ahead by no more may well be the old one: two random numbers are so near in 1 of 200."""

UNSURE: Final = 3  # readings with consecutive numbers and later and later timestamps show a numbering, no late ones


class Progress(NamedTuple):
    """How far a sensor was followed: the newest sequence known, and what is still missing before it.

    While some of that is only a guess, asking back goes on from its lowest reading, unless a hole of no readings says
    that this has come to its end.
    """

    codifier: str
    last: int
    holes: tuple[Missing, ...] = ()


class SensorRepair:
    """Follows one sensor. Each reading that came or is known to be missing is booked in the ledger once.

    `backfill` is how many readings before the first one of a numbering are asked for; when the first of these is had,
    as many before it, and so on to where the ring begins. `changed` tells that the
    progress did; who looks at it sets it back.
    """

    __slots__ = (
        "_backfill",
        "_ledger",
        "_lowest",
        "_newest_at",
        "_newest_ms",
        "_position",
        "_recents",
        "_stride",
        "_unsure",
        "changed",
        "codifier",
        "unasked",
        "wanted",
    )

    def __init__(
        self,
        codifier: str,
        ledger: Ledger,
        jitter: Callable[[], float],
        backfill: int = 0,
        gives_up_after: float = inf,
    ) -> None:
        self.codifier = codifier
        self.wanted = Wanted(codifier, ledger, jitter, gives_up_after)
        self.unasked = 0
        self.changed = False
        self._ledger = ledger
        self._backfill = backfill
        self._stride = backfill  # once all of these were had
        self._recents = Recents()
        self._position: int | None = None  # the one expected next
        self._lowest = 0  # from here on each position came, is missing or was given up
        self._newest_at = 0  # the position of the frame that is furthest on
        self._newest_ms: int | None = None  # and its timestamp, once it was heard
        self._unsure = (
            0,
            0,
            0,
        )  # position and timestamp of the last one that only a store can judge, and how many in a row

    def hear(self, frame: DataFrame, now: Instant) -> int | None:
        """Take a reading of the bus; returns the hour in which it is booked, or None when it was here before."""
        position = self._continue(frame.sequence % MODULUS, now)
        at = position + distance(frame.sequence, position)
        if at < position:
            return self._hear_old(at, position, frame, now)
        self._miss(position, at, now)
        return self._advance(at, frame, now)

    def answer(self, frame: DataFrame, now: Instant) -> int | None:
        """Take a reading that came to this program alone; as `hear`, but what was not asked for changes nothing."""
        at = self._place(frame.sequence)
        hole = self.wanted.find(at)
        if frame.flag is Flag.NUMBERING or (hole is None and not self._knows(at)):
            return self._refuse()
        if hole is None:
            return self._double(now)
        if hole.asked_s is None:
            return self._refuse()
        self.wanted.answered(now.monotonic_s)
        if hole.is_guess and at == self._lowest:  # the ring reaches back to here: maybe further
            self._guess(max(at - self._stride, (self._position or 0) - RENUMBERED_BEYOND))
        return self._fill(hole, at, frame, now, "repaired")

    def announce(self, frame: DataFrame, now: Instant) -> None:
        """Take an `n`: readings continue after its sequence, which was the last one so far."""
        expected = after(frame.sequence % MODULUS)
        position = self._continue(expected, now)
        at = position + distance(expected, position)
        if at < position and self._is_newer(frame):
            self._renumber(expected, now)
        elif at < position:
            self._reach_back(at, now)
        else:
            self._miss(position, at, now)
            self._position = at
            self._note(at, frame)

    def unavailable(self, first: int, count: int, now: Instant) -> None:
        """Take the answer that readings are not kept; what of them is not missing, or was not asked for, stays."""
        start = self._place(first)
        if not self.wanted.unavailable(start, start + count, now):
            self.unasked += 1
            return
        self.changed = True
        oldest = (self._position or 0) - RENUMBERED_BEYOND
        if oldest < start < self._lowest:  # there are readings before those
            first_wanted = max(start - self._stride, oldest)
            self.wanted.guess(first_wanted, start)
            self._lowest = first_wanted

    def ask_back(self, count: int) -> None:
        """Want the last `count` readings, as far as nothing is known of them; at once, or when one is heard."""
        if self._position is None:
            self._backfill = max(self._backfill, count)
        else:
            self._guess(self._position - count)

    def reach_back(self, count: int) -> int:
        """Want `count` readings more before all that are known, to show them: what becomes of them is in no account.

        Returns how many these are, 0 before anything was heard.
        """
        if self._position is None:
            return 0
        lowest, first = self._lowest, max(self._lowest - count, self._position - RENUMBERED_BEYOND)
        self.wanted.look_back(first, lowest)
        self._lowest = min(first, lowest)
        return lowest - self._lowest

    def let_go(self) -> None:
        """Want no more what was only to be shown; what of it has come may come again when it is wanted again."""
        end = self.wanted.let_go()
        self._lowest = self._lowest if end is None else end

    @property
    def lowest(self) -> int:
        """The position from which on each reading came, is missing, is asked for or was given up."""
        return self._lowest

    def progress(self) -> Progress | None:
        """Return how far the sensor was followed, or None before anything was heard."""
        if self._position is None:
            return None
        holes = self.wanted.kept()
        if self.wanted.lowest_guess not in (None, self._lowest):
            holes = (Missing(self._lowest % MODULUS, 0, NO_HOUR_MS), *holes)
        return Progress(self.codifier, (self._position - 1) % MODULUS, holes)

    def resume(self, progress: Progress) -> None:
        """Continue where a progress stands: nothing else is missing up to there, but before a guess maybe."""
        self._position = self._newest_at = progress.last + 1
        guesses = (self._place(hole.first) for hole in progress.holes if hole.hour_ms == NO_HOUR_MS)
        nothing_heard_goes_back_to = self._position - 2 * RENUMBERED_BEYOND
        self._lowest = min(guesses, default=nothing_heard_goes_back_to)
        self.wanted.put_back(self._position, progress.holes)

    def _continue(self, sequence: int, now: Instant) -> int:
        """Return the position expected next, in a numbering to which `sequence` belongs."""
        self.changed = True
        self.wanted.heard(now.monotonic_s)
        if self._position is None:
            return self._begin(sequence, self._backfill)
        if abs(distance(sequence, self._position)) > RENUMBERED_BEYOND:
            return self._renumber(sequence, now)
        return self._position

    def _begin(self, position: int, backfill: int) -> int:
        self._position = self._newest_at = self._lowest = position
        self._guess(position - backfill)
        return position

    def _renumber(self, sequence: int, now: Instant, least_backfill: int = 0) -> int:
        """Begin a numbering that cannot be joined to the old one: what was missing of that is lost."""
        ahead = distance(sequence, self._position or 0)
        self.wanted.lose_all()
        self._recents = Recents()
        self._newest_ms = None
        self._ledger.book(self.codifier, hour_of(now.wall_ms), restarts=1)
        return self._begin(sequence, max(least_backfill, self._backfill_after(ahead)))

    def _backfill_after(self, ahead: int) -> int:
        """Return how far to ask back after a jump: all that a ring may hold, if the old numbering may go on in it."""
        return RENUMBERED_BEYOND if self._backfill and 0 < ahead <= CONTINUED_WITHIN else self._backfill

    def _advance(self, at: int, frame: DataFrame, now: Instant) -> int:
        self._position = at + 1
        self._note(at, frame)
        self._recents.remember(at, frame)
        return self._book_new(now)

    def _hear_old(self, at: int, position: int, frame: DataFrame, now: Instant) -> int | None:
        hole = self.wanted.find(at)
        if hole is not None:
            return self._fill(hole, at, frame, now, "heard")
        likeness = self._recents.compare(at, frame) if position - at <= RECENT else Likeness.UNKNOWN
        if likeness is Likeness.OTHER:
            return self._book_new(now)  # two readings under one number: a store keeps both, and apart
        if likeness is Likeness.UNKNOWN and self._newest_ms is None and at >= self._lowest:
            return self._hear_unsure(at, frame, now)
        if likeness is Likeness.UNKNOWN and self._is_newer(frame):
            return self._advance(self._renumber(frame.sequence % MODULUS, now), frame, now)
        hole = self._reach_back(at, now)
        return self._double(now) if hole is None else self._fill(hole, at, frame, now, "heard")

    def _hear_unsure(self, at: int, frame: DataFrame, now: Instant) -> int:
        """Take a reading from before where a progress stands, of a sensor that has not gone on since.

        It may come late, or belong to a numbering that began a little before meanwhile: the store knows which.
        """
        before, before_ms, count = self._unsure
        count = count + 1 if at == before + 1 and frame.timestamp_ms > before_ms else 1
        self._unsure = at, frame.timestamp_ms, count
        if count < UNSURE:
            return self._book_new(now)
        # They may be late ones all the same: what was missing before them may still be kept.
        missing = max(0, at - self.wanted.lowest) if self.wanted.lowest is not None else 0
        return self._advance(self._renumber(frame.sequence % MODULUS, now, missing), frame, now)

    def _fill(self, hole: Hole, at: int, frame: DataFrame, now: Instant, how: str) -> int:
        self.changed = True
        self._note(at, frame)
        if self._position is not None and self._position - at <= RECENT:
            self._recents.remember(at, frame)
        return self.wanted.arrive(hole, at, now, how)

    def _miss(self, first: int, end: int, now: Instant) -> None:
        """Note that the readings from `first` to `end` (exclusive), the newest that are known of, have not come."""
        if first < end:
            self._recents.forget(first, end)
            self.wanted.open(first, end, now)

    def _reach_back(self, at: int, now: Instant) -> Hole | None:
        """Note that the numbering is known from `at` on, and return the hole up to what was known before."""
        if at >= self._lowest:
            return None
        end, self._lowest = self._lowest, at
        return self.wanted.open(at, end, now)

    def _guess(self, first: int) -> None:
        self.wanted.guess(first, self._lowest)
        self._lowest = min(first, self._lowest)

    def _note(self, at: int, frame: DataFrame) -> None:
        if at >= self._newest_at:
            self._newest_at, self._newest_ms = at, frame.timestamp_ms

    def _is_newer(self, frame: DataFrame) -> bool:
        """Tell whether a frame that goes back was sent after the one furthest on: then its numbering began anew."""
        return self._newest_ms is not None and frame.timestamp_ms > self._newest_ms

    def _place(self, sequence: int) -> int:
        """Return the position of a sequence in the present numbering; far from all others when it is none of that."""
        position = self._position or 0
        return position + distance(sequence, position)

    def _knows(self, at: int) -> bool:
        """Tell whether a position was known before: its reading came, is missing or was given up."""
        return self._position is not None and self._lowest <= at < self._position

    def _book_new(self, now: Instant) -> int:
        hour_ms = hour_of(now.wall_ms)
        self._ledger.book(self.codifier, hour_ms, sent=1, heard=1)
        return hour_ms

    def _double(self, now: Instant) -> int | None:
        self._ledger.book(self.codifier, hour_of(now.wall_ms), doubled=1)
        return None

    def _refuse(self) -> int | None:
        self.unasked += 1
        return None
