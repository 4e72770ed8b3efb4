"""A hundred thousand datagrams, most of them no frames: nothing stops, no good reading is lost, all is counted."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Final

import msgspec
import pytest

from agent.agent import Agent
from agent.bus import Bus as BusSockets
from agent.clock import SystemClock
from agent.configuration import kinds
from agent.participant import Participant
from agent.surroundings import Surroundings
from agent.threads import DaemonThreads
from config.loading import loads
from config.model import Configuration, Network
from protocol.errors import DecodeError
from protocol.frames import HEADER_BYTES, MAX_FRAME_BYTES, Bus, decode, encode, reading_frame
from protocol.members import Sender
from protocol.readings import Reading
from storage.sqlite import open_for_reading

DATAGRAMS: Final = 100_000
GOOD_EVERY: Final = 10
LOT: Final = 200  # sent at once, before the listeners have to have heard them: far less than their buffers hold
NOW_MS: Final = 1_795_334_500_000


def good(number: int) -> bytes:
    """Return a reading's frame."""
    return encode(reading_frame(Reading("C1", NOW_MS + number, number, number / 10)))


def foreign(random: Random, _: bytes) -> bytes:
    return random.choice([b"M-SEARCH * HTTP/1.1\r\n", b'{"temperature": 21.5}', b"\x00" * 64, b""])


def random_bytes(random: Random, _: bytes) -> bytes:
    return random.randbytes(random.randrange(200))


def truncated(random: Random, frame: bytes) -> bytes:
    return frame[: random.randrange(len(frame))]


def oversized(random: Random, frame: bytes) -> bytes:
    return frame + bytes(random.randrange(MAX_FRAME_BYTES, 3_000))


def flipped(random: Random, frame: bytes) -> bytes:
    """Return the frame with another flag, codifier or length: what a bad cable or another version sends."""
    broken = bytearray(frame)
    broken[random.randrange(16, HEADER_BYTES)] = random.randrange(128, 256)
    return bytes(broken)


def bad_text(random: Random, frame: bytes) -> bytes:
    content = random.choice([b"\xff\xfe", b"[" * 900, b'{"value": 1e999}', b"{}", b'{"value": ' + b"9" * 800 + b"}x"])
    payload = len(content).to_bytes(4, "little") + content
    return frame[:16] + random.choice([b"s", b"j"]) + frame[17:24] + len(payload).to_bytes(4, "little") + payload


BAD: Final = (foreign, random_bytes, truncated, oversized, flipped, bad_text)


def is_refused(datagram: bytes) -> str:
    """Return the kind of error that a datagram of the data bus is, or nothing."""
    try:
        decode(Bus.DATA, datagram[:2048])
    except DecodeError as error:
        return error.kind
    return ""


def mixture(random: Random) -> Iterator[bytes]:
    """Go through all datagrams: each tenth is a good reading, the others are refused by `decode`."""
    for number in range(DATAGRAMS):
        if number % GOOD_EVERY == 0:
            yield good(number // GOOD_EVERY)
            continue
        datagram = b""
        while not is_refused(datagram) or not datagram:
            datagram = random.choice(BAD)(random, good(number))
        yield datagram


@pytest.fixture
def configuration(network: Network, tmp_path: Path) -> Configuration:
    """Return a network with a sink."""
    text = f"nodes: {{Q1: {{driver: sqlite, options: {{path: {tmp_path}/history.db}}}}, CC: {{driver: console}}}}"
    return msgspec.structs.replace(loads(text.encode(), "jph.yaml", kinds), network=network)


class RunningSink:
    """An agent with the sink."""

    def __init__(self, configuration: Configuration, path: Path, threads: DaemonThreads) -> None:
        sinks = [configuration.nodes["Q1"]]
        surroundings = Surroundings(path, threads=threads)
        self.agent = Agent(configuration, lambda: configuration, lambda _: sinks, surroundings)
        self._run = asyncio.create_task(self.agent.run())

    async def begin(self) -> None:
        """Wait until it stores."""
        await self.agent.started.wait()
        await self.agent.stations["Q1"].presence.settled.wait()

    async def end(self) -> None:
        """Stop it, with all that waits stored; a second time does nothing."""
        self.agent.stop()
        await self._run


@pytest.fixture
async def sink(configuration: Configuration, tmp_path: Path) -> AsyncIterator[RunningSink]:
    """Run the sink."""
    threads = DaemonThreads("test")
    sink = RunningSink(configuration, tmp_path, threads)
    await sink.begin()
    yield sink
    await sink.end()
    threads.close()


@asynccontextmanager
async def senders(configuration: Configuration) -> AsyncIterator[list[BusSockets]]:
    """Open two programs that only send."""
    async with AsyncExitStack() as stack:
        make = [BusSockets(configuration.network, SystemClock(), [], lambda *_: None) for _ in range(2)]
        yield [await stack.enter_async_context(bus) for bus in make]


async def send_all(datagrams: list[bytes], buses: list[BusSockets], listeners: list[BusSockets]) -> None:
    """Send everything in lots, each when the one before was heard by all."""
    before = [listener.counters.received[Bus.DATA] for listener in listeners]
    for start in range(0, len(datagrams), LOT):
        lot = datagrams[start : start + LOT]
        for number, datagram in enumerate(lot, start):
            assert buses[number // GOOD_EVERY % len(buses)].send(Bus.DATA, datagram)
        for listener, first in zip(listeners, before, strict=True):
            while listener.counters.received[Bus.DATA] < first + start + len(lot):  # noqa: ASYNC110 - a counter rings no bell
                await asyncio.sleep(0)


def counted(datagrams: list[bytes], buses: list[BusSockets]) -> dict[Sender, Counter[str]]:
    """Return what has to be counted of each sender."""
    expected: dict[Sender, Counter[str]] = {}
    for number, datagram in enumerate(datagrams):
        address = buses[number // GOOD_EVERY % len(buses)].address
        assert address is not None
        expected.setdefault(address, Counter())[is_refused(datagram)] += 1
    for kinds_of_one in expected.values():
        del kinds_of_one[""]
    return expected


async def test_good_readings_among_garbage_all_arrive_and_the_garbage_is_counted_by_sender_and_kind(
    configuration: Configuration, sink: RunningSink, tmp_path: Path
) -> None:
    datagrams = list(mixture(Random(7)))
    async with Participant(configuration, "CC") as operator, senders(configuration) as buses:
        await send_all(datagrams, buses, [operator.bus, sink.agent.bus])
        expected = counted(datagrams, buses)
        tracker = operator.roster.sensors["C1"].tracker
        assert (tracker.received, tracker.missing) == (DATAGRAMS // GOOD_EVERY, 0)
        assert operator.roster.bad_datagrams.by_sender == expected
        assert sink.agent.bad_datagrams.by_sender == expected
    await sink.end()
    history = open_for_reading(tmp_path / "history.db")
    stored = history.history("C1", 0, 2**62, DATAGRAMS)
    history.close()
    assert [reading.sequence for reading in stored] == list(range(DATAGRAMS // GOOD_EVERY))
