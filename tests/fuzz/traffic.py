"""Frames as a network could bring them: recorded ones with other numbers, times, names and values, one or many."""

import struct
from collections.abc import Callable, Iterator
from itertools import product
from typing import Final

from protocol.errors import DecodeError
from protocol.frames import LATEST_TIMESTAMP_MS, Bus, Frame, decode
from protocol.instants import Instant
from tests.fuzz.tape import Tape
from tests.protocol.recorded import RECORDED

WALL_MS: Final = 1_795_334_400_000.0
SENDERS: Final = (("10.0.0.1", 40001), ("10.0.0.1", 40002), ("10.0.0.2", 40001), ("fe80::1", 1))
NAMES: Final = (b"C1", b"C1", b"C1", b"F2", b"CC", b"@@")
SEQUENCES: Final = (0, 1, 2**31 - 2, 2**31 - 1, 2**31, 2**32 - 1)
TIMES_MS: Final = (0, 1, LATEST_TIMESTAMP_MS, LATEST_TIMESTAMP_MS + 1, 2**64 - 1)
NUMBERS: Final = (0.0, -0.0, 1e308, -1e308, 5e-324, float("nan"), float("inf"), 2.0**53, 2.0**63, -1.0)
FLAGS: Final = b"NIPTSHCAEKRUnifsj"
PRINTABLE: Final = [bytes(pair) for pair in product(range(0x21, 0x7F), repeat=2)]
STEPS_S: Final = (0.0, 0.0, 0.001, 0.06, 0.3, 1.0, 5.0, 25.0, 61.0, 3600.0, 1e6)

Field: Final = tuple[int, Callable[[Tape], bytes]]


def time_passes(tape: Tape, now: Instant) -> Instant:
    """Let both clocks go on, or the wall clock alone be set to anything."""
    step_s = tape.pick(STEPS_S)
    if tape.number() < 8:
        return Instant(now.monotonic_s + step_s, float(tape.number(6)))
    return Instant(now.monotonic_s + step_s, now.wall_ms + step_s * 1000)


def frames(tape: Tape) -> Iterator[Frame]:
    """Return what comes of a recorded datagram with some fields changed: so many frames in a row as the tape says."""
    recorded = tape.pick(RECORDED)
    bus, datagram = recorded.frame.bus, bytearray(recorded.datagram)
    for _ in range(tape.number() % 5):
        at, value = tape.pick(FIELDS)
        piece = value(tape)
        datagram[at : at + len(piece)] = piece
    count, stride, changes_name = tape.run_length(), tape.pick((1, 1, 2, 3, 1000, -1)), tape.number() < 32
    for index in range(count):
        yield from _decoded(bus, _next(datagram, index * stride, index if changes_name else None))


def _next(datagram: bytearray, ahead: int, name: int | None) -> bytes:
    """Return a datagram that many numbers further on, or that of another one of all codifiers."""
    sequence = (int.from_bytes(datagram[:4], "little") + ahead) % 2**32
    source = datagram[17:19] if name is None else PRINTABLE[name % len(PRINTABLE)]
    return b"".join((sequence.to_bytes(4, "little"), datagram[4:17], source, datagram[19:]))


def _decoded(bus: Bus, datagram: bytes) -> Iterator[Frame]:
    try:
        yield decode(bus, datagram)
    except DecodeError:
        return


def _sequence(tape: Tape) -> bytes:
    near = 1000 + tape.number() - 128
    return tape.pick((near, near, near, tape.pick(SEQUENCES), near + tape.number(3))).to_bytes(4, "little")


def _timestamp(tape: Tape) -> bytes:
    near = int(WALL_MS) + tape.number(2) - 2**15
    return tape.pick((near, near, near, tape.pick(TIMES_MS), tape.number(6))).to_bytes(8, "little")


def _flag(tape: Tape) -> bytes:
    return bytes([tape.pick(FLAGS)])


def _name(tape: Tape) -> bytes:
    return tape.pick((*NAMES, tape.pick(PRINTABLE)))


def _number(tape: Tape) -> bytes:
    """Return a number of a control frame: any, a pair, or one of the ends of their range."""
    pair = float(tape.number() * 2**32 + 1000 + tape.number() - 128)
    return struct.pack("<d", tape.pick((pair, pair, tape.pick(NUMBERS), float(tape.number(6)))))


def _value(tape: Tape) -> bytes:
    return tape.take(4)


FIELDS: Final = (
    (0, _sequence),
    (0, _sequence),
    (8, _timestamp),
    (16, _flag),
    (17, _name),
    (19, _name),
    (28, _number),
    (28, _value),
)
