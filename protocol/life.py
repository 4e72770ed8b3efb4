"""The life of a node on the control bus, as rules without a clock or a socket (docs/protocol.md, "Life of a node").

The owner feeds moments and frames and carries out what comes back: frames to send, commands to act on, the end.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from protocol.codifiers import EVERYBODY
from protocol.commands import Code, CommandMemory, pack_pair
from protocol.diagnosis import Diagnosis
from protocol.frames import COMMANDS, ControlFrame, Flag, is_tagged
from protocol.freshness import Freshness
from protocol.instants import Instant
from protocol.rates import FairLimit, RateLimit
from protocol.senders import Sender
from protocol.sequences import after, distance

PROBE_S: Final = 1.0  # a newcomer listens so long for an incumbent of the same codifier
PONGS_PER_S: Final = 50.0
COMMANDS_PER_S: Final = 50.0
REMINDERS_PER_S: Final = 5.0  # how often an incumbent tells newcomers that it is there, and its owner of rivals
CHALLENGE_AGAIN_S: Final = 0.2  # a newcomer asks so often whether the namesake that it heard is really there
_NEAR: Final = 1000  # frames with the same config time and sequences no further apart come from the same instance
_MAX_FOLLOWERS: Final = 64  # later newcomers that one remembers: more would have to start within the same second
_NEVER_S: Final = math.inf


@dataclass(frozen=True, slots=True)
class Send:
    """Send this frame to everybody."""

    frame: ControlFrame


@dataclass(frozen=True, slots=True)
class Act:
    """Carry out this command and say with `Life.acted` how it ended."""

    command: ControlFrame


@dataclass(frozen=True, slots=True)
class Stale:
    """This command from `sender` is not carried out: it is too old, or was heard before."""

    command: ControlFrame
    sender: Sender


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


Action: TypeAlias = Send | Act | Stale | Settled | GiveWay | Rival


class Life:
    """One node's presence: start, keep-alive, pings, commands and duplicates.

    `takeover` starts although another instance answers. Of instances that start at the same time the one with
    the earlier config time stays. Until that is settled the node takes no commands, so that none acts twice.
    `diagnosis` is what is the matter with the node.
    """

    def __init__(self, codifier: str, keepalive_s: float, first_sequence: int, *, takeover: bool = False) -> None:
        self.codifier = codifier
        self.keepalive_s = keepalive_s
        self.active = True
        self.config_time_ms = 0.0
        self.rivals = 0
        self.diagnosis = Diagnosis(keepalive_s)
        self.pongs = FairLimit(PONGS_PER_S)
        self.commands = RateLimit(COMMANDS_PER_S, COMMANDS_PER_S)
        self._answers_without_act = FairLimit(COMMANDS_PER_S)
        self._reminders = RateLimit(REMINDERS_PER_S, REMINDERS_PER_S)
        self._reports = RateLimit(REMINDERS_PER_S, REMINDERS_PER_S)
        self.stale = 0
        self._freshness: Freshness | None = None
        self._memory = CommandMemory()
        self._takeover = takeover
        self._next_sequence = first_sequence
        self._sent = 0
        self._announced_sequence = first_sequence
        self._former_config_time_ms = 0.0
        self._gave_way = False
        self._followers: list[tuple[float, int]] = []  # config time and sequence of each one's `N`
        self._probing_until_s: float | None = None
        self._challenge = float(first_sequence)  # random: no recorded frame has it
        self._challenge_due_s = _NEVER_S
        self._alive_due_s = 0.0

    @property
    def settled(self) -> bool:
        """Tell whether the probe for another instance is over."""
        return self._probing_until_s is None

    @property
    def due_s(self) -> float:
        """The monotonic time at which `tick` has something to do; never, once the node gave way."""
        if self._gave_way:
            return _NEVER_S
        if self._probing_until_s is not None:
            return min(self._probing_until_s, self._challenge_due_s)
        return min(self._alive_due_s, self.diagnosis.due_s)

    def start(self, now: Instant, *, active: bool = True) -> list[Action]:
        """Announce the node and begin to listen for another instance of it."""
        self.active = active
        self._probing_until_s = now.monotonic_s + PROBE_S
        self._challenge_due_s = _NEVER_S
        return self.reloaded(now)

    def reloaded(self, now: Instant) -> list[Action]:
        """Announce that the configuration was read again."""
        self._former_config_time_ms, self.config_time_ms = self.config_time_ms, float(int(now.wall_ms))
        self._announced_sequence = self._next_sequence
        return [self._status(Flag.NEW, now)]

    def guard(self, freshness: Freshness, taken: Iterable[tuple[str, int, int]]) -> None:
        """Take no tagged command twice, nor late; `taken` are (source, sequence, timestamp) of those of before."""
        self._freshness = freshness
        for identity in taken:
            self._memory.recall(identity)

    def refuse(self, command: ControlFrame, sender: Sender, now: Instant) -> list[Action]:
        """Answer a command that is not believed: its sender may not command this node, or nobody knows who it is."""
        if command.destination != self.codifier or not self.settled:
            return []
        return self._answer_without_act(command, Code.NOT_AUTHORISED, sender, now)

    def tick(self, now: Instant) -> list[Action]:
        """Do what is due: the end of the probe, a keep-alive, or what is to be said of the node's state."""
        if now.monotonic_s < self.due_s:
            return []
        if self._probing_until_s is not None and now.monotonic_s < self._probing_until_s:
            return self._ask_whether_it_is_there(now)
        if self.settled and now.monotonic_s < self._alive_due_s:
            return self._diagnose(now)
        settled: list[Action] = [] if self.settled else [Settled()]
        self._probing_until_s = None
        return [*settled, *self.show(now)]

    def show(self, now: Instant) -> list[Action]:
        """Say that the node is there and how it is; out of turn, when the network works again."""
        return [self._alive(now), *self._diagnose(now)]

    def read(self, now: Instant) -> None:
        """Note that the node's own sensor sent a reading: it needs no keep-alive now."""
        self._alive_due_s = now.monotonic_s + self.keepalive_s

    def hear(self, frame: ControlFrame, sender: Sender, now: Instant) -> list[Action]:
        """Take a frame of the control bus."""
        if self._gave_way:
            return []
        if frame.source == self.codifier:
            return self._hear_namesake(frame, sender, now)
        if frame.destination not in (self.codifier, EVERYBODY):
            return []
        if frame.flag is Flag.PING:
            return self._hear_ping(frame, sender, now)
        return self._hear_command(frame, sender, now) if frame.flag in COMMANDS and self.settled else []

    def acted(self, command: ControlFrame, code: Code, now: Instant) -> list[Action]:
        """Answer a command that was carried out or refused."""
        self._memory.remember(command, code)
        answer = self._acknowledge(command, code, now)
        if code is not Code.TAKEN:
            return [answer]
        if command.flag in {Flag.START, Flag.HALT}:
            return [answer, self._alive(now)]
        return [answer, *self.reloaded(now), *self._diagnose(now)] if command.flag is Flag.RELOAD else [answer]

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
        if frame.flag in {Flag.PING, Flag.PONG} and frame.destination == self.codifier:
            return self._talk_with_namesake(frame, sender, now)
        if frame.flag not in {Flag.NEW, Flag.ALIVE} or self._is_own(frame):
            return []
        if self.settled:
            return self._meet_rival(frame, sender, now)
        if self._takeover or not self._is_preceded_by(frame):
            return self._remind(frame, now)
        if is_tagged(frame):  # it may have been recorded, by whoever wants to keep this node from starting
            return self._ask_whether_it_is_there(now) if self._challenge_due_s == _NEVER_S else []
        return self._leave_it_to(sender)

    def _talk_with_namesake(self, frame: ControlFrame, sender: Sender, now: Instant) -> list[Action]:
        """Answer a newcomer that asks whether this instance is there, or take the answer to that."""
        is_answer = frame.number == self._challenge
        if frame.flag is Flag.PING and not is_answer:  # else it is this node's own, sent back by somebody
            return self._hear_ping(frame, sender, now)
        is_asking = self._challenge_due_s != _NEVER_S and not self.settled
        return self._leave_it_to(sender) if frame.flag is Flag.PONG and is_answer and is_asking else []

    def _ask_whether_it_is_there(self, now: Instant) -> list[Action]:
        self._challenge_due_s = now.monotonic_s + CHALLENGE_AGAIN_S
        return [self._send(Flag.PING, self.codifier, self._challenge, now)]

    def _leave_it_to(self, sender: Sender) -> list[Action]:
        self._gave_way = True
        return [GiveWay(sender)]

    def _meet_rival(self, frame: ControlFrame, sender: Sender, now: Instant) -> list[Action]:
        self.rivals += 1
        report: list[Action] = [Rival(sender)] if self._reports.allows(now.monotonic_s) else []
        return [*report, *self._remind(frame, now)]

    def _remind(self, frame: ControlFrame, now: Instant) -> list[Action]:
        if frame.flag is not Flag.NEW or not self._reminders.allows(now.monotonic_s):
            return []
        return [self._alive(now)]

    def _is_preceded_by(self, frame: ControlFrame) -> bool:
        """Tell whether the namesake comes before this newcomer.

        Two newcomers may both hear each other, or only one of them the other: the earlier config time decides for
        both alike, however their clocks differ, and the sequence for two that start in the same millisecond. `I`
        comes from one that was there before, unless it is a later newcomer's, meant for one that is later still.
        """
        if frame.flag is Flag.ALIVE:
            return not any(_continues(frame, *follower) for follower in self._followers)
        if (frame.number, frame.sequence) < (self.config_time_ms, self._announced_sequence):
            return True
        self._followers = [*self._followers, (frame.number, frame.sequence)][-_MAX_FOLLOWERS:]
        return False

    def _is_own(self, frame: ControlFrame) -> bool:
        if frame.number not in (self.config_time_ms, self._former_config_time_ms):
            return False
        return 0 < distance(self._next_sequence, frame.sequence) <= min(self._sent, _NEAR)

    def _hear_ping(self, frame: ControlFrame, sender: Sender, now: Instant) -> list[Action]:
        if not self.pongs.allows(sender, now.monotonic_s):
            return []
        return [self._send(Flag.PONG, frame.source, frame.number, now), *self._diagnose(now)]

    def _hear_command(self, command: ControlFrame, sender: Sender, now: Instant) -> list[Action]:
        if self._memory.knows(command):
            return self._answer_without_act(command, self._memory.answer(command), sender, now)
        if self._is_stale(command, now):  # first: what is played again takes nothing away from what is new
            self.stale += 1
            return [Stale(command, sender), *self._answer_without_act(command, Code.STALE, sender, now)]
        if not self.commands.allows(now.monotonic_s):
            return self._answer_without_act(command, Code.TOO_MANY, sender, now)
        if self._freshness is not None and is_tagged(command):
            self._freshness.take(command)
        self._memory.remember(command, None)
        return [Act(command)]

    def _is_stale(self, command: ControlFrame, now: Instant) -> bool:
        if self._freshness is None or not is_tagged(command):
            return False
        return not self._freshness.is_fresh(command, now)

    def _answer_without_act(
        self, command: ControlFrame, code: Code | None, sender: Sender, now: Instant
    ) -> list[Action]:
        if code is None or not self._answers_without_act.allows(sender, now.monotonic_s):
            return []
        return [self._acknowledge(command, code, now)]

    def _acknowledge(self, command: ControlFrame, code: Code, now: Instant) -> Send:
        return self._send(Flag.ACKNOWLEDGE, command.source, pack_pair(command.sequence, code), now)

    def _alive(self, now: Instant) -> Send:
        self._alive_due_s = now.monotonic_s + self.keepalive_s
        return self._status(Flag.ALIVE, now)

    def _diagnose(self, now: Instant) -> list[Action]:
        """Say how the node is; nothing before nobody objected to it."""
        if not self.settled:
            return []
        said = self.diagnosis.report(now.monotonic_s)
        return [self._send(Flag.DIAGNOSIS, EVERYBODY, one.packed(), now) for one in said]

    def _status(self, flag: Flag, now: Instant) -> Send:
        return self._send(flag, EVERYBODY, self.config_time_ms, now)

    def _send(self, flag: Flag, destination: str, number: float, now: Instant) -> Send:
        sequence, self._next_sequence = self._next_sequence, after(self._next_sequence)
        self._sent += 1
        return Send(ControlFrame(sequence, int(now.wall_ms), flag, self.codifier, destination, number, self.active))


def _continues(frame: ControlFrame, config_time_ms: float, sequence: int) -> bool:
    """Tell whether a frame comes from the instance that sent an `N` with this config time and sequence before."""
    return frame.number == config_time_ms and 0 < distance(frame.sequence, sequence) <= _NEAR


def frames_of(actions: Iterable[Action]) -> list[ControlFrame]:
    """Return the frames among the actions, in order."""
    return [action.frame for action in actions if isinstance(action, Send)]
