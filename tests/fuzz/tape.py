"""Decisions drawn from the bytes of an input: any bytes are a sequence of moves, and the same bytes the same one."""

from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")

LONG_RUNS: Final = {1023: 4096, 1022: 512, **dict.fromkeys(range(1015, 1022), 70)}
SHORT_RUNS: Final = (1, 1, 1, 1, 1, 1, 2, 3)


class Tape:
    """Reads an input from its beginning; behind its end there are zeros."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def ended(self) -> bool:
        """Tell whether nothing is left."""
        return self._at >= len(self._data)

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        begin, self._at = self._at, self._at + count
        return self._data[begin : self._at].ljust(count, b"\0")

    def number(self, size: int = 1) -> int:
        """Return the next unsigned number of so many bytes."""
        return int.from_bytes(self.take(size), "little")

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of at most 256 choices."""
        return choices[self.number() % len(choices)]

    def run_length(self) -> int:
        """Return how often something is done in a row: mostly once, now and then so often that bounds are reached."""
        return LONG_RUNS.get(self.number(2) % 1024) or self.pick(SHORT_RUNS)
