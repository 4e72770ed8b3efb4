"""The spool of a running agent: filled from the rings, seldom and in batches, and the rings from it at the start.

A number must never be used twice, also not when the power was cut and nobody knows which was the last. So each batch
ends with an `n` for every sensor, which reserves the numbers up to it: after an orderly end it names the last one,
else one that was not reached yet. Numbers that were left out this way are answered with `U`.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

from agent.clock import Clock
from agent.repeating import Repeating
from agent.spool import Spool, SpoolError
from agent.threads import DaemonThreads
from config.model import SpoolPlace
from protocol.errors import DecodeError
from protocol.frames import DataFrame, Flag, decode_data, encode
from protocol.instants import Instant
from protocol.numbering import Numbering
from protocol.sequences import MODULUS, RENUMBERED_BEYOND, after, distance
from protocol.troubles import Trouble

log: Final = logging.getLogger("jph.spool")

LOOK_S: Final = 1.0  # how often it is looked whether reserved numbers come to an end
FIRST_RESERVED: Final = 64  # numbers of each sensor until the first batch: a second at 60 Hz, one request when unused
SPARE: Final = 16  # numbers that are reserved beyond what is expected
MAX_RESERVED: Final = RENUMBERED_BEYOND // 2  # a larger jump could not be joined to what was before
CLOSING_S: Final = 5.0
MAX_READINGS: Final = 4_096  # in one batch: to put it together takes a Pi Zero a tenth of a second
DAY_S: Final = 86_400.0


def _ignore() -> None:
    """Tell nobody."""


class Spooling:
    """Writes what is sent to the disk, once an interval; more often only when a sensor has used up its numbers.

    `resting` tells that it waits for the next time. `changed` is called when `troubles` or `measured` may have.
    """

    def __init__(
        self, place: SpoolPlace, name: str, repeating: Repeating, clock: Clock, changed: Callable[[], None] = _ignore
    ) -> None:
        folder = Path(place.path).expanduser() / quote(name, safe="").replace(".", "%2E")
        self.spool = Spool(folder, place.size_bytes)
        self._interval_s = place.interval_s
        self._repeating = repeating
        self._clock = clock
        self._thread = DaemonThreads("spool", limit=1)
        self._kept: dict[str, int] = {}  # the last number of each sensor that is on the disk
        self._reserved: dict[str, int] = {}
        self._started_s = self._written_s = clock.now().monotonic_s
        self._described_s = self._started_s
        self.resting = False
        self._usable = False
        self._error: SpoolError | None = None
        self._changed = changed
        self._writing: asyncio.Task[None] | None = None

    @property
    def troubles(self) -> dict[Trouble, int]:
        """What everybody is told is wrong, with the number of readings that are in memory only."""
        return {} if self._error is None else {self._error.trouble: self._in_memory_only()}

    @property
    def measured(self) -> dict[Trouble, int]:
        """How many KiB a day are written, once something was."""
        return {Trouble.SPOOL_WRITES: math.ceil(self._a_day_bytes() / 1024)} if self.spool.batches else {}

    async def load(self) -> None:
        """Fill the rings, before anything is sent. When the spool cannot be had the agent runs all the same."""
        try:
            await self._thread.call(self._load)
        except SpoolError as error:
            self._failed(error)
            return
        self._usable = True
        self._kept = self._repeating.numbers()
        await self._reserve_first()

    async def run(self) -> None:
        """Write until cancelled."""
        while self._usable:
            self.resting = True
            await asyncio.sleep(min(LOOK_S, self._interval_s))
            self.resting = False
            if self._is_due():
                # Whoever ends this in the midst of a batch must know what is in it, or it would be written once more.
                self._writing = asyncio.create_task(self._write(final=False), name="spool writes")
                await asyncio.shield(self._writing)
            self._describe_daily()
        while True:
            self._changed()
            await asyncio.sleep(self._interval_s)

    async def close(self) -> None:
        """Write the rest, and that no more numbers are reserved than were used."""
        if self._usable:
            try:
                async with asyncio.timeout(CLOSING_S):
                    if self._writing is not None:
                        await self._writing
                    await self._write(final=True)
            except TimeoutError:
                log.error("the spool %s: the disk needs more than %g s", self.spool.folder, CLOSING_S)
            log.info("%s", self.describe())
            self._usable = False
        self.spool.close()
        self._thread.close()

    def describe(self) -> str:
        """Say in a line how much was written."""
        spool = self.spool
        words = "the spool %s: %d bytes written in %d batches, %.0f KiB a day"
        return words % (spool.folder, spool.written_bytes, spool.batches, self._a_day_bytes() / 1024)

    def _a_day_bytes(self) -> float:
        elapsed_s = max(1.0, self._clock.now().monotonic_s - self._started_s)
        return self.spool.written_bytes * DAY_S / elapsed_s

    def _describe_daily(self) -> None:
        now_s = self._clock.now().monotonic_s
        if now_s - self._described_s >= DAY_S:
            self._described_s = now_s
            log.info("%s", self.describe())

    def _is_due(self) -> bool:
        numbers = self._repeating.numbers()
        if self._clock.now().monotonic_s - self._written_s >= self._interval_s:
            return numbers != self._kept
        return any(self._runs_out(codifier, last) for codifier, last in numbers.items())

    def _runs_out(self, codifier: str, last: int) -> bool:
        """Tell whether a sensor is about to use numbers that are not reserved."""
        reserved = self._reserved.get(codifier)
        return last != self._kept.get(codifier) and (reserved is None or distance(reserved, last) < SPARE // 2)

    async def _reserve_first(self) -> None:
        """Reserve numbers of the sensors that go on, before any of these is used."""
        reserved = {codifier: (last + FIRST_RESERVED) % MODULUS for codifier, last in self._kept.items()}
        batch = list(_announcements(reserved, self._clock.now()))
        try:
            if batch:
                await self._thread.call(lambda: self.spool.append(batch))
        except SpoolError as error:
            self._failed(error)
        else:
            self._reserved = reserved

    async def _write(self, *, final: bool) -> None:
        """Write all that there is now, in as many batches as it takes."""
        now, numbers = self._clock.now(), self._repeating.numbers()
        reserved = numbers if final else {name: self._reserve(name, last, now) for name, last in numbers.items()}
        try:
            while not await self._write_batch(numbers, reserved, now):
                pass
        except SpoolError as error:
            self._failed(error)
        else:
            self._recovered()
        self._written_s = now.monotonic_s
        self._changed()

    async def _write_batch(self, numbers: dict[str, int], reserved: dict[str, int], now: Instant) -> bool:
        """Write a batch up to these numbers; returns whether that was the last one that it takes."""
        batch, kept = self._unwritten(numbers)
        batch += _announcements(reserved, now)
        await self._thread.call(lambda: self.spool.append(batch))
        self._kept, self._reserved = kept, reserved
        return kept == numbers

    def _unwritten(self, numbers: dict[str, int]) -> tuple[list[bytes], dict[str, int]]:
        """Return readings that are not on the disk, each sensor's oldest first, and the last number of each there then.

        Up to MAX_READINGS numbers, some of which may be of no reading.
        """
        batch: list[bytes] = []
        written = dict(self._kept)
        room = MAX_READINGS
        for codifier, last in numbers.items():
            first = self._first_unwritten(codifier, last)
            left = max(0, distance(last, first) + 1)
            count = min(left, room)
            room -= count
            written[codifier] = last if count == left else (first + count - 1) % MODULUS
            batch += self._kept_datagrams(codifier, first, count)
        return batch, written

    def _first_unwritten(self, codifier: str, last: int) -> int:
        """Return the first number of a sensor that is not on the disk; that after `last` when all are."""
        ring, kept = self._repeating.rings.get(codifier), self._kept.get(codifier)
        oldest = after(last) if ring is None or ring.first is None else ring.first
        joined = kept is not None and 0 <= distance(last, kept) <= RENUMBERED_BEYOND
        return after(kept) if joined and kept is not None and distance(kept, oldest) >= 0 else oldest

    def _kept_datagrams(self, codifier: str, first: int, count: int) -> Iterator[bytes]:
        ring = self._repeating.rings.get(codifier)
        return (datagram for _, datagram in ring.datagrams(first, count)) if ring is not None else iter(())

    def _reserve(self, codifier: str, last: int, now: Instant) -> int:
        """Return up to which number a sensor may go until the next batch is written, for certain."""
        used = max(0, distance(last, self._kept.get(codifier, last)))
        elapsed_s = max(LOOK_S, now.monotonic_s - self._written_s)
        expected = math.ceil(1.25 * used * max(self._interval_s, LOOK_S) / elapsed_s)
        return (last + min(expected + SPARE, MAX_RESERVED)) % MODULUS

    def _in_memory_only(self) -> int:
        return sum(self._unkept(codifier, last) for codifier, last in self._repeating.numbers().items())

    def _unkept(self, codifier: str, last: int) -> int:
        """Count the readings of a sensor that a power cut would cost."""
        ring, kept = self._repeating.rings.get(codifier), self._kept.get(codifier)
        in_ring = 0 if ring is None else len(ring)
        return in_ring if kept is None else min(in_ring, max(0, distance(last, kept)))

    def _failed(self, error: SpoolError) -> None:
        if self._error is None or str(error) != str(self._error):
            log.error("%s; what is sent is kept in memory only", error)
        self._error = error

    def _recovered(self) -> None:
        if self._error is not None:
            log.warning("the spool %s is written again", self.spool.folder)
        self._error = None

    # In the thread, before anything else is done with the rings

    def _load(self) -> None:
        now, reserved = self._clock.now(), dict[str, int]()
        for datagram in self.spool.load():
            try:
                frame = decode_data(datagram)
            except DecodeError as error:
                log.warning("the spool %s: %s", self.spool.folder, error)
                continue
            if frame.flag is Flag.NUMBERING:
                reserved[frame.source] = frame.sequence % MODULUS
            else:
                self._restore(frame, datagram, now)
        if self.spool.is_torn:
            log.warning("the spool %s: numberings begin anew, as nobody knows how far they went", self.spool.folder)
            self._repeating.forget()
            return
        for codifier, last in reserved.items():
            self._repeating.continue_after(codifier, last)

    def _restore(self, frame: DataFrame, datagram: bytes, now: Instant) -> None:
        last = self._repeating.last(frame.source)
        if last is not None and 1 < distance(frame.sequence, last) <= RENUMBERED_BEYOND:
            self._repeating.continue_after(frame.source, (frame.sequence - 1) % MODULUS)
        age_s = max(0.0, now.wall_ms - frame.timestamp_ms) / 1000
        self._repeating.keep(frame.source, frame.sequence, datagram, now.monotonic_s - age_s)


def _announcements(reserved: dict[str, int], now: Instant) -> Iterator[bytes]:
    for codifier, last in reserved.items():
        yield encode(Numbering(codifier, last).announcement(int(now.wall_ms)))
