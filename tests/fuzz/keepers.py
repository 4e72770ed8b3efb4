"""What an agent keeps of its readings and sends again to whoever asks."""

from collections.abc import Callable
from typing import Final, NamedTuple

from protocol.frames import Bus, ControlFrame, decode, encode_reading
from protocol.instants import Instant
from protocol.readings import Reading, Value
from protocol.responding import MAX_RANGES_IN_ALL, MAX_REQUESTERS, PER_TURN, Responder
from protocol.rings import Rings
from protocol.sequences import MODULUS
from tests.fuzz.promises import promise
from tests.fuzz.tape import Tape
from tests.fuzz.traffic import SEQUENCES, WALL_MS, frames, time_passes

MAX_BYTES: Final = 20_000
CODIFIERS: Final = ("C1", "C1", "F2", "F3")
VALUES: Final[tuple[Value, ...]] = (21.5, 7, 0.30000000000000004, "text", "x" * 900, -1)


class Agent(NamedTuple):
    """What an agent keeps, who asks it, and all that it ever sent, by (codifier, sequence)."""

    rings: Rings
    responder: Responder
    sent: dict[tuple[str, int], set[bytes]]


def answer_any(data: bytes) -> None:
    """Let an agent send, number anew, be asked for anything by anybody; it answers with what it sent, bit for bit."""
    tape, now = Tape(data), Instant(100.0, WALL_MS)
    rings = Rings(MAX_BYTES, tape.pick((1, 8, 300, 100_000)), tape.pick((0.0, 10.0, 86_400.0)))
    agent = Agent(rings, Responder(rings), {})
    while not tape.ended:
        now = time_passes(tape, now)
        tape.pick(MOVES)(agent, tape, now)
        _check(agent)


def _send(agent: Agent, tape: Tape, now: Instant) -> None:
    codifier, value = tape.pick(CODIFIERS), tape.pick(VALUES)
    ring = agent.rings.open(codifier)
    follows = 0 if ring.last is None else ring.last + 1
    first = tape.pick((follows, follows, follows, follows + tape.number(2), tape.pick(SEQUENCES)))
    for index in range(tape.run_length()):
        reading = Reading(codifier, int(WALL_MS) + index, (first + index) % MODULUS, value)
        datagram = encode_reading(reading)
        agent.sent.setdefault((codifier, reading.sequence), set()).add(datagram)
        agent.rings.add(datagram, now.monotonic_s)


def _skip(agent: Agent, tape: Tape, _: Instant) -> None:
    ring = agent.rings.open(tape.pick(CODIFIERS))
    last = ring.last or 0
    ahead = tape.pick((tape.number(), tape.number(3), tape.pick(SEQUENCES)))
    agent.rings.skip_to(ring.codifier, (last + ahead) % MODULUS)


def _close(agent: Agent, tape: Tape, _: Instant) -> None:
    if tape.number() < 32:
        agent.rings.close(tape.pick(CODIFIERS))


def _be_asked(agent: Agent, tape: Tape, now: Instant) -> None:
    """Be asked by one address, or by one after the other."""
    port, others = tape.number(), tape.number() % 2
    for index, frame in enumerate(frames(tape)):
        if isinstance(frame, ControlFrame):
            agent.responder.request(frame, ("10.0.0.9", port + index * others), now)


def _answer(agent: Agent, _: Tape, now: Instant) -> None:
    answers = agent.responder.answers(now)
    promise(len(answers) <= PER_TURN, f"{len(answers)} answers at once")
    for _sender, datagram in answers:
        bus = Bus.CONTROL if datagram[16:17] == b"U" else Bus.DATA
        frame = decode(bus, datagram)
        sent = agent.sent.get((frame.source, frame.sequence), set())
        promise(bus is Bus.CONTROL or datagram in sent, f"an answer that was never sent: {datagram.hex()}")


MOVES: Final[tuple[Callable[[Agent, Tape, Instant], None], ...]] = (
    _send,
    _send,
    _be_asked,
    _be_asked,
    _answer,
    _skip,
    _close,
)


def _check(agent: Agent) -> None:
    rings, responder = agent.rings, agent.responder
    promise(rings.size_bytes == sum(ring.size_bytes for ring in rings), "the bytes are counted wrongly")
    promise(rings.size_bytes <= MAX_BYTES, f"{rings.size_bytes} bytes")
    for ring in rings:
        kept = sum(map(len, ring._chunks))
        promise(kept <= rings.max_readings, f"{kept} readings")
    promise(0 <= responder.waiting <= MAX_RANGES_IN_ALL, f"{responder.waiting} requests wait")
    promise(len(responder._requesters) <= MAX_REQUESTERS, f"{len(responder._requesters)} requesters")
