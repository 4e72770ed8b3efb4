"""What an input must not break."""


class BrokenPromiseError(Exception):
    """Something that the code says of itself did not hold for an input."""


def promise(kept: object, otherwise: str) -> None:
    """Raise BrokenPromiseError unless this holds."""
    if not kept:
        raise BrokenPromiseError(otherwise)
