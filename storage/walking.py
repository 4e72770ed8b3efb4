"""Going through a history of any length, a page at a time."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from protocol.readings import Reading

PAGE: Final = 5_000  # readings, about 2 MiB: what one look at a database brings


def walk(page: Callable[[int, int], Sequence[Reading]], since_ms: int) -> Iterator[Reading]:
    """Go through readings from a moment on, oldest first.

    `page` returns the oldest PAGE readings after a timestamp and sequence, in their order. The place of the last one
    is where the next page begins, so that nothing is left out or given twice however many share a millisecond.
    """
    place = since_ms, -1
    while found := page(*place):
        yield from found
        place = found[-1].timestamp_ms, found[-1].sequence
