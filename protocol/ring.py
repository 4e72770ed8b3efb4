"""What a sensor keeps of the readings it sent, so that they can be sent again (docs/protocol.md, "Repair")."""

from array import array
from collections import deque
from collections.abc import Iterator
from typing import Final

from protocol.frames import DataFrame, Flag, encode
from protocol.codifiers import EVERYBODY
from protocol.sequences import MODULUS, distance

CHUNK: Final = 256  # readings that are kept and dropped together
_OVERHEAD_BYTES: Final = 400  # of a chunk: its object, its arrays and its place in the ring, as measured
NUMERIC: Final = {Flag.INTEGER: ord("i"), Flag.FLOAT: ord("f")}


class Chunk:
    """Up to CHUNK readings with consecutive sequences: 17 bytes each for numbers, the datagram for others."""

    __slots__ = ("first", "flags", "others", "timestamps_ms", "values")

    def __init__(self, first: int) -> None:
        self.first = first
        self.timestamps_ms = array("Q")
        self.values = array("d")
        self.flags = bytearray()
        self.others: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self.flags)

    def add(self, frame: DataFrame) -> None:
        """Keep the next reading."""
        numeric = NUMERIC.get(frame.flag)
        if numeric is None:
            self.others[len(self)] = encode(frame)
        self.timestamps_ms.append(frame.timestamp_ms)
        self.values.append(float(frame.value) if numeric else 0.0)
        self.flags.append(numeric or 0)

    def datagram(self, codifier: str, index: int) -> bytes:
        """Return the reading at `index` as the frame that was sent, bit for bit."""
        flag = self.flags[index]
        if not flag:
            return self.others[index]
        value = int(self.values[index]) if flag == NUMERIC[Flag.INTEGER] else self.values[index]
        sequence = (self.first + index) % MODULUS
        return encode(DataFrame(sequence, self.timestamps_ms[index], Flag(chr(flag)), codifier, EVERYBODY, value))

    @property
    def size_bytes(self) -> int:
        """The memory that this chunk takes."""
        arrays = sum(part.buffer_info()[1] * part.itemsize for part in (self.timestamps_ms, self.values))
        return _OVERHEAD_BYTES + arrays + len(self.flags) + sum(100 + len(other) for other in self.others.values())


class Ring:
    """The last readings of one sensor, oldest first, at most `max_readings` and none older than `max_age_ms`."""

    def __init__(self, codifier: str, max_readings: int, max_age_ms: int) -> None:
        self.codifier = codifier
        self.max_readings = max_readings
        self.max_age_ms = max_age_ms
        self._chunks: deque[Chunk] = deque()
        self._count = 0
        self._size_bytes = 0

    def __len__(self) -> int:
        return self._count

    @property
    def size_bytes(self) -> int:
        """The memory that the ring takes."""
        return self._size_bytes + (self._chunks[-1].size_bytes if self._chunks else 0)

    @property
    def first(self) -> int | None:
        """The oldest sequence that is kept, or None."""
        return self._chunks[0].first if self._chunks else None

    def add(self, frame: DataFrame) -> None:
        """Keep a reading that was sent; a sequence that does not follow the last one empties the ring first."""
        if not self._chunks or (self._chunks[-1].first + len(self._chunks[-1])) % MODULUS != frame.sequence:
            self.clear()
            self._chunks.append(Chunk(frame.sequence))
        elif len(self._chunks[-1]) >= CHUNK:
            self._size_bytes += self._chunks[-1].size_bytes
            self._chunks.append(Chunk(frame.sequence))
        self._chunks[-1].add(frame)
        self._count += 1
        self._forget(frame.timestamp_ms)

    def clear(self) -> None:
        """Forget everything."""
        self._chunks.clear()
        self._count = 0
        self._size_bytes = 0

    def drop_oldest(self) -> bool:
        """Forget the oldest chunk, to make room for others; False when there is none but the one being filled."""
        if len(self._chunks) < 2:
            return False
        chunk = self._chunks.popleft()
        self._count -= len(chunk)
        self._size_bytes -= chunk.size_bytes
        return True

    def datagrams(self, first: int, count: int) -> Iterator[tuple[int, bytes]]:
        """Go through the kept ones of `count` readings from `first` on, as (sequence, datagram)."""
        for chunk in list(self._chunks):
            offset = distance(first, chunk.first)
            for index in range(max(0, offset), min(len(chunk), offset + count)):
                yield (chunk.first + index) % MODULUS, chunk.datagram(self.codifier, index)

    def _forget(self, now_ms: int) -> None:
        while self._count > self.max_readings and self.drop_oldest():
            pass
        while self._is_old(now_ms) and self.drop_oldest():
            pass

    def _is_old(self, now_ms: int) -> bool:
        return bool(self._chunks) and self._chunks[0].timestamps_ms[-1] < now_ms - self.max_age_ms
