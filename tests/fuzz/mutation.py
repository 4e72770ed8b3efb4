"""Small changes to genuine inputs: they come further into the code than random bytes, which fail at the first check."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, TypeAlias

Mutation: TypeAlias = Callable[[Random, bytearray, bytes], None]
"""Changes an input in place, perhaps with pieces of another one."""

MAX_INPUT_BYTES: Final = 8192
MAX_MOVES_BYTES: Final = 150  # a move takes some ten
MAX_CHANGES: Final = 4
INTERESTING: Final = (
    *(bytes([byte]) for byte in b'\x00\x01\x7f\x80\xff@"{}[]:,&*!|>#%- \n'),
    *(number.to_bytes(4, "little") for number in (0, 1, 2**31 - 1, 2**31, 2**32 - 1, 1172, 1200)),
    *(number.to_bytes(8, "little") for number in (2**53, 2**63, 2**64 - 1, 253_402_300_799_999, 253_402_300_800_000)),
    *(bytes.fromhex(text) for text in ("000000000000f87f", "000000000000f07f", "ffffffffffffef7f", "0000000000000080")),
    *(b"NaN", b"1e999", b"-0.0", b"null", b"true", b'"\\ud800"', b"\xed\xa0\x80", b"\xc3\xa9", b"\x1b[2J", b"0x10"),
    *(b"*a", b"&a ", b"<<: ", b"!!python/object:os.system ", b"\t", b"[" * 40, b'{"a":' * 40, b"9" * 400),
)


def mutated(random: Random, genuine: bytes, other: bytes) -> bytes:
    """Return `genuine` with one to MAX_CHANGES changes, some of which take pieces out of `other`."""
    data = bytearray(genuine)
    for _ in range(random.randint(1, MAX_CHANGES)):
        random.choice(MUTATIONS)(random, data, other)
    return bytes(data[:MAX_INPUT_BYTES])


def random_moves(random: Random) -> bytes:
    """Return an input for a target that draws its moves from it."""
    return random.randbytes(random.randint(0, MAX_MOVES_BYTES))


def any_input(random: Random, genuine: Sequence[bytes]) -> bytes:
    """Return an input to try: nearly always a mutated genuine one, and moves where there are none."""
    if not genuine:
        return random_moves(random)
    if random.random() < 1 / 64:
        return random.randbytes(random.randint(0, 200))
    return mutated(random, random.choice(genuine), random.choice(genuine))


def _flip_bit(random: Random, data: bytearray, _: bytes) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _set_byte(random: Random, data: bytearray, _: bytes) -> None:
    if data:
        data[random.randrange(len(data))] = random.randrange(256)


def _put_interesting(random: Random, data: bytearray, _: bytes) -> None:
    piece = random.choice(INTERESTING)
    at = random.randint(0, len(data))
    data[at : at + random.choice((0, 1, len(piece)))] = piece


def _insert_noise(random: Random, data: bytearray, _: bytes) -> None:
    at = random.randint(0, len(data))
    data[at:at] = random.randbytes(random.randint(1, 8))


def _cut_out(random: Random, data: bytearray, _: bytes) -> None:
    begin, end = _span(random, data)
    del data[begin:end]


def _cut_end(random: Random, data: bytearray, _: bytes) -> None:
    del data[random.randint(0, len(data)) :]


def _repeat(random: Random, data: bytearray, _: bytes) -> None:
    begin, end = _span(random, data)
    data[end:end] = data[begin:end]


def _splice(random: Random, data: bytearray, other: bytes) -> None:
    """Go on as the other one does from the same place."""
    at = random.randint(0, len(data))
    data[at:] = other[at:]


def _transplant(random: Random, data: bytearray, other: bytes) -> None:
    begin, end = _span(random, other)
    at = random.randint(0, len(data))
    data[at : at + random.choice((0, end - begin))] = other[begin:end]


MUTATIONS: Final[tuple[Mutation, ...]] = (
    _flip_bit,
    _set_byte,
    _put_interesting,
    _insert_noise,
    _cut_out,
    _cut_end,
    _repeat,
    _splice,
    _transplant,
)


def _span(random: Random, data: bytes | bytearray) -> tuple[int, int]:
    begin = random.randint(0, len(data))
    return begin, min(len(data), begin + random.choice((1, 2, 4, 8, 16, 64)))
