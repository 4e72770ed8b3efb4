"""What repair does on the wire, from what witnesses saw: how soon a lost reading came, and at what cost."""

import tracemalloc
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from config.model import Network
from protocol import codifiers
from protocol.frames import DATA_FLAGS, Flag, decode_data
from protocol.readings import Value
from protocol.ring import Ring
from tests.netns.witness import Datagram

READINGS: Final = frozenset(flag.encode() for flag in DATA_FLAGS - {Flag.NUMBERING})
REPEAT: Final = Flag.REPEAT.encode()
UNAVAILABLE: Final = Flag.UNAVAILABLE.encode()

Port: TypeAlias = int


class Sent(NamedTuple):
    """A reading that left its host."""

    at_s: float
    sequence: int
    value: Value


@dataclass(slots=True)
class Load:
    """Datagrams of one kind, and the bytes that they take with their headers of IP and UDP."""

    datagrams: int = 0
    size_bytes: int = 0

    def add(self, datagram: Datagram) -> None:
        """Count one."""
        self.datagrams += 1
        self.size_bytes += datagram.size_bytes


@dataclass(slots=True)
class Traffic:
    """Readings as they were sent, and what was sent again because somebody asked for it.

    `sent` has each reading by its datagram, in order; `repaired_s` the time from there until the first answer to each
    program, known by its port, that asked for it. `foreign` counts answers that are no reading as it was sent.
    """

    network: Network
    sent: dict[bytes, Sent] = field(default_factory=dict)
    repaired_s: dict[tuple[Port, bytes], float] = field(default_factory=dict)
    foreign: int = 0
    readings: Load = field(default_factory=Load)
    requests: Load = field(default_factory=Load)
    answers: Load = field(default_factory=Load)
    refusals: Load = field(default_factory=Load)

    def add_sent_by_sensors(self, datagrams: Iterable[Datagram]) -> None:
        """Take what the host of the sensors sent."""
        for datagram in datagrams:
            flag, to_group = datagram.payload[16:17], datagram.destination == self._data
            if flag in READINGS and to_group:
                self._note_sent(datagram)
            elif flag in READINGS:
                self.answers.add(datagram)
                self.foreign += datagram.payload not in self.sent
            elif flag == UNAVAILABLE:
                self.refusals.add(datagram)

    def add_sent_by_sinks(self, datagrams: Iterable[Datagram]) -> None:
        """Take what the host of the sinks sent."""
        for datagram in datagrams:
            if datagram.payload[16:17] == REPEAT:
                self.requests.add(datagram)

    def add_heard_by_sinks(self, datagrams: Iterable[Datagram]) -> None:
        """Take what arrived at the host of the sinks; what the sensors' host sent is known already."""
        for datagram in datagrams:
            sent = self.sent.get(datagram.payload)
            if sent is not None and datagram.destination != self._data:
                self.repaired_s.setdefault((datagram.destination[1], datagram.payload), datagram.at_s - sent.at_s)

    def by_sensor(self) -> Mapping[str, list[Sent]]:
        """Return the readings that were sent by each sensor, in order."""
        found: dict[str, list[Sent]] = defaultdict(list)
        for datagram, sent in self.sent.items():
            found[codifiers.unpack(datagram[17:19])].append(sent)
        return found

    def ring_bytes(self) -> float:
        """Return the memory that one of these readings takes in the ring of its sensor."""
        longest = max(self._of_each_sensor(), key=len)
        tracemalloc.start()
        ring = Ring(codifiers.unpack(longest[0][17:19]))
        for datagram in longest:
            ring.add(datagram, 0.0)
        taken_bytes, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return taken_bytes / len(ring)

    @property
    def _data(self) -> tuple[str, int]:
        return self.network.data.address, self.network.data.port

    def _note_sent(self, datagram: Datagram) -> None:
        frame = decode_data(datagram.payload)
        self.readings.add(datagram)
        self.sent.setdefault(datagram.payload, Sent(datagram.at_s, frame.sequence, frame.value))

    def _of_each_sensor(self) -> Collection[list[bytes]]:
        by_source: dict[bytes, list[bytes]] = defaultdict(list)
        for datagram in self.sent:
            by_source[datagram[17:19]].append(datagram)
        return by_source.values()
