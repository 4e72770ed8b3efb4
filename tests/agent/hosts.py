"""Agents and operators on real sockets, for tests that drive the time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from textwrap import dedent
from typing import Final, TypeVar

import msgspec
import pytest

from agent.agent import LAST_WORDS_S, Agent, Ending
from agent.bus import Datagram
from agent.clock import Clock
from agent.configuration import kinds
from agent.participant import Heard, Participant
from agent.publisher import LAST_REQUESTS_S
from agent.sensing import FIRST_READINGS_WITHIN_S
from agent.station import Station
from agent.supervisor import CLOSING_S
from agent.surroundings import Surroundings
from agent.threads import DaemonThreads
from config.loading import loads
from config.model import Configuration, Network, Node, Security
from protocol.frames import Bus, Frame
from protocol.instants import Instant
from protocol.life import PROBE_S
from tests.agent.devices import until
from tests.support.driven_time import DrivenLoop

T = TypeVar("T")

NO_TAGS: Final = Security()


def configured(network: Network, nodes: str, security: Security = NO_TAGS) -> Configuration:
    """Load the section `nodes` of a configuration."""
    text = "nodes:\n" + "".join(f"  {line}\n" for line in dedent(nodes).strip().splitlines())
    loaded = loads(text.encode(), "jph.yaml", kinds)
    return msgspec.structs.replace(loaded, network=network, security=security)


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged that is more than information."""
    return [record.getMessage() for record in caplog.records if record.levelname != "INFO"]


async def passing_time(loop: DrivenLoop, work: Awaitable[T]) -> T:
    """Await what takes its time, as to leave the bus does, and let that pass."""
    future = asyncio.ensure_future(work)
    while not future.done():
        await loop.advance(LAST_REQUESTS_S if loop.is_due_within(LAST_REQUESTS_S) else 0.0)
    return await future


class Host:
    """One process with an agent. `configuration` is what it finds when it reads it again, or the error then.

    `clock` is that of the loop, unless this computer's is another one.
    """

    def __init__(
        self,
        loop: DrivenLoop,
        configuration: Configuration,
        path: Path,
        *,
        takeover: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self.loop = loop
        self.configuration: Configuration | Exception = configuration
        self.codifiers: Sequence[str] | None = None
        self.loads = 0
        self.taken: list[Configuration] = []
        self.threads = DaemonThreads("host")
        surroundings = Surroundings(path, takeover=takeover, clock=clock or loop.clock, threads=self.threads)
        self.agent = Agent(configuration, self._load, self._choose, surroundings, self.taken.append)
        self.run: asyncio.Task[Ending] = loop.create_task(self.agent.run())

    def _load(self) -> Configuration:
        self.loads += 1
        if isinstance(self.configuration, Exception):
            raise self.configuration
        return self.configuration

    def _choose(self, configuration: Configuration) -> list[Node]:
        if self.codifiers is None:
            return list(configuration.nodes.values())
        return [configuration.nodes[codifier] for codifier in self.codifiers]

    @property
    def stations(self) -> list[Station]:
        """The nodes that run now."""
        return list(self.agent.stations.values())

    async def begin(self) -> None:
        """Wait until nobody objected to the nodes, and the first readings are being made."""
        await self.agent.started.wait()
        stations = self.agent.stations.values()
        await until(lambda: all(station.presence.life.config_time_ms for station in stations))
        await self.loop.advance(PROBE_S + FIRST_READINGS_WITHIN_S)

    async def stop(self, *, hanging: bool = False) -> Ending:
        """Let the agent end. Of drivers that hang it has to be said: only then they are given up."""
        self.agent.stop()
        if hanging:
            await self.loop.advance(CLOSING_S)
        return await self.ended()

    async def ended(self) -> Ending:
        """Wait, as long as it really takes, until the agent ended; only what it says last has its time."""
        while not self.run.done():
            await self.loop.advance(LAST_WORDS_S if self.loop.is_due_within(LAST_WORDS_S) else 0.0)
        return await self.run


class Operator(Participant):
    """Hears everything, and waits for what is to be heard."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type] # the same as a participant's
        self.unseen: list[Frame] = []
        self.heard.append(self._note)
        self.loses_data = False
        self._arrived = asyncio.Event()

    async def hears(self, flag: str, source: str | None = None) -> Frame:
        """Wait for the next frame with this flag, and return it; those before it are passed over."""
        while True:
            while self.unseen:
                frame = self.unseen.pop(0)
                if frame.flag == flag and source in {None, frame.source}:
                    return frame
            self._arrived.clear()
            await self._arrived.wait()

    async def hears_flags(self, source: str, flags: str) -> None:
        """Wait until the flags of what the source says, from now on, are these."""
        said = ""
        while len(said) < len(flags):
            while self.unseen and len(said) < len(flags):
                frame = self.unseen.pop(0)
                said += frame.flag if frame.source == source else ""
            if len(said) < len(flags):
                self._arrived.clear()
                await self._arrived.wait()
        assert said == flags

    def said(self, source: str) -> str:
        """Return the flags of what was heard of a source and not seen yet."""
        said = "".join(frame.flag for frame in self.unseen if frame.source == source)
        self.unseen = [frame for frame in self.unseen if frame.source != source]
        return said

    def _receive(self, bus: Bus, datagrams: list[Datagram], now: Instant) -> None:
        """Receive what the network does not lose."""
        if bus is Bus.CONTROL or not self.loses_data:
            super()._receive(bus, datagrams, now)

    def _note(self, heard: Heard) -> None:
        self.unseen.append(heard.frame)
        self._arrived.set()


class Lan:
    """A network on loopback, with the hosts and operators that a test puts there."""

    def __init__(self, loop: DrivenLoop, network: Network, path: Path) -> None:
        self.loop = loop
        self.network = network
        self.path = path
        self.hosts: list[Host] = []
        self._entered = AsyncExitStack()

    def configured(self, nodes: str) -> Configuration:
        """Load the section `nodes` of a configuration for this network."""
        return configured(self.network, nodes)

    def start(self, nodes: str, *, takeover: bool = False) -> Host:
        """Start an agent with all nodes of a configuration."""
        host = Host(self.loop, self.configured(nodes), self.path, takeover=takeover)
        self.hosts.append(host)
        return host

    async def host(self, nodes: str, *, takeover: bool = False) -> Host:
        """Start an agent and wait until its nodes are settled."""
        host = self.start(nodes, takeover=takeover)
        await host.begin()
        return host

    async def operator(self, nodes: str = "CC: {driver: console}", *, follow: bool = False) -> Operator:
        """Let an operator hear everything, and with `follow` ask for what is missing."""
        operator = Operator(self.configured(nodes), "CC", self.loop.clock, follow=follow)
        return await self._entered.enter_async_context(operator)

    async def close(self) -> None:
        """Stop what still runs."""
        for host in self.hosts:
            if not host.run.done():
                await host.stop(hanging=True)
            host.threads.close()
        await self._entered.aclose()


@pytest.fixture
async def lan(driven_time: DrivenLoop, network: Network, tmp_path: Path) -> AsyncIterator[Lan]:
    """Give a network on loopback."""
    lan = Lan(driven_time, network, tmp_path)
    yield lan
    await lan.close()
