"""The nodes of one process on one bus: started, fed, reloaded and stopped in order."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from enum import StrEnum
from typing import Any, Final

from agent.bus import Bus as BusSockets
from agent.presence import GaveWay
from agent.station import Station
from agent.surroundings import Surroundings
from config.model import Configuration, Node
from protocol import frames
from protocol.bad_datagrams import BadDatagrams
from protocol.codifiers import EVERYBODY
from protocol.commands import Code
from protocol.errors import DecodeError, JphError
from protocol.frames import Bus, ControlFrame, Flag
from protocol.instants import Instant
from protocol.members import Sender
from storage.registry import STORES

log: Final = logging.getLogger("jph.agent")

Load = Callable[[], Configuration]
Choose = Callable[[Configuration], Iterable[Node]]


_EVERYBODY: Final = EVERYBODY.encode()
_ANNOUNCEMENTS: Final = (Flag.NEW.encode(), Flag.ALIVE.encode())


class NothingToRunError(JphError):
    """The configuration has no node for this process."""


class Ending(StrEnum):
    """Why an agent ended."""

    STOPPED = "stopped"
    GAVE_WAY = "gave way"
    NEW_BUS = "new bus"


class Agent:
    """Runs the nodes that `choose` picks from the configuration, and again when the configuration changes.

    `load` reads the configuration anew and is called in a thread; it raises ConfigError.
    """

    def __init__(self, configuration: Configuration, load: Load, choose: Choose, surroundings: Surroundings) -> None:
        self.configuration = configuration
        self.stations: dict[str, Station] = {}
        self.bad_datagrams = BadDatagrams()
        self.started = asyncio.Event()
        self._load = load
        self._choose = choose
        self._surroundings = surroundings
        self._tasks: asyncio.TaskGroup
        self._running: dict[str, asyncio.Task[None]] = {}
        self._bus: BusSockets
        self._ending: asyncio.Future[Ending]
        self._addressed: set[bytes] = set()
        self._reloading = asyncio.Lock()
        self._last_reload: tuple[tuple[str, int, int], Code] | None = None

    async def run(self) -> Ending:
        """Run until `stop`, until every node gave way to another instance, or until a bus of another kind is needed.

        After `NEW_BUS` the configuration is the new one: run once more. Raises NothingToRunError and BusError.
        """
        self._ending = asyncio.get_running_loop().create_future()
        nodes = _chosen(self._choose, self.configuration)
        bus = BusSockets(
            self.configuration.network,
            self._surroundings.clock,
            _buses_for(nodes),
            self._receive,
            wanted=self._concerns_us,
            patient=True,
        )
        async with bus as self._bus, asyncio.TaskGroup() as self._tasks:
            log.info("%s", self._bus.describe())
            for node in nodes:
                self._start(node)
            self.started.set()
            ending = await self._ending
            await self._close(list(self.stations.values()))
        return ending

    def stop(self) -> None:
        """Let `run` end in order."""
        self._end(Ending.STOPPED)

    async def reload(self, command: ControlFrame | None = None) -> Code:
        """Read the configuration again; keep the old one when the new one is bad, and restart only what changed.

        A command to everybody, which reaches each node, is carried out once.
        """
        identity = (command.source, command.sequence, command.timestamp_ms) if command else ("", 0, 0)
        async with self._reloading:
            if command is None or self._last_reload is None or self._last_reload[0] != identity:
                self._last_reload = (identity, await self._read_again())
            return self._last_reload[1]

    def reload_soon(self) -> None:
        """Read the configuration again, as the command to everybody does."""
        self._spawn(self._reload_and_tell(), "reload")

    async def _reload_and_tell(self) -> None:
        if await self.reload() is Code.TAKEN:
            for station in self.stations.values():
                station.presence.announce_reload()

    def _end(self, ending: Ending) -> None:
        if not self._ending.done():
            self._ending.set_result(ending)

    def _start(self, node: Node) -> None:
        station = Station(
            node,
            self._surroundings,
            bus=self._bus,
            spawn=self._spawn,
            reload=self.reload,
            give_way=self._give_way,
        )
        self.stations[node.codifier] = station
        self._addressed = {codifier.encode() for codifier in (*self.stations, EVERYBODY)}
        self._running[node.codifier] = self._spawn(station.run(), node.codifier)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        return self._tasks.create_task(work, name=name)

    def _give_way(self, other: GaveWay) -> None:
        log.error("%s: this one stops; `jph-agent --takeover` starts all the same", other)
        station = self.stations.get(other.codifier)
        if station is not None:
            self._spawn(self._close([station]), f"{other.codifier} gives way")
        if len(self.stations) == 1:
            self._end(Ending.GAVE_WAY)

    async def _close(self, stations: Iterable[Station]) -> None:
        """Stop these nodes: sinks last, so that they store what the others still say."""
        for station in sorted(stations, key=lambda station: station.node.driver in STORES):
            if self.stations.pop(station.node.codifier, None) is not None:
                self._running.pop(station.node.codifier).cancel()
                await station.close()

    async def _read_again(self) -> Code:
        try:
            configuration = await self._surroundings.threads.call(self._load)
            nodes = _chosen(self._choose, configuration)
        except JphError as error:
            log.error("the configuration was not taken, the old one is kept:\n%s", error)
            return Code.BAD_CONFIGURATION
        # In a task of its own, so that the command is answered before its node is perhaps restarted.
        self._spawn(self._change_to(configuration, nodes), "reload")
        return Code.TAKEN

    async def _change_to(self, configuration: Configuration, nodes: tuple[Node, ...]) -> None:
        former, self.configuration = self.configuration, configuration
        former_nodes = [station.node for station in self.stations.values()]
        if configuration.network != former.network or _buses_for(nodes) != _buses_for(former_nodes):
            log.info("the configuration was read again: the network changes, all nodes are restarted")
            self._end(Ending.NEW_BUS)
            return
        changed = [station for station in self.stations.values() if station.node not in nodes]
        log.info("the configuration was read again: %d of %d nodes change", len(changed), len(former_nodes))
        await self._close(changed)
        for node in nodes:
            if node.codifier not in self.stations:
                self._start(node)

    def _concerns_us(self, datagram: bytes) -> bool:
        """Tell from the header alone whether a control frame is worth decoding (docs/protocol.md, "Frames")."""
        source, destination = datagram[17:19], datagram[19:21]
        if destination == _EVERYBODY and datagram[16:17] in _ANNOUNCEMENTS:
            return source in self._addressed
        return destination in self._addressed or source in self._addressed

    def _receive(self, bus: Bus, datagrams: list[tuple[bytes, Sender]], now: Instant) -> None:
        for datagram, sender in datagrams:
            try:
                frame = frames.decode(bus, datagram)
            except DecodeError as error:
                self._count_bad(error, bus, sender)
                continue
            if isinstance(frame, ControlFrame):
                self._hear(frame, sender, now)
            else:
                for station in self.stations.values():
                    station.source.take(frame)

    def _hear(self, frame: ControlFrame, sender: Sender, now: Instant) -> None:
        own = sender == self._bus.address  # a node of this process is no rival of itself, also after a restart
        for station in self._concerned(frame):
            if not (own and frame.source == station.node.codifier):
                station.presence.hear(frame, sender, now)

    def _concerned(self, frame: ControlFrame) -> list[Station]:
        """Commands and pings concern whom they are sent to, announcements only a namesake."""
        if frame.destination == EVERYBODY and frame.flag.encode() not in _ANNOUNCEMENTS:
            return list(self.stations.values())
        return [self.stations[name] for name in {frame.destination, frame.source} if name in self.stations]

    def _count_bad(self, error: DecodeError, bus: Bus, sender: Sender) -> None:
        if self.bad_datagrams.count(error, sender):
            log.warning("bad datagram on the %s bus from %s port %d: %s", bus, *sender, error)


def _chosen(choose: Choose, configuration: Configuration) -> tuple[Node, ...]:
    nodes = tuple(choose(configuration))
    if not nodes:
        raise NothingToRunError(
            f"{configuration.source or 'the configuration'} has no node for this host",
            "name the codifiers to run, or set `host:` of some nodes to this host's name",
        )
    return nodes


def _buses_for(nodes: Iterable[Node]) -> frozenset[Bus]:
    """Only a sink needs to hear readings: a Pi that has none is not woken by those of a thousand others."""
    hears_readings = any(node.driver in STORES for node in nodes)
    return frozenset({Bus.CONTROL, Bus.DATA} if hears_readings else {Bus.CONTROL})
