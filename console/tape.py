"""What `jph watch` shows: frames pass a filter onto a tape, and from there to whoever reads."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from agent.participant import Heard
from protocol.errors import DecodeError
from protocol.frames import Addressed, Bus, Flag, Frame
from protocol.gate import RefusedError
from protocol.instants import Instant
from protocol.members import Sender

MAX_UNWRITTEN: Final = 10_000
"""Frames that wait to be written, about 5 MiB: while a reader is slow the oldest are given up, and counted."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which frames are wanted; an empty set wants all."""

    sources: frozenset[str] = frozenset()
    destinations: frozenset[str] = frozenset()
    involved: frozenset[str] = frozenset()
    flags: frozenset[Flag] = frozenset()

    @property
    def wants_bad(self) -> bool:
        """Tell whether datagrams that are no frames are wanted: of them nobody knows whom they concern."""
        return not (self.sources or self.destinations or self.involved or self.flags)

    def passes(self, frame: Frame | Addressed) -> bool:
        """Tell whether a frame, or what a header says of one, is wanted."""
        return (
            (not self.sources or frame.source in self.sources)
            and (not self.destinations or frame.destination in self.destinations)
            and (not self.involved or not self.involved.isdisjoint((frame.source, frame.destination)))
            and (not self.flags or frame.flag in self.flags)
        )


class Bad(NamedTuple):
    """A datagram that is no frame, or one that is not believed."""

    error: DecodeError
    datagram: bytes
    bus: Bus
    sender: Sender
    now: Instant


Entry: TypeAlias = Heard | Bad


class Tape:
    """Takes what is heard until it is full or ended, and hands it on in this order.

    `left` is how many entries it still takes, None without a limit; `given_up` counts those that nobody took in time.
    """

    def __init__(self, wanted: Filter, limit: int | None = None) -> None:
        self.left = limit
        self.given_up = 0
        self._wanted = wanted
        self._entries: deque[Entry] = deque(maxlen=MAX_UNWRITTEN)
        self._changed = asyncio.Event()
        self._ended = False
        self._unread = False

    def hear(self, heard: Heard) -> None:
        """Take a frame if it is wanted."""
        if self._wanted.passes(heard.frame):
            self._put(heard)

    def refuse(self, error: DecodeError, datagram: bytes, bus: Bus, sender: Sender, now: Instant) -> None:
        """Take a datagram that is no frame, if such are wanted, or a frame that is not believed, if it is wanted."""
        if self._wanted.passes(error.frame) if isinstance(error, RefusedError) else self._wanted.wants_bad:
            self._put(Bad(error, datagram, bus, sender, now))

    def end(self) -> None:
        """Take no more."""
        self._ended = True
        self._changed.set()

    def tear(self) -> None:
        """Take no more because nobody reads what was taken: `take` raises BrokenPipeError."""
        self._unread = True
        self.end()

    async def take(self) -> list[Entry]:
        """Wait for entries and return those that are there: none when the tape is full or ended and all are taken."""
        if not self._entries and not self._ended and self.left != 0:
            self._changed.clear()
            await self._changed.wait()
        if self._unread:
            raise BrokenPipeError
        entries = list(self._entries)
        self._entries.clear()
        return entries

    def _put(self, entry: Entry) -> None:
        if self._ended or self.left == 0:
            return
        if self.left is not None:
            self.left -= 1
        self.given_up += len(self._entries) == MAX_UNWRITTEN
        self._entries.append(entry)
        self._changed.set()
