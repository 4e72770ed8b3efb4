"""What an input must not break, and where those that did are kept."""

from pathlib import Path
from typing import Final

FINDINGS: Final = Path(__file__).with_name("findings")


class BrokenPromiseError(Exception):
    """Something that the code says of itself did not hold for an input."""


def promise(kept: object, otherwise: str) -> None:
    """Raise BrokenPromiseError unless this holds."""
    if not kept:
        raise BrokenPromiseError(otherwise)
