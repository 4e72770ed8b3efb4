"""Somebody who fills the network as fast as one program can, with one kind of datagram.

    python -m bench.flooder KIND CONTROL DATA TARGET SENSORS SECONDS

Prints `{"sent": N}` at the end. TARGET is a node that takes commands, SENSORS are codifiers with a comma between them.
"""

import itertools
import json
import os
import random
import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from bench import load
from protocol.commands import pack_pair
from protocol.frames import LATEST_TIMESTAMP_MS, MAX_FRAME_BYTES, Bus, ControlFrame, DataFrame, Flag, encode
from tests.protocol.test_vectors import text, unread

AT_ONCE: Final = 64  # datagrams between two looks at the clock
ROOM: Final = MAX_FRAME_BYTES - 32  # for the text of a frame
NESTED: Final = ROOM // 2 - 20
LATEST_OF_ALL_MS: Final = 2**64 - 1


class Target(NamedTuple):
    """Whom a flood is aimed at."""

    node: str
    sensors: Sequence[str]


class Flood(NamedTuple):
    """A bus, and the datagrams that are sent to it again and again.

    `poses` tells that they name nodes of the network, which without tags would be believed.
    """

    bus: Bus
    datagrams: Callable[[Target], list[bytes]]
    poses: bool = False


def _said(flag: Flag, destination: str, number: float = 0.0) -> bytes:
    return encode(ControlFrame(1, int(time.time() * 1000), flag, "ZZ", destination, number, active=True))


def _pings(target: Target) -> list[bytes]:
    return [_said(Flag.PING, target.node, float(number)) for number in range(1000)]


def _requests(target: Target) -> list[bytes]:
    return [_said(Flag.REPEAT, sensor, pack_pair(number, 64)) for sensor in target.sensors for number in range(50)]


def _announcements(_: Target) -> list[bytes]:
    """Announce every two bytes: 8,835 codifiers, and 56,701 that are none."""
    one = _said(Flag.NEW, "@@", 1.0)
    return [one[:17] + bytes(pair) + one[19:] for pair in itertools.product(range(256), repeat=2)]


def _bad_tags(target: Target) -> list[bytes]:
    now_ms = int(time.time() * 1000)
    readings = [DataFrame(7, now_ms, Flag.FLOAT, sensor, "@@", 99.0) for sensor in target.sensors]
    return [encode(one._replace(tag=b"\1" + os.urandom(6))) for one in readings for _ in range(50)]


def _forged_commands(target: Target) -> list[bytes]:
    dice = random.Random(1)
    command = _said(Flag.SET, target.node, 1.0)
    numbers = (dice.randrange(2**31) for _ in range(1000))
    return [struct.pack("<I", number) + b"\1" + os.urandom(3) + command[8:] for number in numbers]


def _huge_json(_: Target) -> list[bytes]:
    members = ", ".join(f'"{number}": {number}' for number in range(85))
    return _readings(b"j", (f'{{"value": 1, {members}}}').encode())


def _deep_json(_: Target) -> list[bytes]:
    return _readings(b"j", b'{"value": 1, "a": ' + b"[" * NESTED + b"]" * NESTED + b"}")


def _not_utf_8(_: Target) -> list[bytes]:
    return _readings(b"s", b"\xff" * ROOM)


def _readings(flag: bytes, said: bytes) -> list[bytes]:
    """Return readings of codifiers that nobody has."""
    return [unread(text(said), flag, source=b"!" + bytes([second])) for second in range(0x21, 0x7F)]


def _timestamps(_: Target) -> list[bytes]:
    moments = (0, 1, LATEST_TIMESTAMP_MS, LATEST_TIMESTAMP_MS + 1, 2**63, LATEST_OF_ALL_MS)
    return [unread(bytes(4), b"i", source=b"!!", timestamp_ms=moment_ms) for moment_ms in moments]


FLOODS: Final = {
    "pings": Flood(Bus.CONTROL, _pings),
    "requests": Flood(Bus.CONTROL, _requests),
    "announcements": Flood(Bus.CONTROL, _announcements),
    "commands": Flood(Bus.CONTROL, _forged_commands, poses=True),
    "bad tags": Flood(Bus.DATA, _bad_tags, poses=True),
    "huge JSON": Flood(Bus.DATA, _huge_json),
    "deep JSON": Flood(Bus.DATA, _deep_json),
    "not UTF-8": Flood(Bus.DATA, _not_utf_8),
    "timestamps": Flood(Bus.DATA, _timestamps),
}


def main(arguments: Sequence[str]) -> None:
    kind, control, data, node, sensors, seconds = arguments
    flood = FLOODS[kind]
    datagrams = itertools.cycle(flood.datagrams(Target(node, sensors.split(","))))
    address, _, port = (control if flood.bus is Bus.CONTROL else data).rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, load.loopback().addresses[0].ip.packed)
        sender.connect((address, int(port)))
        print(json.dumps({"sent": _send(sender, datagrams, time.monotonic() + float(seconds))}), flush=True)


def _send(sender: socket.socket, datagrams: "itertools.cycle[bytes]", until_s: float) -> int:
    sent = 0
    while time.monotonic() < until_s:
        for datagram in itertools.islice(datagrams, AT_ONCE):
            sender.send(datagram)
        sent += AT_ONCE
    return sent


if __name__ == "__main__":
    main(sys.argv[1:])
