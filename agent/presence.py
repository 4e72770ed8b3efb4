"""One codifier on the bus: the rules of `protocol.life` driven by a clock and a bus, and its numbered readings."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, Final, Protocol

from agent.accepted import Journal, stamps
from agent.clock import Clock
from protocol.commands import Code
from protocol.errors import EncodeError
from protocol.frames import Bus, ControlFrame, Flag, Frame, encode, is_tagged
from protocol.freshness import Freshness
from protocol.gate import Gate, Mode
from protocol.instants import Instant
from protocol.life import Act, Action, GiveWay, Life, Rival, Send, Settled, Stale
from protocol.numbering import Numbering
from protocol.readings import Attributes, Value
from protocol.senders import Sender
from protocol.sequences import MODULUS
from protocol.troubles import Area, Trouble

log: Final = logging.getLogger("jph.presence")

STALE_AGAIN_S: Final = 60.0  # whoever plays old commands again is told in the log once a minute
RIVAL_AGAIN_S: Final = 3_600.0  # a duplicate that stays is said in the log once an hour

Spawn = Callable[[Coroutine[Any, Any, None], str], object]
"""Starts a named task that its owner waits for."""


class Transmitter(Protocol):
    """What a presence needs of a bus."""

    def send(self, bus: Bus, datagram: bytes) -> bool:
        """Send a datagram to everybody on `bus`; False when the network refused it."""
        ...


class Kept(Protocol):
    """Where a presence keeps the readings that it sends, so that they can be sent again."""

    def keep(self, codifier: str, sequence: int, datagram: bytes) -> None:
        """Keep a datagram that is sent now: a reading, or the announcement of a numbering."""
        ...

    def last(self, codifier: str) -> int | None:
        """Return the last number that a sensor used, None when its numbering begins."""
        ...

    def continue_after(self, codifier: str, last: int) -> None:
        """Let a sensor's readings be numbered on after `last`."""
        ...


class KeptNowhere:
    """For programs whose readings nobody may ask for again."""

    def keep(self, codifier: str, sequence: int, datagram: bytes) -> None:
        """Keep nothing."""

    def last(self, codifier: str) -> int | None:
        """Know nothing."""

    def continue_after(self, codifier: str, last: int) -> None:
        """Keep nothing."""


class GaveWay(Exception):  # noqa: N818 - not an error: another instance was there first
    """Another instance of this codifier is running at `sender`."""

    def __init__(self, codifier: str, sender: Sender) -> None:
        super().__init__(f"{codifier} is already running at {sender[0]} (port {sender[1]})")
        self.codifier = codifier
        self.sender = sender


class Presence:
    """One codifier that announces itself, answers pings, takes commands and publishes readings.

    `carry_out` acts on a command and says how it ended; `spawn` starts its task. `give_way` is told when another
    instance of the codifier was there first. What is sent is kept in `kept`, where the numberings go on from as well,
    and tagged by `gate`. Tagged commands are noted in `journal`, so that none is carried out again after a restart.
    """

    def __init__(  # noqa: PLR0913 - each is a different part of the world
        self,
        codifier: str,
        keepalive_s: float,
        *,
        bus: Transmitter,
        clock: Clock,
        spawn: Spawn,
        random_number: Callable[[int], int],
        carry_out: Callable[[ControlFrame], Awaitable[Code]],
        give_way: Callable[[GaveWay], None],
        kept: Kept | None = None,
        gate: Gate | None = None,
        journal: Journal | None = None,
        takeover: bool = False,
    ) -> None:
        self.codifier = codifier
        self.life = Life(codifier, keepalive_s, random_number(MODULUS), takeover=takeover)
        self.settled = asyncio.Event()
        self._bus = bus
        self._clock = clock
        self._spawn = spawn
        self._random_number = random_number
        self._carry_out = carry_out
        self._give_way = give_way
        self._kept: Kept = kept or KeptNowhere()
        self._gate = gate or Gate(Mode.OFF)
        self._journal = journal
        self._numberings: dict[str, Numbering] = {}
        self._speaking: set[str] = set()  # sensors that had a reading since the last keep-alive was looked after
        self._timer: asyncio.TimerHandle | None = None
        self._announced = False
        self._rival_due_s = self._stale_due_s = -math.inf

    @property
    def active(self) -> bool:
        """Tell whether the node sends readings."""
        return self.life.active

    @property
    def announced(self) -> bool:
        """Tell whether the network took the last `N`."""
        return self._announced

    async def recall_commands(self) -> None:
        """Know the commands that were taken before this start; to be called before it."""
        taken = [] if self._journal is None or self._gate.mode is Mode.OFF else await self._journal.load()
        self.life.guard(Freshness(self._clock.now(), stamps(taken)), taken)

    def start(self, *, active: bool = True) -> None:
        """Announce the codifier; `settled` is set when no other instance answered."""
        self._do(self.life.start(self._clock.now(), active=active))
        self._schedule()

    def network_is_back(self) -> None:
        """Say at once that the node is there; start anew when nobody could hear that it started."""
        if self._timer is None:
            return
        if not self._announced:
            self.start(active=self.active)
        elif self.life.settled:
            self._do(self.life.show(self._clock.now()))

    def announce_reload(self) -> None:
        """Tell everybody that the configuration was read again."""
        self._do(self.life.reloaded(self._clock.now()))

    def hear(self, frame: ControlFrame, sender: Sender, now: Instant) -> None:
        """Take a frame of the control bus."""
        actions = self.life.hear(frame, sender, now)
        if actions:
            self._do(actions)
            if not self.life.settled and self._timer is not None:
                self._schedule()

    def refuse(self, command: ControlFrame, sender: Sender, now: Instant) -> None:
        """Answer a command whose tag is missing or wrong."""
        self._do(self.life.refuse(command, sender, now))

    def publish(
        self, codifier: str, value: Value, attributes: Attributes | None = None, timestamp_ms: int | None = None
    ) -> None:
        """Send a reading of this codifier or of one of its proxies; raises EncodeError for a value that cannot travel.

        `timestamp_ms` is when the value was measured, in ms since 1970-01-01 UTC; without it, now.
        """
        now = self._clock.now()
        numbering = self._numberings.get(codifier) or self._begin_numbering(codifier)
        measured_ms = int(now.wall_ms) if timestamp_ms is None else timestamp_ms
        for untagged in numbering.datagrams(value, attributes, measured_ms):
            datagram = self._gate.seal(Bus.DATA, untagged)
            self._kept.keep(codifier, numbering.last, datagram)
            self._bus.send(Bus.DATA, datagram)
        self._speaking.add(codifier)
        if codifier == self.codifier:
            self.life.read(now)

    def diagnose(self, area: Area, found: Mapping[Trouble, int]) -> None:
        """Tell everybody what is the matter in one area of this node, with its amounts; nothing when all is well."""
        is_news = self.life.diagnosis.note(area, found, self._clock.now().monotonic_s)
        if is_news and self._timer is not None:
            self._tick()

    def say(self, flag: Flag, destination: str, number: float, said: Instant | None = None) -> ControlFrame:
        """Send a control frame to another node; it is dated `said`, by default now."""
        frame = self.life.say(flag, destination, number, said or self._clock.now())
        self._send([frame])
        return frame

    def transmit(self, frame: ControlFrame) -> None:
        """Send a frame of this node again."""
        self._send([frame])

    def number_on_from(self, codifier: str, sequence: int) -> None:
        """Announce that the readings of a sensor continue after this sequence."""
        numbering = self._numberings[codifier] = Numbering(codifier, sequence % MODULUS)
        self._kept.continue_after(codifier, numbering.last)
        self._send([numbering.announcement(int(self._clock.now().wall_ms))])

    def resume_numberings(self, codifiers: Iterable[str]) -> None:
        """Name the last sequence of these sensors, of those that have readings from before."""
        for codifier in codifiers:
            if self._kept.last(codifier) is not None:
                self._begin_numbering(codifier)
        self.end_numbering()

    def set_active(self, *, active: bool) -> None:
        """Begin to send readings, or stop and name the last; whoever was told to tells that it is done."""
        self.life.set_active(active=active)
        if not active:
            self.end_numbering()

    def end_numbering(self) -> None:
        """Name the last sequence of every sensor, so that whoever missed the last reading notices."""
        self._name_last(self._numberings)

    def close(self) -> None:
        """Stop: say that no more readings come, and the last sequence of each sensor."""
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        self.end_numbering()
        if self.life.settled:
            self._do(self.life.leave(self._clock.now()))

    def _begin_numbering(self, codifier: str) -> Numbering:
        last = self._kept.last(codifier)
        numbering = Numbering(codifier, self._random_number(MODULUS) if last is None else last)
        return self._numberings.setdefault(codifier, numbering)

    def _name_last(self, codifiers: Iterable[str]) -> None:
        now = self._clock.now()
        for codifier in codifiers:
            self._send([self._numberings[codifier].announcement(int(now.wall_ms))])

    def _send(self, frames: Iterable[Frame]) -> None:
        for frame in frames:
            taken = self._bus.send(frame.bus, self._gate.seal(frame.bus, encode(frame)))
            if frame.flag is Flag.NEW:
                self._announced = taken

    def _schedule(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay_s = max(0.0, self.life.due_s - self._clock.now().monotonic_s)
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._tick)

    def _tick(self) -> None:
        actions = self.life.tick(self._clock.now())
        self._do(actions)
        if any(isinstance(action, Send) and action.frame.flag is Flag.ALIVE for action in actions):
            self.end_numbering()  # with every keep-alive: what named the last reading may have been lost as well
        else:
            self._name_last(
                self._numberings.keys() - self._speaking
            )  # the node's own readings say nothing of a proxy's
        self._speaking.clear()
        if self._timer is not None:
            self._schedule()

    def _do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case Send(frame):
                    self._send([frame])
                case Act(command):
                    self._spawn(self._act(command), f"{self.codifier} {command.flag} from {command.source}")
                case Stale(command, sender):
                    self._report_stale(command, sender)
                case Settled():
                    self.settled.set()
                case GiveWay(sender):
                    self._give_way(GaveWay(self.codifier, sender))
                case Rival(sender):
                    self._report_rival(sender)

    async def _act(self, command: ControlFrame) -> None:
        if self._journal is not None and self._gate.mode is not Mode.OFF and is_tagged(command):
            await self._journal.note(command)
        code = await self._carry_out(command)
        self._do(self.life.acted(command, code, self._clock.now()))

    def _report_stale(self, command: ControlFrame, sender: Sender) -> None:
        now_s = self._clock.now().monotonic_s
        if now_s >= self._stale_due_s:
            self._stale_due_s = now_s + STALE_AGAIN_S
            words = "%s: refused %s from %s at %s (port %d): too old, or played again; %d so far"
            log.warning(words, self.codifier, command.flag.name.lower(), command.source, *sender, self.life.stale)

    def _report_rival(self, sender: Sender) -> None:
        now_s = self._clock.now().monotonic_s
        if now_s >= self._rival_due_s:
            self._rival_due_s = now_s + RIVAL_AGAIN_S
            log.warning("another %s is running at %s (port %d): stop one of them", self.codifier, *sender)


__all__ = ["EncodeError", "GaveWay", "Presence", "Spawn", "Transmitter"]
