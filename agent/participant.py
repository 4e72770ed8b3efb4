"""A program on both buses that is no sensor: what the command line, the console and the library listen with."""

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Coroutine
from typing import Any, Final, NamedTuple, Protocol, Self

from agent.accepted import Journal
from agent.bus import Bus as BusSockets
from agent.clock import Clock, SystemClock
from agent.following import Following
from agent.presence import GaveWay, Kept, Presence
from agent.security import open_gate
from config.limits import limits_in_words
from config.model import Configuration, Node, Sensor
from protocol import frames
from protocol.codifiers import EVERYBODY
from protocol.commands import GIVES_UP_AFTER_S, REASONS, Code, Confirmation, PendingCommand
from protocol.errors import DecodeError
from protocol.events import Event
from protocol.frames import Bus, ControlFrame, DataFrame, Flag, Frame
from protocol.gate import Gate
from protocol.instants import Instant
from protocol.profiles import NodeProfile, SensorProfile
from protocol.roster import Roster
from protocol.senders import Sender

log: Final = logging.getLogger("jph.participant")

ACKNOWLEDGES_WITHIN_S: Final = 1.4  # three sendings: a node that does not answer then is commanded without repeats


class Heard(NamedTuple):
    """A frame that was heard, with what it made happen in the roster."""

    frame: Frame
    sender: Sender
    now: Instant
    events: tuple[Event, ...]


class Answer(NamedTuple):
    """How a command ended. `code` is None when nobody answered; `acknowledged` is False for an original node.

    `limits` says in words which values the configuration allows; empty when it does not say.
    """

    codifier: str
    code: Code | None
    acknowledged: bool
    elapsed_ms: float
    attempts: int
    limits: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether the command was taken."""
        return self.code is Code.TAKEN

    @property
    def reason(self) -> str:
        """Say in words how the command ended."""
        if self.code is None:
            return f"no answer after {self.attempts} attempts in {self.elapsed_ms / 1000:.1f} s"
        allowed = f": {self.limits}" if self.limits and self.code is Code.OUT_OF_RANGE else ""
        return REASONS[self.code] + allowed


def profiles(configuration: Configuration) -> tuple[list[NodeProfile], list[SensorProfile]]:
    """Return what a roster is told of the nodes and sensors of a configuration."""
    return (
        [_node_profile(node) for node in configuration.nodes.values()],
        [_sensor_profile(node, sensor) for node, sensor in configuration.sensors() if not node.is_operator],
    )


def _node_profile(node: Node) -> NodeProfile:
    return NodeProfile(node.codifier, node.keepalive_s, operator=node.is_operator)


def _sensor_profile(node: Node, sensor: Sensor) -> SensorProfile:
    return SensorProfile(sensor.codifier, node.codifier, sensor.timeout_s, sensor.alarms)


class Follower(Protocol):
    """Follows the readings of a participant: hears them, and the answers to what it asks for when it looks."""

    def hear(self, frame: DataFrame, now: Instant) -> None:
        """Take a frame of the data bus."""
        ...

    def answer(self, frame: Frame, now: Instant) -> None:
        """Take a frame that came to this program alone."""
        ...

    def look(self) -> None:
        """Ask for what is missing, now or when it is time."""
        ...

    def close(self) -> None:
        """Ask no more; closing twice is harmless."""
        ...


class _Waiting(NamedTuple):
    command: PendingCommand
    confirmation: asyncio.Future[Confirmation]


class Participant:
    """Hears everything into a roster, pings and commands.

    With `present` it is a node itself: it announces itself, keeps alive and answers pings, as the console does.
    Without, it says `N` before the first frame of its own, so that nobody counts a gap, and nothing else. Readings of
    its own, if it has any, are kept in `kept`. `gate` has its keys, by default those of the configuration's `security`;
    it raises KeyFileError when there are none. With `follow` it asks the agents for readings that it lacks:
    `following`, which is None without.
    """

    def __init__(  # noqa: PLR0913 - each is a different choice of the program
        self,
        configuration: Configuration,
        codifier: str,
        clock: Clock | None = None,
        listen: Collection[Bus] = tuple(Bus),
        *,
        present: bool = False,
        takeover: bool = True,
        kept: Kept | None = None,
        gate: Gate | None = None,
        journal: Journal | None = None,
        data_rest_s: float = 0.0,
        follow: bool = False,
    ) -> None:
        self.configuration = configuration
        self.codifier = codifier
        self.clock = clock or SystemClock()
        self.roster = Roster(*profiles(configuration))
        self.heard: list[Callable[[Heard], None]] = []
        self.refused: list[Callable[[DecodeError, bytes, Bus, Sender, Instant], None]] = []
        self.following = Following(self.send, self.clock, random.random) if follow else None
        self.followers: list[Follower] = [] if self.following is None else [self.following]
        self.bus = BusSockets(
            configuration.network,
            self.clock,
            listen,
            self._receive,
            receive_unicast=self._receive_unicast if follow or present else None,
            data_rest_s=data_rest_s,
        )
        self.gate = gate or open_gate(configuration.security, [codifier])
        self._present = present
        self._presence = self._make_presence(kept, journal, takeover=takeover)
        self._started = False
        self._waiting: list[_Waiting] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_ping = 0.0

    async def __aenter__(self) -> Self:
        """Open the bus, and announce the codifier when `present`."""
        await self.bus.__aenter__()
        if self._present:
            self._start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Leave the bus; closing twice is harmless."""
        for follower in self.followers:
            follower.close()
        if self._present:
            self._presence.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.bus.__aexit__(None, None, None)

    def ping(self, codifier: str = EVERYBODY) -> float:
        """Send a ping and note it in the roster; returns its number."""
        now = self.clock.now()
        number = max(now.wall_ms, self._last_ping + 2**-10)  # pings of the same moment are told apart
        self._last_ping = number
        self.roster.pinged(codifier, number, now)
        self.send(Flag.PING, codifier, number)
        return number

    def send(self, flag: Flag, codifier: str, number: float) -> ControlFrame:
        """Send a control frame to a codifier without waiting for anything."""
        if not self._started:
            self._start()
        frame = self._presence.life.say(flag, codifier, number, self.clock.now())
        self._transmit(frame)
        return frame

    def _transmit(self, frame: ControlFrame) -> None:
        self.bus.send(Bus.CONTROL, self.gate.seal(Bus.CONTROL, frames.encode(frame)))

    async def command(self, flag: Flag, codifier: str, number: float = 0.0) -> Answer:
        """Send a command, again and again until it is confirmed; gives up after 8 s."""
        repeated = flag is not Flag.STEP or await self._acknowledges(codifier)
        return await self._confirmed(flag, codifier, number, repeated=repeated)

    async def _acknowledges(self, codifier: str) -> bool:
        """Find out whether a node answers with `K`: a program of the original system would do a repeated step twice.

        A step by zero changes nothing, and a node that does not know `K` does not answer it.
        """
        node = self.roster.nodes.get(codifier)
        if node is None or not node.acknowledges:
            await self._confirmed(Flag.STEP, codifier, 0.0, repeated=True, within_s=ACKNOWLEDGES_WITHIN_S)
            node = self.roster.nodes.get(codifier)
        return node is not None and node.acknowledges

    async def _confirmed(
        self, flag: Flag, codifier: str, number: float, *, repeated: bool, within_s: float = GIVES_UP_AFTER_S
    ) -> Answer:
        frame = self.send(flag, codifier, number)
        sensor = self.roster.sensors.get(codifier)
        pending = PendingCommand(
            frame,
            self.clock.now().monotonic_s,
            repeated=repeated,
            shown_by_reading=self._shows_by_reading(codifier),
            known_ms=sensor.timestamp_ms if sensor else None,
        )
        pending.gives_up_s = pending.sent_s + within_s
        waiting = _Waiting(pending, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            confirmation = await self._repeat_until_confirmed(waiting)
        finally:
            self._waiting.remove(waiting)
        elapsed_ms = (self.clock.now().monotonic_s - pending.sent_s) * 1000
        if confirmation is None:
            return Answer(codifier, None, acknowledged=False, elapsed_ms=elapsed_ms, attempts=pending.attempts)
        return Answer(
            codifier,
            confirmation.code,
            confirmation.acknowledged,
            elapsed_ms,
            pending.attempts,
            limits_in_words(self.configuration, codifier),
        )

    def _shows_by_reading(self, codifier: str) -> bool:
        """Tell whether a reading can show that a value was set: not of a proxy, nor where `K` is to be expected."""
        node, owner = self.roster.nodes.get(codifier), self.configuration.owner(codifier)
        if node is not None and node.acknowledges:
            return False
        return owner is None or (owner.codifier == codifier and owner.control)

    async def _repeat_until_confirmed(self, waiting: _Waiting) -> Confirmation | None:
        pending = waiting.command
        while (now_s := self.clock.now().monotonic_s) < pending.gives_up_s:
            await asyncio.wait([waiting.confirmation], timeout=min(pending.due_s, pending.gives_up_s) - now_s)
            if waiting.confirmation.done():
                return waiting.confirmation.result()
            if frame := pending.repeat(self.clock.now().monotonic_s):
                self._transmit(frame)
        return None

    def _start(self) -> None:
        self._started = True
        if self._present:
            self._presence.start()
        else:
            self._presence.announce_reload()

    def _receive(self, bus: Bus, datagrams: list[tuple[bytes, Sender]], now: Instant) -> None:
        for datagram, sender in datagrams:
            try:
                frame = self.gate.open(bus, datagram)
            except DecodeError as error:
                self._refuse(error, datagram, bus, sender, now)
                continue
            self._hear(frame, sender, now)
        self._look()

    def _receive_unicast(self, datagrams: list[tuple[bytes, Sender]], now: Instant) -> None:
        """Take the answers to what was asked for: these are no signs of life, and no part of a node's numbering."""
        for datagram, sender in datagrams:
            bus = frames.bus_of(datagram)
            try:
                frame = self.gate.open(bus, datagram)
            except DecodeError as error:
                self._refuse(error, datagram, bus, sender, now)
                continue
            for follower in self.followers:
                follower.answer(frame, now)
        self._look()

    def _look(self) -> None:
        for follower in self.followers:
            follower.look()

    def _hear(self, frame: Frame, sender: Sender, now: Instant) -> None:
        events = self.roster.hear(frame, sender, now)
        if isinstance(frame, DataFrame):
            for follower in self.followers:
                follower.hear(frame, now)
        if self._waiting:
            self._confirm(frame)
        if self._present and isinstance(frame, ControlFrame) and sender != self.bus.address:
            self._presence.hear(frame, sender, now)
        for callback in self.heard:
            callback(Heard(frame, sender, now, events))

    def _confirm(self, frame: Frame) -> None:
        for waiting in self._waiting:
            confirmation = waiting.command.confirmation(frame)
            if confirmation is not None and not waiting.confirmation.done():
                waiting.confirmation.set_result(confirmation)

    def _refuse(self, error: DecodeError, datagram: bytes, bus: Bus, sender: Sender, now: Instant) -> None:
        if self.roster.bad_datagrams.count(error, sender):
            log.debug("bad datagram on the %s bus from %s port %d: %s", bus, *sender, error)
        for callback in self.refused:
            callback(error, datagram, bus, sender, now)

    def _make_presence(self, kept: Kept | None, journal: Journal | None, *, takeover: bool) -> Presence:
        node = self.configuration.nodes.get(self.codifier)
        return Presence(
            self.codifier,
            node.keepalive_s if node else self.configuration.defaults.keepalive_s,
            bus=self.bus,
            clock=self.clock,
            spawn=self._spawn,
            random_number=random.randrange,
            carry_out=self.carry_out,
            give_way=self.give_way,
            kept=kept,
            gate=self.gate,
            journal=journal,
            takeover=takeover,
        )

    async def carry_out(self, command: ControlFrame) -> Code:
        """Refuse a command: a person's program has no readings to halt and no value to set."""
        del command
        return Code.NOT_A_CONTROL_SENSOR

    def give_way(self, other: GaveWay) -> None:
        """Stay although another instance is running: an operator may have two terminals open."""
        log.debug("%s", other)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
