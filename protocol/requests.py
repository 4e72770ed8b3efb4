"""What is asked for when readings did not arrive (docs/protocol.md, "Repair")."""

from typing import Final, NamedTuple

MAX_REQUESTED: Final = 64  # readings in one request


class Request(NamedTuple):
    """Ask for `count` readings of a sensor from the sequence `first` on."""

    codifier: str
    first: int
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs of a request
