"""The nodes of one process on one bus: started, fed, reloaded and stopped in order."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from agent.bus import Bus as BusSockets
from agent.bus import BusState
from agent.listening import Listening, buses_for
from agent.presence import GaveWay
from agent.records import log_lines
from agent.repeating import Repeating, rings_within
from agent.security import open_gate
from agent.station import Station
from agent.surroundings import Surroundings
from config.model import Configuration, Node
from protocol import frames
from protocol.bad_datagrams import BadDatagrams
from protocol.codifiers import EVERYBODY
from protocol.commands import Code
from protocol.errors import DecodeError, JphError
from protocol.frames import COMMANDS, Bus, ControlFrame, Flag
from protocol.gate import Gate, Mode, RefusedError
from protocol.instants import Instant
from protocol.senders import Sender
from protocol.troubles import Area
from storage.registry import STORES

if TYPE_CHECKING:
    from agent.spooling import Spooling

log: Final = logging.getLogger("jph.agent")

LAST_WORDS_S: Final = 0.1  # for what the other nodes said last to come back to the sinks of this process

CONTROL_FRAME_BYTES: Final = 37
_CONTROL_LENGTH: Final = (9).to_bytes(4, "little")

Load = Callable[[], Configuration]
Choose = Callable[[Configuration], Iterable[Node]]
Taken = Callable[[Configuration], None]

_EVERYBODY: Final = EVERYBODY.encode()
_ANNOUNCEMENTS: Final = (Flag.NEW.encode(), Flag.ALIVE.encode(), Flag.DIAGNOSIS.encode())
_REPEAT: Final = Flag.REPEAT.encode()


class NothingToRunError(JphError):
    """The configuration has no node for this process."""


class Ending(StrEnum):
    """Why an agent ended."""

    STOPPED = "stopped"
    GAVE_WAY = "gave way"
    NEW_BUS = "new bus"


class Agent:
    """Runs the nodes that `choose` picks from the configuration, and again when the configuration changes.

    `load` reads the configuration anew and is called in a thread; it raises ConfigError. `taken` is told of each
    configuration that was read again and is used from now on.
    """

    def __init__(
        self,
        configuration: Configuration,
        load: Load,
        choose: Choose,
        surroundings: Surroundings,
        taken: Taken | None = None,
    ) -> None:
        self.configuration = configuration
        self.stations: dict[str, Station] = {}
        self.bad_datagrams = BadDatagrams()
        self.gate = Gate(Mode.OFF)
        self.repeating = Repeating(rings_within(configuration.rings), surroundings.clock, self.gate)
        self.started = asyncio.Event()
        self._load = load
        self._choose = choose
        self._surroundings = surroundings
        self._taken = taken
        self._tasks: asyncio.TaskGroup
        self._running: dict[str, asyncio.Task[None]] = {}
        self._bus: BusSockets
        self._ending: asyncio.Future[Ending] | None = None
        self._stopped = False
        self._addressed: set[bytes] = set()
        self._sensors: dict[bytes, Station] = {}
        self._hears_all = False
        self._listening = Listening()
        self._sinks: tuple[Station, ...] = ()
        self._reloading = asyncio.Lock()
        self._changing = asyncio.Lock()
        self._spooling: Spooling | None = None
        self._last_reload: tuple[tuple[str, int, int], Code] | None = None

    @property
    def bus(self) -> BusSockets:
        """The bus that the nodes are on, once `started` is set."""
        return self._bus

    async def run(self) -> Ending:
        """Run until `stop`, or until every node gave way to another instance.

        Raises NothingToRunError, KeyFileError, and BusError for groups that no network has.
        """
        self.gate.take(_gate(self.configuration, _chosen(self._choose, self.configuration)))
        self._spooling = await self._begin_spooling()
        try:
            while not self._stopped:
                ending = await self._run_on_one_bus(self._spooling)
                if ending is not Ending.NEW_BUS:
                    return ending
        finally:
            if self._spooling is not None:
                await self._spooling.close()
        return Ending.STOPPED

    def stop(self) -> None:
        """Let `run` end in order."""
        self._stopped = True
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
        if self._ending is not None and not self._ending.done():
            self._spawn(self._reload_and_tell(), "reload")

    async def _begin_spooling(self) -> "Spooling | None":
        place = self.configuration.spool
        if place is None:
            return None
        from agent.spooling import Spooling  # noqa: PLC0415 - agents that keep nothing on disk do without, and zlib

        name = _chosen(self._choose, self.configuration)[0].codifier
        spooling = Spooling(place, name, self.repeating, self._surroundings.clock, self._diagnose_spool)
        await spooling.load()
        return spooling

    async def _run_on_one_bus(self, spooling: "Spooling | None") -> Ending:
        self._ending = asyncio.get_running_loop().create_future()
        nodes = _chosen(self._choose, self.configuration)
        bus = BusSockets(
            self.configuration.network,
            self._surroundings.clock,
            buses_for(nodes),
            self._receive,
            receive_unicast=self._receive_unicast if any(map(_is_sink, nodes)) else None,
            wanted=self._concerns_us,
            changed=self._bus_changed,
            patient=True,
        )
        async with bus as self._bus, asyncio.TaskGroup() as self._tasks:
            writing = self._spawn(spooling.run(), "spool") if spooling is not None else None
            try:
                self.repeating.open(_sensors_of(nodes), bus.send_to)
                self._listening.follow(self.configuration, nodes)
                for node in nodes:
                    self._start(node)
                self.started.set()
                return await self._ending
            finally:  # also when a fault ends it all: what a node moves is not to stay as it is
                await self._close(list(self.stations.values()))
                self.repeating.close()
                if writing is not None:
                    writing.cancel()

    async def _reload_and_tell(self) -> None:
        if await self.reload() is Code.TAKEN:
            for station in self.stations.values():
                station.presence.announce_reload()

    def _end(self, ending: Ending) -> None:
        if self._ending is not None and not self._ending.done():
            self._ending.set_result(ending)

    def _start(self, node: Node) -> None:
        station = Station(
            node,
            self._surroundings,
            bus=self._bus,
            kept=self.repeating,
            gate=self.gate,
            spawn=self._spawn,
            reload=self.reload,
            give_way=self._give_way,
            listening=self._listening,
        )
        self.stations[node.codifier] = station
        station.source.configured(self.configuration)
        self._diagnose_spool()
        self._look_who_hears()
        self._running[node.codifier] = self._spawn(station.run(), node.codifier)

    def _diagnose_spool(self) -> None:
        """Let the first of the nodes tell how the spool is, which is that of all of them."""
        first = next(iter(self.stations.values()), None)
        if self._spooling is not None and first is not None:
            first.presence.diagnose(Area.SPOOL, self._spooling.troubles)
            first.presence.diagnose(Area.MEASURED, self._spooling.measured)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        return self._tasks.create_task(work, name=name)

    def _look_who_hears(self) -> None:
        self._addressed = {codifier.encode() for codifier in (*self.stations, EVERYBODY)}
        self._sensors = {
            sensor.codifier.encode(): station for station in self.stations.values() for sensor in station.node.sensors
        }
        self._sinks = tuple(station for station in self.stations.values() if _is_sink(station.node))
        is_told_all = any(STORES[sink.node.driver].hears for sink in self._sinks)
        self._hears_all = is_told_all or self._listening.hears_all

    def _give_way(self, other: GaveWay) -> None:
        log.error("%s: this one stops; `jph-agent --takeover` starts all the same", other)
        station = self.stations.get(other.codifier)
        if station is not None:
            self._spawn(self._leave_it_to_another(station), f"{other.codifier} gives way")

    async def _leave_it_to_another(self, station: Station) -> None:
        await self._close([station])
        if not self.stations and not self._changing.locked():
            self._end(Ending.GAVE_WAY)

    async def _close(self, stations: Sequence[Station]) -> None:
        """Stop these nodes: sinks last, so that they store what the others still say."""
        sinks = [station for station in stations if _is_sink(station.node)]
        others = [station for station in stations if station not in sinks]
        await asyncio.gather(*(self._close_one(station) for station in others))
        if others and sinks:
            await asyncio.sleep(LAST_WORDS_S)
        await asyncio.gather(*(self._close_one(station) for station in sinks))

    async def _close_one(self, station: Station) -> None:
        codifier = station.node.codifier
        if self.stations.get(codifier) is not station:
            return  # it is being closed already
        del self.stations[codifier]
        self._diagnose_spool()
        self._look_who_hears()
        running = self._running.pop(codifier)
        running.cancel()
        await asyncio.wait([running])
        await station.close()

    async def _read_again(self) -> Code:
        try:
            configuration = await self._surroundings.threads.call(self._load)
            nodes = _chosen(self._choose, configuration)
            gate = _gate(configuration, nodes)
        except JphError as error:
            log_lines(log, logging.ERROR, f"the configuration was not taken, the old one is kept:\n{error}")
            return Code.BAD_CONFIGURATION
        except Exception:  # whatever is wrong with a new configuration, what runs goes on running
            log.exception("the configuration was not taken, the old one is kept")
            return Code.BAD_CONFIGURATION
        # In a task of its own, so that the command is answered before its node is perhaps restarted.
        self._spawn(self._change_to(configuration, nodes, gate), "change")
        return Code.TAKEN

    async def _change_to(self, configuration: Configuration, nodes: Sequence[Node], gate: Gate) -> None:
        async with self._changing:
            if self._ending is None or self._ending.done():
                return
            self.gate.take(gate)
            former, self.configuration = self.configuration, configuration
            if self._taken is not None:
                self._taken(configuration)
            running = [station.node for station in self.stations.values()]
            for station in self.stations.values():
                station.source.configured(configuration)
            if configuration.network != former.network or buses_for(nodes) != buses_for(running):
                log.info("the configuration was read again: the buses change, all nodes are restarted")
                self._end(Ending.NEW_BUS)
            else:
                self._listening.follow(configuration, nodes)
                await self._restart_what_changed(nodes)

    async def _restart_what_changed(self, nodes: Sequence[Node]) -> None:
        changed = [station for station in self.stations.values() if station.node not in nodes]
        before = len(self.stations)
        await self._close(changed)
        if self._ending is not None and self._ending.done():
            return  # all of them are being closed
        self.repeating.open(_sensors_of(nodes), self._bus.send_to)
        new = [node for node in nodes if node.codifier not in self.stations]
        for node in new:
            self._start(node)
        log.info("the configuration was read again: of %d nodes %d ended, %d started", before, len(changed), len(new))

    def _bus_changed(self, state: BusState) -> None:
        if state.up:
            # Not at once: this may be in the midst of sending something.
            asyncio.get_running_loop().call_soon(self._show_all)

    def _show_all(self) -> None:
        for station in self.stations.values():
            station.presence.network_is_back()

    def _concerns_us(self, datagram: bytes) -> bool:
        """Tell from the header alone whether a control frame is worth decoding (docs/protocol.md, "Frames").

        What is no control frame at all is decoded too: that counts it, with its sender.
        """
        if len(datagram) != CONTROL_FRAME_BYTES or datagram[24:28] != _CONTROL_LENGTH:
            return True
        source, destination = datagram[17:19], datagram[19:21]
        if datagram[16:17] == _REPEAT:
            return destination in self._sensors or self._hears_all
        if destination == _EVERYBODY and datagram[16:17] in _ANNOUNCEMENTS:
            return self._hears_all or source in self._addressed
        return self._hears_all or destination in self._addressed or source in self._addressed

    def _receive(self, bus: Bus, datagrams: list[tuple[bytes, Sender]], now: Instant) -> None:
        for datagram, sender in datagrams:
            if bus is Bus.DATA and not self._sinks and not self._listening.wants(datagram[17:19]):
                continue
            try:
                frame = self.gate.open(bus, datagram)
            except DecodeError as error:
                self._refuse(error, bus, sender, now)
                continue
            self._listening.hear(frame, sender, now)
            if isinstance(frame, ControlFrame):
                self._hear(frame, sender, now)
            for sink in self._sinks:
                sink.source.hear(frame, now)
        self._tell_sinks()

    def _receive_unicast(self, datagrams: list[tuple[bytes, Sender]], now: Instant) -> None:
        """Take the answers to requests of the sinks: readings, and what is not kept."""
        for datagram, sender in datagrams:
            bus = frames.bus_of(datagram)
            try:
                frame = self.gate.open(bus, datagram)
            except DecodeError as error:
                self._count_bad(error, bus, sender)
                continue
            for sink in self._sinks:
                sink.source.hear_answer(frame, now)
        self._tell_sinks()

    def _tell_sinks(self) -> None:
        for sink in self._sinks:
            sink.source.heard()

    def _hear(self, frame: ControlFrame, sender: Sender, now: Instant) -> None:
        if frame.flag is Flag.REPEAT and self._may_answer(frame.destination):
            self.repeating.request(frame, sender, now)
        own = sender == self._bus.address  # a node of this process is no rival of itself, also after a restart
        for station in self._concerned(frame):
            if not (own and frame.source == station.node.codifier):
                station.presence.hear(frame, sender, now)

    def _may_answer(self, codifier: str) -> bool:
        """Tell whether no other instance has readings of a sensor that would be refused here."""
        station = self._sensors.get(codifier.encode())
        return station is not None and station.presence.settled.is_set()

    def _concerned(self, frame: ControlFrame) -> list[Station]:
        """Commands and pings concern whom they are sent to, announcements only a namesake."""
        if frame.destination == EVERYBODY and frame.flag.encode() not in _ANNOUNCEMENTS:
            return list(self.stations.values())
        return [self.stations[name] for name in {frame.destination, frame.source} if name in self.stations]

    def _refuse(self, error: DecodeError, bus: Bus, sender: Sender, now: Instant) -> None:
        self._count_bad(error, bus, sender)
        if isinstance(error, RefusedError) and isinstance(error.frame, ControlFrame) and error.frame.flag in COMMANDS:
            station = self.stations.get(error.frame.destination)
            if station is not None:
                station.presence.refuse(error.frame, sender, now)

    def _count_bad(self, error: DecodeError, bus: Bus, sender: Sender) -> None:
        if self.bad_datagrams.count(error, sender):
            log.warning("bad datagram on the %s bus from %s port %d: %s", bus, *sender, error)


def _chosen(choose: Choose, configuration: Configuration) -> tuple[Node, ...]:
    """Choose each node once, however often it was named."""
    nodes = tuple({node.codifier: node for node in choose(configuration)}.values())
    if not nodes:
        raise NothingToRunError(
            f"{configuration.source or 'the configuration'} has no node for this host",
            "name the codifiers to run, or set `host:` of some nodes to this host's name",
        )
    return nodes


def _gate(configuration: Configuration, nodes: Iterable[Node]) -> Gate:
    return open_gate(configuration.security, [node.codifier for node in nodes])


def _sensors_of(nodes: Iterable[Node]) -> list[str]:
    return [sensor.codifier for node in nodes for sensor in node.sensors]


def _is_sink(node: Node) -> bool:
    return node.driver in STORES
