"""Commands: how they are repeated until confirmed, and never act twice (docs/protocol.md, "Commands")."""

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from protocol.frames import ControlFrame, DataFrame, Flag, Frame

REPEATS_AFTER_S: Final = (0.2, 0.6, 1.4, 3.0, 6.2)  # five repeats of the identical frame, after twice the time each
GIVES_UP_AFTER_S: Final = 8.0  # the last repeat has 1.8 s to be answered
MAX_REMEMBERED: Final = 1000  # commands that a node recognises when they are repeated: 20 s of as many as it takes
_FLOAT32_ROUNDING: Final = 2**-23  # to the nearest float32 and to its shortest decimal, relative to the number


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


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The end of a command: `code` is the node's word; `acknowledged` is False when an original node showed it."""

    code: Code
    acknowledged: bool


class PendingCommand:
    """A command that was sent and is not confirmed yet: when to send it again, and what confirms it."""

    __slots__ = ("_known_ms", "_repeats_s", "attempts", "frame", "gives_up_s", "repeated", "sent_s", "shown_by_reading")

    def __init__(
        self,
        frame: ControlFrame,
        now_s: float,
        *,
        repeated: bool = True,
        shown_by_reading: bool = True,
        known_ms: int | None = None,
    ) -> None:
        """Note that `frame` is sent now. A step to an original node must not be `repeated`: it would act twice.

        Without `shown_by_reading` only the node's word confirms that a value was set: a reading that merely equals it
        shows nothing where it cannot be set. `known_ms` is the timestamp of the newest reading known so far.
        """
        self.frame = frame
        self.shown_by_reading = shown_by_reading
        self._known_ms = known_ms
        self.sent_s = now_s
        self.gives_up_s = now_s + GIVES_UP_AFTER_S  # when it counts as unanswered
        self.attempts = 1
        self.repeated = repeated
        self._repeats_s = [now_s + after_s for after_s in REPEATS_AFTER_S] if repeated else []

    @property
    def due_s(self) -> float:
        """The monotonic time at which something is to be done: send again, or give up."""
        return self._repeats_s[0] if self._repeats_s else self.gives_up_s

    def repeat(self, now_s: float) -> ControlFrame | None:
        """Return the frame when it is time to send it again; repeats whose time was missed are left out."""
        if not self.due_s <= now_s < self.gives_up_s:
            return None
        self._repeats_s = [at_s for at_s in self._repeats_s if at_s > now_s]
        self.attempts += 1
        return self.frame

    def confirmation(self, heard: Frame) -> Confirmation | None:
        """Return how `heard` ends this command, or None when it says nothing of it."""
        if heard.source != self.frame.destination:
            return None
        if isinstance(heard, DataFrame):
            return self._shown_by_reading(heard)
        if heard.flag is Flag.ACKNOWLEDGE and heard.destination == self.frame.source:
            return self._acknowledged_by(heard)
        return self._shown_by_state(heard)

    def _acknowledged_by(self, heard: ControlFrame) -> Confirmation | None:
        pair = unpack_pair(heard.number)
        if pair is None or pair[0] != self.frame.sequence or pair[1] not in REASONS:
            return None
        return Confirmation(Code(pair[1]), acknowledged=True)

    def _shown_by_reading(self, heard: DataFrame) -> Confirmation | None:
        if not self.shown_by_reading or self.frame.flag is not Flag.SET or heard.flag is Flag.NUMBERING:
            return None
        shown = heard.value == self.frame.number or _rounds_to(heard, self.frame.number)
        return Confirmation(Code.TAKEN, acknowledged=False) if self._is_newer(heard) and shown else None

    def _is_newer(self, heard: DataFrame) -> bool:
        """Tell whether a reading was made after the command: by our clock, or after another that was heard before.

        The clock of a node may be behind ours: then its first reading that is heard only shows what its clock says.
        """
        newer = heard.timestamp_ms >= self.frame.timestamp_ms
        newer |= self._known_ms is not None and heard.timestamp_ms > self._known_ms
        self._known_ms = max(heard.timestamp_ms, self._known_ms or 0)
        return newer

    def _shown_by_state(self, heard: ControlFrame) -> Confirmation | None:
        shown = (self.frame.flag, heard.flag, heard.active) in _SHOWN_BY
        return Confirmation(Code.TAKEN, acknowledged=False) if shown else None


_SHOWN_BY: Final = frozenset(  # (command, flag and active state of a frame that shows that it was carried out)
    {
        (Flag.START, Flag.ALIVE, True),
        (Flag.HALT, Flag.ALIVE, False),
        (Flag.RELOAD, Flag.NEW, True),
        (Flag.RELOAD, Flag.NEW, False),
    }
)


def _rounds_to(heard: DataFrame, number: float) -> bool:
    """Tell whether a reading is what a float32 keeps of `number`: an original node sends no more digits."""
    if heard.flag is not Flag.FLOAT or isinstance(heard.value, str):
        return False
    return math.isclose(heard.value, number, rel_tol=_FLOAT32_ROUNDING)
