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
from agent.orders import Answer, Orders
from agent.presence import GaveWay, Kept, Presence
from agent.profiles import profiles
from agent.security import open_gate
from config.model import Configuration
from protocol import frames
from protocol.codifiers import EVERYBODY
from protocol.commands import Code
from protocol.errors import DecodeError, JphError
from protocol.events import Event
from protocol.frames import Bus, ControlFrame, DataFrame, Flag, Frame
from protocol.gate import Gate, Mode
from protocol.instants import Instant
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
        self._orders = Orders(self)
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

    def send(self, flag: Flag, codifier: str, number: float, said: Instant | None = None) -> ControlFrame:
        """Send a control frame to a codifier and wait for nothing; it is dated `said`, by default now."""
        if not self._started:
            self._start()
        frame = self._presence.life.say(flag, codifier, number, said or self.clock.now())
        self.transmit(frame)
        return frame

    def transmit(self, frame: ControlFrame) -> None:
        """Send a frame of this program, for the first time or again."""
        self.bus.send(Bus.CONTROL, self.gate.seal(Bus.CONTROL, frames.encode(frame)))

    @property
    def key_ids(self) -> tuple[int, ...]:
        """The key ids of the tags that are believed here, the newest last; none where nobody looks at tags."""
        return () if self.gate.keyring is None else self.gate.keyring.key_ids

    def read_keys_again(self) -> None:
        """Use the key files as they are now; where they cannot be read, the keys of before are kept."""
        if self.gate.mode is Mode.OFF:
            return
        try:
            self.gate.take(open_gate(self.configuration.security, [self.codifier]))
        except JphError as error:
            log.warning("%s; the keys of before are used", error)

    async def command(self, flag: Flag, codifier: str, number: float = 0.0) -> Answer:
        """Send a command, again and again until it is confirmed; gives up after 8 s."""
        return await self._orders.command(flag, codifier, number)

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
        self._orders.hear(frame)
        if self._present and isinstance(frame, ControlFrame) and sender != self.bus.address:
            self._presence.hear(frame, sender, now)
        for callback in self.heard:
            callback(Heard(frame, sender, now, events))

    def _refuse(self, error: DecodeError, datagram: bytes, bus: Bus, sender: Sender, now: Instant) -> None:
        if self.roster.refuse(error, sender):
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
