"""Encoding and decoding, one kind of frame after the other, with nothing around them."""

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
from protocol.readings import Attributes, Reading, Value

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
FIGURES: Final = tuple(
    Figure(f"{verb}_{kind.key}_ns", "ns", f"{verb} {kind.meaning}") for kind in KINDS for verb in ("encode", "decode")
)


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
    return alternate(extent.rounds, contenders)


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
