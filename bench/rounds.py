"""Measuring several things fairly on a machine that does other work as well: A B A B, never A A B B."""

from collections.abc import Callable, Mapping
from typing import TypeVar

T = TypeVar("T")


def alternate(rounds: int, contenders: Mapping[str, Callable[[], T]], *, warm_up: bool = True) -> dict[str, list[T]]:
    """Run each contender once a round, in turn, and return what they measured.

    With `warm_up` one more round comes first, and is forgotten: it fills caches and imports modules.
    """
    found: dict[str, list[T]] = {name: [] for name in contenders}
    for number in range(rounds + warm_up):
        for name, measure in contenders.items():
            value = measure()
            if number >= warm_up:
                found[name].append(value)
    return found
