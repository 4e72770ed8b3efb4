"""The life of a node on the control bus, as rules without a clock or a socket (docs/protocol.md, "Life of a node").

The owner feeds moments and frames and carries out what comes back: frames to send, commands to act on, the end.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from protocol.codifiers import EVERYBODY
from protocol.commands import Code, CommandMemory, pack_pair
from protocol.frames import COMMANDS, ControlFrame, Flag
from protocol.instants import Instant
from protocol.members import Sender
from protocol.rates import RateLimit
from protocol.sequences import after, distance

PROBE_S: Final = 1.0  # a newcomer listens so long for an incumbent of the same codifier
PONGS_PER_S: Final = 50.0
COMMANDS_PER_S: Final = 50.0
REMINDERS_PER_S: Final = 5.0  # how often an incumbent tells a newcomer that it is there
_OWN_FRAMES: Final = 1000  # a frame with one of my last so many sequences and my config time is my own, come back


@dataclass(frozen=True, slots=True)
class Send:
    """Send this frame to everybody."""

    frame: ControlFrame


@dataclass(frozen=True, slots=True)
class Act:
    """Carry out this command and say with `Life.acted` how it ended."""

    command: ControlFrame


@dataclass(frozen=True, slots=True)
class Settled:
    """No other instance answered: readings may begin."""


@dataclass(frozen=True, slots=True)
class GiveWay:
    """An instance of the same codifier is running at `sender`: stop."""

    sender: Sender


@dataclass(frozen=True, slots=True)
class Rival:
    """Another instance of the same codifier speaks from `sender`; this one keeps running."""

    sender: Sender


Action: TypeAlias = Send | Act | Settled | GiveWay | Rival


class Life:
    """One node's presence: start, keep-alive, pings, commands and duplicates.

    `takeover` starts although another instance answers. `takes_commands` is False for programs of operators,
    which are present but have nothing that could be commanded.
    """

    def __init__(self, codifier: str, keepalive_s: float, first_sequence: int, *, takeover: bool = False) -> None:
        self.codifier = codifier
        self.keepalive_s = keepalive_s
        self.active = True
        self.config_time_ms = 0.0
        self.rivals = 0
        self.pongs = RateLimit(PONGS_PER_S, PONGS_PER_S)
        self.commands = RateLimit(COMMANDS_PER_S, COMMANDS_PER_S)
        self._reminders = RateLimit(REMINDERS_PER_S, REMINDERS_PER_S)
        self._memory = CommandMemory()
        self._takeover = takeover
        self._next_sequence = first_sequence
        self._probing_until_s: float | None = None
        self._alive_due_s = 0.0

    @property
    def settled(self) -> bool:
        """Tell whether the probe for another instance is over."""
        return self._probing_until_s is None

    @property
    def due_s(self) -> float:
        """The monotonic time at which `tick` has something to do."""
        return self._alive_due_s if self._probing_until_s is None else self._probing_until_s

    def start(self, now: Instant, *, active: bool = True) -> list[Action]:
        """Announce the node and begin to listen for another instance of it."""
        self.active = active
        self.config_time_ms = float(int(now.wall_ms))
        self._probing_until_s = now.monotonic_s + PROBE_S
        return [self._status(Flag.NEW, now)]

    def reloaded(self, now: Instant) -> list[Action]:
        """Announce that the configuration was read again."""
        self.config_time_ms = float(int(now.wall_ms))
        return [self._status(Flag.NEW, now)]

    def tick(self, now: Instant) -> list[Action]:
        """Do what is due: the end of the probe, or a keep-alive."""
        if now.monotonic_s < self.due_s:
            return []
        settled: list[Action] = [] if self.settled else [Settled()]
        self._probing_until_s = None
        return [*settled, self._alive(now)]

    def read(self, now: Instant) -> None:
        """Note that the node's own sensor sent a reading: it needs no keep-alive now."""
        self._alive_due_s = now.monotonic_s + self.keepalive_s

    def hear(self, frame: ControlFrame, sender: Sender, now: Instant) -> list[Action]:
        """Take a frame of the control bus."""
        if frame.source == self.codifier:
            return self._hear_namesake(frame, sender, now)
        if frame.destination not in {self.codifier, EVERYBODY}:
            return []
        if frame.flag is Flag.PING:
            return self._hear_ping(frame, now)
        return self._hear_command(frame, now) if frame.flag in COMMANDS else []

    def acted(self, command: ControlFrame, code: Code, now: Instant) -> list[Action]:
        """Answer a command that was carried out or refused."""
        self._memory.remember(command, code)
        answer = self._acknowledge(command, code, now)
        if code is not Code.TAKEN or command.flag not in {Flag.START, Flag.HALT}:
            return [answer]
        return [answer, self._alive(now)]

    def set_active(self, *, active: bool) -> None:
        """Begin or stop sending readings; `acted` tells the others."""
        self.active = active

    def leave(self, now: Instant) -> list[Action]:
        """Say, at an orderly end, that no more readings come."""
        self.active = False
        return [self._alive(now)]

    def say(self, flag: Flag, destination: str, number: float, now: Instant) -> ControlFrame:
        """Return the next frame of this node's own: a ping, or a command to another node."""
        return self._send(flag, destination, number, now).frame

    def _hear_namesake(self, frame: ControlFrame, sender: Sender, now: Instant) -> list[Action]:
        if frame.flag not in {Flag.NEW, Flag.ALIVE} or self._is_own(frame):
            return []
        if self.settled:
            self.rivals += 1
            return [Rival(sender), *self._remind(frame, now)]
        if self._takeover:
            return []
        if frame.flag is Flag.ALIVE:
            return [GiveWay(sender)]
        return self._remind(frame, now) if frame.number > self.config_time_ms else []

    def _remind(self, frame: ControlFrame, now: Instant) -> list[Action]:
        if frame.flag is not Flag.NEW or not self._reminders.allows(now.monotonic_s):
            return []
        return [self._alive(now)]

    def _is_own(self, frame: ControlFrame) -> bool:
        return frame.number == self.config_time_ms and 0 < distance(self._next_sequence, frame.sequence) <= _OWN_FRAMES

    def _hear_ping(self, frame: ControlFrame, now: Instant) -> list[Action]:
        if not self.pongs.allows(now.monotonic_s):
            return []
        return [self._send(Flag.PONG, frame.source, frame.number, now)]

    def _hear_command(self, command: ControlFrame, now: Instant) -> list[Action]:
        if self._memory.knows(command):
            code = self._memory.answer(command)
            return [] if code is None else [self._acknowledge(command, code, now)]
        if not self.commands.allows(now.monotonic_s):
            return [self._acknowledge(command, Code.TOO_MANY, now)]
        self._memory.remember(command, None)
        return [Act(command)]

    def _acknowledge(self, command: ControlFrame, code: Code, now: Instant) -> Send:
        return self._send(Flag.ACKNOWLEDGE, command.source, pack_pair(command.sequence, code), now)

    def _alive(self, now: Instant) -> Send:
        self._alive_due_s = now.monotonic_s + self.keepalive_s
        return self._status(Flag.ALIVE, now)

    def _status(self, flag: Flag, now: Instant) -> Send:
        return self._send(flag, EVERYBODY, self.config_time_ms, now)

    def _send(self, flag: Flag, destination: str, number: float, now: Instant) -> Send:
        sequence, self._next_sequence = self._next_sequence, after(self._next_sequence)
        return Send(ControlFrame(sequence, int(now.wall_ms), flag, self.codifier, destination, number, self.active))


def frames_of(actions: Iterable[Action]) -> list[ControlFrame]:
    """Return the frames among the actions, in order."""
    return [action.frame for action in actions if isinstance(action, Send)]
