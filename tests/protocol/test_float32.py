"""Four bytes come out as the shortest decimal that packs to them: the rule, and its corners."""

import math
import struct
from fractions import Fraction
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol import float32

LARGEST: Final = struct.unpack("<f", bytes.fromhex("ffff7f7f"))[0]
SMALLEST: Final = 2.0**-149
POWERS_OF_TWO: Final = [2.0**exponent for exponent in range(-149, 128)]

PATTERNS: Final = st.binary(min_size=4, max_size=4)
SUBNORMAL_PATTERNS: Final = st.integers(1, 2**23 - 1).map(lambda bits: bits.to_bytes(4, "little"))


def packs_to(value: float, four_bytes: bytes) -> bool:
    try:
        return struct.pack("<f", value) == four_bytes
    except OverflowError:
        return False


def shortest_by_search(four_bytes: bytes) -> float:
    """Try all decimals around the number, from one digit on; the nearest wins, of two the one with an even digit."""
    number = struct.unpack("<f", four_bytes)[0]
    for digits in range(1, 10):
        mantissa, exponent = f"{number:.{digits - 1}e}".split("e")
        units, power = int(mantissa.replace(".", "")), int(exponent) - digits + 1
        near = [unit for unit in range(units - 9, units + 10) if packs_to(float(f"{unit}e{power}"), four_bytes)]
        if near:
            scale = Fraction(10) ** power
            best = min(near, key=lambda unit: (abs(unit * scale - Fraction(number)), unit % 2))
            return float(f"{best}e{power}")
    raise AssertionError(f"no nine digits pack to {four_bytes.hex()}")


@pytest.mark.parametrize(
    ("four_bytes", "decimal"),
    [
        ("6666aa41", 21.3),
        ("7d3f4142", 48.312),
        ("339388c3", -273.15),
        ("6042a20d", 1e-30),
        ("9ec97f7f", 3.4e38),
        ("ffff7f7f", 3.4028235e38),
        ("00008000", 1.1754944e-38),
        ("01000000", 1e-45),
        ("6040bf46", 24480.188),  # the bytes hold 24480.1875, as near to ...187: the even digit wins
        ("0000803f", 1.0),
        ("0000004b", 8388608.0),
        ("00000000", 0.0),
        ("0000807f", math.inf),
        ("000080ff", -math.inf),
    ],
)
def test_known_patterns(four_bytes: str, decimal: float) -> None:
    assert float32.shortest(bytes.fromhex(four_bytes)) == decimal


def test_the_sign_of_zero_is_kept() -> None:
    assert math.copysign(1, float32.shortest(bytes.fromhex("00000080"))) == -1


def test_nan_comes_out_as_nan() -> None:
    assert math.isnan(float32.shortest(bytes.fromhex("0000c0ff")))


@pytest.mark.parametrize("sign", [1, -1])
def test_powers_of_two_have_no_shorter_and_no_nearer_decimal(sign: int) -> None:
    """Their neighbours lie at two distances: in three cases the nearest decimal is none of theirs."""
    patterns = [struct.pack("<f", sign * power) for power in POWERS_OF_TWO]
    assert [float32.shortest(pattern) for pattern in patterns] == [shortest_by_search(pattern) for pattern in patterns]


@given(PATTERNS)
@example(struct.pack("<f", LARGEST))
@example(struct.pack("<f", -LARGEST))
@example(struct.pack("<f", SMALLEST))
def test_any_finite_pattern_has_no_shorter_and_no_nearer_decimal(four_bytes: bytes) -> None:
    if math.isfinite(struct.unpack("<f", four_bytes)[0]):
        assert float32.shortest(four_bytes) == shortest_by_search(four_bytes)


@given(SUBNORMAL_PATTERNS)
def test_subnormal_patterns_have_fewer_digits(four_bytes: bytes) -> None:
    assert float32.shortest(four_bytes) == shortest_by_search(four_bytes)


@given(PATTERNS)
def test_any_pattern_that_is_no_nan_packs_again_to_its_bytes(four_bytes: bytes) -> None:
    value = float32.shortest(four_bytes)
    assert math.isnan(value) or float32.pack(value) == four_bytes


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-99999, max_value=99999, places=1))
def test_a_decimal_of_up_to_six_digits_travels_as_four_bytes(decimal: float) -> None:
    assert float32.is_lossless(float(decimal))


@pytest.mark.parametrize("value", [1e39, -1e300, 1e-50, 0.1 + 0.2, math.pi, float(2**24 + 1), 21.299999237060547])
def test_other_numbers_do_not(value: float) -> None:
    assert not float32.is_lossless(value)


def test_too_large_a_number_has_no_bytes() -> None:
    with pytest.raises(OverflowError):
        float32.pack(1e39)


@pytest.mark.parametrize("size", [0, 3, 5])
def test_only_four_bytes_are_a_number(size: int) -> None:
    with pytest.raises(struct.error):
        float32.shortest(bytes(size))


def test_what_is_remembered_is_bounded() -> None:
    for number in range(10_000):
        float32.shortest(struct.pack("<f", number / 7))
    assert len(float32._known) <= float32._MAX_KNOWN
