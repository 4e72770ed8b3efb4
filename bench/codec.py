"""Encoding and decoding, one kind of frame after the other, with nothing around them."""

import contextlib
import struct
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count, islice
from typing import Any, Final, NamedTuple, TypeAlias

from bench.figures import Figure, Measurement, Samples
from bench.rounds import alternate
from protocol import frames
from protocol.codifiers import EVERYBODY
from protocol.frames import Bus, ControlFrame, Flag
from protocol.gate import Gate, Mode, RefusedError
from protocol.readings import Attributes, Reading, Value
from protocol.tags import Seal
from tests.protocol.holders import owner, reader, ring

NOW_MS: Final = 1_795_334_500_510

Source: TypeAlias = Reading | ControlFrame


def encode(source: Source) -> bytes:
    return frames.encode_reading(source) if isinstance(source, Reading) else frames.encode(source)


def encode_by_hand(source: Source) -> bytes:
    """Encode an `f` frame behind the back of the protocol, which remembers the floats that it has encoded."""
    number = source.value if isinstance(source, Reading) else source.number
    return frames.encode_reading(Reading("C1", NOW_MS, 0, 0.5))[: frames.HEADER_BYTES] + struct.pack("<f", number)


class Kind(NamedTuple):
    """A kind of frame: its key, its meaning, what makes the one of a number, and its datagram."""

    key: str
    meaning: str
    make: Callable[[int], Source]
    datagram: Callable[[Source], bytes] = encode


def control(flag: Flag, number: int) -> ControlFrame:
    return ControlFrame(number, NOW_MS, flag, "C1", EVERYBODY, float(NOW_MS), active=True)


def reading(value: Callable[[int], Value], number: int, attributes: Attributes | None = None) -> Reading:
    return Reading("C1", NOW_MS, number, value(number), attributes)


KINDS: Final = (
    Kind("alive", "`I`", partial(control, Flag.ALIVE)),
    Kind("ping", "`P`", partial(control, Flag.PING)),
    Kind("integer", "`i`", partial(reading, lambda number: number)),
    Kind("float", "`f`, one of 500 values", partial(reading, lambda number: number % 500 / 10)),
    Kind("new_float", "`f`, a value never seen before", partial(reading, lambda number: number / 8), encode_by_hand),
    Kind("text", "`s`", partial(reading, lambda _: "pumping")),
    Kind("double", "`j`, a number that needs all its digits", partial(reading, lambda number: (number + 1) / 7)),
    Kind("attributes", "`j`, with an attribute", partial(reading, lambda _: 21.5, attributes={"voltage": 3.2})),
)
FIGURES: Final = (
    *(
        Figure(f"{verb}_{kind.key}_ns", "ns", f"{verb} {kind.meaning}")
        for kind in KINDS
        for verb in ("encode", "decode")
    ),
    Figure("tag_ns", "ns", "tag `f`"),
    Figure("open_ns", "ns", "look at the tag of `f`, and decode it"),
    Figure("refuse_forged_ns", "ns", "refuse `f` with a wrong tag"),
    Figure("refuse_unsigned_ns", "ns", "refuse `f` without a tag"),
    Figure("refuse_text_ns", "ns", "refuse `s` of 1,100 bytes with a wrong tag"),
    Figure("refuse_invented_ns", "ns", "refuse `f` of a codifier that nobody has"),
)

OWNER: Final = Gate(Mode.REQUIRE, ring(owner()))
READER: Final = Gate(Mode.REQUIRE, ring(reader()))
FALSE: Final = Seal(1, bytes(32))


class Extent(NamedTuple):
    """How much is measured."""

    rounds: int
    frames: int


def measure(extent: Extent) -> Samples:
    """Return the samples of FIGURES."""
    numbers = count()  # they go on from round to round, so that what is new stays new
    contenders: dict[str, Callable[[], float]] = {}
    for kind in KINDS:
        contenders[f"encode_{kind.key}_ns"] = partial(encode_ns, kind, numbers, extent.frames)
        contenders[f"decode_{kind.key}_ns"] = partial(decode_ns, kind, numbers, extent.frames)
    contenders |= {key: partial(tagged_ns, *work, numbers, extent.frames) for key, work in TAGGED.items()}
    return alternate(extent.rounds, contenders)


def tagged_ns(
    make: Callable[[bytes], bytes], work: Callable[[bytes], object], value: Value, numbers: "count[int]", many: int
) -> float:
    """Make so many datagrams of readings, do what is to be measured with each, and return how long one took."""
    readings = [Reading("C1", NOW_MS, number, value) for number in islice(numbers, many)]
    return each_ns(work, [make(encode(reading)) for reading in readings])


def invented(datagram: bytes) -> bytes:
    """Let it come from one of 8,836 codifiers, each in its turn, with a tag that its key did not make."""
    first, second = divmod(datagram[0] + 256 * datagram[1], 94)
    return FALSE.sealed(Bus.DATA, b"".join((datagram[:17], bytes((33 + first % 94, 33 + second)), datagram[19:])))


def opened(datagram: bytes) -> None:
    """Open it; that it is refused is what is measured."""
    with contextlib.suppress(RefusedError):
        READER.open(Bus.DATA, datagram)


TAGGED: Final[dict[str, tuple[Callable[[bytes], bytes], Callable[[bytes], object], Value]]] = {
    "tag_ns": (bytes, partial(OWNER.seal, Bus.DATA), 21.5),
    "open_ns": (partial(OWNER.seal, Bus.DATA), partial(READER.open, Bus.DATA), 21.5),
    "refuse_forged_ns": (partial(FALSE.sealed, Bus.DATA), opened, 21.5),
    "refuse_unsigned_ns": (bytes, opened, 21.5),
    "refuse_text_ns": (partial(FALSE.sealed, Bus.DATA), opened, "x" * 1_100),
    "refuse_invented_ns": (invented, opened, 21.5),
}


def encode_ns(kind: Kind, numbers: "count[int]", many: int) -> float:
    """Encode so many frames and return how long one took."""
    sources = [kind.make(number) for number in islice(numbers, many)]
    work: Callable[[Any], bytes] = frames.encode_reading if isinstance(sources[0], Reading) else frames.encode
    return each_ns(work, sources)


def decode_ns(kind: Kind, numbers: "count[int]", many: int) -> float:
    """Decode so many datagrams and return how long one took."""
    sources = [kind.make(number) for number in islice(numbers, many)]
    bus = Bus.DATA if isinstance(sources[0], Reading) else Bus.CONTROL
    return each_ns(partial(frames.decode, bus), list(map(kind.datagram, sources)))


def each_ns(work: Callable[[Any], object], items: Sequence[Any]) -> float:
    """Return the processor time for one item."""
    begin_ns = time.process_time_ns()
    for item in items:
        work(item)
    return (time.process_time_ns() - begin_ns) / len(items)


MEASUREMENT: Final = Measurement(
    "codec",
    "Encoding and decoding",
    FIGURES,
    partial(measure, Extent(rounds=7, frames=3_000)),
    partial(measure, Extent(rounds=1, frames=50)),
)
