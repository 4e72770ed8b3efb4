"""Commands at whoever sends them: repeated until they are confirmed (docs/protocol.md, "Commands")."""

import math
from dataclasses import dataclass
from typing import Final

from protocol.commands import REASONS, Code, unpack_pair
from protocol.frames import ControlFrame, DataFrame, Flag, Frame

REPEATS_AFTER_S: Final = (0.2, 0.6, 1.4, 3.0, 6.2)  # five repeats of the identical frame, after twice the time each
GIVES_UP_AFTER_S: Final = 8.0  # the last repeat has 1.8 s to be answered
_FLOAT32_ROUNDING: Final = 2**-23  # to the nearest float32 and to its shortest decimal, relative to the number


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
