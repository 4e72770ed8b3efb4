"""What every program does with every datagram: decode it, and look at its tag before it is believed."""

import math
from typing import Final

from protocol.errors import DecodeError, EncodeError
from protocol.frames import KINDS, Bus, DataFrame, Frame, decode, encode
from protocol.gate import REFUSALS, Gate, Mode, RefusedError
from protocol.keyring import MAX_SEALS
from tests.fuzz.promises import promise
from tests.protocol.holders import OTHER_KEY, node, operator, owner, reader, ring
from tests.protocol.recorded import RECORDED
from tests.protocol.test_vectors import BAD_VECTORS, VECTORS

BUSES: Final = {ord("c"): Bus.CONTROL, ord("d"): Bus.DATA}
PLACE: Final = {bus: bytes([place]) for place, bus in BUSES.items()}

OWNER: Final = Gate(Mode.REQUIRE, ring(owner(1), owner(2, OTHER_KEY)))
GATES: Final = (
    OWNER,
    Gate(Mode.REQUIRE, ring(node("C1", "C2"), node("C1", key_id=2, network_key=OTHER_KEY))),
    Gate(Mode.REQUIRE, ring(node("FK"), reader(2, OTHER_KEY))),
    Gate(Mode.REQUIRE, ring(operator("CC", ["C1", "FK"])), unsigned=["PF"]),
    Gate(Mode.PREFER, ring(reader())),
    Gate(Mode.OFF),
)
MODES_THAT_BELIEVE_ANYBODY: Final = {Mode.PREFER, Mode.OFF}


def genuine_datagrams() -> list[bytes]:
    """Return recorded datagrams and those of the specification, each behind a letter for its bus."""
    return [
        *(PLACE[one.frame.bus] + one.datagram for one in RECORDED),
        *(PLACE[one.frame.bus] + encode(one.frame) for one in VECTORS if not _is_nan(one.frame)),
        *(PLACE[one.bus] + one.datagram for one in BAD_VECTORS),
    ]


def sealed_datagrams() -> list[bytes]:
    """Return the same with the tags of two keys of one network, and without."""
    return [*SEALED, *genuine_datagrams()]


def decode_any(data: bytes) -> None:
    """Decode a datagram. What is a frame can be encoded, and is the same frame when it is decoded again."""
    bus, datagram = _heard(data)
    try:
        frame = decode(bus, datagram)
    except DecodeError as error:
        promise(error.kind in KINDS, f"a kind that is not declared: {error.kind}")
        return
    try:
        again = encode(frame)
    except EncodeError:
        return  # JSON that takes more room in our notation
    promise(_same(decode(bus, again), frame), "encoded and decoded it is another frame")


def open_any(data: bytes) -> None:
    """Open a datagram with each kind of keys; where tags are required nothing is believed that was not sealed."""
    bus, datagram = _heard(data)
    for gate in GATES:
        frame = _opened(gate, bus, datagram)
        if frame is None or gate.mode in MODES_THAT_BELIEVE_ANYBODY or _is_listed(gate, frame):
            continue
        promise(PLACE[bus] + datagram in SEALED, f"believed though nobody sealed it: {frame}")


def _opened(gate: Gate, bus: Bus, datagram: bytes) -> Frame | None:
    try:
        frame = gate.open(bus, datagram)
    except RefusedError as error:
        promise(error.kind in REFUSALS, f"a kind of refusal that is not declared: {error.kind}")
        return None
    except DecodeError:
        return None
    promise(_same(frame, decode(bus, datagram)), "another frame than the one that was sent")
    promise(gate.keyring is None or len(gate.keyring._seals) <= MAX_SEALS, "more seals than there may be")
    return frame


def _is_listed(gate: Gate, frame: Frame) -> bool:
    return frame.source.encode() in gate.unsigned and frame.tag[0] == 0


def _same(one: Frame, other: Frame) -> bool:
    return one == other or (_is_nan(one) and _is_nan(other) and one[:5] == other[:5])


def _is_nan(frame: Frame) -> bool:
    return isinstance(frame, DataFrame) and isinstance(frame.value, float) and math.isnan(frame.value)


def _heard(data: bytes) -> tuple[Bus, bytes]:
    return BUSES.get(data[0] if data else 0, Bus.DATA), data[1:]


def _seal_all() -> frozenset[bytes]:
    signers = (OWNER, Gate(Mode.REQUIRE, ring(owner(2, OTHER_KEY), signs_with=2)))
    return frozenset(
        PLACE[one.frame.bus] + signer.seal(one.frame.bus, one.datagram) for one in RECORDED for signer in signers
    )


SEALED: Final = _seal_all()
