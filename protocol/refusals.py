"""What is not believed, and commands that their targets refused: counted by who caused it, and told now and then."""

from collections.abc import Iterator
from typing import Final

from protocol.commands import Code, unpack_pair
from protocol.events import Event, EventKind
from protocol.frames import COMMANDS, ControlFrame
from protocol.gate import NO_KEY, RefusedError
from protocol.instants import Instant
from protocol.members import TOLD_AGAIN_AFTER_S
from protocol.senders import Sender

MAX_CASES: Final = 256
"""Addresses with a kind, and targets with a commander, so many of each are told apart, about 500 bytes each; the others
are told together."""

MAX_COMMANDS: Final = 256
"""Commands of which it is remembered from where they came, about 200 bytes each: the answer follows at once."""

REFUSING: Final = {Code.NOT_AUTHORISED: "not authorised", Code.STALE: "stale or replayed"}
"""Answers to a command that its source may not have given at all, and in words."""

_NO_ROOM: Final = ("others",)
_OTHERS: Final = "other senders"


class _Case:
    """What one cause did: how often, how often when that was told last, and how to say it.

    `codifier` is the target that refused, empty for frames that are not believed here; `by` the commander.
    """

    __slots__ = ("by", "codifier", "count", "told", "told_s", "what", "where")

    def __init__(self, where: str, codifier: str = "", by: str = "") -> None:
        self.where = where
        self.codifier = codifier
        self.by = by
        self.what = ""
        self.count = 0
        self.told = 0
        self.told_s: float | None = None

    def note(self, what: str, where: str = "") -> bool:
        """Count one more; return True when it is the first."""
        self.what = what
        self.where = where or self.where
        self.count += 1
        return self.count == 1

    def is_due(self, now_s: float) -> bool:
        """Tell whether there is something to tell, and it was not told a moment ago."""
        return self.count > self.told and (self.told_s is None or now_s - self.told_s >= TOLD_AGAIN_AFTER_S)

    def tell(self, now: Instant) -> Event:
        """Return how often it happened so far."""
        self.told, self.told_s = self.count, now.monotonic_s
        return Event(now.wall_ms, EventKind.REFUSED, self.codifier, self._words(), self.by)

    def _words(self) -> str:
        if not self.codifier:
            return f"{self.where}: {_counted(self.count, 'frame')}, {self.what}"
        last = " from" if self.count == 1 else ", the last from"
        return f"{self.what}: {_counted(self.count, 'command')} of {self.by}{last} {self.where}"


class Refusals:
    """Counts frames that are not believed, and commands that their targets refused.

    `total` counts the former. `unverifiable` counts frames whose key was not granted to this program: it hears these
    all the time where it was not granted everything, and they mean no harm.
    """

    def __init__(self) -> None:
        self.total = 0
        self.unverifiable = 0
        self._cases: dict[tuple[object, ...], _Case] = {}  # of frames that are not believed
        self._answers: dict[tuple[object, ...], _Case] = {}  # of commands that their targets refused
        self._commands: dict[tuple[str, str, int], Sender] = {}

    def count(self, error: RefusedError, sender: Sender) -> bool:
        """Count a frame that is not believed; return True when it is the first of its kind from this sender."""
        frame = error.frame
        if isinstance(frame, ControlFrame) and frame.flag in COMMANDS:
            self.note_command(frame, sender)
        if error.kind == NO_KEY:
            self.unverifiable += 1
            return self.unverifiable == 1
        self.total += 1
        case = _case(self._cases, (sender, error.kind), _Case(_place(sender)))
        return case.note(f"{error.kind} ({frame.flag.name.lower()} {frame.source} -> {frame.destination})")

    def note_command(self, frame: ControlFrame, sender: Sender) -> None:
        """Remember from where a command came, whoever it says that it is from."""
        if len(self._commands) >= MAX_COMMANDS:
            del self._commands[next(iter(self._commands))]
        self._commands[frame.source, frame.destination, frame.sequence] = sender

    def count_answer(self, answer: ControlFrame) -> bool:
        """Count what a target says of a command; return False when it did not refuse the one who gave it."""
        pair = unpack_pair(answer.number)
        if pair is None or pair[1] not in REFUSING:
            return False
        sequence, code = pair
        target, by = answer.source, answer.destination
        sender = self._commands.get((by, target, sequence))
        where = "an address that was not heard" if sender is None else _place(sender)
        case = _case(self._answers, (target, by, code), _Case(where, target, by))
        case.note(REFUSING[Code(code)], where if case.codifier else "")
        return True

    def due(self, now: Instant) -> Iterator[Event]:
        """Go through what is to be told now: what begins at once, what goes on once in TOLD_AGAIN_AFTER_S."""
        for case in (*self._cases.values(), *self._answers.values()):
            if case.is_due(now.monotonic_s):
                yield case.tell(now)


def _case(cases: dict[tuple[object, ...], _Case], key: tuple[object, ...], fresh: _Case) -> _Case:
    """Return the case of a key, or that of all for which there is no room."""
    if key in cases or len(cases) < MAX_CASES:
        return cases.setdefault(key, fresh)
    return cases.setdefault(_NO_ROOM, _Case(_OTHERS))


def _place(sender: Sender) -> str:
    return f"{sender[0]} port {sender[1]}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
