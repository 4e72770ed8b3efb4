"""What a sensor keeps of the readings it sent, so that they can be sent again (docs/protocol.md, "Repair").

Readings are kept and given back as datagrams, bit for bit.
"""

from bisect import bisect_right
from collections.abc import Iterator
from operator import attrgetter
from typing import Final

from protocol import codifiers
from protocol.sequences import MODULUS, RENUMBERED_BEYOND, distance

MAX_READINGS: Final = RENUMBERED_BEYOND  # per sensor: receivers do not join a numbering over a longer gap
MAX_AGE_S: Final = 86_400.0  # since a reading was sent
CHUNK: Final = 256  # readings that are kept and dropped together, or as many as take CHUNK_BYTES
CHUNK_BYTES: Final = 16_384
_CHUNK_OVERHEAD_BYTES: Final = 520  # its object, its records' and its place in the ring, as measured
_READING_BYTES: Final = 23  # a record, and an eighth that a growing array has to spare
_OTHER_OVERHEAD_BYTES: Final = 200  # a reading that is no number: its object and its place in the chunk

# Nearly all readings are datagrams of 32 bytes (protocol/frames.py draws them), of which a record keeps what
# differs from one to the next: 0 tag part 1, timestamp, flag; 13 tag part 2; 16 the four bytes of payload.
_SEQUENCE: Final = slice(0, 4)
_STAMP: Final = slice(4, 17)
_ROUTE: Final = slice(17, 21)
_TAG_2: Final = slice(21, 24)
_PAYLOAD: Final = slice(28, 32)
_LENGTH: Final = (4).to_bytes(4, "little")
_ORDINARY_BYTES: Final = 32
_RECORD_BYTES: Final = 20
_NO_RECORD: Final = bytes(_RECORD_BYTES)


class Chunk:
    """Readings with consecutive positions: records of the ordinary ones, whole datagrams of all others."""

    __slots__ = ("_others", "_records", "first", "last_s", "size_bytes")

    def __init__(self, first: int) -> None:
        self.first = first
        self.last_s = 0.0  # when the newest one was sent, monotonic
        self.size_bytes = _CHUNK_OVERHEAD_BYTES
        self._records: bytearray | bytes = bytearray()
        self._others: dict[int, bytes] | None = None  # most sensors send nothing but numbers

    def __len__(self) -> int:
        return len(self._records) // _RECORD_BYTES

    def add(self, datagram: bytes, route: bytes, now_s: float) -> None:
        """Keep the next reading, which is sent now."""
        if len(datagram) == _ORDINARY_BYTES and datagram[_ROUTE] == route:
            self._records += datagram[_STAMP] + datagram[_TAG_2] + datagram[_PAYLOAD]
        else:
            self._add_other(datagram)
        self.size_bytes += _READING_BYTES
        self.last_s = now_s

    def close(self) -> None:
        """Give back the room that a growing array has to spare: nothing will be added."""
        self._records = bytes(self._records)

    def datagram(self, position: int, route: bytes) -> bytes | None:
        """Return the reading at a position from `first` on, None when it lies behind this chunk."""
        index = position - self.first
        if index >= len(self):
            return None
        if self._others is not None and index in self._others:
            return self._others[index]
        record = self._records[index * _RECORD_BYTES : (index + 1) * _RECORD_BYTES]
        sequence = (position % MODULUS).to_bytes(4, "little")
        return b"".join((sequence, record[:13], route, record[13:16], _LENGTH, record[16:]))

    def _add_other(self, datagram: bytes) -> None:
        if self._others is None:
            self._others = {}
        self._others[len(self)] = datagram
        self._records += _NO_RECORD
        self.size_bytes += _OTHER_OVERHEAD_BYTES + len(datagram)


class Ring:
    """The last readings that one sensor sent: at most `max_readings`, none older than `max_age_s`.

    Chunks are dropped as a whole, with an eighth of the readings at most and only once all in them are too old.
    """

    __slots__ = ("_chunks", "_next", "_route", "codifier", "max_age_s", "max_readings", "size_bytes")

    def __init__(self, codifier: str, max_readings: int = MAX_READINGS, max_age_s: float = MAX_AGE_S) -> None:
        self.codifier = codifier
        self.max_readings = max_readings
        self.max_age_s = max_age_s
        self.size_bytes = 0
        self._route = codifiers.pack(codifier) + codifiers.pack(codifiers.EVERYBODY)
        self._chunks: list[Chunk] = []
        self._next = 0  # the position of the next reading: its sequence without wrap-around

    def __len__(self) -> int:
        return self._next - self._chunks[0].first if self._chunks else 0

    @property
    def first(self) -> int | None:
        """The oldest sequence that is kept, or None."""
        return self._chunks[0].first % MODULUS if self._chunks else None

    @property
    def last(self) -> int | None:
        """The newest sequence that is kept, or None."""
        return (self._next - 1) % MODULUS if self._chunks else None

    def add(self, datagram: bytes, now_s: float) -> None:
        """Keep a reading that is sent now; a sequence that does not follow the last one empties the ring first."""
        sequence = int.from_bytes(datagram[_SEQUENCE], "little") % MODULUS
        if self._next % MODULUS != sequence:
            self.clear()
            self._next = sequence
        chunk = self._open_chunk()
        before_bytes = chunk.size_bytes
        chunk.add(datagram, self._route, now_s)
        self._next += 1
        self.size_bytes += chunk.size_bytes - before_bytes
        self._forget(now_s)

    def skip_to(self, sequence: int) -> None:
        """Let the next reading have this number: what was sent under those before it is not kept, and never will be."""
        ahead = distance(sequence, self._next)
        if not self._chunks or not 0 <= ahead <= RENUMBERED_BEYOND:
            self.clear()
            self._next = sequence
        elif ahead:
            self._next += ahead
            self._begin_chunk()

    def clear(self) -> None:
        """Forget everything."""
        self._chunks.clear()
        self.size_bytes = 0

    def drop_oldest(self) -> None:
        """Forget the oldest chunk, to make room."""
        if self._chunks:
            self.size_bytes -= self._chunks.pop(0).size_bytes

    def datagram(self, sequence: int) -> bytes | None:
        """Return a reading as it was sent, bit for bit, or None when it is not kept."""
        at = self._next + distance(sequence, self._next)
        index = bisect_right(self._chunks, at, key=_first) - 1
        return self._chunks[index].datagram(at, self._route) if index >= 0 and at < self._next else None

    def datagrams(self, first: int, count: int) -> Iterator[tuple[int, bytes]]:
        """Go through the kept ones of `count` readings from the sequence `first` on, as (sequence, datagram)."""
        start = self._next + distance(first, self._next)
        low = max(start, self._next - len(self))
        for at in range(low, min(start + count, self._next)):
            datagram = self.datagram(at)
            if datagram is not None:
                yield at % MODULUS, datagram

    def unkept(self, first: int, count: int) -> int:
        """Count the readings from the sequence `first` on, up to `count`, before one that is kept."""
        start = self._next + distance(first, self._next)
        index = bisect_right(self._chunks, start, key=_first) - 1
        if index >= 0 and start < self._chunks[index].first + len(self._chunks[index]):
            return 0
        following = self._chunks[index + 1 : index + 2]
        return min(following[0].first - start, count) if following and following[0] else count

    def unkept_since(self, sequence: int) -> int:
        """Return the first of the numbers around one that is not kept, none of which is, if they lie between kept ones.

        Else there is nothing before it or nothing after it, and it is returned itself.
        """
        at = self._next + distance(sequence, self._next)
        index = bisect_right(self._chunks, at, key=_first) - 1
        if index < 0 or not any(self._chunks[index + 1 : index + 2]):
            return sequence
        return (self._chunks[index].first + len(self._chunks[index])) % MODULUS

    def _open_chunk(self) -> Chunk:
        """Return the chunk for the next reading."""
        if self._chunks and not self._is_full(self._chunks[-1]):
            return self._chunks[-1]
        return self._begin_chunk()

    def _begin_chunk(self) -> Chunk:
        if self._chunks:
            self._chunks[-1].close()
            if not self._chunks[-1]:
                self.size_bytes -= self._chunks.pop().size_bytes
        self._chunks.append(Chunk(self._next))
        self.size_bytes += self._chunks[-1].size_bytes
        return self._chunks[-1]

    def _is_full(self, chunk: Chunk) -> bool:
        return len(chunk) >= min(CHUNK, max(1, self.max_readings // 8)) or chunk.size_bytes >= CHUNK_BYTES

    def _forget(self, now_s: float) -> None:
        while len(self) > self.max_readings or self._chunks[0].last_s < now_s - self.max_age_s:
            self.drop_oldest()


_first: Final = attrgetter("first")
