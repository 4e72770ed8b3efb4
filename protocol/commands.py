"""Commands at the node: what it answers, and how none acts twice (docs/protocol.md, "Commands")."""

from enum import IntEnum
from typing import Final

from protocol.frames import ControlFrame

MAX_REMEMBERED: Final = 1000  # commands that a node recognises when they are repeated: 20 s of as many as it takes


class Code(IntEnum):
    """What a node says of a command that it was sent."""

    TAKEN = 0
    UNKNOWN_FLAG = 1
    NOT_A_CONTROL_SENSOR = 2
    OUT_OF_RANGE = 3
    NOT_AUTHORISED = 4
    STALE = 5
    DRIVER_FAILED = 6
    BAD_CONFIGURATION = 7
    TOO_MANY = 8


REASONS: Final = {
    Code.TAKEN: "taken",
    Code.UNKNOWN_FLAG: "the node does not know this command",
    Code.NOT_A_CONTROL_SENSOR: "this is no control sensor: it has no value that can be set",
    Code.OUT_OF_RANGE: "the value is outside the range that the node's configuration allows",
    Code.NOT_AUTHORISED: "the sender is not authorised",
    Code.STALE: "the command is stale or was replayed",
    Code.DRIVER_FAILED: "the driver failed; see the node's log",
    Code.BAD_CONFIGURATION: "the new configuration is bad, the old one is kept; see the node's log",
    Code.TOO_MANY: "too many commands at once",
}


def pack_pair(low: int, high: int) -> float:
    """Pack two integers into the number of a control frame: exact while high is below 2**21."""
    return float(high * 2**32 + low)


def unpack_pair(number: float) -> tuple[int, int] | None:
    """Return (low, high) of a packed number, or None when the number cannot be one."""
    if not (0 <= number < 2**53 and number == int(number)):
        return None
    return int(number) % 2**32, int(number) // 2**32


class CommandMemory:
    """What a node remembers of the commands it was sent, so that a repeated one gets the same answer."""

    __slots__ = ("_codes",)

    def __init__(self) -> None:
        self._codes: dict[tuple[str, int, int], Code | None] = {}

    def knows(self, command: ControlFrame) -> bool:
        """Tell whether this very command was heard before."""
        return _identity(command) in self._codes

    def answer(self, command: ControlFrame) -> Code | None:
        """Return the code that answered this command, or None while it is still being carried out."""
        return self._codes.get(_identity(command))

    def recall(self, identity: tuple[str, int, int]) -> None:
        """Know a command of before this start again, by (source, sequence, timestamp); nobody knows how it ended."""
        self._keep(identity, None)

    def remember(self, command: ControlFrame, code: Code | None) -> None:
        """Keep a command with its answer; the oldest is forgotten beyond MAX_REMEMBERED."""
        self._keep(_identity(command), code)

    def _keep(self, identity: tuple[str, int, int], code: Code | None) -> None:
        self._codes[identity] = code
        if len(self._codes) > MAX_REMEMBERED:
            del self._codes[next(iter(self._codes))]


def _identity(command: ControlFrame) -> tuple[str, int, int]:
    return command.source, command.sequence, command.timestamp_ms
