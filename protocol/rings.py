from collections.abc import Iterator
from operator import attrgetter
from typing import Final

from protocol import codifiers
from protocol.ring import MAX_AGE_S, MAX_READINGS, Ring

_SOURCE: Final = slice(17, 19)  # of a frame's header

MAX_BYTES: Final = 8 * 2**20  # half of what Python takes before it does anything


class Rings:
    """The rings of all sensors of an agent, together at most `max_bytes`: the largest makes room for all."""

    def __init__(
        self, max_bytes: int = MAX_BYTES, max_readings: int = MAX_READINGS, max_age_s: float = MAX_AGE_S
    ) -> None:
        self.max_bytes = max_bytes
        self.max_readings = max_readings
        self.max_age_s = max_age_s
        self.size_bytes = 0
        self._rings: dict[str, Ring] = {}

    def __iter__(self) -> Iterator[Ring]:
        return iter(self._rings.values())

    def __contains__(self, codifier: str) -> bool:
        return codifier in self._rings

    def open(self, codifier: str) -> Ring:
        """Return the ring of one of the agent's sensors: from now on requests for it are answered."""
        return self._rings.setdefault(codifier, Ring(codifier, self.max_readings, self.max_age_s))

    def get(self, codifier: str) -> Ring | None:
        """Return the ring of a sensor, or None when it is none of this agent's."""
        return self._rings.get(codifier)

    def close(self, codifier: str) -> None:
        """Forget a sensor that this agent no longer has."""
        ring = self._rings.pop(codifier, None)
        self.size_bytes -= ring.size_bytes if ring is not None else 0

    def add(self, datagram: bytes, now_s: float) -> None:
        """Keep a reading of one of the agent's sensors, which is sent now (monotonic), as the datagram that it is."""
        ring = self.open(codifiers.unpack(datagram[_SOURCE]))
        before_bytes = ring.size_bytes
        ring.add(datagram, now_s)
        self.size_bytes += ring.size_bytes - before_bytes
        self._make_room()

    def skip_to(self, codifier: str, sequence: int) -> None:
        """Let a sensor's next reading have this number; those before it that are not kept never will be."""
        ring = self.open(codifier)
        before_bytes = ring.size_bytes
        ring.skip_to(sequence)
        self.size_bytes += ring.size_bytes - before_bytes
        self._make_room()

    def _make_room(self) -> None:
        while self.size_bytes > self.max_bytes:
            self._drop_oldest_of_the_largest()

    def _drop_oldest_of_the_largest(self) -> None:
        largest = max(self._rings.values(), key=_size_bytes)
        before_bytes = largest.size_bytes
        largest.drop_oldest()
        self.size_bytes -= before_bytes - largest.size_bytes


_size_bytes: Final = attrgetter("size_bytes")
