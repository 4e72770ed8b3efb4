"""Networks with keys: agents and operators that were granted some, and a stranger who hears and sends any bytes."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, NamedTuple, Self

import msgspec
import pytest

from agent.bus import Bus as BusSockets
from agent.bus import Datagram
from agent.clock import Clock
from config import keyfile, rotation
from config.granting import grant_for
from config.keyfile import NetworkFile, Role
from config.keystore import KeyStore
from config.model import Configuration, Network, Security
from protocol import frames
from protocol.frames import Bus, Flag, Frame, addressed, bus_of, encode
from protocol.gate import Gate, Mode
from protocol.instants import Instant
from protocol.keyring import Held
from protocol.senders import Sender
from storage.registry import STORES
from tests.agent.hosts import Host, Lan, Operator
from tests.protocol.holders import NETWORK_KEY, ring
from tests.support.driven_time import DrivenLoop, ManualClock

NO_TARGETS: Final = frozenset[str]()


class OffClock:
    """The clock of a computer that nobody set, or that is set while it runs: it goes right, but is wrong by so much."""

    def __init__(self, true: ManualClock, by_s: float = 0.0) -> None:
        self._true = true
        self.by_s = by_s

    def now(self) -> Instant:
        now = self._true.now()
        return now._replace(wall_ms=now.wall_ms + self.by_s * 1000)


class Place:
    """A computer with key files of its own, in a directory that it does not share."""

    def __init__(self, path: Path) -> None:
        self._store = KeyStore(path)

    def security(self, mode: Mode, unsigned: Collection[str] = ()) -> Security:
        """Return what the configuration of this computer says."""
        return Security(mode=mode, keys=str(self._store.directory), unsigned=tuple(unsigned))

    def grant(
        self,
        network: NetworkFile,
        configuration: Configuration,
        codifier: str,
        role: Role | None = None,
        *,
        reads: Collection[str] = (),
        targets: Collection[str] = (),
    ) -> None:
        """Do what `jph keys grant ... | ssh PLACE jph keys install -` does."""
        node = configuration.nodes.get(codifier)
        is_store = node is not None and node.driver in STORES
        grant = grant_for(configuration, codifier, role, reads=reads, targets=targets, is_store=is_store)
        self._store.write(codifier, keyfile.granted(network, codifier, grant))


class Heard(NamedTuple):
    """A datagram as it came."""

    bus: Bus
    datagram: bytes
    sender: Sender

    @property
    def flag(self) -> Flag:
        """What it says that it is."""
        return addressed(self.datagram)[0]

    @property
    def source(self) -> str:
        """Who it says that it comes from."""
        return addressed(self.datagram)[1]

    @property
    def frame(self) -> Frame:
        """What it says, true or not."""
        return frames.decode(self.bus, self.datagram)


class Stranger:
    """Somebody on the network: hears all datagrams, and what is sent to it alone; sends any, sealed with keys or not.

    `keys` are those that it has, stolen or granted; without any it seals nothing.
    """

    def __init__(self, network: Network, loop: DrivenLoop) -> None:
        self.heard: list[Heard] = []
        self.answers: list[Heard] = []
        self._bus = BusSockets(network, loop.clock, tuple(Bus), self._hear, receive_unicast=self._hear_answer)
        self._loop = loop
        self._arrived = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._bus.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._bus.close()

    @property
    def address(self) -> Sender:
        """Where it sends from."""
        assert self._bus.address is not None
        return self._bus.address

    async def send(self, bus: Bus, *datagrams: bytes) -> None:
        """Send any bytes, and let everybody hear them."""
        for datagram in datagrams:
            self._bus.send(bus, datagram)
        await self._loop.settle()

    async def send_to(self, address: Sender, datagram: bytes) -> None:
        """Send any bytes to one program."""
        self._bus.send_to(address, datagram)
        await self._loop.settle()

    async def say(self, frame: Frame, *keys: Held) -> bytes:
        """Send a frame, sealed with what the keys allow; returns its datagram."""
        datagram = sealed(frame, *keys)
        await self.send(frame.bus, datagram)
        return datagram

    async def hears(self, flags: str, source: str | None = None) -> Heard:
        """Wait for a datagram with one of these flags, of those that were not returned yet; others are passed over."""
        while True:
            while self.heard:
                heard = self.heard.pop(0)
                if heard.flag in flags and source in {None, heard.source}:
                    return heard
            self._arrived.clear()
            await self._arrived.wait()

    def _hear(self, bus: Bus, datagrams: list[Datagram], _: Instant) -> None:
        own = self.address
        self.heard += [Heard(bus, datagram, sender) for datagram, sender in datagrams if sender != own]
        self._arrived.set()

    def _hear_answer(self, datagrams: list[Datagram], _: Instant) -> None:
        self.answers += [Heard(bus_of(datagram), datagram, sender) for datagram, sender in datagrams]


def sealed(frame: Frame, *keys: Held) -> bytes:
    """Return the datagram of a frame, with the tag that keys allow: that of the first."""
    datagram = encode(frame)
    return Gate(Mode.REQUIRE, ring(*keys, signs_with=keys[0].key_id)).seal(frame.bus, datagram) if keys else datagram


class SecuredLan:
    """A network on loopback whose hosts and operators have keys. `file` is what its owner has."""

    def __init__(self, lan: Lan) -> None:
        self.lan = lan
        self.file = rotation.begin_network(NETWORK_KEY, 0)
        self.places: dict[str, Place] = {}
        self._entered = AsyncExitStack()

    def place(self, name: str) -> Place:
        """Return a computer."""
        return self.places.setdefault(name, Place(self.lan.path / f"keys of {name}"))

    def configured(
        self, nodes: str, place: str, mode: Mode = Mode.REQUIRE, unsigned: Collection[str] = ()
    ) -> Configuration:
        """Load the section `nodes`; the keys lie at a place."""
        security = self.place(place).security(mode, unsigned)
        return msgspec.structs.replace(self.lan.configured(nodes), security=security)

    def start(
        self,
        nodes: str,
        place: str = "shed",
        mode: Mode = Mode.REQUIRE,
        *,
        unsigned: Collection[str] = (),
        clock: Clock | None = None,
        takeover: bool = False,
    ) -> Host:
        """Start an agent with these nodes, which get their keys first. What they took is kept at the same place."""
        configuration = self.configured(nodes, place, mode, unsigned)
        for codifier in configuration.nodes:
            self.place(place).grant(self.file, configuration, codifier)
        host = Host(self.lan.loop, configuration, self.state(place), takeover=takeover, clock=clock)
        self.lan.hosts.append(host)
        return host

    def state(self, place: str) -> Path:
        """Return the state directory of the agents at a place."""
        return self.lan.path / f"state of {place}"

    async def host(self, nodes: str, place: str = "shed", mode: Mode = Mode.REQUIRE, **choices: object) -> Host:
        """Start an agent and wait until its nodes are settled."""
        host = self.start(nodes, place, mode, **choices)  # type: ignore[arg-type] # the same as those of `start`
        await host.begin()
        return host

    async def operator(
        self, nodes: str, targets: Collection[str] = NO_TARGETS, mode: Mode = Mode.REQUIRE, codifier: str = "CC"
    ) -> Operator:
        """Let an operator hear everything and command these."""
        place = f"desk of {codifier}"
        configuration = self.configured(f"{nodes}\n{codifier}: {{driver: console}}", place, mode)
        self.place(place).grant(self.file, configuration, codifier, targets=targets)
        operator = Operator(configuration, codifier, self.lan.loop.clock)
        return await self._entered.enter_async_context(operator)

    async def stranger(self) -> Stranger:
        """Let somebody be on the network whom nobody knows."""
        return await self._entered.enter_async_context(Stranger(self.lan.network, self.lan.loop))

    async def close(self) -> None:
        """Let the operators and strangers go."""
        await self._entered.aclose()


@pytest.fixture
async def secured(lan: Lan) -> AsyncIterator[SecuredLan]:
    """Give a network on loopback whose programs have keys."""
    secured = SecuredLan(lan)
    yield secured
    await secured.close()
