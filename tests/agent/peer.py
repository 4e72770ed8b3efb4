"""Another program on the buses, with plain sockets: for tests of programs that have a loop of their own."""

import select
import socket
from collections.abc import Iterator
from typing import Final, Self

import pytest

from config.model import Group, Network
from protocol.frames import Bus, ControlFrame, DataFrame, Flag, Frame, decode, encode

PATIENCE_S: Final = 15.0
"""A test fails that waits for so long; nothing else depends on it."""

NOON_MS: Final = 1_700_000_000_000


class Peer:
    """Hears both buses, and says what it is told to."""

    def __init__(self, network: Network) -> None:
        self._groups = {Bus.CONTROL: network.control, Bus.DATA: network.data}
        self._receivers = {bus: _receiver(group) for bus, group in self._groups.items()}
        self._sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        self._sender.bind(("127.0.0.1", 0))
        self._sender.settimeout(PATIENCE_S)
        self._sequence = 100

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for opened in (*self._receivers.values(), self._sender):
            opened.close()

    @property
    def address(self) -> tuple[str, int]:
        """Return where it sends from."""
        host, port = self._sender.getsockname()
        return host, port

    def send(self, bus: Bus, datagram: bytes) -> None:
        """Send any bytes."""
        group = self._groups[bus]
        self._sender.sendto(datagram, (group.address, group.port))

    def say(self, frame: Frame) -> None:
        """Send a frame."""
        self.send(frame.bus, encode(frame))

    def answer(self, address: tuple[str, int], what: Frame | bytes) -> None:
        """Send a frame, or any bytes, to one program alone."""
        self._sender.sendto(what if isinstance(what, bytes) else encode(what), address)

    def control(self, flag: Flag, destination: str, number: float = 0.0, source: str = "CC") -> ControlFrame:
        """Send a control frame and return it."""
        self._sequence += 1
        frame = ControlFrame(self._sequence, NOON_MS, flag, source, destination, number, active=True)
        self.say(frame)
        return frame

    def hears_control(self, flags: str, source: str) -> ControlFrame:
        """Wait for the next control frame of the source with one of the flags; those before it are passed over."""
        while True:
            frame = self._next(Bus.CONTROL)
            if isinstance(frame, ControlFrame) and frame.source == source and frame.flag in flags:
                return frame

    def has_heard(self, flag: str, source: str) -> ControlFrame | None:
        """Look, without waiting, for a control frame of the source with this flag; those before it are passed over."""
        while select.select([self._receivers[Bus.CONTROL]], [], [], 0)[0]:
            frame = self._next(Bus.CONTROL)
            if isinstance(frame, ControlFrame) and (frame.flag, frame.source) == (flag, source):
                return frame
        return None

    def hears_data(self, source: str) -> DataFrame:
        """Wait for the next frame of the data bus from this source."""
        while True:
            frame = self._next(Bus.DATA)
            if isinstance(frame, DataFrame) and frame.source == source:
                return frame

    def is_answered(self) -> bytes:
        """Wait for the next datagram that is sent to this program alone."""
        return self._sender.recv(2048)

    def _next(self, bus: Bus) -> Frame:
        return decode(bus, self._receivers[bus].recv(2048))


def _receiver(group: Group) -> socket.socket:
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    receiver.bind((group.address, group.port))
    membership = socket.inet_aton(group.address) + socket.inet_aton("127.0.0.1")
    receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    receiver.settimeout(PATIENCE_S)
    return receiver


@pytest.fixture
def peer(network: Network) -> Iterator[Peer]:
    """Give another program on the network of the test."""
    with Peer(network) as peer:
        yield peer
