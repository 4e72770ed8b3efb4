"""Hearing: a Participant that receives, decodes and keeps a roster, against a bare loop that drains the same socket.

The socket is filled while nobody reads it, then emptied. Measured is processor time, so that other programs do not
count; on a core of one's own it is the time that passes.
"""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, NamedTuple

from agent import sockets
from agent.bus import Bus as BusSockets
from agent.clock import SystemClock
from agent.participant import Participant
from agent.sockets import Datagram
from bench import load
from bench.figures import CannotMeasureError, Figure, Measurement, Samples, at_least, ratios
from bench.rounds import alternate
from config.model import Configuration, Network
from protocol import frames
from protocol.frames import Bus
from protocol.gate import Gate, Mode
from protocol.instants import Instant
from tests.protocol.holders import owner, reader, ring

FIGURES: Final = (
    Figure("ratio", "", "frames/s of a Participant, as a share of the bare loop's", at_least(0.25)),
    Figure("tagged_ratio", "", "the same with tags, which are looked at first", at_least(0.2)),
    Figure("frames_per_s", "frames/s", "received, decoded and in the roster, on one core"),
    Figure("tagged_frames_per_s", "frames/s", "the same with tags"),
    Figure("bare_frames_per_s", "frames/s", "a loop of non-blocking `recvfrom` and nothing else"),
    Figure("bare_ns", "ns/frame", "of this: `recvfrom` in the bare loop"),
    Figure("bus_ns", "ns/frame", "the same through `agent.bus.Bus`, which drains in the event loop"),
    Figure("decode_ns", "ns/frame", "and decoded"),
    Figure("roster_ns", "ns/frame", "and in the roster: the whole Participant"),
    Figure("tagged_ns", "ns/frame", "and with tags, by a reader's keys"),
)

OWNER: Final = Gate(Mode.REQUIRE, ring(owner()))

Seconds = float


class Extent(NamedTuple):
    """How much is measured. 20,000 readings just fit into the 8 MiB of the socket's buffer."""

    rounds: int
    readings: int


class Filled(NamedTuple):
    """A network and the datagrams that fill a socket of it."""

    network: Network
    datagrams: list[bytes]

    def fill(self) -> None:
        """Send all of them: loopback puts each into the buffers of those who listen before it returns."""
        group = self.network.data
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            for datagram in self.datagrams:
                sender.sendto(datagram, (group.address, group.port))


def measure(extent: Extent) -> Samples:
    """Return the samples of FIGURES."""
    with load.loopback_network() as network:
        filled = Filled(network, load.datagrams(extent.readings, time.time_ns() // 1_000_000))
        tagged = Filled(network, [OWNER.seal(Bus.DATA, datagram) for datagram in filled.datagrams])
        found = alternate(
            extent.rounds,
            {
                "bare": partial(bare_s, filled),
                "bus": partial(_run, bus_s, filled),
                "decode": partial(_run, decoded_s, filled),
                "roster": partial(_run, participant_s, filled),
                "tagged": partial(_run, reader_s, tagged),
            },
        )
    return _samples({name: [seconds / extent.readings for seconds in values] for name, values in found.items()})


def _run(contender: Callable[[Filled], Awaitable[Seconds]], filled: Filled) -> Seconds:
    async def run() -> Seconds:
        return await contender(filled)

    return asyncio.run(run())


def _samples(frame_s: dict[str, list[float]]) -> Samples:
    return {
        "ratio": ratios(frame_s["bare"], frame_s["roster"]),
        "tagged_ratio": ratios(frame_s["bare"], frame_s["tagged"]),
        "frames_per_s": [1 / seconds for seconds in frame_s["roster"]],
        "tagged_frames_per_s": [1 / seconds for seconds in frame_s["tagged"]],
        "bare_frames_per_s": [1 / seconds for seconds in frame_s["bare"]],
        **{f"{name}_ns": [seconds * 1e9 for seconds in values] for name, values in frame_s.items()},
    }


def bare_s(filled: Filled) -> Seconds:
    """Drain the socket and do nothing with what comes."""
    with sockets.open_receiver(filled.network.data, load.loopback()) as receiver:
        filled.fill()
        begin_s, received, take = time.process_time(), 0, receiver.recvfrom
        try:
            while True:
                take(sockets.DATAGRAM_BYTES)
                received += 1
        except BlockingIOError:
            elapsed_s = time.process_time() - begin_s
    _check(received, filled)
    return elapsed_s


async def bus_s(filled: Filled) -> Seconds:
    """Drain it through a bus that hands the datagrams to nobody."""

    def forget(bus: Bus, datagrams: list[Datagram], now: Instant) -> None:
        pass

    async with BusSockets(filled.network, SystemClock(), (Bus.DATA,), forget) as bus:
        return await _drained_s(bus, filled)


async def decoded_s(filled: Filled) -> Seconds:
    """Drain it through a bus and decode."""

    def decode(bus: Bus, datagrams: list[Datagram], _now: Instant) -> None:
        for datagram, _ in datagrams:
            frames.decode(bus, datagram)

    async with BusSockets(filled.network, SystemClock(), (Bus.DATA,), decode) as bus:
        return await _drained_s(bus, filled)


async def participant_s(filled: Filled) -> Seconds:
    """Drain it into the roster of a Participant."""
    return await _into_roster_s(filled, Gate(Mode.OFF))


async def reader_s(filled: Filled) -> Seconds:
    """Drain it into the roster of a Participant that requires tags; it has the keys of a reader."""
    return await _into_roster_s(filled, Gate(Mode.REQUIRE, ring(reader())))


async def _into_roster_s(filled: Filled, gate: Gate) -> Seconds:
    configuration = Configuration(network=filled.network, nodes={})
    async with Participant(configuration, "ZZ", listen=(Bus.DATA,), gate=gate) as participant:
        elapsed_s = await _drained_s(participant.bus, filled)
    _check(sum(sensor.tracker.received for sensor in participant.roster.sensors.values()), filled)
    return elapsed_s


async def _drained_s(bus: BusSockets, filled: Filled) -> Seconds:
    filled.fill()
    _check(len(filled.datagrams) - bus.counters.kernel_dropped, filled)
    begin_s = time.process_time()
    while bus.counters.received[Bus.DATA] < len(filled.datagrams):  # noqa: ASYNC110 -- each turn reads 64 of them
        await asyncio.sleep(0)
    return time.process_time() - begin_s


def _check(received: int, filled: Filled) -> None:
    if received != len(filled.datagrams):
        raise CannotMeasureError(
            f"{received} of {len(filled.datagrams)} readings are in the socket's buffer",
            "run as root, or raise net.core.rmem_max to 8388608",
        )


MEASUREMENT: Final = Measurement(
    "receive",
    "Receiving: 200 sensors, a full buffer emptied",
    FIGURES,
    partial(measure, Extent(rounds=9, readings=20_000)),
    partial(measure, Extent(rounds=1, readings=400)),
)
