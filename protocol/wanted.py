"""The readings of one sensor that did not come: booked, asked for, filled or given up (docs/protocol.md, "Repair")."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from math import inf
from typing import Final, NamedTuple

from protocol.accounts import Ledger, Lost, hour_of
from protocol.holes import NEVER_S, NO_HOUR_MS, PAST_MS, Hole, Holes, Missing
from protocol.instants import Instant
from protocol.patience import ANSWER_S, MAX_UNDER_WAY, Patience
from protocol.requests import MAX_REQUESTED, Request
from protocol.sequences import MODULUS, distance

MAX_GIVEN_UP: Final = 64  # ranges per sensor that are remembered, so that what comes all the same is taken


class Agenda(NamedTuple):
    """What is going on with a sensor: its holes, how many requests are under way, and when something is to be done.

    `expires_s` is when the first of these has waited long enough, `asks_s` when the next request may be sent.
    """

    holes: int = 0
    under_way: int = 0
    expires_s: float = NEVER_S
    asks_s: float = NEVER_S


class Wanted:
    """The holes in one sensor's readings, by position. Each reading in them is booked once, in the hour of its hole.

    `unsettled` tells that the agenda changed; who looks at it sets it back.
    """

    __slots__ = ("_codifier", "_given_up", "_holes", "_ledger", "_patience", "agenda", "unsettled")

    def __init__(self, codifier: str, ledger: Ledger, jitter: Callable[[], float], gives_up_after: float = inf) -> None:
        self.agenda = Agenda()
        self.unsettled = False
        self._codifier = codifier
        self._ledger = ledger
        self._patience = Patience(jitter, gives_up_after)
        self._holes = Holes()
        self._given_up = Holes()

    def heard(self, now_s: float) -> None:
        """Take that the sensor spoke."""
        if self._patience.heard(now_s):
            self.unsettled = True

    def open(self, first: int, end: int, now: Instant) -> Hole:
        """Note that readings were sent that have not come; they may only be late."""
        hole = Hole(first, end, hour_of(now.wall_ms), due_s=self._patience.late_until_s(now.monotonic_s))
        self._ledger.book(self._codifier, hour_of(now.wall_ms), sent=len(hole))
        self._add(hole)
        return hole

    def guess(self, first: int, end: int) -> None:
        """Ask for readings of which nobody knows whether they were ever sent.

        They are booked when they come, or one that was sent before them.
        """
        if first < end:
            self._add(Hole(first, end, NO_HOUR_MS))

    def look_back(self, first: int, end: int) -> None:
        """Ask for readings that are only to be shown."""
        if first < end:
            self._add(Hole(first, end, PAST_MS))

    def find(self, at: int) -> Hole | None:
        """Return the hole that a position is in, also one that was given up."""
        return self._holes.find(at) or self._given_up.find(at)

    def arrive(self, hole: Hole, at: int, now: Instant, how: str) -> int:
        """Take a reading that was in a hole; returns the hour in which it is booked as `heard` or `repaired`."""
        hour_ms = hour_of(now.wall_ms) if hole.is_guess else hole.hour_ms
        self._ledger.book(self._codifier, hour_ms, **{how: 1}, sent=int(hole.is_guess))
        if hole.why is None:
            self._take_out(hole, at, at + 1, now)
        else:
            self._given_up.cut(hole, at, at + 1)
            self._forget_given_up()
            self._book_lost(hole.part(at, at + 1), hole.why, -1)
        if hole.is_guess:
            self._know_sent_behind(at, hour_ms)
        return hour_ms

    def answered(self, now_s: float) -> None:
        """Take that an answer came to what was asked."""
        self._patience.answered(now_s)

    def unavailable(self, first: int, end: int, now: Instant) -> bool:
        """Take the answer that readings are not kept; False when nobody asked for any that is missing."""
        asked = [hole for hole in self._holes.between(first, end) if hole.asked_s is not None]
        for hole in asked:
            self._patience.answered(now.monotonic_s)
            low, high = max(hole.first, first), min(hole.end, end)
            self._take_out(hole, low, high, now)
            self._give_up(hole.part(low, high), Lost.NOT_KEPT)
        return bool(asked)

    def lose_all(self) -> None:
        """Lose what belongs to a numbering that has ended."""
        for hole in self._holes.remove_all():
            self._book_lost(hole, Lost.RENUMBERED)
        self._given_up.remove_all()
        self._patience.begin_anew()
        self.unsettled = True

    def give_up_smallest(self) -> None:
        """Lose as few readings as possible, so that there is one hole less."""
        hole = self._holes.smallest()
        self._holes.remove(hole)
        self._give_up(hole, Lost.TOO_MANY_HOLES)

    def ask(self, now_s: float) -> Request | None:
        """Return the next request if one is due, and note that it is sent now."""
        for hole in self._holes if self.agenda.asks_s <= now_s else ():
            if not hole.is_under_way and hole.due_s <= now_s:
                return self._ask_for(hole, now_s)
        return None

    def expire(self, now_s: float) -> None:
        """Put requests that have waited long enough for their answer among those that may be sent again."""
        self.unsettled = True
        for hole in self._holes:
            if hole.asked_s is not None and hole.until_s is not None and hole.until_s <= now_s:
                self._patience.unanswered(hole.asked_s, now_s)
                hole.until_s, hole.due_s = None, now_s

    def settle(self) -> Agenda:
        """Look again at what is going on and what is due."""
        under_way = readings = 0
        idle_s = expires_s = NEVER_S
        for hole in self._holes:  # in one go: there may be many, and this is for whatever changes them
            if hole.until_s is None:
                idle_s = min(idle_s, hole.due_s)
                continue
            under_way += 1
            readings += len(hole)
            expires_s = min(expires_s, hole.until_s)
        has_room = under_way < self._patience.ranges and readings < MAX_UNDER_WAY and not self._patience.is_over
        asks_s = max(idle_s, self._patience.not_before_s) if has_room else NEVER_S
        self.unsettled = False
        self.agenda = Agenda(len(self._holes), under_way, expires_s, asks_s)
        return self.agenda

    @property
    def readings(self) -> int:
        """How many readings are missing and may still come, without those that are only guessed or to be shown."""
        return sum(len(hole) for hole in self._holes if not (hole.is_guess or hole.is_past))

    @property
    def past(self) -> int:
        """How many readings are asked for that are only to be shown."""
        return sum(len(hole) for hole in self._holes if hole.is_past)

    @property
    def is_given_up(self) -> bool:
        """Tell whether nothing more is asked for, because nothing was answered."""
        return self._patience.is_over

    def let_go(self) -> int | None:
        """Want no more what was only to be shown; returns the position after the last of it, None without any."""
        past = [hole for hole in self._holes if hole.is_past]
        for hole in past:
            self._holes.remove(hole)
        self.unsettled = True
        return max((hole.end for hole in past), default=None)

    @property
    def lowest(self) -> int | None:
        """The first position that is missing or guessed, None without one."""
        return next((hole.first for hole in self._holes), None)

    @property
    def lowest_guess(self) -> int | None:
        """The first position of which nobody knows whether its reading was ever sent, None without one."""
        return next((hole.first for hole in self._holes if hole.is_guess), None)

    def kept(self) -> tuple[Missing, ...]:
        """Return what is missing for whoever continues later."""
        return tuple(Missing(hole.first % MODULUS, len(hole), hole.hour_ms) for hole in self._holes)

    def put_back(self, end: int, holes: Iterable[Missing]) -> None:
        """Continue with what was missing before the position `end`."""
        for first, count, hour_ms in holes:
            start = end + distance(first, end)
            if 0 < count <= end - start and not self._holes.between(start, start + count):
                self._add(Hole(start, start + count, hour_ms))

    def _know_sent_behind(self, at: int, hour_ms: int) -> None:
        """Book what was only guessed behind a reading that was sent: that was sent too."""
        for holes in (self._holes, self._given_up):
            for hole in holes:
                if hole.is_guess and hole.first > at:
                    self._know_sent(hole, hour_ms)

    def _know_sent(self, hole: Hole, hour_ms: int) -> None:
        hole.hour_ms = hour_ms
        self._ledger.book(self._codifier, hour_ms, sent=len(hole))
        if hole.why is not None:
            self._book_lost(hole, hole.why)

    def _add(self, hole: Hole) -> None:
        self._holes.add(hole)
        self.unsettled = True

    def _ask_for(self, hole: Hole, now_s: float) -> Request:
        if len(hole) > MAX_REQUESTED:
            _, rest = self._holes.cut(hole, hole.first, hole.first + MAX_REQUESTED)
            hole = hole.part(hole.first, rest.first)
            self._holes.add(hole)
        hole.asked_s, hole.until_s = now_s, now_s + ANSWER_S
        self.unsettled = True
        return Request(self._codifier, hole.first % MODULUS, len(hole))

    def _take_out(self, hole: Hole, first: int, end: int, now: Instant) -> None:
        """Take readings out of a hole. Answers come in order: what they leave behind is late, what follows may come."""
        before, behind = self._holes.cut(hole, first, end)
        self.unsettled = True
        if hole.is_under_way:
            before.until_s, before.due_s = None, self._patience.late_until_s(now.monotonic_s)
            behind.asked_s, behind.until_s = now.monotonic_s, now.monotonic_s + ANSWER_S

    def _give_up(self, hole: Hole, why: Lost) -> None:
        """Lose what was taken out of the holes, but remember for a while that it would still be new."""
        self._book_lost(hole, why)
        self.unsettled = True
        self._given_up.append_to_neighbour(replace(hole, why=why, until_s=None))
        self._forget_given_up()

    def _forget_given_up(self) -> None:
        """Keep to the bound after one more was given up, or after one came in two because a reading in it came."""
        if len(self._given_up) > MAX_GIVEN_UP:
            self._given_up.remove(next(iter(self._given_up)))

    def _book_lost(self, hole: Hole, why: Lost, sign: int = 1) -> None:
        if not hole.is_guess:
            self._ledger.book(self._codifier, hole.hour_ms, **{why: sign * len(hole)})
