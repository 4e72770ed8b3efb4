from enum import StrEnum
from typing import NamedTuple


class EventKind(StrEnum):
    """What can happen on the network that an operator wants to be told."""

    APPEARED = "appeared"
    STARTED = "started"
    HALTED = "halted"
    RESUMED = "resumed"
    STATUS = "status"
    DUPLICATED = "duplicated"
    COMMANDED = "commanded"
    ANSWERED = "answered"
    RENUMBERED = "renumbered"
    BAD_VALUE = "bad value"
    TROUBLE = "trouble"
    RECOVERED = "recovered"
    REFUSED = "refused"
    KEYS = "keys"


class Event(NamedTuple):
    """One thing that happened, for the event list, the log and the scripts.

    `codifier` is the component that it happened to, empty for what happened to nobody; `by` the one that caused it
    (the codifier of a commander, or empty), `detail` says the rest in words. `wall_ms` is this computer's clock.
    """

    wall_ms: float
    kind: EventKind
    codifier: str
    detail: str
    by: str = ""
