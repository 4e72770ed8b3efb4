import itertools

import pytest

from protocol import codifiers
from protocol.errors import DecodeError, EncodeError

PRINTABLE = [chr(code) for code in range(0x21, 0x7F)]
PAIRS = ["".join(pair) for pair in itertools.product(PRINTABLE, repeat=2)]
NO_CODIFIERS = ["", "A", "ABC", "A ", " A", "A\n", "A\x00", "A\x7f", "Ä1", "A\u00a0", "\ud800A", "😀", "\uff21\uff11"]


def test_all_pairs_of_printable_characters_travel_as_their_two_bytes() -> None:
    for pair in PAIRS:
        assert codifiers.pack(pair) == pair.encode("ascii")
        assert codifiers.unpack(pair.encode("ascii")) == pair


def test_every_pair_names_one_component_except_everybody() -> None:
    assert [pair for pair in PAIRS if not codifiers.is_codifier(pair)] == ["@@"]


@pytest.mark.parametrize("text", NO_CODIFIERS)
def test_anything_else_is_refused(text: str) -> None:
    assert not codifiers.is_codifier(text)
    with pytest.raises(EncodeError, match="is no codifier; a codifier is two printable ASCII characters"):
        codifiers.pack(text)


def test_two_bytes_either_name_a_component_or_are_no_codifier() -> None:
    for two_bytes in map(bytes, itertools.product(range(256), repeat=2)):
        if all(0x21 <= byte <= 0x7E for byte in two_bytes):
            assert codifiers.unpack(two_bytes) == two_bytes.decode("ascii")
        else:
            with pytest.raises(DecodeError) as caught:
                codifiers.unpack(two_bytes)
            assert caught.value.kind == "codifier"


@pytest.mark.parametrize("some_bytes", [b"", b"A", b"ABC"])
def test_only_two_bytes_name_a_component(some_bytes: bytes) -> None:
    with pytest.raises(DecodeError):
        codifiers.unpack(some_bytes)


def test_each_codifier_is_one_string_however_often_it_arrives() -> None:
    assert codifiers.unpack(b"C1") is codifiers.unpack(bytes([0x43, 0x31]))
