"""Tags in the padding: nothing else of the datagram changes, and whatever changes is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.frames import Bus, ControlFrame, DataFrame, Flag, decode, encode, key_id_of
from protocol.tags import Seal

SEAL = Seal(7, bytes(32))
CONTROL = encode(ControlFrame(5, 1_795_000_000_000, Flag.SET, "CK", "FK", 80.0, active=True))
READING = encode(DataFrame(9, 1_795_000_000_000, Flag.FLOAT, "A4", "@@", 21.5))
FRAMES = [(Bus.CONTROL, CONTROL), (Bus.DATA, READING)]


@pytest.mark.parametrize(("bus", "datagram"), FRAMES)
def test_a_tag_lies_in_the_padding_and_nowhere_else(bus: Bus, datagram: bytes) -> None:
    sealed = SEAL.sealed(bus, datagram)
    assert sealed[:4] + sealed[8:21] + sealed[24:] == datagram[:4] + datagram[8:21] + datagram[24:]
    assert key_id_of(sealed) == 7
    assert decode(bus, sealed)._replace(tag=bytes(7)) == decode(bus, datagram)


@pytest.mark.parametrize(("bus", "datagram"), FRAMES)
def test_a_sealed_datagram_fits_and_an_unsealed_one_does_not(bus: Bus, datagram: bytes) -> None:
    assert SEAL.fits(bus, SEAL.sealed(bus, datagram))
    assert not SEAL.fits(bus, datagram)


@pytest.mark.parametrize(("bus", "datagram"), FRAMES)
def test_every_flipped_bit_is_noticed_but_those_of_the_key_id(bus: Bus, datagram: bytes) -> None:
    """The key id chooses the key: with another one it is another key that does not fit."""
    sealed = SEAL.sealed(bus, datagram)
    fitting = [bit for bit in range(8 * len(sealed)) if SEAL.fits(bus, _flipped(sealed, bit))]
    assert [bit // 8 for bit in fitting] == [4] * 8


@pytest.mark.parametrize("key_id", [0, 1, 6, 8, 255])
def test_the_same_key_under_another_id_does_not_fit(key_id: int) -> None:
    assert not Seal(key_id, bytes(32)).fits(Bus.CONTROL, SEAL.sealed(Bus.CONTROL, CONTROL))


def test_a_datagram_of_one_bus_does_not_fit_on_the_other() -> None:
    assert not SEAL.fits(Bus.DATA, SEAL.sealed(Bus.CONTROL, CONTROL))
    assert not SEAL.fits(Bus.CONTROL, SEAL.sealed(Bus.DATA, READING))


def test_what_is_sealed_again_is_the_same() -> None:
    sealed = SEAL.sealed(Bus.DATA, READING)
    assert SEAL.sealed(Bus.DATA, sealed) == sealed


@given(key=st.binary(min_size=32, max_size=32).filter(any))
def test_another_key_does_not_fit(key: bytes) -> None:
    assert not Seal(7, key).fits(Bus.CONTROL, SEAL.sealed(Bus.CONTROL, CONTROL))


def _flipped(datagram: bytes, bit: int) -> bytes:
    octets = bytearray(datagram)
    octets[bit // 8] ^= 1 << bit % 8
    return bytes(octets)
